"""A story, as a reader sees it: sections, figures compared, plots."""

import re
import shutil

import numpy as np
import pytest

from fitgate.cli import main
from suite.notebook.story import MOST_POINTS, curve

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
    story.compare(Figure("half", "a half", 0.50, "exactly"), np.float64(0.5))
    story.compare(Figure("third", "a third", [0.33, 1], "roughly", tolerance=0.1, reason="It was rounded."), (0.3, 1))
    story.compare(Figure("goal", "a goal", 0.95, "goal", goal=True), {goal})

def test_plots(story):
    story.table(["a", "b"], [[1, 2]])
    curves = [curve("falling", [0, 1], [1, 0]), curve("rising", [0, 1], [0, 1])]
    story.lines("curves", "Two curves.", Axes("", "x", "y", curves))
    story.matrices("matrix", "A matrix.", Matrix("counts", np.eye(3, dtype=int)), Matrix("shares", np.eye(3)))
    story.images("tiles", "Images.", Tiles("", np.zeros((3, 784), np.uint8), 2, ["a", "b", "c"]))
'''


@pytest.fixture
def tell(project):
    """Run a story of one section."""

    def tell(*arguments, goal=0.99):
        project.write()
        for path in project.path.glob("test_*.py"):
            path.unlink()
        project.pytester.makepyfile(test_01_section=SECTION.replace("{goal}", str(goal)))
        return project.run("--profile", "full", *arguments)

    return tell


def test_a_section_has_words_figures_and_plots(project, tell):
    result = tell()
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["digit-bench: PASS: 1 sections ran; of 3 figures 2 identical, 1 close", "*report in reports*notebook.md"]
    )
    (run,) = project.runs
    text = (run / "notebook.md").read_text()
    assert "## 1. A section\n\nWhat it is about.\n\nSome words.\n\n" in text
    assert re.search(r"\| a half +\| 0.5 +\| 0.5 +\| ✅ identical +\|", text)
    assert re.search(r"\| a third +\| 0.33, 1 +\| 0.30, 1 +\| 🟡 close +\|", text)
    assert "*a third*: within 0.1. It was rounded." in text
    assert re.search(r"\| a goal +\| at least 0.95 +\| 0.99 +\| ✅ identical +\|", text)
    shown = re.findall(r"!\[.+\]\((.+)\)", text)
    assert shown == ["notebook/curves.png", "notebook/matrix.png", "notebook/tiles.png"]
    assert all((run / path).stat().st_size > 1_000 for path in shown)
    assert project.record.section_seconds["01_section"] > 0


def test_a_figure_that_differs_fails_the_run(tell):
    result = tell(goal=0.94)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*AssertionError: goal, a goal: found 0.94, expected at least 0.95",
            "digit-bench: FAIL: 1 of 3 figures differ: goal",
        ]
    )


def test_on_other_data_figures_are_shown_and_not_compared(project, tell):
    result = tell("--profile", "quick", goal=0.94)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["digit-bench: PASS: 1 sections ran, their 3 figures not compared on this data"])
    assert [c.agreement for c in project.record.comparisons] == [None] * 3


def test_a_story_is_rendered_again_from_its_record(project, tell, capsys):
    tell()
    (run,) = project.runs
    text = (run / "notebook.md").read_text()
    shutil.rmtree(run / "notebook")
    out = project.path / "story.md"
    assert main(["notebook", str(run), "--out", str(out)]) == 0
    assert capsys.readouterr().out.endswith(f"report in {out}\n")
    assert out.read_text() == text.replace("(notebook/", "(story/")
    assert len(list((project.path / "story").glob("*.png"))) == 3


def test_a_record_without_a_story_is_told_so(project, capsys):
    project.write("model()")
    project.run("-k", "every")
    assert main(["notebook", str(project.runs[0])]) == 1
    assert "holds no story, expected one of a run of suite/notebook" in capsys.readouterr().err


def test_a_curve_of_many_points_keeps_its_ends_and_its_shape():
    x = np.linspace(0, 1, 50_000)
    y = np.where(x < 0.5, 0.0, 1.0)
    thin = curve("step", x, y)
    assert len(thin.x) <= MOST_POINTS
    assert (thin.x[0], thin.x[-1]) == (0, 1)
    assert np.abs(thin.y - (thin.x >= 0.5)).max() == 0
    assert np.diff(thin.x).max() < 0.01
