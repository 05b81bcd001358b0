"""The tables of a report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from tabulate import tabulate

from fitgate.gates.gates import Outcome, Verdict
from fitgate.metrics import METRICS
from fitgate.record import Record
from fitgate.runs.evaluation import SeedRun
from fitgate.statistics import mean_interval
from fitgate.tasks import DIGITS, TASKS

NONE = "-"
MARKS = {Outcome.PASS: "✅", Outcome.FAIL: "❌", Outcome.INCONCLUSIVE: "❔", Outcome.NO_BASELINE: "❓"}


def quality(record: Record) -> str:
    """One row per model and task: metrics, gates and verdicts."""
    evaluations = {(e.model, e.task): e for e in record.evaluations}
    failures = {(f.model, f.task): f for f in record.failures}
    metrics = [m for m in METRICS if any(m in e.metrics for e in record.evaluations)]
    rows = []
    for listed in record.models:
        for task in listed.tasks:
            key = (listed.name, task)
            verdicts = [v for v in record.verdicts if (v.model, v.task) == key]
            gates = "<br>".join(f"{_mark(v)} {_code(v.gate)}" for v in verdicts)
            if key in evaluations:
                values = [_metric(evaluations[key].metrics, m) for m in metrics]
            elif key in failures:
                values = ["failed", *[""] * (len(metrics) - 1)] if metrics else []
                gates = gates or f"❌ {failures[key].stage} failed"
            elif listed.skipped:
                values, gates = [NONE] * len(metrics), f"skipped: {listed.skipped}"
            else:
                continue  # not among the selected tests
            rows.append([listed.name, task, *values, gates or "no gate"])
    return table(["model", "task", *(METRICS[m].label for m in metrics), "gates"], rows)


def gates(record: Record) -> str:
    """A line for each gate: its verdict and why, the failed ones first."""
    order = sorted(record.verdicts, key=lambda v: (v.outcome is Outcome.PASS, not v.gained))
    return "\n".join(
        f"- {_mark(v)} **{v.model}** on {v.task}, {_code(v.gate)}: {v.outcome}. {v.message}" for v in order
    )


def failures(record: Record) -> str:
    """A line for each model that failed outright."""
    return "\n".join(f"- **{f.model}** on {f.task}, in `{f.stage}`: {_code(f.error)}" for f in record.failures)


def recall(record: Record) -> str:
    """Recall of each digit, in percent: a row per model."""
    assert record.data is not None
    labels = record.data.test_labels
    rows = []
    for e in record.evaluations:
        if e.task == DIGITS.name:
            hits = e.predictions == labels
            rows.append([e.model, *(f"{100 * hits[labels == c].mean():.1f}" for c in range(10))])
    return table(["model", *map(str, range(10))], rows, right=1)


def seeds(record: Record) -> str:
    """A row for each model, task and metric that was trained with several seeds: how it spreads."""
    runs: dict[tuple[str, str], list[SeedRun]] = defaultdict(list)
    for run in record.seed_runs:
        runs[run.fit.model, run.fit.task].append(run)
    rows = []
    for (model, task), several in runs.items():
        for metric in several[0].evaluation.metrics:
            values = np.array([run.evaluation.metrics[metric] for run in several], np.float64)
            interval = " to ".join(f"{x:.4f}" for x in mean_interval(values)) if len(values) > 1 else NONE
            deviation = f"{values.std(ddof=1):.4f}" if len(values) > 1 else NONE
            numbers = [f"{values.mean():.4f}", deviation, interval, f"{values.min():.4f}", f"{values.max():.4f}"]
            rows.append([model, task, METRICS[metric].label, str(len(values)), *numbers])
    headers = ["model", "task", "metric", "seeds", "mean", "SD", "95 % interval of the mean", "lowest", "highest"]
    return table(headers, rows, right=3)


def models(record: Record) -> str:
    """What each model is, and which class of which library did the work."""
    rows = []
    for listed in record.models:
        fit = next((f for f in record.fits if f.model == listed.name), None)
        if fit or listed.skipped:
            done = f"skipped: {listed.skipped}"
            if fit:
                done = ", ".join(filter(None, [_code(fit.implementation), fit.execution]))
            rows.append([listed.name, listed.description, done])
    return table(["model", "what it is", "implementation"], rows)


def tasks(record: Record) -> str:
    """What each task asks."""
    seen = {e.task for e in record.evaluations}
    return table(["task", "question"], [[name, task.question] for name, task in TASKS.items() if name in seen])


def environment(record: Record) -> str:
    """Machine, software, data and the run itself."""
    where, data = record.environment, record.data
    overhead = 1 - record.model_seconds / record.wall_seconds if record.wall_seconds else 0.0
    of_models = f", of which the models' fit and predict {record.model_seconds:.1f} s"
    duration = f"{record.wall_seconds:.1f} s"
    if not record.story:
        rest = "imports, harness, reports and measuring memory" if record.memory else "imports, harness and reports"
        duration += f"{of_models} ({overhead:.0%} is {rest})"
    asked = f"--threads {record.threads_asked}: " if record.threads_asked is not None else ""
    machine = [where.cpu, f"{where.cores} cores", f"{where.memory_gib:g} GiB", where.system, where.blas]
    rows = [
        ["machine", ", ".join(filter(None, [*machine, where.accelerator]))],
        ["software", f"Python {where.python}, " + ", ".join(f"{k} {v}" for k, v in where.libraries.items())],
    ]
    if data:
        size = f"{data.n_train:,} training and {data.n_test:,} test images"
        rows.append(["data", f"{data.name}, profile {record.profile}: {size}, SHA-256 {_code(data.digest[:16])}"])
    rows += [
        ["seed", str(record.seed)],
        ["started", record.started.replace("T", " ").replace("+00:00", " UTC")],
        ["duration", duration],
        ["threads", f"{asked}{threads(record)}"],
        ["condition", _conditions(record)],
        ["processes", "1" if record.workers == 1 else f"{record.workers}, whose timings disturb each other"],
        ["arguments", _code(" ".join(record.selection)) if record.selection else "none"],
        ["commit", _code(record.commit) if record.commit else "not in git"],
    ]
    return table(["", ""], rows)


def _mark(verdict: Verdict) -> str:
    """A sign for a verdict; that of a gain too good to be believed is a warning."""
    return "⚠️" if verdict.gained else MARKS[verdict.outcome]


def threads(record: Record) -> str:
    """Cores that a session could use, and threads of each library."""
    return ", ".join(f"{name} {count}" for name, count in record.threads.items()) or "not recorded"


def _conditions(record: Record) -> str:
    """What was told of the machine at the start and at the end."""
    units = {"load": "load {:g}", "mhz": "{:,.0f} MHz", "celsius": "{:g} degrees"}
    told = {
        c.when: [words.format(value) for name, words in units.items() if (value := getattr(c, name)) is not None]
        for c in record.conditions
    }
    return "; ".join(f"{when}: {', '.join(parts) or 'unknown'}" for when, parts in told.items()) or "not recorded"


def _metric(metrics: dict[str, float | None], name: str) -> str:
    if name not in metrics:
        return ""
    value = metrics[name]
    return "NaN" if value is None else f"{value:.4f}"


def significant(value: float | None) -> str:
    """Three significant digits, in plain notation."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if value >= 100 else np.format_float_positional(value, 3, fractional=False, trim="-")


def _code(text: str) -> str:
    flat = " ".join(text.split()).replace("|", "\\|")
    return f"`{flat.replace('`', chr(39))}`"


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], right: int | None = None) -> str:
    """A markdown table; from column `right` on, numbers, to the right."""
    align = None if right is None else ["left"] * right + ["right"] * (len(headers) - right)
    return tabulate(rows, headers, tablefmt="pipe", colalign=align if rows else None, disable_numparse=True)
