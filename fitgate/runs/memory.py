"""Memory: how much of it fitting and predicting take, each in a process of its own."""

from __future__ import annotations

import pickle
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from fitgate.executor import Executor, ExecutorError, load, save
from fitgate.model import Model
from fitgate.protocols import DeviceMemory, offered
from fitgate.runs.apart import HANDING_OVER, Limit, failure
from fitgate.runs.training import Failure, ModelFailed
from fitgate.tasks import TaskData

T = TypeVar("T")


class Memory(msgspec.Struct, frozen=True, tag=True):
    """What a model takes, in bytes.

    Attributes:
        model, task: names.
        fit: peak resident memory of a process that fits it, libraries and data included.
        fit_before: the same process's, with libraries and data, before it fits.
        predict: peak resident memory of a process that loads it and predicts the whole test split.
        predict_before: the same process's, with the data, before it loads the model.
        disk: the pickled estimator's size.
        device: peak of the accelerator's memory in fitting; None where there is none, or it does not tell.
    """

    model: str
    task: str
    fit: int
    fit_before: int
    predict: int
    predict_before: int
    disk: int
    device: int | None = None


class Files(NamedTuple):
    """Where the data lie, for processes that both hold all of them."""

    train: Path
    target: Path
    test: Path

    def load(self) -> tuple[Any, Any, Any]:
        return load(self.train), load(self.target), load(self.test)


class Taken(NamedTuple):
    """What a process took, in bytes: at most, before the work that is measured, and of an accelerator's memory."""

    peak: int
    before: int
    device: int | None = None


def measure(model: Model, data: TaskData, seed: int, executor: Executor, limit: Limit | None = None) -> Memory:
    """Fit a model once more, in a process of its own, and predict in another.

    Args:
        model: which one.
        data: the task to fit it on.
        seed: to build it with.
        executor: what runs the processes.
        limit: how long each may take; None for ever.

    Raises:
        ModelFailed: if one of them fails, or takes too long.
    """
    apart = partial(_apart, executor, limit, model.name, data.task.name)
    with tempfile.TemporaryDirectory(prefix="fitgate-memory-") as name:
        directory = Path(name)
        files = Files(
            save(directory, "train", data.dataset.train.X),
            save(directory, "target", data.y_train),
            save(directory, "test", data.dataset.test.X),
        )
        estimator = directory / "estimator.pkl"
        fit = apart("fit", partial(_fit, model.build, seed, files, estimator))
        predict = apart("predict", partial(_predict, files, estimator))
        disk = estimator.stat().st_size
    return Memory(
        model=model.name,
        task=data.task.name,
        fit=fit.peak,
        fit_before=fit.before,
        predict=predict.peak,
        predict_before=predict.before,
        disk=disk,
        device=fit.device,
    )


def peak() -> int:
    """The most memory that this process has had resident, in bytes.

    Linux's `ru_maxrss` would start from what the parent had when it started this process; `VmHWM` does not.
    """
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass  # not Linux
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return int(psutil.Process().memory_info().peak_wset)  # type: ignore[attr-defined] # a field of Windows alone
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def _apart(executor: Executor, limit: Limit | None, model: str, task: str, stage: str, call: Callable[[], T]) -> T:
    seconds = None if limit is None else limit.seconds + HANDING_OVER  # it loads the data, too
    try:
        return executor.run(call, label=f"{stage} of {model} on {task}", timeout=seconds)
    except ExecutorError as error:
        raise ModelFailed(failure(model, task, stage, error, limit, handing_over=HANDING_OVER)) from error
    except Exception as error:
        reason = f"in a process of its own: {type(error).__name__}: {error}"
        raise ModelFailed(Failure(model, task, stage, reason)) from error


def _fit(build: Callable[[int], Any], seed: int, files: Files, kept: Path) -> Taken:
    train, target, _ = files.load()
    estimator = build(seed)
    before = peak()
    estimator.fit(train, target)
    on_device = offered(estimator, DeviceMemory)
    taken = Taken(peak(), before, None if on_device is None else on_device.device_bytes_)
    save(kept.parent, kept.stem, estimator)
    return taken


def _predict(files: Files, kept: Path) -> Taken:
    _, _, test = files.load()
    before = peak()
    pickle.loads(kept.read_bytes()).predict(test)  # noqa: S301 # the file is this user's alone
    return Taken(peak(), before)
