"""Scaling the inputs.

How good is the linear classifier on ten classes? And what does it help to scale its inputs? `StandardScaler` takes from
each pixel its mean, and divides by its standard deviation, so that none is loud merely by being often dark.
"""

import numpy as np
import pytest
from sklearn.base import clone

from suite.notebook.figures import FIGURES

pytestmark = pytest.mark.filterwarnings("ignore:Maximum number of iteration")  # as in the notebook
SAMPLE = 500


def follow(predictions, scores, classes):
    return np.array_equal(predictions, classes[scores.argmax(axis=1)])


def test_pixels_without_ink_weigh_nothing(story, sgd, X, y, ink):
    sample, labels = X[:SAMPLE].astype(float), y[:SAMPLE]
    few = clone(sgd).set_params(max_iter=20)
    whole, inked = clone(few).fit(sample, labels), clone(few).fit(sample[:, ink], labels)
    assert np.array_equal(whole.coef_[:, ink], inked.coef_)
    assert not whole.coef_[:, ~ink].any()
    story.tell(f"""
        {np.sum(~ink)} of the {X.shape[1]} pixels are the same in every training image, and weigh nothing. They are left
        out here, which changes no answer (on a sample of {SAMPLE} images the other weights were the same to the last
        bit) and saves time.
    """)


def test_raw_pixels(story, sgd_folds, y):
    assert follow(sgd_folds.predictions, sgd_folds.scores, np.unique(y))
    story.tell("Cross-validated in three folds, on raw pixels:")
    story.compare(FIGURES["sgd_digits_cv_accuracy"], sgd_folds.accuracy(y))
    story.tell("Guessing would be right one time in ten.")


def test_scaled_pixels(story, sgd_folds, scaled_folds, y):
    assert follow(scaled_folds.predictions, scaled_folds.scores, np.unique(y))
    raw, scaled = sgd_folds.accuracy(y).mean(), scaled_folds.accuracy(y).mean()
    story.tell("And on scaled ones:")
    story.compare(FIGURES["sgd_digits_scaled_cv_accuracy"], scaled_folds.accuracy(y))
    story.tell(f"""
        On average {100 * raw:.2f} % became {100 * scaled:.2f} %: scaling was worth {100 * (scaled - raw):+.2f} points.
    """)
    assert min(raw, scaled) > 0.5
