"""Whatever a model returns: it is judged or fails, and the session leaves record, report and figures."""

import warnings
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from fitgate import Dataset, Floor, Model, Split, Task
from fitgate.gates import Claim, Outcome, judge
from fitgate.latency.timing import Timing
from fitgate.metrics import METRICS
from fitgate.record import (
    ModelEntry,
    decode_entry,
    describe_data,
    describe_metric,
    describe_task,
    encode,
    evidence,
    largest_errors,
    lost_examples,
    misclassified_examples,
    read,
    row,
    save,
)
from fitgate.report import write_report
from fitgate.runs import ModelFailed, evaluate, train
from fitgate.tasks import TaskData
from tests.records import blank

N = 6
X = np.arange(N * 4.0).reshape(N, 4)
INTEGERS = np.array([0, 1, 2] * 2)
TARGETS = {
    "integers": (INTEGERS, ("accuracy", "macro_f1")),
    "two": (INTEGERS % 2, ("roc_auc", "log_loss", "accuracy")),
    "three": (INTEGERS, ("accuracy", "roc_auc")),
    "words": (np.array(["rose", "lily", "iris"] * 2), ("accuracy", "macro_f1")),
    "objects": (np.array(["rose", "lily", "iris"] * 2, object), ("accuracy",)),
    "truths": (INTEGERS == 1, ("f1", "accuracy")),
    "numbers": (np.linspace(-1.5, 2.5, N), ("mae", "r2")),
    "labels": (np.column_stack([INTEGERS > 0, INTEGERS > 1]).astype(int), ("macro_f1",)),
}
GOOD = "its own target"


class Answering:
    """Gives what it is told to."""

    def __init__(self, predictions, scores=GOOD, curve=()):
        self.predictions, self.scores, self.loss_curve_ = predictions, scores, list(curve)

    def fit(self, X, y):
        self.y = y
        return self

    def predict(self, X):
        return self.y if self.predictions is GOOD else self.predictions

    def decision_function(self, X):
        return np.asarray(self.y, float) if self.scores is GOOD else self.scores

    def predict_proba(self, X):
        return np.eye(3)[INTEGERS] if self.scores is GOOD else self.scores


def session(directory, y, metrics, estimator, X=X, **about):
    """What a session does with a model that passes on its training split; its record as read from disk."""
    dataset = Dataset("things", lambda: (Split(X, y), Split(X, y)), **about)
    task = Task("kinds", dataset, metrics=metrics)
    data = TaskData(task, dataset)
    task.resolve(METRICS)
    gate = Floor(task, metrics[0], 1e6 if metrics[0] == "mae" else 1e-3)
    record = blank()
    told = [describe_data(dataset), describe_task(data), *(describe_metric(METRICS[name]) for name in metrics)]
    told += [ModelEntry("odd", "answers oddly", ["kinds"]), gate.declaration("odd", "")]
    try:
        trained = train(Model("odd", lambda seed: estimator, (task,), ()), data, 42)
        told += [trained.fit, evaluate(trained, data, METRICS), Timing("odd", "kinds", "single", 1, [1e-3] * 20, 0.1)]
    except ModelFailed as error:
        told.append(error.failure)
    for entry in told:
        record.add(decode_entry(encode(entry)))
    for verdict in judge([Claim("odd", gate, gate.rule(""))], evidence(record, METRICS)).verdicts:
        record.add(decode_entry(encode(verdict)))

    def row_of(task, i):
        return row(dataset.test.X, i)

    record.misclassified, record.largest_errors = misclassified_examples(record, row_of), largest_errors(record, row_of)
    record.lost = lost_examples(record, row_of)
    record.end("finished")
    save(record, directory / "record.json")
    kept = read(directory)
    for one in (record, kept):
        report = write_report(one, directory).read_text()
        assert "could not be made" not in report, report
        assert report.startswith("# fitgate report\n\n**")
    return kept


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.just(10**400),
    st.just(pd.NA),
    st.just(pd.NaT),
    st.just(np.ma.masked),
    st.just(datetime(2026, 1, 2)),
    st.builds(object),
    st.just([]),
    st.just({"a": 1}),
)
LABELS = st.one_of(st.sampled_from([0, 1, 2, 0.0, 1.0, np.nan, np.inf, True, "rose", "lily", "1", b"rose"]), SCALARS)
SHAPES = st.one_of(
    st.just((N,)), st.just((N, 1)), st.just((N, 2)), npst.array_shapes(min_dims=0, max_dims=3, min_side=0)
)
ARRAYS = npst.arrays(
    st.one_of(npst.scalar_dtypes(), npst.unicode_string_dtypes(max_len=5), npst.byte_string_dtypes(max_len=5),
              npst.nested_dtypes(max_leaves=3)), SHAPES
)  # fmt: skip
LISTS = st.one_of(st.lists(LABELS, min_size=N, max_size=N), st.lists(LABELS, max_size=N + 2))


def objects(values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


def masked(values):
    return np.ma.array(np.resize(np.asarray(values, float), N), mask=[True, False] * 3)


FORMS = st.one_of(
    ARRAYS,
    LISTS,
    LISTS.map(tuple),
    LISTS.map(objects),
    LISTS.map(lambda values: pd.Series(values, dtype=object)),
    LISTS.map(lambda values: pd.DataFrame({"a": pd.Series(values, dtype=object)})),
    LISTS.map(iter),
    ARRAYS.map(lambda array: array.tolist()),
    st.lists(st.floats(), min_size=N, max_size=N).map(masked),
    st.lists(st.integers(0, 2), min_size=N, max_size=N).map(lambda v: pd.array(v, dtype="Int64")),
    st.lists(st.integers(0, 2), min_size=N, max_size=N).map(pd.Categorical),
    st.lists(st.integers(0, 2), min_size=N, max_size=N).map(lambda v: scipy.sparse.csr_matrix([v])),
    SCALARS,
)
SCORES = st.one_of(
    st.sampled_from([(N,), (N, 2), (N, 3), (N, 1)]).flatmap(
        lambda shape: npst.arrays(np.float64, shape, elements=st.one_of(st.floats(0, 1), st.floats()))
    ),
    FORMS,
)
EXAMPLES = settings(
    deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, max_examples=8, database=None
)


@pytest.mark.parametrize("target", TARGETS)
@EXAMPLES
@given(given_=FORMS)
@example(given_=np.array([0, np.nan, 1, 1, 2, np.inf]))
@example(given_=np.full(N, np.nan))
@example(given_=np.full(N, None))
@example(given_=objects([0, "1", None, pd.NA, 2, 10**400]))
@example(given_=np.full(N, np.datetime64("NaT")))
@example(given_=np.full(N, 10**300))
@example(given_=[])
def test_any_predictions_leave_every_artefact(tmp_path_factory, target, given_):
    y, metrics = TARGETS[target]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        record = session(tmp_path_factory.mktemp("run"), y, metrics, Answering(given_))
    (verdict,) = record.verdicts
    if record.failures:
        assert verdict.outcome is Outcome.FAIL
    else:
        answers = record.evaluations[0].predictions
        assert answers.shape == y.shape
        assert answers.dtype.kind in "biufUSO"
        assert answers.dtype.kind != "f" or np.isfinite(answers).all()


@pytest.mark.parametrize("target", ["two", "three"])
@EXAMPLES
@given(scores=SCORES, curve=st.lists(st.one_of(st.floats(), st.integers()), max_size=3))
def test_any_scores_leave_every_artefact(tmp_path_factory, target, scores, curve):
    y, metrics = TARGETS[target]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session(tmp_path_factory.mktemp("run"), y, metrics, Answering(GOOD, scores, curve))
