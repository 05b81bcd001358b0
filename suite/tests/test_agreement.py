"""A figure that was printed before, and what came out now."""

import pytest

from suite.notebook.agreement import Agreement, Figure
from suite.notebook.figures import FIGURES

IDENTICAL, CLOSE, DIFFERS = Agreement


def agreement(printed, found, **options):
    return Figure("id", "what", printed, "exactly", **options).agreement(found)


@pytest.mark.parametrize(
    ("printed", "found", "expected"),
    [
        (0.125, 0.125, IDENTICAL),
        (0.125, 0.1251, IDENTICAL),  # the digits that were printed
        (0.125, 0.1256, DIFFERS),
        ([0.95035, 0.9604], [0.95035, 0.96040], IDENTICAL),
        ([0.95035, 0.9604], [0.95035, 0.96043], DIFFERS),  # NumPy had dropped a zero
        (1e-05, 1.4e-05, IDENTICAL),
        (5, 5, IDENTICAL),
        (5, 6, DIFFERS),
        (True, True, IDENTICAL),
        (True, False, DIFFERS),
        (True, 1, DIFFERS),
        ([[1, 2], [3]], [[1, 2], [3]], IDENTICAL),
        ([1, 2], [1, 2, 3], DIFFERS),
        ([1, 2], 1, DIFFERS),
        (0.5, float("nan"), DIFFERS),
    ],
)
def test_without_a_tolerance_every_digit_counts(printed, found, expected):
    assert agreement(printed, found) is expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [([0.5, 0.7], IDENTICAL), ([0.6, 0.7], CLOSE), ([0.7, 0.7], DIFFERS), ([0.5, 0.8], DIFFERS)],
)
def test_a_tolerance_can_be_of_one_number_alone(found, expected):
    assert agreement([0.5, 0.7], found, tolerance=[0.11, 0.0], reason="because") is expected


@pytest.mark.parametrize(("found", "expected"), [(0.96, CLOSE), (float("nan"), DIFFERS)])
def test_one_tolerance_can_be_for_all(found, expected):
    assert agreement([0.95, 0.5], [found, 0.5], tolerance=0.02, reason="because") is expected


@pytest.mark.parametrize(("found", "expected"), [(0.95, IDENTICAL), (0.99, IDENTICAL), (0.94, DIFFERS)])
def test_a_goal_is_to_be_reached(found, expected):
    assert agreement(0.95, found, goal=True) is expected


def test_the_notebook_s_figures_agree_with_themselves_and_each_tolerance_has_its_reason():
    assert len(FIGURES) >= 20
    for figure in FIGURES.values():
        assert figure.agreement(figure.value) is IDENTICAL
        assert (figure.tolerance is None) == (not figure.reason)
        if figure.reproduces.startswith("exactly"):
            assert figure.tolerance is None
