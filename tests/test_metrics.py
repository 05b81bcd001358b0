"""Metrics: their values are scikit-learn's on any labels, and their bounds and tests survive rare classes."""

import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as theirs
from sklearn.metrics import get_scorer_names, make_scorer

from fitgate import Dataset, FitgateError, Metric, Split, Task
from fitgate.gates.baseline import Baseline, ranks_of
from fitgate.metrics import METRICS, Outputs
from fitgate.metrics.scorer import scorer_metric
from fitgate.tasks import TaskData, known_metrics

RNG = np.random.default_rng(0)
KINDS = np.array(["benign", "malignant", "unsure"])
TWO, THREE = KINDS[RNG.integers(2, size=300)], KINDS[RNG.integers(3, size=300)]
NUMBERS = RNG.normal(size=300)


def likely(target, classes, noise=0.5):
    """Probabilities `(n, classes)` that know something of the target."""
    raw = np.exp((target[:, None] == classes) + noise * RNG.normal(size=(len(target), len(classes))))
    return raw / raw.sum(axis=1, keepdims=True)


P2, P3 = likely(TWO, KINDS[:2]), likely(THREE, KINDS)
GUESS2, GUESS3 = (KINDS[p.argmax(axis=1)] for p in (P2, P3))
LABELS = np.column_stack([TWO == "benign", THREE == "unsure"]).astype(np.uint8)
GUESSED = np.where(np.arange(600).reshape(300, 2) % 10, LABELS, 1 - LABELS)
CASES = [
    ("balanced_accuracy", THREE, GUESS3, theirs.balanced_accuracy_score(THREE, GUESS3)),
    ("f1", TWO, GUESS2, theirs.f1_score(TWO, GUESS2, pos_label="malignant")),
    ("macro_f1", THREE, GUESS3, theirs.f1_score(THREE, GUESS3, average="macro")),
    ("macro_f1", LABELS, GUESSED, theirs.f1_score(LABELS, GUESSED, average="macro")),
    ("roc_auc", TWO, P2[:, 1], theirs.roc_auc_score(TWO, P2[:, 1])),
    ("roc_auc_ovr", THREE, P3, theirs.roc_auc_score(THREE, P3, multi_class="ovr")),
    ("average_precision", TWO, P2[:, 1], theirs.average_precision_score(TWO, P2[:, 1], pos_label="malignant")),
    ("log_loss", TWO, P2, theirs.log_loss(TWO, P2)),
    ("log_loss", THREE, P3, theirs.log_loss(THREE, P3)),
    ("brier", TWO, P2, theirs.brier_score_loss(TWO, P2[:, 1], pos_label="malignant")),
    ("brier", THREE, P3, theirs.brier_score_loss(THREE, P3)),
    ("mae", NUMBERS, NUMBERS + 0.5, 0.5),
    ("rmse", NUMBERS, NUMBERS * 1.5, theirs.root_mean_squared_error(NUMBERS, NUMBERS * 1.5)),
    ("r2", NUMBERS, NUMBERS * 1.5, theirs.r2_score(NUMBERS, NUMBERS * 1.5)),
]


@pytest.mark.parametrize(("name", "target", "output", "value"), CASES)
def test_a_metric_s_value_is_scikit_learn_s(name, target, output, value):
    assert METRICS[name].compute(target, output) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(("name", "target", "output", "value"), CASES)
def test_a_bound_lies_on_the_worse_side_and_a_worse_output_is_a_fall(name, target, output, value):
    metric, worse = METRICS[name], np.roll(output, 1, axis=0)
    assert metric.lead(value, metric.confidence_bound.compute(target, output, 0.99)) >= 0
    change = metric.paired_test.compute(target, output, worse)
    assert change.size == pytest.approx(metric.lead(value, metric.compute(target, worse)))
    assert change.p_value < 0.01 < metric.paired_test.compute(target, worse, output).p_value


@pytest.mark.parametrize("name", ["roc_auc", "roc_auc_ovr", "average_precision"])
def test_metrics_of_scores_depend_on_their_order_alone(name):
    target, scores = (THREE, P3) if name == "roc_auc_ovr" else (TWO, P2[:, 1].round(2))
    assert METRICS[name].compute(target, ranks_of(scores)) == METRICS[name].compute(target, scores)


@pytest.mark.parametrize("name", ["log_loss", "brier"])
def test_metrics_of_probabilities_are_the_same_on_what_a_baseline_keeps(name):
    sure = np.array([[1.0, 0.0], [1e-12, 1 - 1e-12], [0.0, 1.0]])
    target, metric = np.array(["no", "yes", "no"]), METRICS[name]
    assert metric.compute(target, sure.astype(np.float32)) == pytest.approx(metric.compute(target, sure), rel=1e-6)
    assert math.isfinite(metric.compute(target, sure))


def test_a_binary_roc_auc_by_class_is_the_same_on_the_ranks_of_a_baseline():
    scores = P2[:, 1].round(2)
    kept = Baseline(None, TWO[None], ranks_of(scores)[None]).outputs[0]
    metric = METRICS["roc_auc_ovr"]
    assert metric.value(TWO, kept) == metric.compute(TWO, scores)


def test_an_output_that_predicts_classes_there_are_none_of_is_a_fall_of_the_mean_over_classes():
    target, metric = np.tile([0, 1], 100), METRICS["macro_f1"]
    before = np.where(np.arange(200) % 10, target, 1 - target)
    now = np.where(np.arange(200) % 10, target, np.arange(200) // 10)
    values = [metric.compute(target, output) for output in (before, now)]
    change = metric.paired_test.compute(target, before, now)
    assert change.size == pytest.approx(values[0] - values[1])
    assert change.p_value < 0.01


def test_macro_f1_is_scikit_learn_s_where_classes_are_missing_on_either_side():
    target, few = np.array([2, 2, 5, 7]), np.array([2, 3, 3, 2])
    none = np.zeros((4, 2), int)
    cases = [
        (target, few),
        (target, few.astype(float)),
        (none, none),
        (none, none + 1),
        (target[:, None], few[:, None]),
    ]
    for truth, output in cases:
        expected = theirs.f1_score(truth, output, average="macro", zero_division=0.0)
        assert METRICS["macro_f1"].compute(truth, output) == pytest.approx(expected)


@pytest.mark.parametrize("output", [np.array(["a", "b"] * 2), np.array([0.5, 1, 1, 1]), np.array(["a", 1] * 2, object)])
def test_macro_f1_of_what_are_no_such_labels_has_no_value(output):
    with pytest.raises((ValueError, TypeError)):
        METRICS["macro_f1"].compute(np.array([1, 2, 2, 1]), output)
    with pytest.raises(ValueError, match="more than two values"):
        METRICS["macro_f1"].compute(np.eye(3, dtype=int), 2 * np.eye(3, dtype=int) + np.eye(3, k=1, dtype=int))


@pytest.mark.parametrize("value", ["0.9", np.array("0.9"), b"0.9", None, [0.9, 0.9], 10**400, 1.1])
def test_what_is_no_number_of_its_range_is_no_value(value):
    metric = Metric("odd", lambda target, predictions: value, range=(0, 1))
    with pytest.raises(FitgateError, match=r"metric odd: found .*, expected a number from 0 to 1"):
        metric.value(np.arange(3), Outputs(np.arange(3)))


@pytest.mark.parametrize("name", ["f1", "macro_f1", "balanced_accuracy"])
def test_few_answers_without_a_mistake_are_not_certain_to_stay_so(name):
    few, many = (
        METRICS[name].confidence_bound.compute(y, y, 0.99) for y in (np.tile([0, 1], 10), np.tile([0, 1], 500))
    )
    assert few <= 0.01 ** (1 / 20) < 0.99 < many < 1


@pytest.mark.parametrize(("name", "output"), [("average_precision", np.linspace(0, 1, 9)), ("roc_auc", np.ones(9))])
def test_an_area_of_one_class_alone_has_no_value(name, output):
    metric = METRICS[name].on(np.array([0, 1]))
    assert all(math.isnan(metric.compute(np.full(9, label), output)) for label in (0, 1))


def test_of_one_class_none_is_the_positive_one():
    one = np.zeros(9, int)
    with pytest.raises(ValueError, match="a target of 1 class, expected one of two classes"):
        METRICS["f1"].on(np.array([0])).compute(one, one)


def test_a_class_that_the_test_split_lacks_has_its_column_all_the_same():
    some = THREE != "benign"
    target, p, guess = THREE[some], P3[some], GUESS3[some]
    assert METRICS["log_loss"].on(KINDS).compute(target, p) == pytest.approx(
        theirs.log_loss(target, p, labels=KINDS), abs=1e-12
    )
    areas = [theirs.roc_auc_score(target == KINDS[i], p[:, i]) for i in (1, 2)]
    assert METRICS["roc_auc_ovr"].on(KINDS).compute(target, p) == pytest.approx(np.mean(areas))
    assert METRICS["balanced_accuracy"].on(KINDS).compute(target, guess) > 0


def test_without_a_positive_example_there_is_nothing_to_rank_and_no_f1_of_the_others():
    target, classes = np.array(["no"] * 9), np.array(["no", "yes"])
    for name in ("roc_auc", "average_precision"):
        assert math.isnan(METRICS[name].on(classes).compute(target, np.arange(9.0)))
    assert METRICS["f1"].on(classes).compute(target, target) == 0


def test_metrics_of_two_classes_refuse_three():
    with pytest.raises(ValueError, match="a target of 3 classes, expected one of two"):
        METRICS["roc_auc"].compute(THREE, P3)


def test_resamples_that_lack_a_rare_class_break_no_bound():
    rare = np.where(np.arange(60) < 2, "yes", "no")
    scores = np.linspace(1, 0, 60)
    precision = METRICS["average_precision"].confidence_bound.compute(rare, scores, 0.99)
    balanced = METRICS["balanced_accuracy"].confidence_bound.compute(rare, rare, 0.99)
    assert (precision, balanced) == pytest.approx((0.01 ** (1 / 60), 0.01 ** (1 / 60)))


def test_areas_and_precision_of_labels_are_their_means():
    target = np.column_stack([TWO == "benign", THREE == "unsure"])
    for name, score in (("roc_auc", theirs.roc_auc_score), ("average_precision", theirs.average_precision_score)):
        assert METRICS[name].compute(target, P3[:, :2]) == pytest.approx(score(target, P3[:, :2]))
    assert METRICS["roc_auc"].confidence_bound.compute(target, P3[:, :2], 0.9) < METRICS["roc_auc"].compute(
        target, P3[:, :2]
    )
    assert METRICS["log_loss"].compute(target, P3[:, :2]) > 0


@pytest.mark.parametrize(
    ("name", "reads", "judges"),
    [
        ("neg_median_absolute_error", "predictions", "numbers"),
        ("matthews_corrcoef", "predictions", "classes"),
        ("neg_log_loss", "probabilities", "classes"),
        ("top_k_accuracy", "scores", "classes"),
        ("jaccard_samples", "predictions", "classes"),
        ("rand_score", "predictions", "any"),
    ],
)
def test_what_a_scorer_reads_and_judges_is_found_out(name, reads, judges):
    metric = Metric.from_scorer(name)
    assert (metric.reads, metric.target, metric.scorer) == (reads, judges, name)
    assert Metric.from_scorer(name) is metric


def test_every_scorer_of_scikit_learn_is_a_metric():
    assert all(scorer_metric(name) is not None for name in get_scorer_names())


@pytest.mark.parametrize(
    ("scorer", "target", "outputs", "value"),
    [
        ("neg_log_loss", THREE, Outputs(GUESS3, None, P3), -theirs.log_loss(THREE, P3)),
        ("roc_auc", TWO, Outputs(TWO, P2[:, 1]), theirs.roc_auc_score(TWO, P2[:, 1])),
        ("f1_macro", THREE, Outputs(GUESS3), theirs.f1_score(THREE, GUESS3, average="macro")),
        ("neg_max_error", NUMBERS, Outputs(NUMBERS + 2), -2),
        (make_scorer(theirs.fbeta_score, beta=2, pos_label="benign"), TWO, Outputs(TWO), 1),
    ],
)
def test_a_scorer_gives_the_same_value_on_stored_outputs(scorer, target, outputs, value):
    assert Metric.from_scorer(scorer, name="own").on(np.unique(target)).value(target, outputs) == pytest.approx(value)


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: Metric.from_scorer("neg_nothing"), "found 'neg_nothing', expected one of sklearn.metrics.get_scorer_"),
        (lambda: Metric.from_scorer(make_scorer(theirs.zero_one_loss)), "or what make_scorer made and a name for it"),
        (lambda: Metric.from_scorer(lambda e, X, y: 0.5, name="none"), "found a scorer that asks for no output"),
        (
            lambda: Metric.from_scorer(lambda e, X, y: np.mean((e.predict(X) == y) * np.asarray(X)), name="weighted"),
            "metric weighted: found a scorer that reads the examples themselves",
        ),
        (
            lambda: Metric.from_scorer(lambda e, X, y: len(e.predict(X)) + len(e.predict_proba(X)), name="both"),
            "found a scorer that reads predictions and probabilities, expected one that reads one output",
        ),
    ],
)
def test_a_scorer_that_can_be_no_metric_is_refused(declare, message):
    with pytest.raises(FitgateError) as caught:
        declare()
    assert message in str(caught.value)


def task_data(y, *metrics, **about):
    task = Task("t", Dataset("d", lambda: (Split(np.zeros((len(y), 1)), y),) * 2), metrics=metrics, **about)
    known_metrics([task])
    return TaskData(task, task.dataset)


@pytest.mark.parametrize(
    ("metrics", "kind"),
    [
        (("mae",), "continuous"),
        (("neg_median_absolute_error", "r2"), "continuous"),
        (("accuracy", "mae"), "multiclass"),
        (("accuracy",), "multiclass"),
    ],
)
def test_whole_numbers_are_no_classes_where_the_metrics_are_for_numbers(metrics, kind):
    data = task_data(np.arange(9), *metrics)
    assert (data.kind, data.classes is None) == (kind, kind == "continuous")
    assert task_data(np.arange(9), *metrics, kind="multiclass").kind == "multiclass"


def test_a_metric_of_classes_is_refused_on_numbers():
    with pytest.raises(FitgateError, match="found metric accuracy, which judges classes, on a target of continuous"):
        task_data(np.arange(9) + 0.5, "accuracy").check()
    task_data(np.arange(9), "accuracy").check()


def test_a_metric_that_nobody_knows_is_refused():
    with pytest.raises(FitgateError, match=r"found metric 'accurracy', expected one of .* or one of scikit-learn's"):
        task_data(np.arange(9), "accurracy")


@pytest.mark.parametrize("name", ["", " ", "a/b", "../../elsewhere", "a\nb", "one,two"])
def test_a_task_s_name_can_be_that_of_a_file_and_of_an_option(name):
    with pytest.raises(
        FitgateError, match=r"found a name that no baseline's file and no option can have, .*; rename it"
    ):
        Task(name, "digits")


def several_outputs(name):
    """A target, and two outputs for a metric: of several columns, where it may have these."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(60, 2))
    labels = rng.integers(2, size=(60, 3))
    kinds = {
        "classes": (rng.integers(3, size=60), rng.dirichlet(np.ones(3), 60), rng.dirichlet(np.ones(3), 60)),
        "two": (rng.integers(2, size=60), rng.dirichlet(np.ones(2), 60), rng.dirichlet(np.ones(2), 60)),
        "labels": (labels, rng.random((60, 3)), rng.random((60, 3))),
        "numbers": (numbers[:, 0], *rng.normal(size=(2, 60))),
        "several": (numbers, *rng.normal(size=(2, 60, 2))),
    }
    return [kinds[kind] for kind in (("classes", "two", "labels") if name != "mae" else ("numbers", "several"))]


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.terms])
def test_the_bootstrap_of_terms_is_that_of_the_metric(name):
    for target, before, now in several_outputs(name):
        metric = METRICS[name].on(np.unique(target) if target.ndim == 1 else None)
        slow = replace(metric, terms=None)
        assert metric.terms(target, now).mean() == pytest.approx(metric.compute(target, now), rel=1e-12)
        bounds = [of.confidence_bound.compute(target, now, 0.99) for of in (metric, slow)]
        assert bounds[0] == pytest.approx(bounds[1], rel=1e-9)
        falls = [of.paired_test.compute(target, before, now) for of in (metric, slow)]
        np.testing.assert_allclose(*((fall.size, fall.standard_error, fall.p_value) for fall in falls), rtol=1e-6)


def test_there_are_metrics_with_terms():
    assert {name for name, metric in METRICS.items() if metric.terms} == {"log_loss", "brier", "mae"}
