"""Weak slices: parts of a table in which a model is wrong more often, found by a search that is corrected for."""

import numpy as np
import pandas as pd

from fitgate import Split
from fitgate.record import weak_slices
from fitgate.report.report import write_report
from tests.records import record_of, task_data

N = 1200
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "age": RNG.integers(18, 90, N),
        "income": np.where(RNG.random(N) < 0.1, np.nan, RNG.normal(size=N)),
        "country": RNG.choice(["DE", "FR", None], N),
    }
)
Y = RNG.integers(2, size=N)


def found(wrong, groups=None, table=TABLE):
    """The weak slices of a model that is wrong on these examples."""
    split = Split(table, Y, groups)
    record = record_of(task_data(table, Y), {"m": np.where(wrong, 1 - Y, Y)}, timed=False)
    record.weak_slices = weak_slices(record, lambda task: split)
    return record


def rates(there, elsewhere, where):
    return np.random.default_rng(1).random(N) < np.where(where, there, elsewhere)


def test_a_slice_that_went_wrong_is_found_by_its_columns():
    record = found(rates(0.5, 0.05, (TABLE["country"] == "FR") & (TABLE["age"] > 60)))
    first = record.weak_slices[0]
    assert "country is FR" in first.rule
    assert "age > " in first.rule
    assert first.p_value < 1e-6
    assert first.wrong / first.n > 0.3 > first.others_wrong / first.others
    assert first.n + first.others < N  # of the half that the search has not seen


def test_missing_values_are_a_condition():
    (first, *_) = found(rates(0.5, 0.05, TABLE["income"].isna())).weak_slices
    assert first.rule.startswith("income is missing")


def test_errors_anywhere_are_no_slice():
    assert found(np.random.default_rng(2).random(N) < 0.2).weak_slices == []


def test_one_group_that_went_wrong_is_no_slice():
    groups = np.arange(N) // 100
    table = TABLE.assign(site=groups)
    wrong = rates(0.6, 0.05, groups == 7)
    assert found(wrong, table=table).weak_slices
    assert found(wrong, groups, table).weak_slices == []


def test_a_report_has_the_section_only_where_there_is_one(tmp_path):
    for where, there in ((TABLE["country"] == "FR", True), (TABLE["country"] == "ES", False)):
        report = write_report(found(rates(0.5, 0.05, where)), tmp_path).read_text()
        assert ("## Slices that went wrong" in report) is there
    assert "country is" not in report
