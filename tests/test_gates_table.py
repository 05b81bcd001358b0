"""What each kind of gate catches: the published page is its record's, and its first row can be seen in a moment."""

import msgspec
import pytest

from fitgate import Outcome
from tests.benchmarks import calibration, gates

RECORD = msgspec.json.decode(gates.RECORD.read_bytes(), type=gates.Record)


def test_the_published_page_is_that_of_its_record():
    assert gates.RECORD.with_suffix(".md").read_text(encoding="utf-8") == gates.page(RECORD)


@pytest.mark.parametrize("row", RECORD.rows, ids=lambda row: f"{row.gate}-{row.defect}")
def test_each_kind_of_gate_catches_its_defect_and_passes_sound_models(row):
    assert row.failed <= 0.02 * row.clean
    assert row.passed > row.clean / 2
    if row.gate == "accuracy>baseline-0.02":  # no answer changed
        assert row.caught == row.failed
    else:
        assert row.caught >= 0.85 * row.planted


@pytest.mark.parametrize(("temperature", "outcome"), [(1.0, Outcome.PASS), (2.0, Outcome.FAIL)])
def test_a_temperature_that_is_doubled_fails_gates_of_calibration_and_none_of_accuracy(temperature, outcome):
    *calibrated, accuracy = calibration.outcomes(temperature, seed=0)
    assert (calibrated, accuracy) == ([outcome] * 4, Outcome.PASS)
