"""A figure that was printed before, and what came out now."""

import configparser
from pathlib import Path

import pytest

from fitgate.errors import FitgateError
from suite.notebook.agreement import Agreement, Figure
from suite.notebook.changes import Change, agreement, published_rerun
from suite.notebook.figures import CHANGES, FIGURES

ROOT = Path(__file__).parents[2]

IDENTICAL, EXPLAINED, DIFFERS = Agreement
PRINTED, SINCE = [0.5, 7], [0.625, 9]
FIGURE = Figure("figure", "a figure", PRINTED)
CHANGE = Change("scikit-learn", "1.8", "It stops otherwise.", {"figure": SINCE})


@pytest.mark.parametrize(
    ("printed", "found", "expected"),
    [
        (0.125, 0.125, True),
        (0.125, 0.1251, True),  # the digits that were printed
        (0.125, 0.1256, False),
        ([0.95035, 0.9604], [0.95035, 0.96040], True),
        ([0.95035, 0.9604], [0.95035, 0.96043], False),  # NumPy had dropped a zero
        (1e-05, 1.4e-05, True),
        (5, 5, True),
        (5, 6, False),
        (True, True, True),
        (True, False, False),
        (True, 1, False),
        ([[1, 2], [3]], [[1, 2], [3]], True),
        ([1, 2], [1, 2, 3], False),
        ([1, 2], 1, False),
        (0.5, float("nan"), False),
    ],
)
def test_every_printed_digit_counts(printed, found, expected):
    assert Figure("id", "what", printed).reproduced(found) is expected


@pytest.mark.parametrize(("found", "expected"), [(0.95, True), (0.99, True), (0.94, False), (float("nan"), False)])
def test_a_goal_is_to_be_reached(found, expected):
    assert Figure("id", "what", 0.95, goal=True).reproduced(found) is expected


def verdict(found, version="1.9.1", known=(CHANGE,)):
    return agreement(FIGURE, found, {"scikit-learn": version}, known)


def test_another_figure_is_explained_by_a_change_that_the_rerun_goes_without(rerun):
    rerun(FIGURE, PRINTED)
    assert verdict(SINCE) is EXPLAINED
    assert verdict(PRINTED) is IDENTICAL


@pytest.mark.parametrize("found", [[0.625, 8], [0.626, 9], [0.5, 9], [float("nan"), 9], [0.625]])
def test_it_is_explained_only_by_the_figure_that_is_known_since(rerun, found):
    rerun(FIGURE, PRINTED)
    assert verdict(found) is DIFFERS


@pytest.mark.parametrize("version", ["1.7.2", "1.8.dev0", "unknown"])
def test_a_library_without_the_change_explains_nothing(rerun, version):
    rerun(FIGURE, PRINTED)
    assert verdict(SINCE, version) is DIFFERS


def test_a_change_in_a_library_of_no_known_version_explains_nothing(rerun):
    rerun(FIGURE, PRINTED)
    assert agreement(FIGURE, SINCE, {}, [CHANGE]) is DIFFERS


def test_without_a_change_every_other_figure_differs():
    assert verdict(SINCE, known=()) is DIFFERS


@pytest.mark.parametrize(
    ("found", "options"),
    [([0.6, 7], {}), (SINCE, {}), (PRINTED, {"version": "1.8.0"}), (PRINTED, {"compared": False})],
)
def test_a_rerun_that_does_not_show_it_explains_nothing(rerun, found, options):
    rerun(FIGURE, found, **options)
    assert verdict(SINCE) is DIFFERS


def test_a_rerun_that_is_not_there_is_one_line(unpublished):
    with pytest.raises(FitgateError, match="found No such file"):
        verdict(SINCE)


def test_the_notebook_s_figures_agree_with_themselves_and_each_change_with_another_figure():
    assert len(FIGURES) >= 20
    assert all(figure.reproduced(figure.value) for figure in FIGURES.values())
    for change in CHANGES:
        assert not any(FIGURES[name].reproduced(since) for name, since in change.figures.items())


def test_the_published_rerun_has_every_digit_of_every_figure():
    """After a change of the story: `tox -e notebook172`, and its record into `reports/notebook/scikit-learn-1.7.2`."""
    published = published_rerun()
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    assert published.version.replace(" ", "==") in tox["testenv:notebook172"]["deps"].split()
    assert (published.record.status, published.record.failed_tests) == ("finished", [])
    found = {c.figure.id: c.figure.value for c in published.story.comparisons}
    assert found == {name: figure.value for name, figure in FIGURES.items()}
    assert list(published.reproduced.values()) == [True] * len(FIGURES)
