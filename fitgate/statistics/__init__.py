"""The statistics behind the gates: pure functions on arrays."""

from fitgate.statistics.auc import PairedAuc, area, auc_fall, auc_lower_bound, paired_auc
from fitgate.statistics.bootstrap import Draws, bootstrap_fall, bootstrap_lower_bound, unspread_bound
from fitgate.statistics.breaks import Breaks, breaks
from fitgate.statistics.calibration import (
    CalibrationRise,
    calibration_error,
    calibration_rise,
    calibration_upper_bound,
)
from fitgate.statistics.change import Change, p_value_of_gain
from fitgate.statistics.creep import Shift, height_of_sums, shifts
from fitgate.statistics.f1 import f1_fall, f1_lower_bound
from fitgate.statistics.folds import Folds, corrected_bound, corrected_error, corrected_fall
from fitgate.statistics.holm import holm, holm_levels
from fitgate.statistics.lapses import Lapses, lapses
from fitgate.statistics.mcnemar import McNemar
from fitgate.statistics.means import Fall, difference_interval, mean_interval, ratio_interval
from fitgate.statistics.percentiles import percentile_upper_bound, values_for_percentile
from fitgate.statistics.power import examples_to_decide, normal_power, power_to_pass, student_power
from fitgate.statistics.proportions import (
    passing_count,
    proportion_interval,
    proportion_upper_bound,
    wilson_lower_bound,
)
from fitgate.statistics.quiet import quiet_level
from fitgate.statistics.seeds import SeedsFall
from fitgate.statistics.sequential import (
    Looks,
    Operation,
    crossing,
    height_of,
    lowest_crossing,
    operation,
    prediction_factor,
)
from fitgate.statistics.sign_flip import least_blocks, sign_flip, sign_flip_power, sign_flips

__all__ = [
    "Breaks",
    "CalibrationRise",
    "Change",
    "Draws",
    "Fall",
    "Folds",
    "Lapses",
    "Looks",
    "McNemar",
    "Operation",
    "PairedAuc",
    "SeedsFall",
    "Shift",
    "area",
    "auc_fall",
    "auc_lower_bound",
    "bootstrap_fall",
    "bootstrap_lower_bound",
    "breaks",
    "calibration_error",
    "calibration_rise",
    "calibration_upper_bound",
    "corrected_bound",
    "corrected_error",
    "corrected_fall",
    "crossing",
    "difference_interval",
    "examples_to_decide",
    "f1_fall",
    "f1_lower_bound",
    "height_of",
    "height_of_sums",
    "holm",
    "holm_levels",
    "lapses",
    "least_blocks",
    "lowest_crossing",
    "mean_interval",
    "normal_power",
    "operation",
    "p_value_of_gain",
    "paired_auc",
    "passing_count",
    "percentile_upper_bound",
    "power_to_pass",
    "prediction_factor",
    "proportion_interval",
    "proportion_upper_bound",
    "quiet_level",
    "ratio_interval",
    "shifts",
    "sign_flip",
    "sign_flip_power",
    "sign_flips",
    "student_power",
    "unspread_bound",
    "values_for_percentile",
    "wilson_lower_bound",
]
