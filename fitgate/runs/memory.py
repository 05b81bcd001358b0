"""Memory: how much of it fitting and predicting take, each in a process of its own."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from fitgate.data import Dataset
from fitgate.model import Model
from fitgate.runs.training import Failure, ModelFailed
from fitgate.tasks import Task

ARRAYS = ("train", "target", "test")


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


def measure(model: Model, task: Task, dataset: Dataset, seed: int) -> Memory:
    """Fit a model once more, in a process of its own, and predict in another.

    Raises:
        ModelFailed: if one of them fails.
    """
    import cloudpickle

    with tempfile.TemporaryDirectory(prefix="digit-bench-memory-") as name:
        directory = Path(name)
        arrays = (dataset.train.images, task.target(dataset.train.labels), dataset.test.images)
        for what, array in zip(ARRAYS, arrays, strict=True):
            np.save(directory / f"{what}.npy", array)
        (directory / "build.pkl").write_bytes(cloudpickle.dumps((model.build, seed)))
        fit = _run(model, task, directory, "fit")
        predict = _run(model, task, directory, "predict")
        disk = (directory / "estimator.pkl").stat().st_size
    return Memory(
        model=model.name,
        task=task.name,
        fit=fit["peak"],
        fit_before=fit["before"],
        predict=predict["peak"],
        predict_before=predict["before"],
        disk=disk,
        device=fit["device"],
    )


def _run(model: Model, task: Task, directory: Path, stage: str) -> Any:
    command = [sys.executable, "-m", "fitgate.runs.memory", str(directory), stage]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    if result.returncode:
        last = (result.stderr.strip().splitlines() or [f"it ended with {result.returncode}"])[-1]
        raise ModelFailed(Failure(model.name, task.name, stage, f"in a process of its own: {last}"))
    return json.loads(result.stdout.strip().splitlines()[-1])


def _main(directory: Path, stage: str) -> None:
    """What the process does: one stage, and then print what it took."""
    train, target, test = (np.load(directory / f"{what}.npy") for what in ARRAYS)
    kept, device = directory / "estimator.pkl", None
    if stage == "fit":
        build, seed = pickle.loads((directory / "build.pkl").read_bytes())  # noqa: S301
        estimator = build(seed)
        before = peak()
        estimator.fit(train, target)
        device = getattr(estimator, "device_bytes_", None)
        taken = peak()
        kept.write_bytes(_dumps(estimator))
    else:
        before = peak()
        pickle.loads(kept.read_bytes()).predict(test)  # noqa: S301
        taken = peak()
    print("\n" + json.dumps({"peak": taken, "before": before, "device": device}))


def _dumps(estimator: Any) -> bytes:
    import cloudpickle

    return bytes(cloudpickle.dumps(estimator))


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
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


if __name__ == "__main__":
    _main(Path(sys.argv[1]), sys.argv[2])
