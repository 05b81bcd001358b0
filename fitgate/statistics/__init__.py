"""The statistics behind the gates: pure functions on arrays."""

from fitgate.statistics.auc import PairedAuc, auc_lower_bound, paired_auc
from fitgate.statistics.f1 import f1_fall, f1_lower_bound
from fitgate.statistics.holm import holm
from fitgate.statistics.mcnemar import McNemar
from fitgate.statistics.means import Fall, mean_fall, mean_interval, ratio_interval
from fitgate.statistics.medians import median_interval
from fitgate.statistics.proportions import (
    passing_count,
    power_to_pass,
    proportion_interval,
    proportion_upper_bound,
    wilson_lower_bound,
)
from fitgate.statistics.sign_flip import least_blocks, sign_flip

__all__ = [
    "Fall",
    "McNemar",
    "PairedAuc",
    "auc_lower_bound",
    "f1_fall",
    "f1_lower_bound",
    "holm",
    "least_blocks",
    "mean_fall",
    "mean_interval",
    "median_interval",
    "paired_auc",
    "passing_count",
    "power_to_pass",
    "proportion_interval",
    "proportion_upper_bound",
    "ratio_interval",
    "sign_flip",
    "wilson_lower_bound",
]
