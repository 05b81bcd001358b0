"""Datasets: two splits, loaded when they are first needed, and known by their content."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fitgate.data import checks, sources
from fitgate.data.errors import DataError
from fitgate.data.folding import CrossValidation, fold
from fitgate.data.overlap import Overlap, check_overlap, overlap
from fitgate.data.spare import Spare, mended, spare
from fitgate.data.split import About, Loaded, Split
from fitgate.errors import FitgateError, in_one_line
from fitgate.statistics import Folds

Load = Callable[[], tuple[Split, Split] | Loaded]


class Dataset:
    """What models are trained on and judged by.

    A dataset may have *profiles*, such as a small and a large one: `on` takes one of them. Without `on`, its splits are
    those of the first. Pickled once loaded, it takes its data along, not the function that loads it.

    Args:
        name: what reports call it.
        load: returns the train and the test split; or a mapping from a profile's name to such a function, the default
            first. Called once, when the data is first needed.
        class_names: the name of class i, where y holds the integers from 0 on; or of output i, where y has columns.
        image_shape: height and width (and channels) where each row of X is an image.
        licence, source: in words.
        digest: what `digest` must be, in hex; or a mapping from a profile's name to it.
        overlap: `fail` refuses data whose test split has rows of the training split; `warn` lets reports count them.

    Raises:
        DataError: if there is no profile, a digest is of no profile, or `overlap` is neither.
    """

    def __init__(
        self,
        name: str,
        load: Load | Mapping[str, Load],
        *,
        class_names: tuple[str, ...] = (),
        image_shape: tuple[int, ...] | None = None,
        licence: str = "",
        source: str = "",
        digest: str | Mapping[str, str] | None = None,
        overlap: Literal["warn", "fail"] = "warn",
    ) -> None:
        check_overlap(name, overlap)
        self.name = name
        self.profiles: tuple[str, ...] = tuple(load) if isinstance(load, Mapping) else ()
        self._loads: dict[str, Load] = dict(load) if isinstance(load, Mapping) else {"": load}
        self._given = About(tuple(class_names), tuple(image_shape) if image_shape else None, licence, source)
        self._pins = checks.pins(name, digest, tuple(self._loads))
        self._of_profile: dict[str, Dataset] = {}
        self._data: Loaded | None = None
        self._digests: dict[str, str] | None = None
        self._refuses_overlap = overlap == "fail"
        self._overlap: Overlap | None = None
        self._spare: Spare | None = None
        self._sealed = self._lost = False
        self.tasks: list[Any] = []  # weak references to those that have derived targets from it

    @classmethod
    def from_arrays(
        cls,
        name: str,
        X: Any,
        y: Any,
        X_test: Any = None,
        y_test: Any = None,
        *,
        groups: Any = None,
        columns: Any = (),
        ids: Any = None,
        test_size: float | int | None = None,
        evaluation: CrossValidation | None = None,
        seed: int = 0,
        **about: Any,
    ) -> Dataset:
        """A dataset of data at hand: of X and y a test split is drawn, unless there is one; see `drawing.draw`.

        Args:
            name: what reports call it.
            X, y: as for `Split`: all examples, or the train split where the test split is given.
            X_test, y_test: the test split.
            groups: of the examples of X, as for `Split`: no group is in both splits. Not with a test split.
            columns: beside X, as for `Split`; with a test split, names of columns that leave both.
            ids: of the examples of X, as for `Split`. Not with a test split.
            test_size: share of the examples in the test split that is drawn, or their number; by default a quarter.
            evaluation: by cross-validation, where the examples are few; there is no test split then.
            seed: of the draw.
            about: `class_names`, `image_shape`, `licence`, `source`, `digest`, `overlap`.

        Raises:
            DataError: if the parts don't fit each other; when the data is first needed, if no such split can be drawn.
        """
        if X_test is not None or y_test is not None:
            drawn = {"groups": groups, "ids": ids, "columns": columns if isinstance(columns, Mapping) else None}
            checks.check_test_split(name, X_test, y_test, {**drawn, "evaluation": evaluation})
            splits = Split(X, y, columns=columns), Split(X_test, y_test, columns=columns)
            dataset = cls(name, lambda: splits, **about)
            dataset._loaded()
            return dataset
        whole = Split(X, y, groups, ids, columns)
        whole.check(name)
        rule = checks.rule(name, test_size, evaluation)
        return cls(name, functools.partial(sources.parted, name, whole, rule, seed), **about)

    @classmethod
    def of_test_split(
        cls, name: str, y: Any, X: Any = None, *, groups: Any = None, ids: Any = None, **about: Any
    ) -> Dataset:
        """A dataset of a test split alone, for models that are judged and not trained: its train split is empty.

        Args:
            name: what reports call it.
            y, X: as for `Split`. Without X, which predictions need not, an example is its id, or its place, as text.
            groups, ids: of the examples, as for `Split`.
            about: as for `from_arrays`.

        Raises:
            DataError: if the parts don't fit each other.
        """
        test = Split(list(map(str, range(len(y)) if ids is None else ids)) if X is None else X, y, groups, ids)
        splits = test.take(np.arange(0)), test
        dataset = cls(name, lambda: splits, **about)
        dataset._loaded()
        return dataset

    @classmethod
    def from_sklearn(
        cls,
        loader: Callable[[], Any],
        *,
        groups: Any = None,
        columns: Any = (),
        ids: Any = None,
        test_size: float | int | None = None,
        evaluation: CrossValidation | None = None,
        seed: int = 0,
        name: str | None = None,
        **about: Any,
    ) -> Dataset:
        """A dataset of one of scikit-learn's loaders, such as `load_breast_cancer`; see `sources.sklearn_splits`.

        Args:
            loader: returns a bunch, or X and y.
            groups, ids: of the examples: an array; the name of a column of X, which then leaves X; or a function of
                what the loader returns, such as `lambda bunch: bunch.frame["patient"]`.
            columns: beside X, as for `Split`; or a function of what the loader returns.
            test_size, evaluation, seed: of the draw, as for `from_arrays`.
            name: what reports call it; by default the loader's own, without `load_` or `fetch_`.
            about: as for `from_arrays`; by default the bunch's own class names, image shape and title.

        Raises:
            DataError: if there is no name.
        """
        name = name or sources.name_of(loader)
        rule = checks.rule(name, test_size, evaluation)
        known = {"groups": groups, "columns": columns, "ids": ids}
        load = functools.partial(sources.sklearn_splits, loader, name, **known, rule=rule, seed=seed)
        return cls(name, load, **about)

    @classmethod
    def from_idx(
        cls,
        directory: Path | str,
        *,
        name: str | None = None,
        files: tuple[str, str, str, str] = sources.IDX_FILES,
        **about: Any,
    ) -> Dataset:
        """A dataset of images in four IDX files of one directory; see `sources.idx_splits`.

        Args:
            directory: where they are.
            name: what reports call it; by default the directory's own.
            files: their names, each perhaps with `.gz`: train images, train labels, test images, test labels.
            about: as for `from_arrays`.
        """
        directory = Path(directory)
        return cls(name or directory.resolve().name, functools.partial(sources.idx_splits, directory, files), **about)

    @classmethod
    def from_openml(
        cls,
        name: str,
        version: int,
        *,
        groups: Any = None,
        columns: Any = (),
        ids: Any = None,
        test_size: float | int | None = None,
        evaluation: CrossValidation | None = None,
        seed: int = 0,
        **about: Any,
    ) -> Dataset:
        """A dataset of OpenML, kept in the user's cache; see `sources.openml_splits`. Its arguments are as above."""
        rule = checks.rule(name, test_size, evaluation)
        known = {"groups": groups, "columns": columns, "ids": ids}
        load = functools.partial(sources.openml_splits, name, version, **known, rule=rule, seed=seed)
        return cls(name, load, **about)

    @property
    def profile(self) -> str:
        """The profile of `train` and `test`; empty where there are none."""
        return self.profiles[0] if self.profiles else ""

    def on(self, profile: str | None) -> Dataset:
        """The dataset of one profile, by default of the first; itself, if it has but one or none.

        Raises:
            DataError: if it has profiles, and none of that name.
        """
        if profile is None:
            profile = self.profile
        if self.profiles and profile not in self.profiles:
            raise DataError(
                self.name,
                found=f"no profile {profile!r}",
                expected=f"one of {', '.join(self.profiles)}",
                next_step="name one of these",
            )
        if len(self.profiles) < 2:
            return self
        if profile not in self._of_profile:
            one = Dataset(self.name, {profile: self._loads[profile]}, digest=self._pins.get(profile))
            one._given, one._refuses_overlap = self._given, self._refuses_overlap
            self._of_profile[profile] = one
        return self._of_profile[profile]

    @property
    def is_loaded(self) -> bool:
        """Whether its data is at hand."""
        return self._data is not None

    @property
    def train(self) -> Split:
        """What models are fitted on."""
        return self._loaded().train

    @property
    def test(self) -> Split:
        """What models are judged by."""
        return self._loaded().test

    @property
    def folds(self) -> Folds | None:
        """Those of its cross-validation, of which `train` and `test` are the first; None where there is one split."""
        return self._loaded().folds

    @property
    def tested(self) -> Split:
        """What outputs are kept for, one an output, which is the test split, or those of all folds in their order."""
        return self._loaded().tested

    def of_fold(self, i: int) -> Dataset:
        """The dataset whose train and test split are those of a fold.

        Raises:
            DataError: if it has none.
        """
        if len(self.profiles) > 1:
            return self.on(None).of_fold(i)
        data = self._loaded()
        if data.whole is None or data.folds is None:
            raise DataError(
                self.name, found="one test split", expected="folds", next_step="declare evaluation=CrossValidation()"
            )
        load = functools.partial(fold, data.whole, data.folds, i)
        one = Dataset(self.name, {self.profile: load} if self.profiles else load)
        one._given = self._given.over(data.about)
        return one

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, or of y's columns; empty where there are none."""
        return self._given.class_names or self._loaded().about.class_names

    @property
    def image_shape(self) -> tuple[int, ...] | None:
        """The shape of the image in each row of X; None where rows are no images."""
        return self._given.image_shape or self._loaded().about.image_shape

    @property
    def licence(self) -> str:
        """Under which the data may be used; empty where it is not known."""
        return self._given.licence or self._loaded().about.licence

    @property
    def source(self) -> str:
        """Where the data comes from; empty where it is not known."""
        return self._given.source or self._loaded().about.source

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256, in hex, of `train X`, `train y`, `test X`, `test y` in canonical form; see `fitgate.data.digest`.

        With cross-validation, of all examples and of the folds as well.
        """
        if len(self.profiles) > 1:
            return self.on(None).digests
        data = self._loaded()
        if self._digests is None:
            self._digests = checks.digests(data, self.image_shape)
        return dict(self._digests)

    @property
    def digest(self) -> str:
        """One SHA-256, in hex, of all of these."""
        return checks.joined(self.digests)

    @property
    def overlap(self) -> Overlap:
        """How many rows of the test split stand in the training split; with folds, of those of the first repeat."""
        if len(self.profiles) > 1:
            return self.on(None).overlap
        data = self._loaded()
        if self._overlap is None:
            self._overlap = _overlap(data)
        return self._overlap

    def seal(self) -> None:
        """Note what its content is, before a model gets it, and keep a copy, so that `restore` can bring it back.

        Raises:
            DataError: if a model has changed it, and it could not be restored.
        """
        if len(self.profiles) > 1:
            return self.on(None).seal()
        if self._lost:
            raise DataError(
                self.name,
                found="content that a model has changed",
                expected="that of its digest, which its loader no longer gives",
                next_step="see which model failed first, and mend it",
            )
        if not self._sealed:
            len(self.digests)
            self._spare = spare(self._loaded()) if self._loads else None  # of a copy's, another process has the data
            self._sealed = True
        return None

    @property
    def is_sealed(self) -> bool:
        """Whether a model may have got its data."""
        return self.on(None).is_sealed if len(self.profiles) > 1 else self._sealed

    def changed(self) -> list[str]:
        """The parts whose content is no longer that of `digests`, such as `test X`."""
        if len(self.profiles) > 1:
            return self.on(None).changed()
        known, now = self.digests, checks.digests_now(self._loaded(), self.image_shape)
        return [part for part, found in now.items() if found != known[part]]

    def restore(self) -> bool:
        """Bring back the content of `digests`, from the copy or by loading it again; whether that was possible."""
        if len(self.profiles) > 1:
            return self.on(None).restore()
        data, changed = self._loaded(), self.changed()
        for source in (self._spare.read if self._spare else None, self._loads.get(self.profile)):
            if source is not None:
                clean = checks.loaded(self.name, source())
                splits = {
                    name: mended(split, clean.splits[name], [p for p in ("X", "y") if f"{name} {p}" in changed])
                    for name, split in data.splits.items()
                }
                self._data = Loaded(**splits, about=data.about, folds=data.folds)
                if not self.changed():
                    return True
        self._lost = True
        return False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}{f', profile={self.profile!r}' if self.profile else ''})"

    def __getstate__(self) -> dict[str, Any]:
        # What other profiles have loaded stays here; what loads the data need not travel if the data does.
        stays: dict[str, Any] = {"_of_profile": {}, "_spare": None, "_sealed": False, "tasks": []}
        return self.__dict__ | stays | ({"_loads": {}} if self._data else {})

    def _loaded(self) -> Loaded:
        if len(self.profiles) > 1:
            return self.on(None)._loaded()
        if self._data is None:
            where = f"{self.name} ({self.profile})" if self.profile else self.name
            data = checks.loaded(where, self._made(where))
            about = self._given.over(data.about)
            checks.check(where, data, about)
            if self.profile in self._pins:
                self._digests = checks.digests(data, about.image_shape)
                checks.check_digest(where, checks.joined(self._digests), self._pins[self.profile])
            if self._refuses_overlap:
                self._overlap = _overlap(data)
                self._overlap.refuse(where)
            self._data = data
        return self._data

    def _made(self, where: str) -> Any:
        """What the profile's loader gives."""
        try:
            return self._loads[self.profile]()
        except FitgateError:
            raise
        except Exception as error:  # whatever a project's loader raises
            raise DataError(
                where,
                found=in_one_line(error),
                expected="a loader that gives its data",
                next_step="correct what it reads, or the loader",
            ) from error


def _overlap(data: Loaded) -> Overlap:
    if data.whole is None or data.folds is None:
        return overlap(data.train, data.test)
    found = [overlap(*fold(data.whole, data.folds, i)) for i in range(data.folds.of_a_repeat)]
    return Overlap(*map(sum, zip(*found, strict=True)))
