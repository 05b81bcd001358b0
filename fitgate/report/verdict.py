"""The verdict on a run, in one line, from its record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from fitgate.gates import Outcome, Reason, Verdict
from fitgate.record import Record
from fitgate.report.view.machine import Served
from fitgate.text import CELL, counted, shown


class RunOutcome(StrEnum):
    """What a run came to; INCONCLUSIVE where no gate fails it, and none passed."""

    PASS = "PASS"  # noqa: S105
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    INCOMPLETE = "INCOMPLETE"
    NO_VERDICT = "NO VERDICT"


class RunVerdict(NamedTuple):
    """What a run came to, and why, in words."""

    outcome: RunOutcome
    reason: str

    @property
    def failed(self) -> bool:
        """Whether it must not pass."""
        return self.outcome is RunOutcome.FAIL

    @property
    def lets_pass(self) -> bool:
        """Whether its gates were judged, and nothing fails it."""
        return self.outcome in (RunOutcome.PASS, RunOutcome.INCONCLUSIVE)

    @property
    def line(self) -> str:
        """Both, in one line."""
        return f"{self.outcome}: {self.reason}"


def run_verdict(record: Record) -> RunVerdict:
    """What a run came to: each FAIL of a gate, gate without a verdict, failed test and fault fails the whole."""
    judged = len(record.verdicts)
    if record.status != "finished":
        how = "cut off" if record.status == "running" else "stopped"
        return RunVerdict(RunOutcome.INCOMPLETE, f"the run was {how}; gates judged before: {judged}")
    if reasons := [*filter(None, [_why_failed(record)]), *([_listed(record.faults, 1)] if record.faults else [])]:
        return RunVerdict(RunOutcome.FAIL, "; ".join(reasons))
    if not judged:
        return RunVerdict(RunOutcome.NO_VERDICT, "no gate was selected")
    others = {
        "waived": record.count(Outcome.WAIVED),
        "inconclusive": record.count(Outcome.INCONCLUSIVE),
        "without a baseline": record.count(Outcome.NO_BASELINE),
        "better than chance explains": sum(verdict.gained for verdict in record.verdicts),
    }
    if rest := [f"{count} {words}" for words, count in others.items() if count]:
        passed = record.count(Outcome.PASS)
        outcome = RunOutcome.PASS if passed else RunOutcome.INCONCLUSIVE
        return RunVerdict(outcome, ", ".join([f"{passed} of {counted(judged, 'gate')} passed", *rest]))
    return RunVerdict(RunOutcome.PASS, "the one gate passed" if judged == 1 else f"all {judged} gates passed")


def _why_failed(record: Record) -> str:
    """Why a finished run fails; empty if it does not."""
    judged = len(record.verdicts)
    failed = [v for v in record.verdicts if v.outcome in failing(record)]
    imports = [f.model for f in record.failures if f.stage == "import"]
    absent = f"{_listed(imports)} could not be imported" if imports else ""
    if failed:
        gates = f"{len(failed)} of {counted(judged, 'gate')} failed: {_listed(map(_named, failed))}"
        return f"{absent}; {gates}" if absent else gates
    if absent:
        return absent
    if record.unjudged:
        names = [f"{gate.model} {gate.gate} on {gate.task}" for gate in record.unjudged]
        return f"{len(names)} of {counted(len(record.gates), 'gate')} selected came to no verdict: {_listed(names)}"
    if record.failures:
        return f"{_listed(f'{f.model} on {f.task}' for f in record.failures)} failed outright"
    if wrong := list(_wrong_engines(record)):
        return _listed(wrong, 1)
    if record.doubted:
        doubted = dict.fromkeys(f"{Served(a.model, a.engine)} on {a.task}" for a in record.doubted)
        return f"timings can't be believed, of {_listed(doubted)}: {record.doubted[0].message}"
    if record.failed_tests:
        count = len(record.failed_tests)
        return f"{counted(count, 'test')} failed: {_listed(record.failed_tests)}"
    if not judged and record.gates_expected:
        return _without_gates(record)
    return ""


def _wrong_engines(record: Record) -> Iterator[str]:
    """The engines that answer as the models that they serve may not, and why, in words."""
    for entry in record.engines:
        name = Served(entry.model, entry.engine)
        if entry.fault:
            yield f"{name} can't be judged on {entry.task}: {entry.fault}"
        elif entry.lost:
            yield f"{name} fails gates that {entry.model} itself does not: {_listed(entry.lost)}"


def _named(verdict: Verdict) -> str:
    lacking = ", which no test judged" if verdict.reason is Reason.NOT_JUDGED else ""
    return f"{verdict.model} {verdict.gate} on {verdict.task}{lacking}"


def _without_gates(record: Record) -> str:
    """Why no gate was enforced where some were expected."""
    if not record.models:
        return "no model took part, so no gate was enforced"
    if all(model.skipped for model in record.models):
        return f"no gate was enforced: {_listed(model.skipped or '' for model in record.models)}"
    return "models were tested, but no gate was enforced"


def failing(record: Record) -> set[Outcome]:
    """The outcomes that fail a run by its settings."""
    settings = record.settings.judge
    outcomes = {Outcome.FAIL}
    if settings.strict:
        outcomes.add(Outcome.INCONCLUSIVE)
    if settings.require_baseline:
        outcomes.add(Outcome.NO_BASELINE)
    return outcomes


def _listed(names: Iterable[str], most: int = 3) -> str:
    """The first few names, and how many more there are."""
    known = list(names)
    more = [f"{len(known) - most} more"] if len(known) > most else []
    return ", ".join([shown(name, CELL) for name in known[:most]] + more)
