"""Calibration: an error without bias, and a bound and a test whose rates are what they state."""

import msgspec
import numpy as np
import pytest
from scipy.special import expit, logit, softmax

from fitgate.metrics import METRICS, Outputs
from fitgate.report import write_report
from fitgate.report.view.reliability import reliabilities
from fitgate.statistics import calibration_error, calibration_rise, calibration_upper_bound
from tests import records

KINDS = np.array(["benign", "malignant", "unsure"])
ERROR = METRICS["calibration_error"]


def drawn(rng, n, slope=1.0, sharp=5.0):
    """What happened, and probabilities whose logits are a factor too large."""
    likely = rng.beta(sharp, 2, n)
    return rng.random(n) < likely, expit(slope * logit(likely))


def true_error(n, slope, sharp):
    """The error of these over bins as of n examples, by half a million."""
    likely = np.sort(np.random.default_rng(1).beta(sharp, 2, 500_000))
    gaps = [
        np.mean(likely[i] - expit(slope * logit(likely[i])))
        for i in np.array_split(np.arange(len(likely)), min(15, n // 20))
    ]
    return np.sqrt(np.mean(np.square(gaps)))


def test_the_error_is_that_of_bins_of_as_many_less_what_chance_adds():
    stated = np.repeat([0.2, 0.6], 20)
    happened = np.array([1] * 8 + [0] * 12 + [1] * 16 + [0] * 4)  # shares of 0.4 and 0.8
    chance = (0.4 * 0.6 + 0.8 * 0.2) / 2 / 19
    assert calibration_error(happened, stated) == pytest.approx(np.sqrt(0.04 - chance))
    assert calibration_error(happened, np.repeat([0.4, 0.8], 20)) == 0
    with pytest.raises(ValueError, match=r"arrays of shapes \(40,\) and \(2,\)"):
        calibration_error(happened, [0.1, 0.2])


def test_equal_probabilities_lie_in_one_bin_whatever_the_order_of_the_examples():
    rng = np.random.default_rng(8)
    happened = rng.random(600) < 0.7
    stated = np.where(rng.random(600) < 0.8, 0.7, rng.random(600))
    order = np.argsort(happened)
    assert calibration_error(happened[order], stated[order]) == calibration_error(happened, stated)
    assert calibration_error(np.sort(happened), np.full(600, happened.mean())) == 0


@pytest.mark.parametrize("slope", [1.0, 1.4])
def test_chance_adds_nothing_to_the_squared_error_on_average(slope):
    rng = np.random.default_rng(0)
    rises = [calibration_rise(*zip(*[drawn(rng, 400)] * 2, strict=True)) for _ in range(3)]
    assert [rise.squared for rise in rises] == [0, 0, 0]
    same = (np.zeros(400), np.zeros(400))  # an error of 0, to which the others are held
    found = []
    for _ in range(400):
        happened, stated = drawn(rng, 400, slope)
        found.append(calibration_rise((same[0], happened), (same[1], stated)).squared)
    assert np.mean(found) == pytest.approx(true_error(400, slope, 5.0) ** 2, abs=3 * np.std(found) / 20 + 1e-4)


@pytest.mark.parametrize(
    ("n", "slope", "sharp"), [(200, 1.0, 5.0), (200, 1.4, 5.0), (1_000, 1.0, 60.0), (1_000, 1.4, 60.0)]
)
def test_the_bound_lies_above_the_truth_as_often_as_it_says(n, slope, sharp):
    rng, truth = np.random.default_rng(2), true_error(n, slope, sharp)
    held = [calibration_upper_bound(*drawn(rng, n, slope, sharp), 0.95) >= truth for _ in range(400)]
    assert np.mean(held) >= 0.93
    assert calibration_upper_bound(*drawn(rng, n, slope, sharp), 0.95) < truth + 0.15


def two(rng, n, slopes):
    """Two models that know as much of the same labels, each by its own feature, with logits a factor too large."""
    happened = rng.random(n) < 0.5
    logits = 1.5 * rng.normal(np.where(happened, 1.5, 0), 1, (2, n)) - 1.125
    return (happened, happened), tuple(expit(np.array(slopes)[:, None] * logits))


@pytest.mark.parametrize("slope", [1.0, 1.4])
def test_models_that_are_as_well_calibrated_are_told_apart_no_more_often_than_stated(slope):
    rng = np.random.default_rng(3)
    p = np.array([calibration_rise(*two(rng, 300, (slope, slope))).p_value for _ in range(1_000)])
    assert np.mean(p <= 0.05) <= 0.06
    assert np.mean(p <= 0.5) == pytest.approx(0.5, abs=0.05)


def test_few_examples_without_a_mistake_prove_neither_a_rise_nor_that_there_is_none():
    right, sure = np.ones(5), np.full(5, 0.9)
    rise = calibration_rise((right, right), (np.ones(5), sure))  # five in a row happen in 59 % of cases
    assert rise.p_value > 0.05
    assert calibration_rise((right, right), (sure, np.ones(5))).upper_bound(0.9) > 0.05
    assert calibration_rise((np.ones(20), np.ones(20)), (np.full(20, 0.999), np.ones(20))).upper_bound(0.9) > 0.05


def test_no_more_power_is_told_than_there_is():
    rng, rises = np.random.default_rng(4), []
    for _ in range(300):
        happened, stated = drawn(rng, 1_000)
        rises.append(calibration_rise((happened, happened), (stated, expit(1.6 * logit(stated)))))
    truth = true_error(1_000, 1.6, 5.0)
    told = np.mean([rise.power(truth - rise.before, 0.05) for rise in rises])
    assert 0.8 < told <= np.mean([rise.p_value <= 0.05 for rise in rises]) + 0.02
    assert np.mean([rise.upper_bound(0.95) + rise.before >= truth for rise in rises]) >= 0.94


def test_a_doubled_temperature_moves_calibration_and_log_loss_and_no_answer():
    rng = np.random.default_rng(5)
    target = rng.integers(3, size=2_000)
    logits = 2.0 * np.eye(3)[target] + rng.normal(size=(2_000, 3))
    logits = 2.0 * logits  # of unit noise, these are the posterior's
    before, now = softmax(logits, axis=1), softmax(logits / 2, axis=1)
    for name, is_worse in (("calibration_error", True), ("log_loss", True), ("accuracy", False)):
        metric = METRICS[name]
        outputs = [Outputs(KINDS[p.argmax(axis=1)], None, p) for p in (before, now)]
        change = metric.paired_test.compute(KINDS[target], *(metric.output(one) for one in outputs))
        assert (change.p_value < 1e-6) == is_worse
        assert (metric.value(KINDS[target], outputs[1]) > metric.value(KINDS[target], outputs[0])) == is_worse


def test_of_two_classes_it_is_the_second_s_and_of_more_the_likeliest_s():
    rng = np.random.default_rng(6)
    happened, stated = drawn(rng, 200, 1.5)
    target, likely = KINDS[happened.astype(int)], np.column_stack([1 - stated, stated])
    assert ERROR.compute(target, likely) == calibration_error(happened, stated)
    never = np.column_stack([likely, np.zeros(200)])
    sure = np.where(stated > 0.5, stated, 1 - stated)
    right = happened == (stated > 0.5)
    assert ERROR.on(KINDS).compute(target, never) == pytest.approx(calibration_error(right, sure))


def test_several_labels_have_none():
    with pytest.raises(ValueError, match="no calibration error of several labels"):
        ERROR.compute(np.zeros((4, 2)), np.zeros((4, 2)))


def test_its_bound_is_the_metric_s():
    rng = np.random.default_rng(7)
    happened, stated = drawn(rng, 500, 1.5)
    bound = ERROR.confidence_bound.compute(happened.astype(int), np.column_stack([1 - stated, stated]), 0.99)
    assert calibration_error(happened, stated) < bound < 1


def test_the_report_shows_how_often_what_is_called_so_likely_happens(tmp_path):
    rng = np.random.default_rng(9)
    happened, stated = drawn(rng, 400)
    data = records.task_data(np.zeros((400, 1)), happened.astype(int), ("accuracy", "log_loss"))
    likely = {"sound": stated, "sure": expit(3 * logit(stated))}
    record = records.record_of(data, {model: (p > 0.5).astype(int) for model, p in likely.items()})
    record.evaluations = [
        msgspec.structs.replace(e, probabilities=np.column_stack([1 - likely[e.model], likely[e.model]]))
        for e in record.evaluations
    ]
    [found] = reliabilities(record)
    assert ([of.model for of in found.models], found.event, found.more) == (["sure", "sound"], "class 1", 0)
    sure, sound = found.models
    assert sure.error > 0.05 > sound.error
    assert np.mean((sound.low <= sound.stated) & (sound.stated <= sound.high)) > 0.8
    page = write_report(record, tmp_path).read_text()
    assert "(figures/reliability.png)" in page
    assert (tmp_path / "figures" / "reliability.png").stat().st_size > 5_000
