"""PyTorch CNN: the peer that `cnn` races. One epoch of Adam on a one-cycle schedule, after tuomaso/train_mnist_fast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fitgate import Floor, Model
from suite.digits import DIGITS

CHANNELS = (24, 32)
HIDDEN = 256
PREDICT_BATCH = 1_000
MEAN, DEVIATION = np.float32(0.1307), np.float32(0.3081)  # of MNIST's pixels from 0 to 1


class TorchCNN:
    """conv 5x5 - pool - conv 3x3 - pool - dense - dense, as users of PyTorch would tune it for a CPU.

    Images lie in memory channels last, which oneDNN's convolutions prefer, and stay where they are: each step indexes
    them. PyTorch is imported by the methods, so that collecting the suite does not wait for it.

    Args:
        random_state: seed of the initial weights and of the order of the images.
        epochs: passes over the training images; None for as many as show it 60,000 images, one on all of MNIST.
        batch_size: images a step.
        learning_rate: peak of the schedule.
    """

    def __init__(
        self, random_state: int = 0, epochs: int | None = None, batch_size: int = 64, learning_rate: float = 4e-3
    ):
        self.random_state = random_state
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate

    def fit(self, X: NDArray[np.uint8], y: NDArray[Any]) -> TorchCNN:
        """Train on images `(n, 784)` from 0 to 255 with labels `(n,)`."""
        import torch
        from torch.nn.functional import cross_entropy

        generator = torch.Generator().manual_seed(self.random_state)
        self.classes_, classes = np.unique(y, return_inverse=True)
        images, labels = _images(X), torch.from_numpy(classes)
        with torch.random.fork_rng():  # the layers' initial weights come from the global generator
            torch.manual_seed(self.random_state)
            self._network = _network(len(self.classes_)).to(memory_format=torch.channels_last)
        steps = -(-len(images) // self.batch_size)
        epochs = self.epochs or max(1, 60_000 // len(images))
        optimizer = torch.optim.Adam(self._network.parameters(), lr=self.learning_rate, betas=(0.9, 0.99))
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.learning_rate, epochs=epochs, steps_per_epoch=steps, pct_start=0.25
        )
        self._network.train()
        for _ in range(epochs):
            for batch in torch.randperm(len(images), generator=generator).split(self.batch_size):
                loss = cross_entropy(self._network(images[batch]), labels[batch])
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                schedule.step()
        self._network.eval()
        return self

    def predict(self, X: NDArray[np.uint8]) -> NDArray[Any]:
        """The most probable class of each image, `(n,)`."""
        return np.asarray(self.classes_[self.decision_function(X).argmax(axis=1)])

    def decision_function(self, X: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits `(n, classes)`, float32."""
        import torch

        with torch.inference_mode():
            return np.concatenate([self._network(batch).numpy() for batch in _images(X).split(PREDICT_BATCH)])


def _images(X: NDArray[np.uint8]) -> Any:
    """Float32 `(n, 1, 28, 28)`, standardised as MNIST is in PyTorch's examples, channels last."""
    import torch

    images = torch.from_numpy((np.divide(X, 255, dtype=np.float32) - MEAN) / DEVIATION).reshape(-1, 1, 28, 28)
    return images.contiguous(memory_format=torch.channels_last)


def _network(outputs: int) -> Any:
    from torch import nn

    first, second = CHANNELS
    return nn.Sequential(
        *(nn.Conv2d(1, first, 5), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Conv2d(first, second, 3), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(second * 5 * 5, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, outputs)),
    )


def build(seed: int) -> Any:
    return TorchCNN(random_state=seed)


TORCH_CNN = Model(
    "torch_cnn",
    build,
    gates=(Floor(DIGITS, "accuracy", quick=0.93, full=0.98),),
    stochastic=True,
    requires=("torch",),
    description="conv 5x5x24 - pool - conv 3x3x32 - pool - dense 256 - dense, PyTorch, Adam one-cycle, channels last",
)


@pytest.fixture(scope="session")
def torch_cnn(trained: Any) -> Any:
    """The PyTorch network, fitted once per session, on first use."""
    return trained(TORCH_CNN)


def pytest_fitgate_models() -> list[Model]:
    return [TORCH_CNN]
