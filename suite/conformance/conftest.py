"""The classifier under test."""

import pytest


def pytest_itemcollected(item):
    """Mark what is here, so that CI runs it beside the slow tests, whose other worker is idle."""
    item.add_marker("conformance")


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

    from suite.digits import dataset as mnist

    dataset = mnist().on("quick")
    chosen = np.random.default_rng(0).permutation(len(dataset.train))[:300]
    test = np.random.default_rng(1).permutation(len(dataset.test))[:200]
    return (
        dataset.train.X[chosen],
        dataset.train.y[chosen],
        dataset.test.X[test],
        dataset.test.y[test],
    )
