"""Judging as a stage of the session: outputs first, then one family of verdicts, then the seeds that these ask for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from fitgate.clock import monotonic
from fitgate.data import slicing_name
from fitgate.errors import LoggedError
from fitgate.gates import (
    Baseline,
    BaselineError,
    Claim,
    Gate,
    Need,
    Request,
    Verdict,
    Waiver,
    find_baseline,
    judge,
    needs,
    slicings,
)
from fitgate.model import ModelError
from fitgate.plugin.options import Options
from fitgate.plugin.registry import Registry, same_rule
from fitgate.plugin.seeds import Seeds
from fitgate.record import (
    Entry,
    Record,
    UnusableBaseline,
    begin,
    describe_data,
    describe_metric,
    describe_slices,
    describe_task,
    evidence,
)
from fitgate.runs import Evaluator, Failure, ModelFailed, Once
from fitgate.runs.training import failing
from fitgate.tasks import TaskData

Key = tuple[str, str, str]


class Stage:
    """Judges the gates that a session has selected, all at once, when the first of them is asked for.

    Args:
        options: what is in force.
        registry: the session's models and metrics.
        seeds: what models are built with.
        once: lets the processes of a session agree.
        evaluator: serves outputs.
        waivers: the failures that are accepted.
        emit: is given what the record needs: baselines, and verdicts; and the errors of gates.
        expect: is given the fits that lie ahead, in words.
        directory: of the project.
    """

    def __init__(
        self,
        options: Options,
        registry: Registry,
        seeds: Seeds,
        once: Once,
        evaluator: Callable[[], Evaluator],
        waivers: Callable[[], Sequence[Waiver]],
        emit: Callable[[Entry | LoggedError], None],
        expect: Callable[[Iterable[str]], None],
        directory: Path,
    ):
        self._options = options
        self._registry = registry
        self._seeds = seeds
        self._once = once
        self._evaluator = evaluator
        self._waivers = waivers
        self._emit = emit
        self._expect = expect
        self._directory = directory
        self._claims: dict[Key, Claim] = {}
        self._verdicts: dict[Key, Verdict] = {}
        self._baselines: set[Need] = set()
        self._described: set[str] = set()
        self._record: Record | None = None
        self._judged = 0

    def select(self, gates: Iterable[tuple[str, Gate]]) -> None:
        """Note which gates of which models this session is to judge: their false alarms are counted together."""
        for name, gate in gates:
            model = self._registry.known_models.get(name)
            if model is not None and self._registry.unavailable(model) is None:
                self._claim(name, gate)

    def verdict(self, model: str, gate: Gate) -> Verdict:
        """The verdict on a model; a gate that was not selected joins those that were, and all are judged anew.

        Raises:
            ModelError: if no plugin contributes the model, or another gate of it has the same rule.
        """
        if model not in self._registry.known_models:
            raise ModelError(
                f"{gate.where}: a gate on model {model}",
                found="a model that no plugin contributes",
                expected=f"one of {', '.join(sorted(self._registry.known_models))}",
                next_step="contribute it by the hook pytest_fitgate_models",
            )
        before = len(self._claims)
        claim = self._claim(model, gate)
        if len(self._claims) > before:
            self._verdicts.clear()
        if not self._verdicts:
            self._judge()
        return self._verdicts[claim.key]

    def _claim(self, model: str, gate: Gate) -> Claim:
        claim = Claim(model, gate, gate.rule(self._profile(gate)) or "")
        known = self._claims.setdefault(claim.key, claim)
        if known is claim:
            self._emit(gate.declaration(model, self._profile(gate)))
        elif known.gate != gate:
            raise same_rule(model, known.gate, gate, claim.rule)
        return known

    def _judge(self) -> None:
        record = self._record = self._record or begin(
            self._options.settings, [], 1, self._directory, self._registry.libraries
        )
        for waiver in self._waivers():
            record.add(waiver)
            self._emit(waiver)
        claims = list(self._claims.values())
        wanted = self._in_turn(needs(claims))
        self._expect(self._fits(wanted))
        for i in range(self._options.settings.seeds):  # in turns, so that whatever slows the machine slows all alike
            for need in wanted:
                self._train_seed(need, i)
        for need in wanted:
            self._serve(record, need, self._options.settings.seeds)
        for claim in claims:
            self._disturb(record, claim)
            self._add_baselines(record, claim)
        self._slice(record, claims)
        judgement = judge(claims, evidence(record, self._registry.metrics))
        self._judged, started = self._judged + 1, monotonic()
        while judgement.requests and self._affords(len(record.seed_runs), started):
            renewed = [Need(*request[:2]) for request in judgement.requests if self._train_more(record, request)]
            if not renewed:
                break  # the models heed no seed, or failed
            judgement = judge(claims, evidence(record, self._registry.metrics), judgement, renewed)
        for claim, verdict in zip(claims, judgement.verdicts, strict=True):
            self._verdicts[claim.key] = verdict
            self._emit(verdict)
        for error in judgement.errors:
            self._emit(error)

    def _fits(self, wanted: Iterable[Need]) -> Iterator[str]:
        """The fits that are sure to be made, in words."""
        for need in wanted:
            model = self._registry.known_models.get(need.model)
            task = model.task(need.task) if model else None
            if model is None or task is None or self._registry.unavailable(model) is not None:
                continue
            if self._registry.data_of(task).dataset.is_loaded:
                yield self._evaluator().fitting(model, task)
                if model.stochastic:
                    yield from (self._evaluator().fitting(model, task, seed) for seed in self._seeds.all(model, task))

    def _affords(self, trained: int, started: float) -> bool:
        """Whether another seed may be begun; what one process of a session finds, all of them heed."""
        minutes = self._options.settings.judge.minutes
        if minutes is None:
            return True
        key = f"budget-{self._judged}-{trained}"
        return bool(self._once(key, lambda: monotonic() - started < 60 * minutes))

    def _train_more(self, record: Record, request: Request) -> bool:
        """Serve a request; whether there is new evidence."""
        before = len(record.seed_runs), len(record.failures)
        have = sum((run.fit.model, run.fit.task) == request[:2] for run in record.seed_runs)
        self._serve(record, Need(request.model, request.task), request.seeds, have or 1)
        return (len(record.seed_runs), len(record.failures)) != before

    def _train_seed(self, need: Need, i: int) -> None:
        """Train a model with one of the seeds of the session; what it fails of is seen when it serves."""
        model = self._registry.known_models.get(need.model)
        task = model.task(need.task) if model else None
        if model and task and self._registry.unavailable(model) is None:
            evaluator, seeds = self._evaluator(), self._seeds.all(model, task)
            with suppress(ModelFailed):
                if evaluator.is_wanted(model, task, seeds[i], seeds):
                    evaluator.seed_run(model, task, seeds[i], seeds)

    def _serve(self, record: Record, need: Need, count: int, known: int = 0) -> None:
        """Put outputs into the evidence, trained now if nobody has yet; or why there are none.

        Args:
            record: takes them.
            need: of which model, on which task.
            count: of how many seeds; 0 for the session's own.
            known: how many of these were asked for before.
        """
        model = self._registry.known_models.get(need.model)
        task = model.task(need.task) if model else None
        if model is None or task is None:
            lacking = f"no plugin contributes a model {need.model!r}" if model is None else "it does not have that task"
            record.add(Failure(need.model, need.task, "fit", lacking))
            return
        if reason := self._registry.unavailable(model):
            record.add(Failure(need.model, need.task, "fit", reason))
            return
        data, evaluator = self._registry.data_of(task), self._evaluator()
        try:
            with failing(model.name, task.name, "fit"):  # its data may be what fails
                self._describe(record, data)
            if count and model.stochastic is not False:
                runs = evaluator.seed_runs(model, task, self._seeds.of(model, task, count), known)
                for run in runs:
                    record.add(run)
            record.add(evaluator.trained(model, task).fit)
            record.add(evaluator.evaluation(model, task))
        except ModelFailed as error:
            record.add(error.failure)

    def _disturb(self, record: Record, claim: Claim) -> None:
        """Put what a model makes of the disturbed examples that a gate asks about into the evidence."""
        model, task = self._registry.known_models.get(claim.model), claim.gate.task
        if model is None or any((f.model, f.task) == (model.name, task.name) for f in record.failures):
            return
        for disturbance in claim.gate.disturbances:
            try:
                record.add(self._evaluator().disturbed(model, task, disturbance))
            except ModelFailed as error:
                record.add(error.failure)

    def _describe(self, record: Record, data: TaskData) -> None:
        """Put a task, its dataset and its metrics into the evidence and the record, so that it can be judged again."""
        if data.task.name in self._described:
            return
        metrics = [describe_metric(self._registry.metrics[name]) for name in data.task.metric_names]
        entries: list[Entry] = [describe_data(data.dataset), describe_task(data), *metrics]
        for entry in entries:
            record.add(entry)
            self._emit(entry)
        self._described.add(data.task.name)

    def _slice(self, record: Record, claims: Sequence[Claim]) -> None:
        """Put the slices that gates look at into the evidence and the record, each once."""
        known = {(entry.task, entry.by) for entry in record.slices}
        for task, several in slicings(claims).items():
            for by in several if task in self._described else ():
                if (task, slicing_name(by)) not in known:
                    entry = describe_slices(self._registry.data_of(self._registry.tasks[task]), by)
                    record.add(entry)
                    self._emit(entry)

    def _add_baselines(self, record: Record, claim: Claim) -> None:
        """Put the baselines that a gate is held to into the evidence and the record, each once."""
        for need in claim.gate.baselines(claim.model):
            if need not in self._baselines and need.task in self._registry.tasks:
                self._baselines.add(need)
                found = self._find_baseline(need)
                if found is not None:
                    record.add(found)
                    self._emit(found)

    def _find_baseline(self, need: Need) -> Baseline | UnusableBaseline | None:
        data = self._registry.data_of(self._registry.tasks[need.task]).dataset
        try:
            return find_baseline(self._options.baselines, data.profile, *need, data.digest)
        except BaselineError as error:
            where = os.path.relpath(error.where, self._directory)
            return UnusableBaseline(*need, where, error.found, error.expected, error.next_step)

    def _profile(self, gate: Gate) -> str:
        return self._registry.data_of(gate.task).dataset.profile

    @staticmethod
    def _in_turn(wanted: list[Need]) -> list[Need]:
        """The same, from another place on in each process of a session: they then begin with different models."""
        worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
        count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
        start = len(wanted) * (int(worker) if worker.isdigit() else 0) // max(count, 1)
        return wanted[start:] + wanted[:start]
