"""Several labels at once.

The notebook stops at this heading. A *multilabel* classifier gives an image several answers at once: here, is the digit
large (7, 8, 9), and is it odd? Nearest neighbours can do so: look up the five training images that are nearest pixel
by pixel, and let them vote on each label.
"""

import numpy as np
import pytest
from sklearn.metrics import f1_score
from sklearn.neighbors import KNeighborsClassifier

from suite.digits import TRAITS
from suite.notebook.figures import FIGURES


@pytest.fixture(scope="session")
def knn_folds(folds_of, X, y):
    pixels = X.astype(np.float32)  # scikit-learn has no fast search among whole numbers
    return folds_of("knn-traits", "kNN on traits", KNeighborsClassifier(n_jobs=-1), pixels, TRAITS.target(y))


def test_f1(story, knn_folds, X, y):
    traits = TRAITS.target(y)
    large, odd = knn_folds.predictions[0].astype(bool)
    story.tell(f"""
        Of the first digit, a {y[0]}, it says that it is {"large" if large else "not large"} and
        {"odd" if odd else "even"}. Judged by the F1 of each label, averaged (*macro F1*), in three folds:
    """)
    story.compare(FIGURES["knn_traits_f1"], f1_score(traits, knn_folds.predictions, average="macro"))
    right = (knn_folds.predictions == traits).all(axis=1).mean()
    story.tell(f"Both labels are right for {100 * right:.1f} % of the images.")
    assert np.isin(knn_folds.predictions, (0, 1)).all()
