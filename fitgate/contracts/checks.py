"""The checks: small functions that take a subject, and raise `Broken` where it does not hold to its contract.

After scikit-learn's `estimator_checks`; but of an estimator that is fitted already, on the project's own data.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fitgate.contracts.subject import ALLOWED, MOST_FITTED, Answers, Broken, Inapplicable, Subject, Unanswered, Unfitted
from fitgate.data.digest import digest
from fitgate.data.split import is_frame, is_sparse, rows_of
from fitgate.executor.pickling import dumps
from fitgate.protocols import KnowsClasses, Probabilities, offered

Check = Callable[[Subject], None]
SINGLES = 8  # examples that are asked about one at a time
BATCH = 50
SHOWN = 3  # labels that a message names
TIED = 1e-3  # probabilities so near may be taken for equal


def check_same_seed_gives_same_predictions(subject: Subject) -> None:
    """Two fits with one seed, on at most 300 training examples, answer alike, whatever NumPy's global state is.

    Where the model's baseline has just the output that this session's fit gave, the second fit has been made already.
    """
    if not subject.model.is_trained:
        raise Inapplicable("it was trained elsewhere")
    if subject.reproduced:
        return
    split, rows, seed = subject.data.dataset.train, _few(subject), subject.trained.fit.seed
    X, y = rows_of(split.X, rows), rows_of(np.asarray(subject.data.y_train), rows)

    def fitted() -> Any:
        estimator = subject.model.build(seed)
        estimator.fit(X, y)
        return estimator

    try:
        first, second = (subject.guarded("fit", fitted) for _ in range(2))
    except Broken as error:  # it may need more examples of each class
        raise Unfitted(f"on {len(rows):,} training examples it can't be fitted: {error}") from error
    when = f"when it was fitted again with seed {seed}: pass the seed to all that draws"
    subject.demand_same(subject.ask(subject.X, first), subject.ask(subject.X, second), when)


def check_labels_are_within_classes(subject: Subject) -> None:
    """Every prediction is one of the classes that the training split has."""
    if not subject.has_classes:
        raise Inapplicable("its target has no classes")
    known, given = np.unique(subject.data.y_train), subject.answers.predictions
    if odd := [label for label in np.unique(given).tolist() if label not in set(known.tolist())]:
        named = ", ".join(map(repr, odd[:SHOWN]))
        raise Broken(f"It answered {named}, which no training example has.")


def check_input_is_unchanged(subject: Subject) -> None:
    """Predicting changes nothing of the examples, though it could."""
    if isinstance(subject.X, tuple):
        raise Inapplicable("texts can't be changed")
    given = subject.X.copy()
    before = digest(given)
    subject.ask(given, lend=lambda X: X)
    if digest(given) != before:
        raise Broken("It changed the examples that it was asked about: let it work on a copy, by X = X.copy().")


def check_predictions_do_not_depend_on_batch_size(subject: Subject) -> None:
    """One example at a time, and in batches of 50, it answers as about all at once."""
    for size, n in ((1, min(SINGLES, subject.n)), (BATCH, subject.n)):
        places = np.arange(n)
        parts = [subject.ask(subject.rows(places[start : start + size])) for start in range(0, n, size)]
        when = f"when it was asked about {size} at a time instead of {subject.n}"
        subject.demand_same(subject.answers.of(places), Answers.together(parts), when)


def check_predictions_do_not_depend_on_order(subject: Subject) -> None:
    """In another order, each example gets the answer that it had."""
    order = np.random.default_rng(1).permutation(subject.n)
    again = subject.ask(subject.rows(order))
    subject.demand_same(subject.answers.of(order), again, "when the examples came in another order")


def check_predictions_do_not_depend_on_dtype(subject: Subject) -> None:
    """The same numbers in another dtype, or in another layout in memory, get the same answers."""
    others = list(_others(subject.X))
    if not others:
        raise Inapplicable("its examples have no other dtype that holds them")
    for how, X in others:
        subject.demand_same(subject.answers, subject.ask(X), f"when the same numbers came {how}")


def check_predictions_survive_save_and_load(subject: Subject) -> None:
    """Pickled, and loaded again, the estimator answers as before."""
    estimator = subject.trained.estimator
    try:
        again = subject.guarded("be pickled and loaded", lambda: pickle.loads(dumps(estimator)))  # noqa: S301 # our own
    except Broken as error:
        raise Unanswered(f"{error} What it can't pickle is best made anew in __setstate__.") from error
    subject.demand_same(subject.answers, subject.ask(subject.X, again), "after it was pickled and loaded")


def check_predict_agrees_with_predict_proba(subject: Subject) -> None:
    """The class that is predicted is the one that is likeliest."""
    estimator, (predictions, likely) = subject.trained.estimator, subject.answers
    knows = offered(estimator, KnowsClasses)
    if not subject.has_classes or offered(estimator, Probabilities) is None or likely is None or knows is None:
        raise Inapplicable("it has no predict_proba of classes")
    classes = np.asarray(knows.classes_)
    if likely.shape != (subject.n, len(classes)):
        raise Broken(f"predict_proba is of shape {likely.shape} for {subject.n} examples and {len(classes)} classes.")
    own = np.where(predictions[:, None] == classes, likely, -np.inf).max(axis=1)
    count = int((own < likely.max(axis=1) - TIED).sum())
    if count > ALLOWED * subject.n:
        raise Broken(f"Of {subject.n:,} predictions {count:,} are not the likeliest class by predict_proba.")


def _few(subject: Subject) -> Any:
    """Places of at most 300 training examples, drawn with a fixed seed, as many of each class as can be."""
    y = np.asarray(subject.data.y_train)
    order = np.random.default_rng(0).permutation(len(y))
    if subject.has_classes:
        _, codes = np.unique(y[order], return_inverse=True)
        turn = np.zeros(len(y), int)
        for code in range(codes.max() + 1):
            own = codes == code
            turn[own] = np.arange(own.sum())
        order = order[np.argsort(turn, kind="stable")]
    return order[:MOST_FITTED]


def _others(X: Any) -> Iterator[tuple[str, Any]]:
    """The same numbers otherwise, each with how, as a clause."""
    if isinstance(X, tuple) or is_frame(X) or X.dtype.kind not in "iuf":
        return
    other = X.astype(np.float32 if X.dtype == np.float64 else np.float64)
    back = other.astype(X.dtype)
    if np.array_equal(*((back.data, X.data) if is_sparse(X) else (back, X)), equal_nan=True):
        yield f"as {other.dtype} instead of {X.dtype}", other
    if not is_sparse(X) and X.ndim > 1:
        yield "column by column in memory", np.asfortranarray(X)


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        check_same_seed_gives_same_predictions,
        check_labels_are_within_classes,
        check_input_is_unchanged,
        check_predictions_do_not_depend_on_batch_size,
        check_predictions_do_not_depend_on_order,
        check_predictions_do_not_depend_on_dtype,
        check_predictions_survive_save_and_load,
        check_predict_agrees_with_predict_proba,
    )
}
