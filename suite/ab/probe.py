"""What each fresh process of an A/B comparison runs, in one working tree: fit the models once, or ask them.

It is run as a file with that tree on the path. The tree may be older than this file, so it relies on little: that a
package `models` has modules with a `pytest_suite_models`, and that the suite loads its quick data.
"""

import importlib
import json
import os
import pickle
import pkgutil
import sys
import time
from pathlib import Path
from typing import Any

WARM_UP = 20
LEAST_QUERIES = 5


def find_models() -> dict[str, Any]:
    """Every model of the package `models`, by name, but those that are slow or lack a library."""
    import models

    modules = [importlib.import_module(f"models.{module.name}") for module in pkgutil.iter_modules(models.__path__)]
    found = (model for module in modules for model in module.pytest_suite_models())
    return {model.name: model for model in found if not getattr(model, "slow", False) and not model.missing}


def fit(names: list[str], directory: str, seed: int) -> list[str]:
    """Fit models on the quick data, and keep them and the test images in a directory; the names of those fitted."""
    import numpy as np

    from suite.harness.datasets import load

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


def ask(
    names: list[str], directory: str, batch_size: int | None, seconds: float, slowdowns: list[float]
) -> dict[str, list[float]]:
    """Median seconds of a query, by model and slowdown: a slowdown of 0.1 idles for a tenth of each query's time."""
    import numpy as np

    images = np.load(Path(directory, "images.npy"))
    size = batch_size or len(images)
    medians = {}
    for name in names:
        kept = Path(directory, f"{name}.pkl").read_bytes()  # in a directory open to this user alone
        predict = pickle.loads(kept).predict  # noqa: S301
        starts = range(0, len(images) - size + 1, size)
        first = time.perf_counter()
        for i in range(WARM_UP):
            predict(images[starts[i % len(starts)] :][:size])
            if time.perf_counter() - first > seconds:
                break
        taken: dict[float, list[float]] = {slowdown: [] for slowdown in slowdowns}
        begun, i = time.perf_counter(), 0
        while i < LEAST_QUERIES or time.perf_counter() - begun < seconds * len(slowdowns):
            batch = images[starts[i % len(starts)] :][:size]
            for slowdown, times in taken.items():  # in turn, so that whatever else slows the machine slows all alike
                started = time.perf_counter()
                predict(batch)
                ended = time.perf_counter()
                until = ended + slowdown * (ended - started)
                while (now := time.perf_counter()) < until:
                    pass
                times.append(now - started if slowdown else ended - started)
            i += 1
        medians[name] = [float(np.median(times)) for times in taken.values()]
    return medians


def main(request: dict[str, Any]) -> None:
    """Carry out a request, and print what came of it as the last line."""
    if cores := request.pop("cores"):
        os.sched_setaffinity(0, cores)  # before any library counts them
    answer = fit(**request) if request.pop("what") == "fit" else ask(**request)
    print("\n" + json.dumps(answer))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
