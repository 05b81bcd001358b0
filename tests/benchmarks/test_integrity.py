"""What watching over 60,000 images and 10,000 test images costs: each fit and predict pays for it once."""

import numpy as np
import pytest

from fitgate import Dataset, Split, Task
from fitgate.data.overlap import overlap
from fitgate.runs.side_effects import unchanged, watched
from fitgate.tasks import TaskData


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (70_000, 784), np.uint8), rng.integers(0, 10, 70_000, np.uint8)
    splits = Split(X[:60_000], y[:60_000]), Split(X[60_000:], y[60_000:])
    dataset = Dataset("large", lambda: splits, image_shape=(28, 28))
    data = TaskData(Task("t", dataset), dataset)
    data.seal()
    return data


@pytest.mark.benchmark(group="watching over 70,000 images")
def test_comparing_the_data_with_its_digest(benchmark, data):
    def check():
        with unchanged(data):
            pass

    benchmark(check)


@pytest.mark.benchmark(group="watching over 70,000 images")
def test_watching_the_process(benchmark):
    def watch():
        with watched(42):
            pass

    benchmark(watch)


@pytest.mark.benchmark(group="watching over 70,000 images")
def test_counting_test_rows_in_the_training_split(benchmark, data):
    assert benchmark(overlap, data.dataset.train, data.dataset.test).rows == 0
