"""Drawing: a train and a test split of examples that come as one, by a written rule and a fixed seed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from fitgate.data.errors import DataError
from fitgate.data.split import Split, is_sparse

Rows = tuple[NDArray[np.intp], NDArray[np.intp]]  # places in the train and the test split
DRAWS = 100  # of groups, of which the best is taken


def draw(where: str, whole: Split, *, test_size: float | int, seed: int) -> tuple[Split, Split]:
    """Draw a train and a test split of examples.

    The rule: without groups, examples are drawn at random, stratified where the target has classes of two examples or
    more each. With groups, whole groups are drawn, 100 times; the draw counts in which the share of each class in the
    test split comes nearest to `test_size` (the share of all examples, where the target has no such classes). The same
    seed draws the same rows; the index of a DataFrame plays no part.

    Args:
        where: what an error calls the dataset.
        whole: all examples, with their groups where they have some.
        test_size: share of the examples in the test split, or their number; with groups, as nearly as these allow.
        seed: of the draws.

    Returns:
        The train and the test split; of grouped examples, no group is in both.

    Raises:
        DataError: if the parts don't fit each other, or no such split can be drawn.
    """
    from sklearn.model_selection import train_test_split

    whole.check(where)
    check_seed(where, seed)
    try:
        classes = classes_of(whole)
        rows = np.arange(len(whole))
        if whole.groups is not None:
            train, test = _grouped(classes, whole.groups, test_size, seed)
        else:
            train, test = train_test_split(rows, test_size=test_size, random_state=seed, stratify=classes)
    except (
        ValueError,
        TypeError,
    ) as error:  # a TypeError is of groups that can't be compared, such as None and strings
        of_groups = whole.groups is not None
        raise DataError(
            where,
            found=f"data that can't be split ({' '.join(str(error).split())})",
            expected=f"enough {'groups' if of_groups else 'examples'} for a test split of {test_size}"
            f"{', and a group for each example' if of_groups else ', with each class in both splits'}",
            next_step="choose another test_size, or draw the splits yourself and pass them to Dataset.from_arrays",
        ) from error
    return whole.take(train), whole.take(test)


def check_seed(where: str, seed: object) -> None:
    """Refuse a seed that draws other splits in each process.

    Raises:
        DataError: if it is no whole number.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise DataError(
            where,
            found=f"the seed {seed!r}, which draws other splits in each process",
            expected="a whole number",
            next_step="pass seed=0, or another",
        )


def classes_of(whole: Split) -> NDArray[np.intp] | None:
    """The class of each example, `(n,)`; None where the target has none, or one with a single example.

    Whole numbers that are measured, such as those of scikit-learn's `load_diabetes`, pass for classes: some occur once.
    """
    from sklearn.utils.multiclass import type_of_target

    if is_sparse(whole.y) or type_of_target(whole.y) not in ("binary", "multiclass"):
        return None
    places, counts = np.unique(whole.y, return_inverse=True, return_counts=True)[1:]
    return places.reshape(-1) if counts.min() > 1 else None


def _grouped(classes: NDArray[np.intp] | None, groups: NDArray[np.generic], test_size: float | int, seed: int) -> Rows:
    from sklearn.model_selection import GroupShuffleSplit

    if (groups != groups).any():  # NaN alone differs from itself
        raise ValueError("an example has no group")
    share = test_size / len(groups) if isinstance(test_size, int | np.integer) else test_size
    number = len(np.unique(groups))
    if not 0 < share < 1 or number < 2:
        raise ValueError(f"{len(groups)} examples in {number} group{'s' * (number > 1)}")
    strata = np.zeros(len(groups), np.intp) if classes is None else classes
    counts = np.bincount(strata)

    def distance(draw: Rows) -> float:
        found = np.bincount(strata[draw[1]], minlength=len(counts)) / counts
        return float(((found - share) ** 2).sum())

    sizes = {min(max(near, 1), number - 1) for near in (math.floor(share * number), math.ceil(share * number))}
    shuffles = [GroupShuffleSplit(DRAWS // len(sizes), test_size=size, random_state=seed) for size in sorted(sizes)]
    draws: Iterator[Rows] = chain.from_iterable(shuffle.split(strata, groups=groups) for shuffle in shuffles)
    return min(draws, key=distance)
