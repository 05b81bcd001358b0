"""What the fresh processes of a comparison run in their working tree: one fits its models, others time them.

Its code is sent by value, so that all trees are measured by the same code, and a tree may be older than it. Of the tree
it relies on little: that pytest finds its models, and that these tell their data as `training_data` reads them.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fitgate.executor.exchange import load, save
from fitgate.plugin.discovery import Contributions, discover

WARM_UP = 0.1  # seconds

# The files of an estimator and of the examples that it is asked about; the threads that answer few, None for all.
Kept = tuple[Path, Path, int | None]


def training_data(found: Contributions, model: Any) -> tuple[Any, Any, Any]:
    """The training examples of a model's timed task, their target, and the examples of the test split.

    That task is the first that is not slow, or the first where all are. They are of the first profile of its dataset.
    The only place that knows what a task and its dataset call them.
    """
    task = next((task for task in model.tasks if not _is_slow(task)), model.timed_task)
    declared = found.datasets[task.dataset] if isinstance(task.dataset, str) else task.dataset
    dataset = declared.on(None)
    return dataset.train.X, task.target(dataset.train.y), dataset.test.X


def fit(root: Path, names: Sequence[str], directory: Path, seed: int) -> tuple[dict[str, Kept], tuple[str, ...]]:
    """Fit models of a working tree, and keep them in files of a directory.

    Args:
        root: the tree.
        names: the models; for none, all that are neither slow, on slow tasks alone, nor without a library that they
            need.
        directory: for the files.
        seed: of the models.

    Returns:
        The files of those among the models that the tree has, by name, and the `sys.path` with which to load them.
    """
    found = discover(root)
    usable = {name: model for name, model in found.models.items() if _is_trained(model) and not model.missing}
    quick = [name for name, model in usable.items() if not (model.slow or all(map(_is_slow, model.tasks)))]
    chosen = [name for name in names or sorted(quick) if name in usable]
    kept: dict[str, Kept] = {}
    examples_kept: list[tuple[Any, Path]] = []
    for name in chosen:
        train, target, test = training_data(found, usable[name])
        path = next((path for examples, path in examples_kept if examples is test), None)
        if path is None:
            path = save(directory, f"examples-{len(examples_kept)}", test)
            examples_kept.append((test, path))
        estimator = usable[name].build(seed).fit(train, target)
        threads = vars(usable[name]).get("serving_threads")  # of which older trees know nothing
        kept[name] = save(directory, name, estimator), path, threads
    return kept, found.path


def _is_trained(model: Any) -> bool:
    """Whether a model is trained here, and so in either tree anew; older trees know no others."""
    return all(vars(model).get(name) is None for name in ("artefact", "predictions"))


def _is_slow(task: Any) -> bool:
    """Whether a task takes part only where it is named; older trees know no such tasks."""
    return bool(vars(task).get("slow", False))


class Stopwatch:
    """Times the predictions of fitted models, after a warm-up of each.

    Args:
        kept: the files of each model and of its examples, by the model's name.
        batch_size: examples in a query; None for the whole test split.
        few: queries of fewer examples are answered by a model's serving threads.
    """

    def __init__(self, kept: Mapping[str, Kept], batch_size: int | None, few: int):
        examples = {path: load(path) for _, path, _ in kept.values()}
        self._queries = {
            name: (load(estimator).predict, batches(examples[path], batch_size))
            for name, (estimator, path, _) in kept.items()
        }
        self._threads = {
            name: threads if min(batch_size or few, count(examples[path])) < few else None
            for name, (_, path, threads) in kept.items()
        }
        for name in kept:
            self.time(name, WARM_UP)

    def time(self, name: str, seconds: float) -> float:
        """Median seconds of the queries of a slice of time: as many as fit, one at least."""
        predict, queries = self._queries[name]
        if self._threads[name] is None:
            return statistics.median(times(predict, queries, seconds))
        from fitgate.machine import few_threads  # which a tree has whose models have serving threads

        with few_threads(self._threads[name]):
            return statistics.median(times(predict, queries, seconds))


def times(predict: Callable[[Any], Any], queries: Iterator[Any], seconds: float) -> list[float]:
    """Seconds of each query, one at least."""
    found: list[float] = []
    begun = time.perf_counter()  # not that of `fitgate.clock`: this module runs where there may be none
    while not found or time.perf_counter() - begun < seconds:
        batch = next(queries)
        started = time.perf_counter()
        predict(batch)
        found.append(time.perf_counter() - started)
    return found


def batches(examples: Any, size: int | None) -> Iterator[Any]:
    """Batches of the examples, over and over: of an array, a sparse matrix, a DataFrame or a sequence."""
    n = count(examples)
    size = min(size or n, n)
    rows = examples.iloc if hasattr(examples, "iloc") else examples
    for start in itertools.cycle(range(0, n - size + 1, size)):
        yield rows[start : start + size]


def count(examples: Any) -> int:
    """How many examples there are."""
    shape = getattr(examples, "shape", None)
    return len(examples) if shape is None else int(shape[0])
