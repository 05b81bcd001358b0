"""What the suite promises of its own models, in so many words."""

from fitgate import Above, Floor
from suite.digits import DIGITS, FIVES


def test_cnn_reads_at_least_95_percent_of_the_digits(cnn, judge):
    verdict = judge(cnn, Floor(DIGITS, "accuracy", quick=0.95, full=0.95))
    assert verdict.passed, verdict.message


def test_forest_ranks_fives_better_than_sgd(forest, judge):
    verdict = judge(forest, Above(FIVES, "roc_auc", rival="sgd"))
    assert verdict.passed, verdict.message


def test_svc_one_vs_one_has_an_estimator_for_each_pair_of_digits(svc_ovo):
    assert len(svc_ovo.on(DIGITS).estimator[-1].estimators_) == 45


def test_svc_one_vs_rest_has_an_estimator_for_each_digit(svc_ovr):
    assert len(svc_ovr.on(DIGITS).estimator[-1].estimators_) == 10
