"""What each fresh process of an A/B comparison runs, in one working tree: fit the models once, or time them.

It is run as a file with that tree on the path. The tree may be older than this file, so it relies on little: that a
package `models` has modules with a `pytest_suite_models`, and that the suite loads its quick data.
"""

import importlib
import itertools
import json
import os
import pickle
import pkgutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WARM_UP = 0.1  # seconds


def find_models() -> dict[str, Any]:
    """Every model of the package `models`, by name, but those that are slow or lack a library."""
    import models

    modules = [importlib.import_module(f"models.{module.name}") for module in pkgutil.iter_modules(models.__path__)]
    found = (model for module in modules for model in module.pytest_suite_models())
    return {model.name: model for model in found if not getattr(model, "slow", False) and not model.missing}


def fit(names: list[str], directory: str, seed: int) -> list[str]:
    """Fit models on the quick data, and keep them and the test images in a directory; the names of those fitted."""
    import numpy as np

    from fitgate.data import load

    data = load("quick")
    np.save(Path(directory, "images.npy"), data.test.images)
    found = find_models()
    chosen = [name for name in names or sorted(found) if name in found]
    for name in chosen:
        task = found[name].timed_task
        estimator = found[name].build(seed).fit(data.train.images, task.target(data.train.labels))
        Path(directory, f"{name}.pkl").write_bytes(pickle.dumps(estimator))
        print(f"fitted {name}", file=sys.stderr, flush=True)
    return chosen


def answer(names: list[str], directory: str, batch_size: int | None) -> None:
    """Load models, say so, and then time one slice of queries for each line that comes in, until there is no more."""
    import numpy as np

    talk = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a model prints is no answer
    images = np.load(Path(directory, "images.npy"))
    size = batch_size or len(images)
    starts = itertools.cycle(range(0, len(images) - size + 1, size))
    predicts = {}
    for name in names:
        kept = Path(directory, f"{name}.pkl").read_bytes()  # in a directory open to this user alone
        predicts[name] = pickle.loads(kept).predict  # noqa: S301
        time_slice(predicts[name], images, starts, size, WARM_UP)
    print("ready", file=talk, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        predict = predicts[asked.pop("name")]
        times = time_slice(predict, images, starts, size, **asked)
        print(float(np.median(times)), file=talk, flush=True)


def time_slice(predict: Any, images: Any, starts: Iterator[int], size: int, seconds: float) -> list[float]:
    """Seconds of each query, one at least."""
    times: list[float] = []
    begun = time.perf_counter()
    while not times or time.perf_counter() - begun < seconds:
        batch = images[next(starts) :][:size]
        started = time.perf_counter()
        predict(batch)
        times.append(time.perf_counter() - started)
    return times


def main(request: dict[str, Any]) -> None:
    """Carry out a request: fit, and print the names as the last line, or answer."""
    if cores := request.pop("cores"):
        os.sched_setaffinity(0, cores)  # before any library counts them
    if request.pop("what") == "fit":
        print("\n" + json.dumps(fit(**request)))
    else:
        answer(**request)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
