"""A story, as a reader sees it: sections, figures compared, plots."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from fitgate.record import Extra, read
from suite.commands import main
from suite.notebook.agreement import Figure
from suite.notebook.changes import Change
from suite.notebook.figures import CHANGES
from suite.notebook.report import render_story
from suite.notebook.story import MOST_POINTS, curve, story_of

REPORTS = Path(__file__).parents[2] / "reports"

CONFTEST = """
import pytest
pytest_plugins = ["suite.notebook.plugin"]

@pytest.fixture(scope="session")
def compares():
    return {compares}
"""

SECTION = '''
"""A section.

What it is about.
"""
import numpy as np
from suite.notebook.agreement import Figure
from suite.notebook.story import Axes, Matrix, Tiles, curve

def test_figures(story):
    story.tell("""
        Some
        words.
    """)
    story.compare(Figure("half", "a half", 0.50), np.float64(0.5))
    story.compare(Figure("third", "a third", [0.33, 1]), ({third}, 1))
    story.compare(Figure("goal", "a goal", 0.95, goal=True), {goal})

def test_plots(story):
    story.table(["a", "b"], [[1, 2]])
    curves = [curve("falling", [0, 1], [1, 0]), curve("rising", [0, 1], [0, 1])]
    story.lines("curves", "Two curves.", Axes("", "x", "y", curves))
    story.matrices("matrix", "A matrix.", Matrix("counts", np.eye(3, dtype=int)), Matrix("shares", np.eye(3)))
    story.images("tiles", "Images.", Tiles("", np.zeros((3, 784), np.uint8), 2, ["a", "b", "c"]))
'''

SLEEPY = '''
"""A slow section."""
import time
import pytest

@pytest.fixture(scope="module")
def work():
    time.sleep(0.1)

def test_work(story, work):
    time.sleep(0.1)
'''


@pytest.fixture
def changed(rerun):
    """Of the section's figures, the third is known to be another since scikit-learn 1.1, and was not with 1.0."""
    change = Change("scikit-learn", "1.1", "It rounds otherwise.", {"third": [0.3, 1]})
    rerun(Figure("third", "a third", [0.33, 1]), [0.33, 1], "1.0")
    CHANGES.append(change)
    yield
    CHANGES.remove(change)


@pytest.fixture
def run(project):
    """Run a story of some sections, by default one; what became of it."""

    def run(*arguments, compares=True, third=0.33, goal=0.99, subprocess=False, **sections):
        section = SECTION.replace("{third}", str(third)).replace("{goal}", str(goal))
        project.pytester.makeconftest(CONFTEST.format(compares=compares))
        project.pytester.makepyfile(**sections or {"test_01_section": section})
        return project.run(*arguments, subprocess=subprocess)

    return run


@pytest.fixture
def notebook(project):
    """The text of the notebook of the one run."""
    return lambda: (project.runs[0] / "notebook.md").read_text()


@pytest.mark.usefixtures("drawn")
def test_a_section_has_words_figures_and_plots(project, run, notebook):
    assert run().ret == 0
    text = notebook()
    assert "## 1. A section\n\nWhat it is about.\n\nSome words.\n\n" in text
    assert re.search(r"\| a half +\| 0.5 +\| 0.5 +\| ✅ identical +\|", text)
    assert re.search(r"\| a third +\| 0.33, 1 +\| 0.33, 1 +\| ✅ identical +\|", text)
    assert re.search(r"\| a goal +\| at least 0.95 +\| 0.99 +\| ✅ identical +\|", text)
    shown = re.findall(r"!\[.+\]\((.+)\)", text)
    assert shown == ["notebook/curves.png", "notebook/matrix.png", "notebook/tiles.png"]
    assert all((project.runs[0] / path).stat().st_size > 1_000 for path in shown)


def test_terminal_and_title_sum_it_up(run, notebook):
    result = run()
    summary = "1 section ran; of 3 figures 3 identical"
    result.stdout.fnmatch_lines(
        [f"notebook: {summary}", "*: NO VERDICT: no gate was selected", "*report in .fitgate*notebook.md"]
    )
    assert notebook().splitlines()[2] == f"**{summary}**"


@pytest.mark.usefixtures("changed")
def test_a_figure_that_a_change_explains_names_it_and_what_was_found_before(run, notebook):
    result = run(third=0.3)
    assert result.ret == 0
    text = notebook()
    assert text.splitlines()[2] == (
        "**1 section ran; of 3 figures 2 identical, 1 explained; with scikit-learn 1.0 1 of 1 identical**"
    )
    assert re.search(r"\| a third +\| 0.33, 1 +\| 0.30, 1 +\| 🟡 explained +\|", text)
    assert "*a third*: It rounds otherwise. With scikit-learn 1.0 every digit is the notebook's.\n" in text
    assert re.search(r"\| `third` +\| a third +\| 1 +\| 🟡 explained +\| ✅ identical +\|", text)
    assert re.search(r"\| `half` +\| a half +\| 1 +\| ✅ identical +\| - +\|", text)
    assert "The figures with scikit-learn 1.0 are of this run" in text


def test_a_change_that_explains_several_figures_is_told_once():
    text = (REPORTS / "notebook.md").read_text(encoding="utf-8")
    assert text.count("/pull/31856") == 1
    assert text.count("*: The same change. With scikit-learn 1.7.2 every digit") == 3


@pytest.mark.usefixtures("changed")
def test_a_figure_that_a_change_does_not_explain_fails_its_test(run):
    result = run(third=0.2)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*AssertionError: third, a third: found [[]0.2, 1], expected [[]0.33, 1], every digit; "
            "or, since scikit-learn 1.1, [[]0.3, 1]"
        ]
    )


def test_a_figure_that_differs_fails_its_test_and_is_shown(run, notebook):
    result = run(goal=0.94)
    assert result.ret == 1
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*AssertionError: goal, a goal: found 0.94, expected at least 0.95"])
    text = notebook()
    assert "**1 section ran; of 3 figures 2 identical, 1 different; 1 test failed**" in text
    assert re.search(r"\| a goal +\| at least 0.95 +\| 0.94 +\| ❌ differs +\|", text)


def test_on_other_data_figures_are_shown_and_not_compared(project, run, notebook):
    result = run(compares=False, goal=0.94)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["notebook: 1 section ran, 3 figures not compared on this data"])
    assert [c.compared for c in story_of(project.record).comparisons] == [False] * 3
    assert re.search(r"\| a goal +\| at least 0.95 +\| 0.94 +\| - +\|", notebook())


def test_a_section_s_seconds_are_those_of_its_tests_and_their_fixtures(project, run):
    run(test_01_sleepy=SLEEPY, test_02_section=SECTION.replace("{third}", "0.33").replace("{goal}", "1"))
    seconds = story_of(project.record).section_seconds
    assert list(seconds) == ["01_sleepy", "02_section"]
    assert 0.2 <= seconds["01_sleepy"] < 5


def test_a_section_of_two_processes_begins_once(project, run, notebook):
    assert run("-n", "2", subprocess=True).ret == 0
    story = story_of(project.record)
    assert [section.title for section in story.sections] == ["A section"]
    assert len(story.comparisons) == 3
    assert "](notebook/tiles.png)" in notebook()


def test_models_may_be_used_without_a_gate(project, run, notebook):
    section = '"""Models."""\nfrom tests import fakes\n\ndef test_model(story, trained): trained(fakes.model())\n'
    result = run(test_01_models=section)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*: NO VERDICT: no gate was selected"])


def test_it_is_rendered_again_from_its_record(project, run, notebook, capsys):
    run()
    text = notebook()
    shutil.rmtree(project.runs[0] / "notebook")
    out = project.path / "elsewhere" / "story.md"
    assert main(["notebook", str(project.runs[0]), "--out", str(out)]) == 0
    assert capsys.readouterr().out.endswith(f"1 section ran; of 3 figures 3 identical\nreport in {out}\n")
    assert out.read_text() == text.replace("(notebook/", "(story/")
    assert len(list(out.with_suffix("").glob("*.png"))) == 3


def test_the_published_notebook_is_what_its_record_gives():
    """After a change that is meant: `python -m suite notebook reports/notebook --out reports/notebook.md`."""
    record = read(REPORTS / "notebook")
    story = story_of(record)
    assert len(story.sections) == len(story.section_seconds) == 15
    assert render_story(record, story, "notebook") == (REPORTS / "notebook.md").read_text(encoding="utf-8")


def test_a_record_without_a_story_is_refused(capsys):
    assert main(["notebook", str(REPORTS / "quick")]) == 1
    assert "found no story, expected that of a run of suite/notebook" in capsys.readouterr().err


@pytest.mark.parametrize("content", [{"type": "Passage"}, {"type": "Sermon"}, 5])
def test_a_damaged_story_is_refused(content, capsys, monkeypatch):
    record = read(REPORTS / "notebook")
    record.extras = [Extra("story", content)]
    monkeypatch.setattr("suite.commands.read", lambda path: record)
    assert main(["notebook", "record.json"]) == 1
    assert "expected blocks as suite/notebook records them; run suite/notebook again." in capsys.readouterr().err


def test_a_curve_of_many_points_keeps_its_ends_and_its_shape():
    x = np.linspace(0, 1, 50_000)
    y = np.where(x < 0.5, 0.0, 1.0)
    thin = curve("step", x, y)
    assert len(thin.x) <= MOST_POINTS
    assert (thin.x[0], thin.x[-1]) == (0, 1)
    assert np.abs(thin.y - (thin.x >= 0.5)).max() == 0
    assert np.diff(thin.x).max() < 0.01
