"""Error analysis: which digits are mistaken for which.

A promising model gets better once it is known what it gets wrong. Again the confusion matrix, now of ten classes, from
the cross-validation on scaled pixels.
"""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from suite.notebook.figures import FIGURES
from suite.notebook.story import Matrix, Tiles

THE_NOTEBOOK_S_PAIR = (3, 5)
SHOWN = 25


@pytest.fixture(scope="session")
def matrix(scaled_folds, y):
    return confusion_matrix(y, scaled_folds.predictions)


@pytest.fixture(scope="session")
def errors(matrix):
    """The share of each digit's images that were taken for another, `(10, 10)`, zero on the diagonal."""
    shares = matrix / matrix.sum(axis=1, keepdims=True)
    np.fill_diagonal(shares, 0)
    return shares


def most_confused(errors):
    """The pair of digits that is mistaken most, the one for the other and the other way round together."""
    both = np.triu(errors + errors.T)
    return tuple(int(digit) for digit in np.unravel_index(both.argmax(), both.shape))


def test_both_matrices(story, matrix, errors):
    story.compare(FIGURES["sgd_digits_scaled_confusion"], matrix)
    story.matrices(
        "confusion",
        "Left: how many images. Right: mistakes alone, in percent of the digit's images, so that common digits do not "
        "seem worse than they are.",
        Matrix("counts", matrix),
        Matrix("mistakes, %", errors),
    )
    attractor = int(errors.sum(axis=0).argmax())
    victim = int(errors.sum(axis=1).argmax())
    story.tell(f"""
        On the left nearly all is on the diagonal, and little to be learnt. On the right the diagonal is taken out. A
        bright column is a digit that others are taken for, above all the {attractor}. A bright row is one that is often
        mistaken, above all the {victim}. The matrix is not symmetric: {victim} taken for {attractor} and {attractor}
        taken for {victim} are different mistakes.
    """)


def test_the_most_confused_pair(story, matrix, errors, scaled_folds, X, y):
    pair = most_confused(errors)
    one, other = pair
    assert one < other
    mistakes = matrix[one, other] + matrix[other, one]
    choice = "The notebook looks at that pair" if pair == THE_NOTEBOOK_S_PAIR else "The notebook looks at 3 and 5"
    story.tell(f"""
        Of all pairs, {one} and {other} are mistaken for each other the most, {mistakes:,} times. {choice}. In the four
        panels, what is in a row is that digit, and what is in a column was taken for it: right ones on the diagonal,
        mistakes off it.
    """)
    for first, second in dict.fromkeys([pair, THE_NOTEBOOK_S_PAIR]):
        panels = [
            Tiles(f"{true} taken for {answer}", X[(y == true) & (scaled_folds.predictions == answer)][:SHOWN], 5)
            for true in (first, second)
            for answer in (first, second)
        ]
        caption = f"Images of {first} (top) and {second} (bottom), taken for {first} (left) and for {second} (right)."
        story.images(f"pair-{first}-{second}", caption, *panels, columns=2)
    story.tell("""
        Some of these mistakes a person might make, most not. The model is linear: it gives each pixel a weight for each
        digit, and adds up. So two digits that share most of their strokes differ in a few pixels, and a digit that is
        moved or turned by a little has others. Centring the images would help, or a model that does not care where a
        stroke is. The last section has one.
    """)
