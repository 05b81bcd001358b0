"""Evidence made by hand: evaluations, baselines and what a gate says of them."""

import numpy as np

from fitgate.gates import Claim, Evidence, JudgeSettings, Truth, collect, judge
from fitgate.machine import environment
from fitgate.metrics import METRICS, Outputs
from fitgate.runs import Evaluation, Fit, SeedRun
from tests import fakes

ENVIRONMENT = environment()
TASKS = (fakes.DIGITS, fakes.FIVES, fakes.TRAITS)


def truths(profile="quick"):
    return {
        task.name: Truth(profile, fakes.DATASET.digest, np.asarray(task.target(fakes.LABELS)), fakes.LABELS)
        for task in TASKS
    }


def evaluation(task, predictions, scores=None, model="m", **metrics):
    """An evaluation with these outputs; `metrics` replace what they give."""
    target = np.asarray(task.target(fakes.LABELS))
    values = {name: METRICS[name].value(target, Outputs(predictions, scores)) for name in task.metric_names}
    values = {name: value if np.isfinite(value) else None for name, value in values.items()} | metrics
    return Evaluation(model, task.name, len(target), values, 0.0, None, 0.0, predictions, scores)


def wrong(count):
    """Ten-class predictions, so many of the 200 wrong."""
    return np.where(np.arange(200) < count, (fakes.LABELS + 1) % 10, fakes.LABELS).astype(np.uint8)


def baseline(*outputs, task=fakes.DIGITS, model="m", digest=fakes.DATASET.digest):
    """Of evaluations, one a seed."""
    runs = [
        SeedRun(Fit(model, task.name, seed, digest, 1.0, None, "fakes"), output) for seed, output in enumerate(outputs)
    ]
    return collect(runs, "quick", ENVIRONMENT, "0123")


def evidence(runs, baselines=None, profile="quick", missing=None, **settings):
    return Evidence(
        truths(profile),
        METRICS,
        JudgeSettings(**settings),
        ENVIRONMENT,
        {key: several if isinstance(several, list) else [several] for key, several in runs.items()},
        missing or {},
        baselines or {},
        {key: range(len(several) if isinstance(several, list) else 1) for key, several in runs.items()},
    )


def claim(model, gate, profile="quick"):
    """The claim that a model holds to a gate."""
    return Claim(model, gate, gate.rule(profile) or "")


def verdict_of(gate, *runs, before=None, profile="quick", rivals=None, family=(), **settings):
    """The verdict on the model `m`, in a session with rivals and, by `family`, with other models and gates.

    Args:
        gate: that judges.
        runs: of `m`, one a seed.
        before: its baseline.
        profile: of the data.
        rivals: evaluations of other models by name.
        family: name, gate, evaluation and baseline of other models.
        settings: of judging.
    """
    task = gate.task.name
    found = {("m", task): list(runs)} | {(name, task): rival for name, rival in (rivals or {}).items()}
    baselines = {} if before is None else {("m", task): before}
    for name, other, run, earlier in family:
        found[name, other.task.name] = run
        baselines[name, other.task.name] = earlier
    claims = [claim("m", gate, profile), *(claim(name, other, profile) for name, other, *_ in family)]
    return judge(claims, evidence(found, baselines, profile, **settings)).verdicts[0]
