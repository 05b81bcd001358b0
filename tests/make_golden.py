"""Makes the golden record: fixed entries, as a session on fake models would leave them."""

from functools import partial
from pathlib import Path

import numpy as np

from fitgate import Above, Floor, Model, Outcome, Published, Verdict
from fitgate.gates import Claim, Declaration, Reason, judge
from fitgate.latency.timing import TimedProcess, Timing
from fitgate.machine import Calibration, Condition
from fitgate.metrics import METRICS
from fitgate.record import (
    ModelEntry,
    Settings,
    evidence,
    lost_examples,
    misclassified_examples,
    published_values,
    row,
    save,
)
from fitgate.runs import Failure, Fit, SeedRun
from fitgate.runs.memory import Memory
from fitgate.tasks import TaskData
from tests import fakes, records
from tests.fakes import DIGITS, FIVES

GATES = {
    "good": (Floor(DIGITS, "accuracy", quick=0.9), Above(FIVES, "roc_auc", rival="poor")),
    "poor": (Floor(DIGITS, "accuracy", quick=0.9),),
}
FALL = Verdict(
    "poor",
    "digits",
    "accuracy>baseline-0.01",
    Outcome.FAIL,
    "accuracy 0.8300 is worse than the baseline's 0.8650 by 3.50 points. Chance alone does this in 0.02% of sessions, "
    "and the gate answers for a fall of 1 point. Look at examples 6, 12, 18; if the fall is meant, bless this run.",
    kind="NoRegression",
    metric="accuracy",
    reason=Reason.FALL,
    value=0.83,
    threshold=0.855,
    n=200,
    lost=[6, 12, 18],
    p_value=2e-4,
    margin=0.01,
    power=0.9,
    level=0.01,
    where="models/poor.py:12",
    details="accuracy 0.8300 against the baseline's 0.8650: -3.50 points, by McNemar's mid-p, p = 0.0002.",
)
PARAMETERS = {"metric": "accuracy", "margin": 0.01}


def fit(model, task, seed, data):
    """A fit; that of the good model is of one that compiles, and learns in epochs."""
    if model == "poor":
        return Fit(model, task, seed, data.digest, 1.25 + seed / 100, None, f"fakes.{model}")
    curves = {"training loss": [0.9, 0.4, 0.3], "validation accuracy": [0.8, 0.9, 0.97]}
    stated = {"compile_saved_seconds": 3.0, "execution": "2 fake devices", "curves": curves}
    return Fit(model, task, seed, data.digest, 1.25, 0.5, f"fakes.{model}", **stated)


def both(queries):
    """Two processes, with so many queries each."""
    return [TimedProcess(queries, load, 0.2) for load in (1.1, 1.3)]


def golden():
    dataset = fakes.DATASET.on("quick")
    record = records.blank(
        settings=Settings(profile="quick", seeds=3, processes=2),
        selection=["-k", "a|b"],
        commit="0123456789abcdef0123456789abcdef01234567-dirty",
        wall_seconds=25.0,
        threads={"cores": 2, "blas (libopenblas)": 2},
        conditions=[Condition("start", 0.5, 2800.0, None), Condition("end", 1.5, 2900.0, 60.0)],
    )
    for name, about, tasks, skipped in (
        ("good", "the better one", ["digits", "fives"], None),
        ("poor", "the worse one", ["digits", "fives"], None),
        ("broken", "one that fails", ["digits"], None),
        ("absent", "one without its library", ["digits"], "absent needs magic, which is not installed"),
    ):
        record.add(ModelEntry(name, about, tasks, skipped))
    tasks = [TaskData(task, dataset) for task in (DIGITS, FIVES)]
    for data in tasks:
        records.describe(record, data)
    for model, blunder in (("good", 50), ("poor", 6)):
        for data in tasks:
            estimator = fakes.Reader(blunder)
            estimator.binary = data.task is FIVES
            scores = estimator.decision_function(dataset.test.X) if data.task is FIVES else None
            record.add(fit(model, data.task.name, 42, dataset))
            record.add(records.evaluation(model, data, estimator.predict(dataset.test.X), scores))
        timed = partial(Timing, model, "digits", first_seconds=0.2)
        ramp = [0.001 + i * 1e-6 for i in range(700)]
        record.add(timed("single", 1, ramp, compile_seconds=0.1, processes=both(350)))
        record.add(timed("multi", 8, [0.004, 0.005, 0.006, 0.007], round_trip_seconds=0.0004, processes=both(2)))
        record.add(timed("offline", 200, [0.25, 0.26], kernel="gemm", work_per_example=1e7, processes=both(1)))
        record.add(timed("server", 1, [0.002] * 700, rate=900.0, bound=0.1, processes=both(350)))
        record.add(Calibration("gemm", "GFLOP/s", model, [79.0, 80.0, 81.0 if model == "good" else 85.0]))
        record.add(Memory(model, "digits", 300 * 2**20, 200 * 2**20, 250 * 2**20, 150 * 2**20, 5 * 2**18))
    record.add(Failure("broken", "digits", "fit", "RuntimeError: too | bad"))
    claims = [Claim(model, gate, gate.rule("quick")) for model, gates in GATES.items() for gate in gates]
    for claim in claims:
        record.add(claim.gate.declaration(claim.model, "quick"))
    record.add(Declaration(FALL.model, FALL.task, FALL.gate, FALL.kind, PARAMETERS, FALL.where))
    for verdict in (*judge(claims, evidence(record, METRICS)).verdicts, FALL):
        record.add(verdict)
    own = {e.model: e for e in record.evaluations if e.task == "digits"}
    for seed in (42, 43, 44):
        predictions = np.where(np.arange(200) % (seed - 3), dataset.test.y, 0)
        other = records.evaluation("good", tasks[0], predictions)
        for model, e in (("good", own["good"] if seed == 42 else other), ("poor", own["poor"])):
            record.add(SeedRun(fit(model, "digits", seed, dataset), e))
    record.failed_tests = ["test_quality.py::test_gate[poor-digits-accuracy>=0.9]"]

    values = (
        Published(DIGITS, "accuracy", 0.975, profile="quick", source="They, 2017, on scaled images"),
        Published(FIVES, "roc_auc", 0.99, profile="quick", source="They, 2017"),
    )
    better = Model("good", fakes.Reader, (DIGITS, FIVES), published=values)
    record.published = published_values(record, [better], METRICS)

    def row_of(task, i):
        return row(dataset.test.X, i)

    record.misclassified = misclassified_examples(record, row_of)
    record.lost = lost_examples(record, row_of)
    return record


if __name__ == "__main__":
    directory = Path(__file__).parent / "golden"
    directory.mkdir(exist_ok=True)
    save(golden(), directory / "record.json")
