"""Several answers of several values: taking the noise off an image.

One step further, every label may have many values. Take 784 labels, one for each pixel, of 256 values each, and a
classifier's answer is an image. So train nearest neighbours on noisy images, with the clean ones for targets, and they
take off noise: *multioutput* classification.
"""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from suite.notebook.conftest import SEED
from suite.notebook.story import Tiles

LOUDEST = 100  # of 255
ASKED = 1_000


@pytest.fixture(scope="session")
def noisy(X, X_test):
    """All training images and some test images with noise: each pixel brighter by a whole number below 100."""
    rng = np.random.default_rng(SEED)
    splits = (X, X_test[:ASKED])
    return [images + rng.integers(0, LOUDEST, images.shape).astype(np.float32) for images in splits]


def test_noise_is_taken_off(story, step, X, X_test, y_test, noisy):
    train, test = noisy
    clean = X_test[:ASKED]
    with step("kNN takes the noise off"):
        cleaned = KNeighborsClassifier(n_jobs=-1).fit(train, X).predict(test)
    assert cleaned.shape == clean.shape
    before, after = (np.abs(images - clean.astype(np.float32)).mean() for images in (test, cleaned))
    story.tell(f"""
        Every pixel of every image got brighter by a random number below {LOUDEST}, of 255. The classifier was fitted to
        the noisy training images, and asked for {len(clean):,} noisy test images. A pixel was off by {before:.1f}
        on average, and is off by {after:.1f} after.
    """)
    shown = [int(np.flatnonzero(y_test[:ASKED] == digit)[0]) for digit in range(10)]
    story.images(
        "denoised",
        "The first test image of each digit: with noise, as the classifier cleaned it, and as it was.",
        Tiles("with noise", test[shown].clip(max=255).astype(np.uint8), 10),
        Tiles("cleaned", cleaned[shown], 10),
        Tiles("original", clean[shown], 10),
    )
    assert after < before
