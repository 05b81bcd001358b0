"""Makes the golden record: fixed entries, as a session on fake models would leave them."""

from pathlib import Path

import numpy as np

from fitgate.gates.gates import Evidence
from fitgate.latency.timing import Timing
from fitgate.machine import Calibration, Condition, Environment
from fitgate.metrics import METRICS
from fitgate.record import SCHEMA, Listed, Record, describe, hard_examples, save
from fitgate.runs.evaluation import Evaluation, SeedRun
from fitgate.runs.memory import Memory
from fitgate.runs.training import Failure, Fit
from suite import DIGITS, FIVES, Above, Floor
from tests import fakes

GATES = {
    "good": (Floor(DIGITS, "accuracy", quick=0.9), Above(FIVES, "roc_auc", rival="poor")),
    "poor": (Floor(DIGITS, "accuracy", quick=0.9),),
}


def fit(model, task, seed, data):
    """A fit; that of the good model is of one that compiles, and learns in epochs."""
    if model == "poor":
        return Fit(model, task, seed, data.digest, 1.25 + seed / 100, None, f"fakes.{model}")
    curves = {"training loss": [0.9, 0.4, 0.3], "validation accuracy": [0.8, 0.9, 0.97]}
    told = {"compile_saved_seconds": 3.0, "execution": "2 fake devices", "curves": curves}
    return Fit(model, task, seed, data.digest, 1.25, 0.5, f"fakes.{model}", **told)


def golden():
    data = fakes.dataset()
    record = Record(
        schema=SCHEMA,
        started="2026-01-02T03:04:05+00:00",
        status="finished",
        profile="quick",
        seed=42,
        selection=["-k", "a|b"],
        commit="0123456789abcdef0123456789abcdef01234567-dirty",
        workers=1,
        environment=Environment("Abacus 1", 2, 24.0, "Linux x86_64", "3.11.7", {"numpy": "2.0.0"}),
        wall_seconds=25.0,
        threads={"cores": 2, "blas (libopenblas)": 2},
        conditions=[Condition("start", 0.5, 2800.0, None), Condition("end", 1.5, 2900.0, 60.0)],
        data=describe(data),
    )
    record.models = [
        Listed("good", "the better one", ["digits", "fives"]),
        Listed("poor", "the worse one", ["digits", "fives"]),
        Listed("broken", "one that fails", ["digits"]),
        Listed("absent", "one without its library", ["digits"], "absent needs magic, which is not installed"),
    ]
    for model, blunder in (("good", 50), ("poor", 6)):
        for task in (DIGITS, FIVES):
            estimator = fakes.Reader(blunder)
            estimator.binary = task is FIVES
            predictions = np.asarray(estimator.predict(data.test.images))
            scores = estimator.decision_function(data.test.images) if task.ranks else None
            target = task.target(data.test.labels)
            metrics = {name: METRICS[name].value(target, predictions, scores) for name in task.metrics}
            record.add(fit(model, task.name, 42, data))
            record.add(Evaluation(model, task.name, 200, metrics, 0.25, None, 0.1, predictions, scores))
        record.add(Timing(model, "digits", "single", 1, [0.001 + i * 1e-6 for i in range(700)], 0.2, 0.1))
        record.add(Timing(model, "digits", "multi", 8, [0.004, 0.005, 0.006], 0.01, round_trip_seconds=0.0004))
        record.add(Timing(model, "digits", "offline", 200, [0.25], kernel="gemm", work_per_image=1e7))
        record.add(Timing(model, "digits", "server", 1, [0.002] * 700, 0.2, rate=900.0, bound=0.1))
        record.add(Calibration("gemm", "GFLOP/s", model, [79.0, 80.0, 81.0 if model == "good" else 85.0]))
        record.add(Memory(model, "digits", 300 * 2**20, 200 * 2**20, 250 * 2**20, 150 * 2**20, 5 * 2**18))
    for seed in (42, 43, 44):
        for model, blunder in (("good", seed - 2), ("poor", 6)):
            predictions = np.where(np.arange(200) % blunder, data.test.labels, 0)
            metrics = {name: METRICS[name].value(data.test.labels, predictions, None) for name in DIGITS.metrics}
            evaluation = Evaluation(model, "digits", 200, metrics, 0.25, None, 0.0, predictions)
            record.add(SeedRun(fit(model, "digits", seed, data), evaluation))
    record.add(Failure("broken", "digits", "fit", "RuntimeError: too | bad"))
    evaluations = {(e.model, e.task): e for e in record.evaluations}
    evidence = Evidence(data, lambda name, task: evaluations[name, task.name])
    for model, gates in GATES.items():
        for gate in gates:
            record.add(gate.judge(model, evidence))
    record.hard = hard_examples(record, data)
    return record


if __name__ == "__main__":
    directory = Path(__file__).parent / "golden"
    directory.mkdir(exist_ok=True)
    save(golden(), directory / "record.json")
