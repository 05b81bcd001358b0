"""Reading records, in whole and as far as a history needs them: of a quick run, and of a thousand small ones."""

from pathlib import Path

import pytest

from fitgate.record import read, read_outline, save
from fitgate.report import read_history
from tests.test_history import run

REPORTS = Path(__file__).parents[2] / "reports"
RECORDS = {
    "quick": REPORTS / "quick" / "record.json",
    "schema 2": Path(__file__).parents[1] / "older" / "schema-2.json",
}


@pytest.mark.benchmark(group="one record")
@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("reader", [read, read_outline])
def test_reading(benchmark, reader, name):
    assert benchmark(reader, RECORDS[name])


@pytest.mark.benchmark(group="one record")
@pytest.mark.parametrize("reader", [read, read_outline])
def test_reading_a_small_one(benchmark, reader, tmp_path):
    save(run(0), tmp_path / "record.json")
    assert benchmark(reader, tmp_path / "record.json")


@pytest.mark.benchmark(group="histories")
@pytest.mark.parametrize("count", [100, 1000])
def test_a_history(benchmark, tmp_path, count):
    for number in range(count):
        save(run(number, 1 + 0.01 * (number % 7)), tmp_path / f"{number}.json")
    view, _ = benchmark.pedantic(read_history, ([tmp_path],), rounds=3)
    assert view.runs == count
