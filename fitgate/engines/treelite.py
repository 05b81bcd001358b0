"""treelite: scikit-learn's forests and boosted trees, served by treelite's compiled code without scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fitgate.engines.artefact import pack, unpack
from fitgate.engines.engine import NotServed, check_numbers
from fitgate.protocols import KnowsClasses, offered

CLASSES = "classes_{}"  # of an output, by its number
FEW = 64  # examples, which one thread answers within milliseconds: on a busy machine, waiting for others takes longer


def convert(estimator: Any, X: Any) -> bytes:
    """A fitted ensemble of trees, with the labels of its classes and the type in which it compares features.

    Args:
        estimator: a forest, extremely randomized or boosted trees of scikit-learn's, by histograms or not.
        X: examples, `(n, features)`, numbers.

    Raises:
        NotServed: if X is no such array, or the estimator is none of these.
        Exception: whatever treelite raises of one that it can't read.
    """
    check_numbers(X)
    from sklearn import ensemble
    from treelite.sklearn import import_model

    binned = (ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor)
    voting = (ensemble.RandomForestClassifier, ensemble.ExtraTreesClassifier)
    averaging = (ensemble.RandomForestRegressor, ensemble.ExtraTreesRegressor)
    boosted = (ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor)
    if not isinstance(estimator, binned + voting + averaging + boosted):
        raise NotServed("it is none of scikit-learn's forests and boosted trees")
    compared = np.empty(0, np.float64 if isinstance(estimator, binned) else np.float32)
    knows = offered(estimator, KnowsClasses)
    several: Any = () if knows is None else knows.classes_
    labels = several if isinstance(several, list) or knows is None else [several]
    if any(len(of) == 1 for of in labels):
        raise NotServed("it knows a single class, of which treelite gives no probability")
    named = {CLASSES.format(i): _plain(of) for i, of in enumerate(labels)}
    model = import_model(estimator)
    if isinstance(estimator, voting):
        _exactly(model, estimator)
    return pack(model.serialize_bytes(), compared=compared, **named)


def _exactly(model: Any, forest: Any) -> None:
    """Give leaves the forest's own shares: treelite divides them by their sum, which rounds, and may break a tie."""
    for number, tree in enumerate(estimator.tree_ for estimator in forest.estimators_):
        shares = tree.value[tree.children_left == -1].ravel()
        model.get_tree_accessor(number).set_field("leaf_vector", shares)


def _plain(labels: NDArray[Any]) -> NDArray[Any]:
    """Labels as no objects, which text from a data frame is."""
    return np.array(labels.tolist()) if labels.dtype == object else labels


def load(content: bytes) -> Trees:
    """What predicts by it.

    Raises:
        Exception: whatever treelite raises of what is nothing of the kind.
    """
    from treelite import Model

    trees, arrays = unpack(content)
    compared = arrays.pop("compared").dtype
    classes = [arrays[CLASSES.format(i)] for i in range(len(arrays))]
    model = Model.deserialize_bytes(trees)
    return Voters(model, compared, classes) if classes else Trees(model, compared)


class Trees:
    """An ensemble of trees, as the regressor that it was made from.

    Args:
        model: treelite's.
        compared: the type to which features are rounded before they are compared, as scikit-learn does.
    """

    def __init__(self, model: Any, compared: DTypeLike):
        self._model, self._compared = model, compared

    def predict(self, X: Any) -> NDArray[Any]:
        """Numbers `(n,)`, or `(n, outputs)` of several."""
        found = self._sums(X)[:, :, 0]
        return found[:, 0] if found.shape[1] == 1 else found

    def _sums(self, X: Any, raw: bool = False) -> NDArray[Any]:
        """Over all trees, `(n, outputs, columns)`: numbers, probabilities, or what these are made of."""
        from treelite import gtil

        examples = np.asarray(X, self._compared)
        found: NDArray[Any] = gtil.predict(
            self._model, examples, nthread=1 if len(examples) < FEW else -1, pred_margin=raw
        )
        return found


class Voters(Trees):
    """An ensemble of trees, as the classifier that it was made from.

    Args:
        model, compared: as for `Trees`.
        classes: labels of each output.
    """

    def __init__(self, model: Any, compared: DTypeLike, classes: Sequence[NDArray[Any]]):
        super().__init__(model, compared)
        self._classes = classes

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels `(n,)`, or `(n, outputs)` of several; of a tie the first class, as in scikit-learn."""
        sums = self._sums(X, raw=True)  # boosted trees' probabilities are of float32, and may tie where these don't
        places = [_columns(sums[:, i], of, 0.0).argmax(axis=1) for i, of in enumerate(self._classes)]
        found = [of[at] for of, at in zip(self._classes, places, strict=True)]
        return found[0] if len(found) == 1 else np.column_stack(found)

    def predict_proba(self, X: Any) -> NDArray[Any] | list[NDArray[Any]]:
        """Probabilities `(n, classes)`, or such for each output of several."""
        sums = self._sums(X)
        found = [_columns(sums[:, i], of, 1.0) for i, of in enumerate(self._classes)]
        return found[0] if len(found) == 1 else found


def _columns(sums: NDArray[Any], classes: NDArray[Any], whole: float) -> NDArray[Any]:
    """A column for each class: boosted trees have one for two, and the other is what it leaves of a whole."""
    if sums.shape[1] < len(classes):
        return np.column_stack([whole - sums[:, 0] if whole else np.zeros(len(sums)), sums[:, 0]])
    return sums[:, : len(classes)]
