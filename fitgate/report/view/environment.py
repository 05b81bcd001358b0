"""The environment: machine, software, data and the run itself, and what the models are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fitgate.machine import Condition, changes
from fitgate.record import DataEntry, ModelEntry, Record, found_deterministic
from fitgate.report.view.words import gpus, noun, same_output, threads, training
from fitgate.runs import Fit
from fitgate.text import counted


@dataclass(frozen=True)
class Fact:
    """Something about a run: what it is, in words, and where it needs it a literal such as a digest or a command."""

    name: str
    text: str
    literal: str = ""


UNTRAINED = "not trained here"


@dataclass(frozen=True)
class ModelRow:
    """What a model is, and which class of which library did the work; why not, where it was skipped.

    `seeds` says what was found out about them, where its author did not say.
    """

    name: str
    description: str
    implementation: str
    execution: str
    skipped: str
    seeds: str = ""


def environment(record: Record) -> tuple[Fact, ...]:
    """All that is known of how a run came about."""
    where = record.environment
    machine = [where.cpu, counted(where.cores, "core"), f"{where.memory_gib:g} GiB", where.system, where.blas]
    allowed = record.settings.threads
    option = f"limited to {allowed}: " if allowed is not None else ""
    disturbed = "" if record.workers == 1 else ", whose timings disturb each other"
    return (
        Fact("machine", ", ".join(filter(None, [*machine, gpus(where)]))),
        Fact("software", ", ".join([f"Python {where.python}", *(f"{k} {v}" for k, v in where.libraries.items())])),
        *map(_data, record.datasets),
        Fact("seed", seeds_built_with(record)),
        Fact("started", record.started.replace("T", " ").replace("+00:00", " UTC")),
        Fact("duration", _duration(record)),
        Fact("threads", f"{option}{threads(record)}"),
        Fact("condition", _conditions(record)),
        Fact("processes", f"{record.workers}{disturbed}"),
        Fact("arguments", "" if record.selection else "none", " ".join(record.selection)),
        Fact("commit", "" if record.commit else "none", record.commit or ""),
    )


def seeds_built_with(record: Record) -> str:
    """The seeds of the session's own fits, as `42`, or `42 and 2000`, where models have those of their baselines."""
    found = sorted({fit.seed for fit in fits(record)}) or [record.settings.seed]
    return " and ".join(filter(None, (", ".join(map(str, found[:-1])), str(found[-1]))))


def size(data: DataEntry) -> str:
    """A dataset's name, profile and size."""
    profile = f", profile {data.profile}" if data.profile else ""
    many, folds = noun([data]).many, data.folds
    if folds is not None:
        grouped = f" in {data.groups:,} groups, none of them in two folds" if data.groups else ""
        return (
            f"{data.name}{profile}: {folds.n:,} {many}{grouped}, tested in {folds.repeats} x {folds.of_a_repeat} folds "
            f"by a fit each; the first, which is timed, on {data.n_train:,} {many} and asked about {data.n_test:,}"
        )
    taken = "for independent all the same" if data.group_of is None else "as wholes"
    grouped = f" in {data.groups:,} groups, which bounds and tests take {taken}" if data.groups else ""
    return f"{data.name}{profile}: {data.n_train:,} training and {data.n_test:,} test {many}{grouped}"


def shared(data: DataEntry) -> list[str]:
    """How many test examples stand in the training split too; empty where that is not known."""
    if data.overlap is None:
        return []
    alike = f", {data.overlap_alike:,} of them with the same target" if data.overlap else ""
    return [f"{data.overlap:,} test {noun([data]).many} that stand in {training(data)}{alike}"]


def models(record: Record) -> tuple[ModelRow, ...]:
    """The models that were fitted or skipped."""
    rows, same = [], found_deterministic(record)
    for model in record.models:
        fit = next((fit for fit in fits(record) if fit.model == model.name), None)
        if fit:
            kind = fit.implementation or "predictions"
            rows.append(ModelRow(model.name, model.description, kind, _execution(fit), "", _seeds(model, same)))
        elif model.skipped:
            rows.append(ModelRow(model.name, model.description, "", "", model.skipped))
    return tuple(rows)


def _execution(fit: Fit) -> str:
    """How it computed, or where else it was trained."""
    source = "" if fit.source is None else f"{UNTRAINED}: {fit.source}"
    if fit.cached:
        source = f"CACHED: fitted in a session of {fit.cached[:16].replace('T', ' ')} UTC"
    elif fit.renewed:
        source = f"fitted again, as {fit.renewed}"
    done = "loaded" if fit.source else "fitted"
    return ", ".join(filter(None, (source, fit.execution, f"{done} in a process of its own" * fit.isolated)))


def fits(record: Record) -> Sequence[Fit]:
    """The fits of the models, in this session or in the one that they come from."""
    return record.fits if record.origin is None else record.origin.fits


def origin(record: Record) -> str:
    """Where models come from that were fitted in another session, in a sentence; empty where they were not."""
    of = record.origin
    if of is None:
        return ""
    day, commit = of.started[:10], f", commit {of.commit[:12]}" if of.commit else ""
    differs = changes(of.environment, record.environment)
    return (
        f"The models were fitted in a session of {day} on {of.environment.cpu}{commit}, and came here in a bundle of "
        f"SHA-256 {of.digest[:16]}. Answers and metrics are of that session, times of this machine. "
        f"What differs here: {', '.join(differs) or 'nothing that is recorded'}."
    )


def _seeds(model: ModelEntry, found: Mapping[tuple[str, str], int]) -> str:
    same = {task: seeds for (name, task), seeds in found.items() if name == model.name}
    if len(set(same.values())) == 1 and len(same) == len(model.tasks):
        return same_output(*set(same.values()))
    return ", ".join(f"on {task} {same_output(seeds)}" for task, seeds in same.items())


def _data(data: DataEntry) -> Fact:
    about = [size(data), *shared(data), *([f"licence {data.licence}"] if data.licence else []), "SHA-256"]
    return Fact("data", ", ".join(about), data.digest[:16])


def _duration(record: Record) -> str:
    """How long a run took, and what of it its models did; that says nothing where plugins worked of their own."""
    duration = f"{record.wall_seconds:.1f} s"
    if record.extras or not record.wall_seconds:
        return duration
    rest = (
        "imports, fitgate itself, reports and measuring memory"
        if record.memory
        else "imports, fitgate itself and reports"
    )
    overhead = 1 - record.model_seconds / record.wall_seconds
    return f"{duration}, of which fitting and predicting took {record.model_seconds:.1f} s ({overhead:.0%} is {rest})"


def _conditions(record: Record) -> str:
    """What is known of the machine at the start and at the end."""
    moments = (f"{c.when}: {', '.join(_measured(c)) or 'unknown'}" for c in record.conditions)
    return "; ".join(moments) or "not recorded"


def _measured(condition: Condition) -> list[str]:
    return [
        *([f"load {condition.load:g}"] if condition.load is not None else []),
        *([f"{condition.mhz:,.0f} MHz"] if condition.mhz is not None else []),
        *([f"{condition.celsius:g} degrees Celsius"] if condition.celsius is not None else []),
    ]
