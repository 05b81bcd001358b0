"""Folding: the folds of a repeated cross-validation, drawn by a written rule and a fixed seed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitgate.data.drawing import check_seed, classes_of
from fitgate.data.errors import DataError
from fitgate.data.split import Loaded, Split
from fitgate.statistics import Folds

MOST_FITS = 1_000  # of a model, by which it is evaluated once


@dataclass(frozen=True)
class CrossValidation:
    """Evaluation where a test split would be too small to decide: each example is tested, by models not fitted on it.

    All examples are dealt out to folds, several times; each fold is tested by a model that is fitted on the others.

    Attributes:
        folds: two or more; a model is fitted on all examples but one fold's.
        repeats: how often the examples are dealt out anew.

    Raises:
        DataError: if that is fewer than two folds, no repeat, or over 1,000 fits.
    """

    folds: int = 5
    repeats: int = 10

    def __post_init__(self) -> None:
        whole = all(isinstance(x, int) and not isinstance(x, bool) for x in (self.folds, self.repeats))
        if not whole or self.folds < 2 or self.repeats < 1 or self.folds * self.repeats > MOST_FITS:
            raise DataError(
                "CrossValidation",
                found=f"{self.folds!r} folds and {self.repeats!r} repeats",
                expected=f"2 folds or more, 1 repeat or more, and {MOST_FITS:,} fits at most",
                next_step="correct them",
            )

    def deal(self, where: str, whole: Split, seed: int) -> Loaded:
        """Deal examples out to folds; the train and the test split are those of the first.

        The rule: without groups, folds are drawn at random, stratified where the target has classes of two examples or
        more each, and one with as many as there are folds. With groups, none is in two folds of a repeat, and folds are
        stratified as far as groups allow. Each repeat draws anew. The same seed draws the same folds.

        Args:
            where: what an error calls the dataset.
            whole: all examples, with their groups where they have some.
            seed: of the draws, one more for each further repeat.

        Raises:
            DataError: if the parts don't fit each other, or there are fewer examples or groups than folds.
        """
        whole.check(where)
        check_seed(where, seed)
        try:
            tested = [fold for i in range(self.repeats) for fold in self._dealt(whole, seed + i)]
        except (ValueError, TypeError) as error:  # a TypeError is of groups that can't be compared
            raise self._undealt(where, whole, " ".join(str(error).split())) from error
        if not all(map(len, tested)):
            raise self._undealt(where, whole, "a fold without an example")
        folds = Folds([len(fold) for fold in tested], np.concatenate(tested), self.repeats)
        return Loaded(*fold(whole, folds, 0), whole=whole, folds=folds)

    def _dealt(self, whole: Split, seed: int) -> list[NDArray[np.int64]]:
        from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

        classes, groups, rows = classes_of(whole), whole.groups, np.zeros(len(whole))
        if groups is not None and (groups != groups).any():  # NaN alone differs from itself
            raise ValueError("an example has no group")
        if classes is not None and np.bincount(classes).max() < self.folds:
            classes = None
        number = len(whole) if groups is None else len(np.unique(groups))
        if number < self.folds:
            raise ValueError(f"{number} {'examples' if groups is None else 'groups'}")
        kinds = {
            (False, False): KFold,
            (False, True): StratifiedKFold,
            (True, False): GroupKFold,
            (True, True): StratifiedGroupKFold,
        }
        kind = kinds[groups is not None, classes is not None]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of classes with fewer examples than folds
            dealt = kind(self.folds, shuffle=True, random_state=seed).split(rows, classes, groups)
            return [np.asarray(test, np.int64) for _, test in dealt]

    def _undealt(self, where: str, whole: Split, why: str) -> DataError:
        return DataError(
            where,
            found=f"data that can't be dealt out ({why})",
            expected=f"enough {'examples' if whole.groups is None else 'groups'} for {self.folds} folds, of which each "
            "tests one or more",
            next_step="choose fewer folds",
        )


def fold(whole: Split, folds: Folds, i: int) -> tuple[Split, Split]:
    """The train and the test split of a fold; each keeps the order of its examples.

    Args:
        whole: all examples.
        folds: of them.
        i: which one, of all repeats.
    """
    test = folds.examples[folds.parts[i]]
    return whole.take(np.setdiff1d(np.arange(len(whole)), test)), whole.take(test)
