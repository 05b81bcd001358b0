"""The data, and its first digit.

MNIST is 70,000 images of handwritten digits, written by clerks of the US Census Bureau and by high-school students, and
labelled with the digit that each of them is meant to be. An image is 28 by 28 pixels, each from 0 (paper) to 255 (ink);
a classifier of scikit-learn takes it as one row of 784 numbers. The first 60,000 are for training; the last 10,000 stay
locked away until a model is finished.
"""

import numpy as np

from suite.notebook.figures import FIGURES
from suite.notebook.story import Tiles


def test_shapes(story, X, y, X_test, y_test):
    images, labels = np.concatenate([X, X_test]), np.concatenate([y, y_test])
    story.compare(FIGURES["shape"], [images.shape, labels.shape])
    story.compare(FIGURES["split"], [len(X), len(X_test)])
    assert images.dtype == labels.dtype == np.uint8


def test_the_first_digit(story, X, y):
    story.tell(f"The first training image, as an image again. Somebody meant a {y[0]}, and its label says so:")
    story.compare(FIGURES["first_label"], y[0])
    story.images("first-digit", f"The first training digit: a {y[0]}.", Tiles("", X[:1], 1))


def test_ten_of_each_digit(story, X, y):
    story.tell("""
        How differently people write shows when ten of each digit stand side by side. There are sevens with a bar and
        without, ones that lean, and fours that are nearly nines.
    """)
    chosen = np.concatenate([np.flatnonzero(y == digit)[:10] for digit in range(10)])
    story.images("digits", "The first ten training images of each digit.", Tiles("", X[chosen], 10))
    counts = np.bincount(y, minlength=10)
    assert counts.min() > 0
    rarest, commonest = counts.argmin(), counts.argmax()
    if counts[rarest] == counts[commonest]:
        story.tell(f"There are {counts[0]:,} of each digit.")
    else:
        story.tell(f"""
            The digits are not equally common: there are {counts[rarest]:,} images of a {rarest}, and
            {counts[commonest]:,} of a {commonest}.
        """)
