"""Evaluation: what an estimator does not give is no failure, and what it can't mean is one clear line."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from fitgate import Dataset, Floor, Metric, Outcome, Split, Task
from fitgate.gates import Claim, Evidence, JudgeSettings, Truth, judge
from fitgate.machine import environment
from fitgate.metrics import METRICS
from fitgate.runs import Fit, ModelFailed, Trained, evaluate
from fitgate.tasks import TaskData, known_metrics

KINDS = np.array(["benign", "malignant", "unsure"])
Y = np.tile(KINDS, 4)


class Answers:
    """Answers with what it is given, whatever it is asked; `asked` counts the calls by method."""

    def __init__(self, predictions, classes=None, **outputs):
        self._given = {"predict": predictions, **outputs}
        self.asked = []
        if classes is not None:
            self.classes_ = classes

    def __getattr__(self, name):
        if name not in self.__dict__.get("_given", {}):
            raise AttributeError(name)
        return lambda X: self.asked.append(name) or self._given[name]


def task_data(y_train, y_test, *metrics, **about):
    splits = Split(np.zeros((len(y_train), 1)), y_train), Split(np.zeros((len(y_test), 1)), y_test)
    task = Task("t", Dataset("d", lambda: splits), metrics=metrics, **about)
    known_metrics([task])
    return TaskData(task, task.dataset)


def evaluation(data, estimator):
    fit = Fit("m", "t", 42, "", 1.0, None, "fakes")
    return evaluate(
        Trained(fit, estimator), data, {**METRICS, **{n: data.task.metric(n) for n in data.task.metric_names}}
    )


def test_what_only_a_task_s_metric_reads_may_be_lacking():
    found = evaluation(task_data(Y, Y, "accuracy", "roc_auc_ovr", "log_loss"), Answers(Y))
    assert found.metrics == {"accuracy": 1.0, "roc_auc_ovr": None, "log_loss": None}
    assert found.missing == {
        "roc_auc_ovr": "Answers has neither decision_function nor predict_proba",
        "log_loss": "Answers has no predict_proba",
    }


def test_a_gate_that_reads_what_is_lacking_fails_and_says_what_to_do():
    data = task_data(Y, Y, "roc_auc_ovr")
    gate = Floor(data.task, "roc_auc_ovr", 0.5, perfect=True)
    found = Evidence(
        {"t": Truth("", "", Y, Y, kind=data.kind, classes=data.classes)},
        METRICS,
        JudgeSettings(),
        environment(),
        {("m", "t"): [evaluation(data, Answers(Y))]},
    )
    (verdict,) = judge([Claim("m", gate, "r")], found).verdicts
    assert verdict.outcome is Outcome.FAIL
    assert verdict.message == (
        "m has no macro ROC AUC on t: Answers has neither decision_function nor predict_proba, "
        "which roc_auc_ovr reads; use another estimator, or a metric that reads predictions."
    )


def test_nothing_is_asked_for_that_no_metric_reads():
    estimator = Answers(Y, decision_function=np.eye(3)[[0, 1, 2] * 4], predict_proba=np.eye(3)[[0, 1, 2] * 4])
    evaluation(task_data(Y, Y, "accuracy"), estimator)
    assert estimator.asked == ["predict"]
    evaluation(task_data(Y, Y, "accuracy", "brier"), estimator)
    assert estimator.asked == ["predict", "predict", "predict_proba"]


def test_columns_follow_the_task_s_classes_whatever_the_estimator_s_order():
    order = KINDS[[2, 0, 1]]
    sure = (Y[:, None] == order).astype(float)
    data = task_data(Y, Y, "log_loss", "roc_auc_ovr")
    found = evaluation(data, Answers(Y, order, predict_proba=sure, decision_function=sure))
    assert found.metrics == {"log_loss": pytest.approx(0, abs=1e-12), "roc_auc_ovr": 1.0}
    np.testing.assert_array_equal(found.probabilities, Y[:, None] == KINDS)


def test_a_class_of_one_split_alone_has_a_column():
    two = Y[Y != "unsure"]
    sure = (two[:, None] == KINDS).astype(float)
    assert evaluation(task_data(Y, two, "log_loss"), Answers(two, KINDS, predict_proba=sure)).metrics["log_loss"] < 1e-9
    knows = (Y[:, None] == KINDS[:2]).astype(float)
    blind = (knows + 0.5) / (knows + 0.5).sum(axis=1, keepdims=True)
    answers = Answers(Y, KINDS[:2], predict_proba=blind, decision_function=blind[:, 1])
    found = evaluation(task_data(two, Y, "log_loss", "roc_auc_ovr"), answers)
    assert found.probabilities.shape == found.scores.shape == (12, 3)
    assert found.metrics["log_loss"] > 10  # a third of the examples got a probability of 0
    assert found.metrics["roc_auc_ovr"] > 0.5


def test_columns_that_fit_no_class_are_lacking_with_the_reason():
    found = evaluation(task_data(Y, Y, "roc_auc_ovr"), Answers(Y, KINDS, decision_function=np.zeros((12, 6))))
    assert found.missing["roc_auc_ovr"] == "Answers gives decision_function of shape (12, 6) where (12, 3) is expected"


def test_scores_of_two_classes_are_of_the_second_whatever_the_estimator_s_order():
    y = np.array(["no", "yes"] * 6)
    for classes, sign in ((["no", "yes"], 1), (["yes", "no"], -1)):
        answers = Answers(y, np.array(classes), decision_function=sign * np.where(y == "yes", 2.0, -1.0))
        assert evaluation(task_data(y, y, "roc_auc"), answers).metrics["roc_auc"] == 1.0


@pytest.mark.parametrize(
    ("given", "classes", "reason"),
    [
        (np.full((12, 3), 5.0), KINDS, "other than numbers from 0 to 1 that add up to 1"),
        (np.full((12, 3), 1 / 3), np.arange(3), "Answers has the class 0, which is none of the task's"),
    ],
)
def test_what_is_no_probability_has_no_log_loss(given, classes, reason):
    found = evaluation(task_data(Y, Y, "log_loss"), Answers(Y, classes, predict_proba=given))
    assert found.metrics["log_loss"] is None
    assert reason in found.missing["log_loss"]


def test_probabilities_of_labels_are_one_array_however_they_come():
    y = np.column_stack([np.arange(8) % 2, np.arange(8) < 4])
    each = [np.column_stack([1 - y[:, i], y[:, i]]).astype(float) for i in range(2)]
    listed = Answers(y, [np.array([0, 1])] * 2, predict_proba=each)
    together = Answers(y, predict_proba=y.astype(float))
    for estimator in (listed, together):
        found = evaluation(task_data(y, y, "log_loss", "roc_auc"), estimator)
        assert found.metrics == {"log_loss": pytest.approx(0, abs=1e-6), "roc_auc": 1.0}


@pytest.mark.parametrize(
    ("y", "predictions", "message"),
    [
        (Y, np.zeros(12, int), "Answers: found labels such as 0, expected labels such as 'benign'; fit the estimator"),
        (np.arange(12) % 3, Y, "Answers: found labels such as 'benign', expected labels such as 0;"),
        (Y, Y[:-1], "found predictions of shape (11,) for 12 examples, expected (12,)"),
    ],
)
def test_predictions_of_another_kind_than_the_labels_are_one_clear_line(y, predictions, message):
    with pytest.raises(ModelFailed) as caught:
        evaluation(task_data(y, y, "accuracy"), Answers(predictions))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("predictions", "found"),
    [
        (np.full(12, np.nan), "predictions such as nan"),
        (np.full(12, np.inf), "predictions such as inf"),
        (np.full(12, 1j), "predictions such as 1j"),
        (np.full(12, None), "predictions such as None"),
        ([[1], [2, 3]], "what NumPy takes for no array"),
        ([*range(11), "11"], "labels such as '0'"),
        (np.array([*range(11), "11"], object), "text such as '11' among numbers"),
        (np.full(12, np.datetime64("2026-01-02")), "predictions such as datetime.date(2026, 1, 2)"),
        (np.ma.array(np.arange(12), mask=np.arange(12) == 7), "predictions of which some are masked"),
        (iter(range(12)), "predictions of shape () for 12 examples"),
        ([10**400] * 12, "predictions such as 1000"),
    ],
)
@pytest.mark.parametrize("metric", ["mae", "accuracy"])
def test_predictions_are_text_or_finite_numbers(predictions, found, metric):
    y = np.arange(12.0) if metric == "mae" else np.arange(12)
    with pytest.raises(ModelFailed) as caught:
        evaluation(task_data(y, y, metric), Answers(predictions))
    assert f"WrongAnswers: Answers: found {found}" in str(caught.value)


@pytest.mark.parametrize("form", [list, tuple, pd.Series, pd.Categorical, np.ma.array, lambda y: y.astype(object)])
@pytest.mark.parametrize("y", [np.arange(12) % 3, Y])
def test_a_legitimate_form_of_answers_is_judged(form, y):
    assert evaluation(task_data(y, y, "accuracy"), Answers(form(y))).metrics == {"accuracy": 1.0}


def test_answers_of_several_labels_may_be_sparse():
    labels = np.column_stack([np.arange(12) % 2, np.arange(12) % 3 == 0]).astype(int)
    found = evaluation(task_data(labels, labels, "macro_f1"), Answers(scipy.sparse.csr_matrix(labels)))
    assert found.metrics == {"macro_f1": 1.0}


def test_a_function_of_target_and_output_is_a_metric_as_before():
    data = task_data(Y, Y, Metric("found", lambda y, p: float(np.mean(y == p))), "matthews_corrcoef")
    assert evaluation(data, Answers(Y)).metrics == {"found": 1.0, "matthews_corrcoef": 1.0}
