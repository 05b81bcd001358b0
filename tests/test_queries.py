"""Queries: no example twice while there are others, each in memory of its own; and variants that nobody has seen."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from fitgate.latency.examples import Examples, copied
from fitgate.latency.queries import Asker, Queries, Query

N = 60
NUMBERS = np.random.default_rng(0).normal(size=(N, 5)).round(1)
KINDS = {
    "bytes": np.random.default_rng(1).integers(0, 256, (N, 4, 3), np.uint8),
    "numbers": NUMBERS,
    "objects": NUMBERS.astype(object),
    "rows": sparse.random_array((N, 30), density=0.2, format="csr", rng=0),
    "columns": sparse.random_array((N, 30), density=0.2, format="csc", rng=0),
    "frame": pd.DataFrame(
        {"a": NUMBERS[:, 0], "b": pd.Categorical(["x", "y", "z"] * 20), "c": [f"{i} c" for i in range(N)]},
        index=range(100, 100 + N),
    ),
    "texts": tuple(f"the {i} thing is {i % 7} of {i % 5}" for i in range(N)),
}


def plain(X):
    """The rows of examples of any type, as lists."""
    if isinstance(X, tuple):
        return list(X)
    return (X.toarray() if sparse.issparse(X) else np.asarray(X)).tolist()


@pytest.fixture(params=KINDS)
def X(request):
    return KINDS[request.param]


def test_no_example_is_asked_twice_before_all_others_were_whatever_the_batch():
    queries = Queries(Examples(NUMBERS, N))
    taken = [queries.take(size) for size in (1, 8, 1, 8, 8, 8, 8, 8, 8)]
    rows = np.concatenate([query.rows for query in taken])
    assert len(rows) == 58
    assert len(set(rows)) == 58
    assert sum(query.repeated for query in taken) == 0
    last = queries.take(8)
    assert set(range(N)) == {*rows, *last.rows}
    assert last.repeated == 6
    assert len(set(last.rows)) == 8


def test_the_order_is_drawn_and_is_the_same_for_a_seed():
    def order(seed):
        return [query.rows[0] for query in itertools.islice(Queries(Examples(NUMBERS, N), seed).of(1), N)]

    first, same, other = order(1), order(1), order(2)
    assert first == same != other
    assert first != sorted(first)


def test_the_whole_split_comes_in_another_order_each_time():
    first, second = itertools.islice(Queries(Examples(NUMBERS, N)).of(N), 2)
    assert sorted(first.rows) == sorted(second.rows) == list(range(N))
    assert (first.rows != second.rows).any()
    assert (first.repeated, second.repeated) == (0, N)


def test_copies_are_equal_and_of_the_same_type(X):
    examples, rows = Examples(X, N), np.array([5, 3, 3])
    found = examples.copies(rows)
    assert plain(found) == [plain(X)[row] for row in rows]
    assert type(found) is type(X)
    assert getattr(found, "format", None) == getattr(X, "format", None)
    if isinstance(X, pd.DataFrame):
        assert (found.dtypes == X.dtypes).all()
        assert list(found.index) == [105, 103, 103]


def test_copies_share_no_memory(X):
    found = Examples(X, N).copies(np.arange(4))
    again = copied(found)
    if isinstance(X, tuple):
        assert all(a is not b and a is not c for a, b, c in zip(X, found, again, strict=False))
    elif isinstance(X, np.ndarray):
        assert not np.shares_memory(found, X)
        assert not np.shares_memory(found, again)
        assert found.base is None
        assert not found.flags.writeable
    elif sparse.issparse(X):
        assert not np.shares_memory(found.data, X.data)
    assert plain(again) == plain(found)


def test_variants_are_new_each_time_and_of_what_there_is(X):
    examples, rng, known = Examples(X, N), np.random.default_rng(0), plain(X)
    variants = [examples.variants(np.arange(8), rng) for _ in range(5)]
    found = [row for variant in variants for row in plain(variant)]
    assert len({repr(row) for row in found}) == 40
    assert not any(row in known for row in found)
    assert all(type(variant) is type(X) for variant in variants)
    if isinstance(X, pd.DataFrame):
        assert (variants[0].dtypes == X.dtypes).all()
        assert all(set(variants[0][column]) <= set(X[column]) for column in X)
    elif isinstance(X, np.ndarray):
        changed = np.asarray(variants[0]) != X[:8]
        assert (changed.reshape(8, -1).sum(axis=1) == 1).all()


@pytest.mark.parametrize("X", [np.tile([[0.0], [1.0]], (30, 1)), pd.DataFrame({"a": ["x", "y"] * 30}), ("a", "b") * 30])
def test_where_every_possible_example_is_known_there_are_no_variants(X):
    assert Examples(X, N).variants(np.arange(2), np.random.default_rng(0)) is None


def test_an_answer_in_a_buffer_that_is_written_again_is_kept_as_it_was():
    buffer = np.zeros(1)

    def predict(X):
        buffer[:] = X[0, 0]
        return buffer

    asker = Asker(predict)
    for i in range(2):
        asker(Query(np.array([i]), NUMBERS[[i]]))
    assert [given[0] for _, given in asker.answers] == [NUMBERS[0, 0], NUMBERS[1, 0]]


def test_an_answer_that_is_computed_late_is_computed_within_the_call():
    computed = []

    class Late:
        def __array__(self, dtype=None, copy=None):
            computed.append(True)
            return np.zeros(1)

    Asker(lambda X: Late())(Query(np.array([0]), NUMBERS[[0]]))
    assert computed
