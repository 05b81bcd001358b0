"""The classifier under test."""

import pytest


@pytest.fixture(scope="session")
def classifier(tmp_path_factory):
    """`classifier(**parameters)`: a `CNNClassifier`, whose programs are compiled once for all tests."""
    pytest.importorskip("jax")
    from models.cnn.compilation import keep_programs
    from models.cnn.estimator import CNNClassifier

    keep_programs(tmp_path_factory.mktemp("compiled") / "xla")
    return CNNClassifier


@pytest.fixture(scope="session")
def digits():
    """300 training and 200 test digits of the quick profile, in random order, with their labels."""
    import numpy as np

    from fitgate.data import load

    dataset = load("quick")
    chosen = np.random.default_rng(0).permutation(len(dataset.train))[:300]
    test = np.random.default_rng(1).permutation(len(dataset.test))[:200]
    return (
        dataset.train.images[chosen],
        dataset.train.labels[chosen],
        dataset.test.images[test],
        dataset.test.labels[test],
    )
