"""A split is drawn by a written rule and a seed, whatever the examples are kept in."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.datasets import load_breast_cancer, load_diabetes

from fitgate.data import DataError, Dataset, Split
from fitgate.data.drawing import draw

N = 24
Y = np.arange(N) % 3
X = np.arange(2.0 * N).reshape(N, 2)
FRAME = pd.DataFrame({"patient": np.arange(N) // 4, "age": np.arange(N), "ward": pd.Categorical(["a", "b"] * (N // 2))})
TEXTS = [f"text {i}" for i in range(N)]


def of(X=X, y=Y, name="drawn", **options):
    return Dataset.from_arrays(name, X, y, **options)


@pytest.mark.parametrize("examples", [X, X.tolist(), scipy.sparse.coo_matrix(X), FRAME, TEXTS])
def test_every_kind_of_examples_is_split_by_class_and_none_is_lost(examples):
    data = of(examples)
    assert (len(data.train), len(data.test)) == (18, 6)
    assert np.bincount(data.train.y).tolist() == [6, 6, 6]
    assert np.bincount(data.test.y).tolist() == [2, 2, 2]


def test_rows_stay_beside_their_targets():
    data = of()
    for split in (data.train, data.test):
        assert ((split.X[:, 0] / 2) % 3 == split.y).all()
    assert sorted([*data.train.X[:, 0], *data.test.X[:, 0]]) == X[:, 0].tolist()


def test_strings_stay_strings_and_categories_categories():
    assert set(of(TEXTS).train.X) | set(of(TEXTS).test.X) == set(TEXTS)
    assert of(FRAME).test.X.dtypes.equals(FRAME.dtypes)


def test_the_seed_alone_decides_whatever_the_index():
    shuffled = FRAME.set_index(np.random.default_rng(0).permutation(N))
    digests = {of(frame, seed=7).digest for frame in (FRAME, shuffled, FRAME.set_index("ward", drop=False))}
    assert digests == {"df1f257e7e086ceb4580d396b535152344e4544bd79a4c1260df647ee8c02a74"}
    assert of(FRAME, seed=8).digest not in digests


def test_the_same_data_is_split_alike_from_arrays_and_from_a_loader():
    loaded = Dataset.from_sklearn(load_breast_cancer, seed=3)
    assert of(*load_breast_cancer(return_X_y=True), seed=3).digest == loaded.digest


@pytest.mark.parametrize("y", [np.linspace(0, 1, N), np.eye(N, 3, dtype=int), [0, *[1] * (N - 1)]])
def test_without_classes_of_two_examples_the_draw_is_not_stratified(y):
    assert len(of(y=y).test) == 6


def test_a_test_split_may_have_a_number_of_examples():
    assert len(of(test_size=9).test) == 9


# Groups


@pytest.mark.parametrize("groups", ["patient", FRAME["patient"], np.array([f"p{i // 4}" for i in range(N)])])
def test_no_group_is_in_both_splits(groups):
    data = of(FRAME, groups=groups, test_size=1 / 3)
    train, test = set(data.train.groups), set(data.test.groups)
    assert (len(train), len(test), train & test) == (4, 2, set())
    assert len(data.train.groups) == len(data.train) == 16


def test_a_column_that_names_the_groups_leaves_x():
    assert list(of(FRAME, groups="patient").test.X) == ["age", "ward"]
    assert "patient" in of(FRAME, groups=FRAME["patient"]).test.X


def test_groups_are_drawn_so_that_classes_and_sizes_come_near_their_share():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(100), rng.integers(1, 20, 100))
    y = (rng.random(100) < 0.2)[groups]  # a group has one class
    data = of(np.zeros((len(groups), 1)), y, groups=groups)
    assert len(data.test) / len(groups) == pytest.approx(0.25, abs=0.02)
    assert data.test.y.sum() / y.sum() == pytest.approx(0.25, abs=0.04)
    numeric = of(np.zeros((len(groups), 1)), rng.random(len(groups)), groups=groups)
    assert len(numeric.test) / len(groups) == pytest.approx(0.25, abs=0.01)


def test_the_same_seed_draws_the_same_groups():
    first, second, other = (of(FRAME, groups="patient", seed=seed).digest for seed in (1, 1, 2))
    assert first == second != other


def test_a_number_of_examples_is_met_as_nearly_as_groups_allow():
    assert len(of(FRAME, groups="patient", test_size=9).test) == 8


def test_a_loader_s_groups_may_be_a_function_of_what_it_returns():
    data = Dataset.from_sklearn(load_diabetes, groups=lambda bunch: np.arange(len(bunch.target)) // 2)
    assert not set(data.train.groups) & set(data.test.groups)
    frame = Dataset.from_sklearn(lambda: load_diabetes(as_frame=True), name="frame", groups="sex")
    assert "sex" not in frame.test.X
    assert len(set(frame.test.groups)) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test_size": 2}, r"drawn: found data that can't be split \(.*2.*3.*\), expected enough examples for a test"),
        ({"test_size": 1.5}, r"found data that can't be split .* split of 1\.5"),
        (
            {"groups": np.zeros(N)},
            r"found data that can't be split .*, expected enough groups for a test split of 0\.25",
        ),
        ({"groups": [None, *"ab" * 11, "c"]}, r"found data that can't be split .* and a group for each example"),
        ({"groups": [np.nan, *range(N - 1)]}, r"\(an example has no group\)"),
        ({"seed": None}, "found the seed None, which draws other splits in each process, expected a whole number"),
    ],
)
def test_a_split_that_can_t_be_drawn_is_one_line(options, message):
    with pytest.raises(DataError, match=message) as caught:
        _ = of(**options).train
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"y": Y[1:]}, "drawn: found 24 examples in X but 23 in y"),
        ({"groups": [1]}, "drawn: found 24 examples in X but 1 in groups"),
        ({"groups": np.ones((N, 2))}, r"drawn: found groups of shape \(24, 2\), expected one group for each example"),
        ({"groups": "patient"}, "a split's groups: found 'patient', which is no column of X, expected an array"),
        (
            {"X": FRAME, "groups": "doctor"},
            "found 'doctor', which is no column of X, expected one of patient, age, ward",
        ),
        ({"X_test": X}, "drawn: found half of a test split, expected X_test and y_test, or neither; pass both"),
        ({"X_test": X, "y_test": Y, "groups": Y}, "drawn: found groups beside a test split that is given"),
    ],
)
def test_parts_that_don_t_fit_are_named_at_once(parts, message):
    with pytest.raises(DataError, match=message):
        of(**parts)


def test_multilabel_targets_may_be_sparse():
    y = scipy.sparse.csr_matrix(np.eye(N, 3, dtype=int))
    train, test = draw("sparse", Split(X, y), test_size=0.5, seed=0)
    assert train.y.shape == test.y.shape == (12, 3)


# Pins

PINNED = {
    "frame": (FRAME, FRAME.assign(age=FRAME["age"].replace(5, 6))),
    "category": (FRAME, FRAME.assign(ward=["b", *FRAME["ward"][1:]])),
    "strings": (TEXTS, [*TEXTS[:-1], "other"]),
}


@pytest.mark.parametrize("kind", PINNED)
def test_a_pinned_digest_holds_and_one_changed_value_is_one_line(kind):
    original, changed = PINNED[kind]
    pinned = of(original).digest
    assert of(original, digest=pinned).test.y.size == 6
    with pytest.raises(DataError, match=rf"^drawn: found data with SHA-256 \w+, expected {pinned}, .*") as caught:
        _ = of(changed, digest=pinned).train
    assert len(str(caught.value).splitlines()) == 1
