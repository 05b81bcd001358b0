"""PyTorch CNN: the peer that `cnn` races, with the same network, the same recipe, and every trick that `cnn` uses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fitgate import Floor, Model
from suite.digits import DIGITS

CHANNELS = (8, 24)
HIDDEN = 128
GAIN = 0.6  # of the initial kernels
PREDICT_BATCH = 500
MEAN, DEVIATION = 0.1307 * 255, 0.3081 * 255  # of MNIST's pixels


class TorchCNN:
    """conv 5x5x8 - pool - conv 4x4x24, stride 2 - dense 128 - dense, as users of PyTorch would tune it for a CPU.

    What `cnn` does on the host it does by the same functions, `models.cnn.schedule`: how often and in which order
    images are shown, how far a batch is moved, the rates, and which images, the hardest, are shown three times again.
    PyTorch's own are the fused AdamW, smoothing of labels in the loss, and images that lie in memory channels last and
    stay where they are: each step indexes them. It is imported by the methods, so that collecting the suite does not
    wait for it.

    Args:
        random_state: seed of the initial weights, and of the order of the images and their shifts.
        epochs: passes over the training images; None for `usual_passes`.
        hardest: share of them that is shown again afterwards; None for `usual_passes`.
        batch_size: images a step.
        learning_rate: peak of the schedule.
        weight_decay: of AdamW.
        smoothing: share of a target that all classes have in common.
    """

    def __init__(
        self,
        random_state: int = 0,
        epochs: int | None = None,
        hardest: float | None = None,
        batch_size: int = 128,
        learning_rate: float = 1.5e-2,
        weight_decay: float = 0.062,
        smoothing: float = 0.1,
    ):
        self.random_state = random_state
        self.epochs = epochs
        self.hardest = hardest
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.smoothing = smoothing

    def fit(self, X: NDArray[np.uint8], y: NDArray[Any]) -> TorchCNN:
        """Train on images `(n, 784)` from 0 to 255 with labels `(n,)`."""
        import torch

        from models.cnn.schedule import SHOWINGS, draw, generator, hardest, rates, usual_passes

        rng, n = generator(self.random_state), len(X)
        epochs, share = usual_passes(n)
        epochs, share = self.epochs or epochs, share if self.hardest is None else self.hardest
        again = math.ceil(SHOWINGS * round(share * n) / self.batch_size)
        steps = math.ceil(n / self.batch_size)
        schedule = iter(rates(self.learning_rate, epochs * steps + again).tolist())
        self.classes_, classes = np.unique(y, return_inverse=True)
        images = torch.nn.functional.pad(_images(X), (1, 1, 1, 1), value=-MEAN / DEVIATION)  # background
        labels = torch.from_numpy(classes)
        with torch.random.fork_rng():  # the layers' initial weights come from the global generator
            torch.manual_seed(self.random_state)
            self.network_ = _network(len(self.classes_)).to(memory_format=torch.channels_last)
        self._optimizer = torch.optim.AdamW(
            self.network_.parameters(), betas=(0.8, 0.99), weight_decay=self.weight_decay, fused=True
        )
        for _ in range(epochs):
            order, corners, _ = draw(rng, np.arange(n), (steps, self.batch_size), 1)
            losses = self._pass(images, labels, order, corners, schedule)
        if again:
            found = hardest(order, losses, share, len(self.classes_), n, self.smoothing)
            shown = np.tile(found, SHOWINGS) if len(found) else np.arange(n)
            order, corners, _ = draw(rng, shown, (again, self.batch_size), 1)
            self._pass(images, labels, order, corners, schedule)
        del self._optimizer
        return self

    def _pass(self, images: Any, labels: Any, order: NDArray[Any], corners: NDArray[Any], rates: Any) -> Any:
        """Take a step for each batch of positions, cut out at its corner; each image's loss, like `order`."""
        import torch
        from torch.nn.functional import cross_entropy

        side, losses = images.shape[2] - 2, []
        for batch, (row, column) in zip(torch.from_numpy(order), corners.tolist(), strict=True):
            self._optimizer.param_groups[0]["lr"] = next(rates)
            seen = images[batch][:, :, row : row + side, column : column + side]
            loss = cross_entropy(self.network_(seen), labels[batch], label_smoothing=self.smoothing, reduction="none")
            self._optimizer.zero_grad(set_to_none=True)
            loss.mean().backward()
            self._optimizer.step()
            losses.append(loss.detach())
        return torch.stack(losses).numpy()

    def predict(self, X: NDArray[np.uint8]) -> NDArray[Any]:
        """The most probable class of each image, `(n,)`."""
        return np.asarray(self.classes_[self.decision_function(X).argmax(axis=1)])

    def decision_function(self, X: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits `(n, classes)`, float32."""
        import torch

        with torch.inference_mode():
            if len(X) <= PREDICT_BATCH:
                return self.network_(_images(X)).numpy()
            starts = range(0, len(X), PREDICT_BATCH)
            return np.concatenate([self.network_(_images(X[i : i + PREDICT_BATCH])).numpy() for i in starts])


def _images(X: NDArray[np.uint8]) -> Any:
    """Float32 `(n, 1, 28, 28)`, standardised as MNIST is in PyTorch's examples, channels last."""
    import torch

    images = torch.from_numpy(X.astype(np.float32)).sub_(MEAN).div_(DEVIATION).reshape(-1, 1, 28, 28)
    return images.contiguous(memory_format=torch.channels_last)


def _network(outputs: int) -> Any:
    from torch import nn

    first, second = CHANNELS
    network = nn.Sequential(
        *(nn.Conv2d(1, first, 5), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Conv2d(first, second, 4, stride=2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(second * 5 * 5, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, outputs)),
    )
    for parameter in network.parameters():  # He-uniform kernels, times the gain, and zero biases, as `cnn`'s
        if parameter.ndim > 1:
            limit = GAIN * math.sqrt(6 / parameter[0].numel())
            nn.init.uniform_(parameter, -limit, limit)
        else:
            nn.init.zeros_(parameter)
    return network


def build(seed: int) -> Any:
    return TorchCNN(random_state=seed)


TORCH_CNN = Model(
    "torch_cnn",
    build,
    gates=(Floor(DIGITS, "accuracy", quick=0.93, full=0.98),),
    stochastic=True,
    requires=("torch",),
    description="conv 5x5x8 - pool - conv 4x4x24 - dense 128 - dense, PyTorch, AdamW one-cycle, the hardest again",
)


@pytest.fixture(scope="session")
def torch_cnn(trained: Any) -> Any:
    """The PyTorch network, fitted once per session, on first use."""
    return trained(TORCH_CNN)


def pytest_fitgate_models() -> list[Model]:
    return [TORCH_CNN]
