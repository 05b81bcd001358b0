"""A racer: one model in a process in which nothing else runs, trained and asked as the bench says."""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from multiprocessing.managers import BaseManager
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.errors import FitgateError
from models.cnn.race import EXPORTED, ONNX, PICKLE, TRACED, Trained
from suite.digits import dataset

PLUGINS = {"cnn": "models.cnn", "torch_cnn": "models.torch_cnn"}
IMAGE = "image.npy"
# What they import when they first train: importing is no part of training.
LIBRARIES = {
    "cnn": ("models.cnn.estimator", "flatbuffers"),
    "torch_cnn": ("torch", "torch._dynamo", "models.cnn.schedule"),
}
# What makes the peer's fastest form: to leave it out for want of these would flatter ours.
CONVERTERS = {"cnn": (), "torch_cnn": ("onnx", "onnxscript", "onnxruntime")}


class Racer:
    """A model, the digits, and what was trained last.

    Args:
        name: of the model.
        directory: of MNIST's files; None for the user's cache.
        profile: of the digits.

    Attributes:
        data: its training and test images.
        estimator: what was trained last; None before.
    """

    def __init__(self, name: str, directory: Path | None, profile: str):
        self._name, self.data = name, dataset(directory).on(profile)
        self._build = import_module(PLUGINS[name]).build
        for library in LIBRARIES[name]:
            import_module(library)
        self.estimator: Any = None
        self._answers: dict[str, Callable[[NDArray[np.uint8]], Any]] = {}

    def images(self) -> int:
        """How many it trains on."""
        return len(self.data.train.X)

    def fit(self, seed: int, settings: Mapping[str, float] | None = None) -> Trained:
        """Train with a seed, and with settings that are not the usual ones."""
        self._answers.clear()
        self.estimator = self._set(seed, settings or {})
        started = time.perf_counter()
        self.estimator.fit(self.data.train.X, self.data.train.y)
        seconds = time.perf_counter() - started
        compiling = sum(getattr(self.estimator, "compile_seconds_", {}).values(), 0.0)
        right = self.estimator.predict(self.data.test.X) == self.data.test.y
        return Trained(seed, seconds, compiling, 100 * float(right.mean()))

    def keep(self, directory: Path) -> int:
        """Write what was trained last in each of its forms, and an image to ask about; the image's label."""
        image = self.data.test.X[:1]
        np.save(directory / IMAGE, image)
        (directory / PICKLE).write_bytes(pickle.dumps(self.estimator))
        if self._name == "cnn":
            (directory / EXPORTED).write_bytes(self.estimator.export())
        else:
            self._traced().save(directory / TRACED)
            (directory / ONNX).write_bytes(self._converted())
        return int(self.estimator.predict(image)[0])

    def trial(self, settings: dict[str, float], seed: int) -> float:
        """Percent of held-out training images, a sixth and always the same, read rightly with some settings."""
        from sklearn.model_selection import train_test_split

        estimator, (X, y) = self._set(seed, settings), (self.data.train.X, self.data.train.y)
        shown, unseen = train_test_split(np.arange(len(y)), test_size=1 / 6, stratify=y, random_state=0)
        return 100 * float(np.mean(estimator.fit(X[shown], y[shown]).predict(X[unseen]) == y[unseen]))

    def engines(self) -> list[str]:
        """What can answer for a single image here, beside `predict`: compiled forms of PyTorch's network."""
        if self._name != "torch_cnn":
            return ["predict"]
        compiler = which("g++") is not None
        return ["predict", TRACED, *["torch.compile"] * compiler, ONNX]

    def differing(self, engine: str) -> int:
        """Of how many of 1,000 images the label is another than that of `predict` for all at once."""
        answer, images = self._engine(engine), self.data.test.X[:1_000]
        labels = self.estimator.predict(images)
        return int(sum(answer(images[i : i + 1])[0] != labels[i] for i in range(len(images))))

    def single(self, engine: str, seconds: float) -> tuple[float, float, float]:
        """Quantiles .5, .9 and .99 of the seconds of an answer, where single images follow one another for so long."""
        answer, images = self._engine(engine), self.data.test.X
        times: list[float] = []
        i, until = 0, time.perf_counter() + seconds
        while (started := time.perf_counter()) < until:
            answer(images[i : i + 1])
            times.append(time.perf_counter() - started)
            i = (i + 1) % len(images)
        p50, p90, p99 = np.quantile(times, (0.5, 0.9, 0.99)).tolist()
        return p50, p90, p99

    def batches(self, sizes: tuple[int, ...], seconds: float) -> list[float]:
        """Median seconds of an image, where `predict` gets so many of them at a time, each size for so long."""
        images = np.resize(self.data.test.X, (max(sizes), self.data.test.X.shape[1]))
        found = []
        for size in sizes:
            self.estimator.predict(images[:size])
            times: list[float] = []
            until = time.perf_counter() + seconds
            while (started := time.perf_counter()) < until or len(times) < 3:
                self.estimator.predict(images[:size])
                times.append(time.perf_counter() - started)
            found.append(float(np.median(times)) / size)
        return found

    def _set(self, seed: int, settings: Mapping[str, float]) -> Any:
        estimator = self._build(seed)
        for name, value in settings.items():
            setattr(estimator, name, value)
        return estimator

    def _engine(self, engine: str) -> Callable[[NDArray[np.uint8]], Any]:
        """From an image `(1, 784)` to its label `(1,)`; compiled once for what was trained last."""
        if engine not in self._answers:
            makers = {TRACED: self._jit, "torch.compile": self._compile, ONNX: self._onnx}
            self._answers[engine] = makers[engine]() if engine in makers else self.estimator.predict
        return self._answers[engine]

    def _from_pixels(self) -> Any:
        """PyTorch's network with what standardises before it: from float32 pixels `(n, 784)` to logits."""
        from torch import nn

        from models.torch_cnn import DEVIATION, MEAN

        standardise: Any = nn.BatchNorm2d(1, eps=0, affine=False)
        standardise.running_mean.fill_(MEAN)
        standardise.running_var.fill_(DEVIATION**2)
        return nn.Sequential(nn.Unflatten(1, (1, 28, 28)), standardise, self.estimator.network_).eval()

    def _traced(self) -> Any:
        import torch

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is deprecated
            return torch.jit.freeze(torch.jit.trace(self._from_pixels(), torch.zeros(1, 784)))

    def _jit(self) -> Callable[[NDArray[np.uint8]], Any]:
        import torch

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._by_torch(torch.jit.optimize_for_inference(self._traced()))

    def _compile(self) -> Callable[[NDArray[np.uint8]], Any]:
        import torch
        from torch._inductor import config

        config.freezing = True  # constants for parameters, as the others have
        return self._by_torch(torch.compile(self._from_pixels(), fullgraph=True))

    def _by_torch(self, network: Callable[[Any], Any]) -> Callable[[NDArray[np.uint8]], Any]:
        import torch

        classes = self.estimator.classes_

        def answer(image: NDArray[np.uint8]) -> Any:
            with torch.inference_mode():
                return classes[network(torch.from_numpy(image.astype(np.float32))).numpy().argmax(axis=1)]

        return answer

    def _converted(self) -> bytes:
        """PyTorch's network in ONNX."""
        import torch

        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        with warnings.catch_warnings(), contextlib.redirect_stdout(None):
            warnings.simplefilter("ignore")
            exported: Any = torch.onnx.export(self._from_pixels(), (torch.zeros(1, 784),), dynamo=True)
        return bytes(exported.model_proto.SerializeToString())

    def _onnx(self) -> Callable[[NDArray[np.uint8]], Any]:
        import onnxruntime

        classes, options = self.estimator.classes_, onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(self._converted(), options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda image: classes[session.run(None, {name: image.astype(np.float32)})[0].argmax(axis=1)]


class _Home(BaseManager):
    """A process in which a racer lives."""


_Home.register("Racer", Racer)


@contextlib.contextmanager
def racing(name: str, directory: Path | None, profile: str, variables: dict[str, str]) -> Iterator[Any]:
    """A racer in a process of its own, which has these variables in its environment, and ends with the context.

    Raises:
        FitgateError: if a library of the model's is not installed.
    """
    libraries = {library.partition(".")[0] for library in (*LIBRARIES[name], *CONVERTERS[name])}
    if missing := sorted(library for library in libraries if find_spec(library) is None):
        raise FitgateError(
            name, found=f"no {missing[0]}", expected="it to be installed", next_step=f"run pip install {missing[0]}"
        )
    home = _Home(ctx=get_context("spawn"))
    before = {key: os.environ.get(key) for key in variables}
    os.environ.update(variables)
    try:
        home.start()
    finally:
        for key, value in before.items():
            os.environ.pop(key) if value is None else os.environ.__setitem__(key, value)
    with home:
        yield home.Racer(name, directory, profile)  # type: ignore[attr-defined]
