"""Seeds: what a session builds models with, by default those of their baselines."""

from __future__ import annotations

from fitgate.errors import FitgateError
from fitgate.gates.archive import seeds_of
from fitgate.model import Model
from fitgate.plugin.options import Options
from fitgate.plugin.registry import Registry
from fitgate.tasks import Task


class Seeds:
    """The seeds of each model on each task, in the order in which they are trained.

    Where the user names the first, they count up from it. Else they are the baseline's, and then count on from its
    last: a model that has not changed gives with them what it gave before. Without a baseline, they count up from the
    default.

    Args:
        options: what is in force.
        registry: knows the data.
    """

    def __init__(self, options: Options, registry: Registry):
        self._options = options
        self._registry = registry
        self._known: dict[tuple[str, str], list[int]] = {}

    def of(self, model: Model, task: Task, count: int) -> list[int]:
        """The first so many seeds of a model on a task."""
        known = self._baseline(model, task)[:count] if count else []
        after = known[-1] + 1 if known else self._options.settings.seed
        return known + [after + i for i in range(count - len(known))]

    def first(self, model: Model, task: Task) -> int:
        """The seed that the session's own fit is built with."""
        return self.of(model, task, 1)[0]

    def all(self, model: Model, task: Task) -> list[int]:
        """Those of `--fit-seeds`; empty without it."""
        return self.of(model, task, self._options.settings.seeds)

    def _baseline(self, model: Model, task: Task) -> list[int]:
        if self._options.settings.seed_named:
            return []
        key = (model.name, task.name)
        if key not in self._known:
            dataset = self._registry.data_of(task).dataset
            try:
                found = seeds_of(self._options.baselines, dataset.profile, *key, lambda: dataset.digest)
            except FitgateError:  # of data that can't be loaded, as whoever trains on them is told
                found = []
            self._known[key] = sorted(found)
        return self._known[key]
