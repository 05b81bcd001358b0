"""A report is a pure function of its record; `golden/` holds one of each."""

import re
import shutil
from pathlib import Path

import pytest

from fitgate.cli import main
from fitgate.record import read
from fitgate.report import render, verdict_line

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def run(tmp_path):
    shutil.copy(GOLDEN / "record.json", tmp_path)
    return tmp_path


def test_the_report_of_the_golden_record_is_the_golden_report_with_its_figures(run, capsys):
    """After a change that is meant: `python -m suite report suite/selftest/golden`, and look at the difference."""
    assert main(["report", str(run)]) == 0
    assert capsys.readouterr().out.endswith(f"report in {run / 'report.md'}\n")
    assert (run / "report.md").read_text() == (GOLDEN / "report.md").read_text()
    shown = re.findall(r"!\[(.+)\]\((.+)\)", (run / "report.md").read_text())
    assert sorted(path for _, path in shown) == sorted(f"figures/{p.name}" for p in (run / "figures").iterdir())
    assert all((run / path).stat().st_size > 5_000 for _, path in shown)


def test_a_report_can_go_elsewhere(run, tmp_path):
    assert main(["report", str(run), "--out", str(tmp_path / "else" / "where")]) == 0
    assert (tmp_path / "else" / "where" / "report.md").exists()
    assert not (run / "report.md").exists()


def test_a_cut_off_run_is_reported_as_such(run):
    record = read(run)
    record.status = "running"
    assert render(record, {}).splitlines()[2].startswith("**INCOMPLETE: the run was cut off after")


def test_an_empty_record_can_be_rendered(run):
    record = read(run)
    record.status, record.data = "running", None
    for entries in (record.fits, record.evaluations, record.failures, record.verdicts, record.timings, record.hard):
        entries.clear()
    assert "no data was loaded" in render(record, {})
    assert verdict_line(record) == "INCOMPLETE: the run was cut off after 0 gates"


def test_a_record_that_can_t_be_read_is_an_error_in_one_line(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 1
    assert re.fullmatch(r"error: .*record\.json: No such file or directory, expected .*\n", capsys.readouterr().err)


def test_floors_are_told_from_records_of_several_seeds(run, tmp_path, capsys):
    other = tmp_path / "other.json"
    other.write_text((run / "record.json").read_text().replace('"seed": 42', '"seed": 43', 1))
    assert main(["floors", str(run), str(other)]) == 0
    out = capsys.readouterr().out
    assert "2 seeds (42 to 43)" in out
    assert re.search(r"\| good +\| digits +\| accuracy>=0.9 +\| +2 \|", out)


def test_floors_refuse_a_run_that_has_not_finished(run, tmp_path, capsys):
    other = tmp_path / "other.json"
    other.write_text((run / "record.json").read_text().replace('"status": "finished"', '"status": "running"', 1))
    assert main(["floors", str(run), str(other)]) == 1
    assert "the run of seed 42 has not finished" in capsys.readouterr().err


def test_floors_refuse_two_records_of_one_seed(run, capsys):
    assert main(["floors", str(run), str(run)]) == 1
    assert "found 2 records of 1 seeds, expected one record a seed" in capsys.readouterr().err


def test_a_race_compares_training_apart_from_compiling(run, capsys):
    assert main(["race", str(run), "--models", "good,poor", "--target", "0.95"]) == 0
    assert capsys.readouterr().out == f"report in {run / 'race.md'}\n"
    told = re.sub(" +", " ", (run / "race.md").read_text())
    assert "](race/race.png)" in told
    assert (run / "race" / "race.png").stat().st_size > 5_000
    assert told.startswith("# Race to 95 %: good, poor\n")
    assert "**good trains in 0.45 times the time of poor** (0.44 to 0.45)." in told  # 0.75 s to 1.67, 1.68, 1.69
    assert (
        "| good | 98.667 | 1.155 | 95.798 to 101.535 | 100% | 0.75 | 0.00 | 0.75 s | 3.50 cold, 0.50 CACHED |" in told
    )
    assert "| poor | 86.500 | 0.000 | 86.500 to 86.500 | 0% | 1.68 | 0.01 | not reached | - |" in told
    assert "| 43 | 98.00 | 0.75 | 86.50 | 1.68 |" in told


def test_a_race_without_seeds_says_what_to_run(run, capsys):
    assert main(["race", str(run), "--models", "good,absent"]) == 1
    assert "found seeds: 3 of good, 0 of absent; expected the same two or more of each. " in capsys.readouterr().err
