"""The network that it aimed at.

The notebook sets out for a convolutional network with at least 95 % of the test digits right, and ends before it is
written. Here it is. A *convolution* looks through a small window that slides over the image, with the same weights
everywhere, so that a stroke is a stroke wherever it stands; *pooling* keeps the strongest answer of each
neighbourhood, so that it matters less where exactly. Two rounds of both, and two dense layers, make the suite's model
`cnn`, written in Flax and compiled by JAX.
"""

import numpy as np
import pytest

from models.cnn import CNN
from suite.digits import DIGITS
from suite.notebook.figures import FIGURES
from suite.notebook.story import Axes, Tiles, curve

SHOWN = 20


@pytest.fixture(scope="session")
def predictions(trained):
    return trained(CNN).evaluation(DIGITS).predictions


def test_the_goal_is_reached(story, trained, predictions, X_test, y_test):
    story.compare(FIGURES["cnn_accuracy"], trained(CNN).evaluation(DIGITS).metrics["accuracy"])
    wrong = int(np.sum(predictions != y_test))
    assert len(predictions) == len(X_test)
    story.tell(
        f"It reads {len(predictions) - wrong:,} of the {len(predictions):,} test images rightly, and {wrong} wrongly."
    )


def test_how_it_learnt(story, trained):
    losses = trained(CNN).on(DIGITS).estimator.loss_curve_
    epochs = np.arange(1, len(losses) + 1)
    story.lines(
        "cnn-loss",
        "The training loss of each epoch: mean cross-entropy, on images moved at random, which makes it harder.",
        Axes("", "epoch", "training loss", [curve("cnn", epochs, losses, "o-")]),
    )
    assert losses[-1] < losses[0]


def test_what_it_still_gets_wrong(story, predictions, X_test, y_test):
    wrong = np.flatnonzero(predictions != y_test)[:SHOWN]
    words = [f"{y_test[i]} as {predictions[i]}" for i in wrong]
    story.images(
        "cnn-mistakes",
        f"The first {len(wrong)} test images that it gets wrong: what it is, as what it was read.",
        Tiles("", X_test[wrong], 10, words),
    )
    story.tell("Some of them one would rather not be asked about. That is where the story ends, and the gates begin.")
