"""Contracts: the checks of a session's fitted models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from fitgate.contracts import CHECKS, Broken, Check, Inapplicable, Subject, Unanswered, Unfitted
from fitgate.executor import ExecutorError
from fitgate.executor.process import run
from fitgate.gates import BaselineError, find_baseline
from fitgate.machine import environment
from fitgate.model import Model
from fitgate.plugin.reuse import Finding, Kept
from fitgate.plugin.trained import TrainedModel
from fitgate.runs import Limit, Trained
from fitgate.runs.apart import HANDING_OVER, failure
from fitgate.tasks import Task, TaskData

Found = Broken | Inapplicable | None


class Contracts:
    """Holds models to checks, on the task that each puts first.

    Args:
        data_of: a task on its data.
        limit_of: how long a model may take, which is then checked in a process of its own; None for ever.
        baselines: the directory of the baselines.
        libraries: distributions by whose versions environments are told apart.
        kept: the fits of earlier sessions, with what was found of them; None where none are used.
    """

    def __init__(
        self,
        data_of: Callable[[Task], TaskData],
        limit_of: Callable[[Model], Limit | None],
        baselines: Path,
        libraries: Callable[[], Sequence[str]],
        kept: Kept | None = None,
    ):
        self._data_of, self._limit_of, self._baselines, self._libraries = data_of, limit_of, baselines, libraries
        self._kept = kept
        self._subjects: dict[str, Subject] = {}
        self._apart: dict[str, dict[str, Found]] = {}

    def hold(self, subject: TrainedModel, check: Check) -> str | None:
        """What a check finds wrong with a model; None for nothing. A check that does not apply skips the test.

        Raises:
            ModelFailed: if fitting or predicting failed, now or before.
        """
        model, task = subject.model, subject.model.timed_task
        found = self._known(subject, check)
        if isinstance(found, Inapplicable):
            pytest.skip(f"{check.__name__} does not apply to {model.name} on {task.name}: {found}")
        if found is None:
            return None
        return f"{model.name} on {task.name}, {check.__name__}: {found}"

    def _known(self, subject: TrainedModel, check: Check) -> Found:
        """What an earlier session found of a fit that this one uses, or else what is found now."""
        model, task = subject.model, subject.model.timed_task
        name = next((name for name, known in CHECKS.items() if known is check), None)  # not those of a project's own
        if self._kept is None or name is None or model.predictions is not None:
            return self._found(subject, check)
        fit = (model, self._data_of(task), subject.on(task).fit.seed)
        if known := self._kept.contract(*fit, name):
            return _again(known)
        found = self._found(subject, check)
        if not isinstance(found, Unanswered | Unfitted):  # the next session may have more luck
            self._kept.keep_contract(*fit, name, _finding(found))
        return found

    def _found(self, subject: TrainedModel, check: Check) -> Found:
        model, task = subject.model, subject.model.timed_task
        if model.predictions is not None:
            return Inapplicable("its predictions are given, and there is no estimator to ask")
        limit = self._limit_of(model)
        if limit is None:
            if model.name not in self._subjects:
                about = (model, self._data_of(task), subject.on(task), self._is_reproduced(subject))
                self._subjects[model.name] = Subject(*about)
            return _outcome(self._subjects[model.name], check)
        if model.name not in self._apart:  # all at once: a process takes longer to begin than most checks
            trained = subject.on(task)
            call = partial(_outcomes, model, self._data_of(task), trained, self._is_reproduced(subject))
            self._apart[model.name] = self._run(model, task, trained, call, limit)
        return self._apart[model.name][check.__name__]

    @staticmethod
    def _run(
        model: Model, task: Task, trained: Trained, call: Callable[[], dict[str, Found]], limit: Limit
    ) -> dict[str, Found]:
        patience = len(CHECKS) * limit.seconds + HANDING_OVER
        try:
            return run(call, label=f"{model.name} on {task.name}", timeout=patience)
        except ExecutorError as error:
            why = failure(model.name, task.name, "predict", error, limit, len(CHECKS), HANDING_OVER)
            return dict.fromkeys(CHECKS, Unanswered(f"It could not be checked: {why.error}."))

    def _is_reproduced(self, subject: TrainedModel) -> bool:
        """Whether a model's baseline has just the output of the session's fit, made by another with the same seed.

        A fit of an earlier session may be the very one that the baseline was made of.
        """
        model, task = subject.model, subject.model.timed_task
        dataset, fit = self._data_of(task).dataset, subject.on(task).fit
        if fit.cached:
            return False
        try:
            baseline = find_baseline(self._baselines, dataset.profile, model.name, task.name, dataset.digest)
        except BaselineError:
            return False
        if baseline is None:
            return False
        outputs = [subject.evaluation(task).outputs]
        return baseline.gave(outputs, [fit.seed], environment(self._libraries()), fit.execution)


def _outcomes(model: Model, data: TaskData, trained: Trained, reproduced: bool) -> dict[str, Found]:
    """What all checks find, by their names."""
    subject = Subject(model, data, trained, reproduced)
    return {name: _outcome(subject, check) for name, check in CHECKS.items()}


def _outcome(subject: Subject, check: Check) -> Found:
    try:
        check(subject)
    except (Broken, Inapplicable) as found:
        return found.with_traceback(None)
    return None


def _finding(found: Found) -> Finding:
    """What was found, to be kept."""
    return Finding(
        str(found) if isinstance(found, Broken) else "",
        str(found) if isinstance(found, Inapplicable) else "",
    )


def _again(known: Finding) -> Found:
    """What was found, of what was kept."""
    if known.broken:
        return Broken(known.broken)
    return Inapplicable(known.inapplicable) if known.inapplicable else None
