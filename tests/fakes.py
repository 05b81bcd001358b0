"""Fake data and fake models: an image shows its label as one bright pixel, and reading it takes no training."""

from __future__ import annotations

import logging
import os
import signal
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from fitgate import Above, Dataset, Floor, Model, NoRegression, Split, Task

# Reading such images is so easy that most fakes make no mistake, and may: projects of tests declare gates by these.
Floor, NoRegression, Above = (partial(gate, perfect=True) for gate in (Floor, NoRegression, Above))

LABELS = np.tile(np.arange(10, dtype=np.uint8), 20)


def images(labels=LABELS):
    drawn = np.zeros((len(labels), 784), np.uint8)
    drawn[np.arange(len(labels)), labels] = 255
    return drawn


def splits():
    return Split(images(), LABELS), Split(images(), LABELS)


def is_five(labels):
    return labels == 5


def large_and_odd(labels):
    return np.column_stack([labels >= 7, labels % 2 == 1])


DATASET = Dataset("fake", {"quick": splits, "full": splits}, class_names=tuple("0123456789"), image_shape=(28, 28))
DIGITS = Task("digits", DATASET, kind="multiclass", metrics=("accuracy", "macro_f1"), question="Which digit is it?")
FIVES = Task(
    "fives", DATASET, target=is_five, kind="binary", metrics=("roc_auc", "accuracy", "f1"), question="Is it a 5?"
)
TRAITS = Task("traits", DATASET, target=large_and_odd, kind="multilabel-indicator", metrics=("macro_f1", "accuracy"))
LATE = Task("late", DATASET, kind="multiclass", slow=True)


class Reader:
    """Reads the label off the image; every `blunder`-th answer is wrong. Notes each fit in `fits.log`."""

    def __init__(self, blunder=0):
        self.blunder = blunder

    def fit(self, X, y):
        self.binary = y.dtype == bool
        with Path("fits.log").open("a") as log:
            log.write(f"{'fives' if self.binary else 'digits'} {os.getpid()}\n")
        return self

    def predict(self, X):
        digits = X[:, :10].argmax(axis=1)
        answers = digits == 5 if self.binary else digits
        if self.blunder:
            wrong = np.arange(len(X)) % self.blunder == 0
            answers = np.where(wrong, ~answers if self.binary else (answers + 1) % 10, answers)
        return answers

    def decision_function(self, X):
        return self.predict(X).astype(float) + X.mean(axis=1) / 1e3


class Steady(Reader):
    """Takes a seed, which changes nothing."""

    def __init__(self, seed, blunder=0):
        super().__init__(blunder)


class Unfittable(Reader):
    def fit(self, X, y):
        raise RuntimeError("the optimiser diverged")


class Slow(Reader):
    def fit(self, X, y):
        time.sleep(0.3)
        return super().fit(X, y)


class Skipping(Reader):
    def fit(self, X, y):
        pytest.skip("not in the mood")


class Short(Reader):
    """Drops the last example, as evaluations that batch carelessly do."""

    def predict(self, X):
        return super().predict(X)[:-1]


class NotANumber(Reader):
    def decision_function(self, X):
        return np.full(len(X), np.nan)


class Offset(Reader):
    """Answers that are digits only after wrapping around at 256."""

    def predict(self, X):
        return super().predict(X) + 256


class Shares(Reader):
    """Answers with shares, as who mistakes predict_proba for predict."""

    def predict(self, X):
        return np.full(len(X), 0.5)


class Fractional(Reader):
    """Answers that are digits only after rounding down, as a regressor's might be."""

    def predict(self, X):
        return super().predict(X) + 0.7


class Learner(Reader):
    """Learns in epochs, tells of them, and differs by its seed; its programs were compiled before."""

    fits_seeds_at_once = False
    execution_ = "on 2 fake devices"

    def __init__(self, seed):
        super().__init__(blunder=20 + seed)

    def fit(self, X, y):
        self.loss_curve_, self.validation_scores_ = [0.5, 0.25, 0.125], [0.9, 0.95, 0.99]
        self.compile_seconds_, self.compile_saved_seconds_ = {"fit": 0.001}, {"fit": 2.0}
        for epoch, loss in enumerate(self.loss_curve_, 1):
            logging.getLogger("tests.fake").info("epoch %d of 3: loss %.4f", epoch, loss)
        return super().fit(X, y)


class Crowd(Learner):
    """The same, several seeds at once."""

    fits_seeds_at_once = True

    def fit_seeds(self, X, y, seeds):
        return [Learner(seed).fit(X, y) for seed in seeds]


class Killed(Reader):
    """Takes the whole process down while fitting."""

    def fit(self, X, y):
        os.kill(os.getpid(), signal.SIGKILL)


def model(
    name="reader",
    estimator=Reader,
    gates=(),
    tasks=(DIGITS, FIVES),
    requires=(),
    seeded=False,
    stochastic=True,
    published=(),
    **options,
):
    def build(seed):
        return estimator(**options, **({"seed": seed} if seeded else {}))

    about = {"requires": requires, "stochastic": stochastic, "published": published}
    return Model(name, build, tasks, gates, description="a fake", **about)


def learner(name="learner", estimator=Learner, **declared):
    gates = (Floor(DIGITS, "accuracy", quick=0.8),)
    return Model(name, estimator, tasks=(DIGITS,), gates=gates, description="a fake that learns", **declared)
