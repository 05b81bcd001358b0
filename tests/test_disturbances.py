"""Disturbances: what becomes of examples, and that all else stays as it was."""

import numpy as np
import pandas as pd
import pytest

from fitgate import disturbances as of
from fitgate.disturbances import DisturbanceError, disturbed

SHAPE = (9, 9)
PICTURES = np.zeros((40, 9, 9), np.uint8)
PICTURES[:, 4, 4] = 200
PICTURES = PICTURES.reshape(40, 81)
TABLE = np.random.default_rng(0).normal(5, 2, (200, 3))
FRAME = pd.DataFrame(
    {
        "size": np.linspace(0, 10, 200),
        "count": np.arange(200, dtype=np.int16),
        "colour": ["red", "blue"] * 100,
        "kind": pd.Categorical(["a", "b"] * 100),
        "sold": [True, False] * 100,
    }
)
FOR_PICTURES = [of.shift(2), of.rotation(30), of.scale(0.5), of.blur(1), of.brightness(0.2), of.noise(0.1)]


@pytest.mark.parametrize("disturbance", FOR_PICTURES, ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_pictures_keep_type_shape_and_range_and_change_the_same_each_time(disturbance, dtype):
    pictures = (np.random.default_rng(0).random((20, 81)) * 200).astype(dtype)
    before = pictures.copy()
    changed = disturbed(pictures, disturbance, SHAPE)
    assert (changed.dtype, changed.shape) == (pictures.dtype, pictures.shape)
    assert pictures.min() <= changed.min() <= changed.max() <= pictures.max()
    assert (changed != pictures).any()
    assert np.array_equal(changed, disturbed(pictures, disturbance, SHAPE))
    assert np.array_equal(pictures, before)


def test_a_shift_is_by_so_many_pixels_up_down_left_or_right():
    moved = disturbed(PICTURES, of.shift(2), SHAPE).reshape(-1, 9, 9)
    places = {tuple(map(int, np.argwhere(one == 200)[0])) for one in moved}
    assert places == {(2, 4), (6, 4), (4, 2), (4, 6)}


def test_a_stronger_disturbance_goes_on_the_way_of_a_weaker_one():
    one, two = (disturbed(PICTURES, of.shift(2).at(share), SHAPE).reshape(-1, 9, 9) for share in (0.5, 1))
    ways = [[np.argwhere(picture == 200)[0] - 4 for picture in moved] for moved in (one, two)]
    assert np.array_equal(2 * np.array(ways[0]), np.array(ways[1]))
    rows = [np.isnan(disturbed(TABLE, of.missing(0.4).at(share))) for share in (0.5, 1)]
    assert (rows[0] & ~rows[1]).sum() == 0 < rows[0].sum() < rows[1].sum()


def test_pictures_turn_and_grow_about_their_middle_and_light_changes_them_as_a_whole():
    line = np.zeros((20, 9, 9))
    line[:, 4] = 1
    upright = disturbed(line, of.rotation(90), SHAPE)
    assert np.allclose(upright[:, :, 4], 1)
    square = np.zeros((20, 9, 9))
    square[:, 3:6, 3:6] = 1
    sizes = set(np.rint(disturbed(square, of.scale(1), SHAPE).sum(axis=(1, 2))).astype(int))
    assert {min(sizes) < 9, max(sizes) > 9} == {True}
    lit = disturbed(np.full((20, 9, 9), 0.5) + line / 4, of.brightness(0.4), SHAPE)
    assert len(np.unique(lit.reshape(20, -1).mean(axis=1).round(6))) == 2


def test_noise_of_a_table_is_in_standard_deviations_of_each_column():
    changed = disturbed(TABLE * [1, 10, 100], of.noise(0.1)) - TABLE * [1, 10, 100]
    assert changed.std(axis=0) / (TABLE * [1, 10, 100]).std(axis=0) == pytest.approx([0.1] * 3, rel=0.15)


def test_of_a_frame_each_column_keeps_its_type():
    for disturbance in (of.noise(0.5), of.missing(0.3), of.units(0.2, column="size", factor=10)):
        changed = disturbed(FRAME, disturbance)
        assert list(changed.dtypes) == list(FRAME.dtypes), disturbance
        assert not changed.equals(FRAME), disturbance
    lacking = disturbed(FRAME, of.missing(0.3)).isna().mean()
    assert lacking[["size", "colour", "kind"]].between(0.2, 0.4).all()
    assert (lacking[["count", "sold"]] == 0).all()


def test_a_column_in_another_unit_is_so_in_a_share_of_the_rows():
    changed = disturbed(FRAME, of.units(0.25, column="size", factor=10))["size"]
    ratio = changed[1:] / FRAME["size"][1:]
    assert set(ratio.round(9)) == {1.0, 10.0}
    assert (ratio > 1).mean() == pytest.approx(0.25, abs=0.1)
    whole = disturbed(np.arange(100, dtype=np.int8).reshape(-1, 1), of.units(0.5, column=0, factor=10))
    assert (whole.dtype, whole.max()) == (np.int8, 127)


@pytest.mark.parametrize(("column", "new"), [("colour", "unseen"), ("kind", "unseen"), ("count", 200), ("size", 11.0)])
def test_an_unseen_category_is_one_that_no_row_had(column, new):
    changed = disturbed(FRAME, of.unseen(0.3, column=column))[column]
    assert set(changed) - set(FRAME[column]) == {new}
    assert (changed == new).mean() == pytest.approx(0.3, abs=0.1)
    words = np.array([["a", "b"], ["c", "a"]] * 20)
    assert set(disturbed(words, of.unseen(0.5, column=0))[:, 0]) == {"a", "c", "?"}


def test_typos_change_a_share_of_the_characters():
    texts = ("the quick brown fox jumps over the lazy dog " * 5, "", "a")
    changed = disturbed(texts, of.typos(0.1))
    assert changed[0] != texts[0]
    assert set(changed[0]) <= set(texts[0])
    assert abs(len(changed[0]) - len(texts[0])) < 20
    assert (changed[1], disturbed(texts, of.typos(0.1))) == ("", changed)


@pytest.mark.parametrize(
    ("X", "disturbance", "words"),
    [
        (TABLE, of.shift(2), "a table, as its dataset has no image_shape"),
        (("a text",), of.noise(1), "texts"),
        (FRAME, of.units(0.1, column="weight", factor=2), "no column 'weight'"),
        (FRAME, of.units(0.1, column="colour", factor=2), "a column of "),
        (FRAME[["colour"]], of.noise(1), "no column of numbers"),
        (PICTURES, of.missing(0.1), "no column in which a value can be missing"),
        (np.zeros((2, 3, 4)), of.noise(1), "examples of type ndarray"),
    ],
)
def test_examples_that_can_t_suffer_it_are_refused(X, disturbance, words):
    with pytest.raises(DisturbanceError, match="found " + words):
        disturbed(X, disturbance)


@pytest.mark.parametrize(
    "make",
    [
        lambda: of.shift(0),
        lambda: of.noise(float("nan")),
        lambda: of.typos(1.5),
        lambda: of.units(0.1, column=0, factor=0),
        lambda: of.Disturbance("melt", 1, "degrees"),
    ],
)
def test_a_strength_that_means_nothing_is_refused(make):
    with pytest.raises(DisturbanceError):
        make()


def test_it_is_called_as_it_is_declared():
    assert str(of.shift(2)) == "shift(2)"
    assert str(of.units(0.1, column="size", factor=2.54, seed=3)) == "units(0.1, column=size, factor=2.54, seed=3)"
