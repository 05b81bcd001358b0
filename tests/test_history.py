"""Histories: what many runs measured, since when it is another, and what is left out."""

import errno
import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from fitgate import Floor
from fitgate.cli import main
from fitgate.gates import Baseline, Declaration, Outcome, Verdict
from fitgate.latency.audit import Audit
from fitgate.latency.timing import TimedProcess, Timing
from fitgate.record import DataEntry, Outline, Record, RecordError, TaskEntry, read, read_outline, save
from fitgate.record.outline import (
    BaselineOutline,
    DataOutline,
    DisturbedOutline,
    EvaluationOutline,
    GateOutline,
    SeedOutline,
    TaskOutline,
    VerdictOutline,
)
from fitgate.report import read_history, write_badge, write_history
from fitgate.runs import Disturbed, Evaluation, SeedRun
from fitgate.statistics import height_of_sums, shifts
from tests import records
from tests.make_golden import golden

KINDS = np.tile([0, 1], 50)
DATA = records.task_data(np.zeros((100, 2)), KINDS)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
SD = 0.02


def run(number, factor=1.0, wrong=10, **fields):
    """A record of a model with so many mistakes, whose single queries take a factor of a millisecond."""
    record = records.record_of(DATA, {"m": np.where(np.arange(100) < wrong, 1 - KINDS, KINDS)}, timed=False)
    record.started = (BEGAN + timedelta(days=number)).isoformat(timespec="seconds")
    record.commit = f"{number:02d}" * 20
    record.timings = [Timing("m", DATA.task.name, "single", 1, [1e-3 * float(factor)] * 5)]
    for name, value in fields.items():
        setattr(record, name, value)
    return record


@pytest.fixture
def outlines_alone(monkeypatch):
    """For records of an outline that their arrays and engines do not bear out: the last is read as the others are."""
    monkeypatch.setattr("fitgate.report.history.read", read_outline)


def keep(directory, factors, **fields):
    """Records of runs that take these factors."""
    for number, factor in enumerate(factors):
        save(run(number, factor, **fields), directory / f"{number:02d}" / "record.json")
    return directory


def noise(count, seed=0):
    return np.exp(np.random.default_rng(seed).normal(0, SD, count))


def creeping(seed):
    """Flat for 30 runs, then ten steps of 2 %; logarithms."""
    steps = np.concatenate([np.zeros(30), np.arange(1, 11) * np.log(1.02)])
    return np.random.default_rng(seed).normal(0, SD, 40) + steps


def test_a_creep_of_two_percent_a_run_is_noticed_by_its_seventh_step():
    found = [shifts(creeping(seed), 0.01) for seed in range(100)]
    first = [next((s for s in several if s.up), None) for several in found]
    assert sum(shift is not None and 30 <= shift.seen < 37 for shift in first) >= 95
    places = [shift.at for shift in first if shift is not None and shift.seen >= 30]
    assert 30 <= np.quantile(places, 0.1) <= np.quantile(places, 0.9) <= 33


def test_one_flat_history_in_a_hundred_alarms_at_most():
    assert sum(bool(shifts(np.random.default_rng(seed).normal(5, SD, 40), 0.01)) for seed in range(1_000)) <= 10


@pytest.mark.parametrize("sign", [1, -1])
def test_a_jump_is_placed_where_it_was_whichever_way(sign):
    values = np.random.default_rng(0).normal(0, SD, 40)
    values[25:] += sign * 0.1
    (shift,) = shifts(values, 0.01)
    assert (shift.at, shift.up) == (25, sign > 0)
    assert 25 < shift.seen <= 29


def test_what_was_noticed_stays_whatever_follows():
    values = np.concatenate([creeping(1), np.random.default_rng(2).normal(0.2, SD, 20)])
    found = shifts(values, 0.01)
    for seen in range(len(values)):
        assert shifts(values[: seen + 1], 0.01) == [shift for shift in found if shift.seen <= seen]


def test_one_odd_run_is_no_change_however_odd():
    values = np.random.default_rng(0).normal(0, SD, 40)
    values[20] += 10.0
    assert shifts(values, 0.01) == []


def test_values_that_never_vary_change_once_they_are_others_for_some_runs():
    assert shifts([0.97] * 40, 0.01) == []
    assert [(shift.at, shift.up) for shift in shifts([0.97] * 20 + [0.96] * 6, 0.01)] == [(20, False)]


@pytest.mark.parametrize("level", [0.01, 0.1])
def test_the_height_is_that_which_flat_sums_reach_so_often(level):
    values = np.clip(np.random.default_rng(0).normal(0, 1, (20_000, 40)), -3, 3)
    sums, highest = np.zeros((2, len(values))), np.zeros(len(values))
    for value in values.T:
        sums = np.maximum(sums + np.array([value, -value]) - 0.5, 0)
        highest = np.maximum(highest, sums.max(axis=0))
    assert (highest >= height_of_sums(level)).mean() == pytest.approx(level, rel=0.15)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_a_shift_of_what_is_tiny_or_huge_is_found_as_any(scale):
    values = np.random.default_rng(0).normal(1, SD, 40) + np.where(np.arange(40) < 25, 0.0, 0.1)
    assert shifts(scale * values, 0.01) == shifts(values, 0.01) != []


def test_values_and_levels_that_can_not_be_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        shifts([1.0, np.nan], 0.01)
    with pytest.raises(ValueError, match="between 0 and 1"):
        shifts([1.0], 0.0)


def test_an_outline_has_the_fields_of_the_record_and_its_values(tmp_path):
    own = {field.name: field.type for field in msgspec.structs.fields(Record)}
    outlined = {
        "datasets": (DataOutline, DataEntry),
        "tasks": (TaskOutline, TaskEntry),
        "gates": (GateOutline, Declaration),
        "baselines": (BaselineOutline, Baseline),
        "evaluations": (EvaluationOutline, Evaluation),
        "verdicts": (VerdictOutline, Verdict),
        "seed_runs": (SeedOutline, SeedRun),
        "disturbed": (DisturbedOutline, Disturbed),
    }
    for field in msgspec.structs.fields(Outline):
        if field.name not in outlined:
            assert own[field.name] == field.type, field.name
    for short, long in outlined.values():
        assert short.__struct_config__.tag == long.__struct_config__.tag
        kept = {field.name: field.type for field in msgspec.structs.fields(long)}
        parts = {field.name: field.type for field in msgspec.structs.fields(short)}
        further = parts.keys() & {"target", "predictions", "fit", "evaluation", "about"}  # of these, too, an outline
        assert all(kept[name] == of for name, of in parts.items() if name not in further)
    save(golden(), tmp_path / "record.json")
    record, outline = read(tmp_path), read_outline(tmp_path / "record.json")
    for field in msgspec.structs.fields(Outline):
        for name, value in _pairs(getattr(outline, field.name), getattr(record, field.name)):
            assert name == value


def _pairs(short, long):
    """What an outline has beside what the record has of it."""
    if isinstance(short, list):
        assert len(short) == len(long)
        for a, b in zip(short, long, strict=True):
            yield from _pairs(a, b)
    elif type(short).__module__ == Outline.__module__:
        for field in msgspec.structs.fields(short):
            yield from _pairs(getattr(short, field.name), getattr(long, field.name))
    else:
        yield short, long


def test_an_older_record_has_an_outline_too(pytestconfig):
    path = pytestconfig.rootpath / "tests" / "older" / "schema-2.json"
    record, outline = read(path), read_outline(path)
    assert [timing.typical for timing in outline.timings] == [timing.typical for timing in record.timings]
    assert [e.metrics for e in outline.evaluations] == [e.metrics for e in record.evaluations]


def test_the_report_names_the_run_the_commit_and_the_size_of_a_change(tmp_path, capsys):
    keep(tmp_path / "runs", noise(26) * np.where(np.arange(26) < 18, 1.0, 1.2))
    assert main(["history", str(tmp_path / "runs"), "--out", str(tmp_path / "history.md")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("1 of 3 series changed, 1 for the worse\n")
    assert (
        "m on kinds, single (the session's process): worse: +21.7 % (95 % interval +20.1 to +23.3 %), 0.994 ms "
        "to 1.21 ms, since the run of 2026-01-19 00:00 UTC, 181818181818, the run before it of 171717171717; "
        "noticed by run 4 of the new level\n"
    ) in printed
    report = (tmp_path / "history.md").read_text()
    line, figure = "- ❌ **m on kinds, single (the session's", "![m on kinds, single (the session's process): 26 runs"
    assert report.index(line) < report.index(figure) < report.index("## things")
    assert re.search(r"\| m +\| kinds +\| accuracy +\| no change +\| +26 \| +0\.9000 \|", report)
    assert (tmp_path / "history" / "01.png").exists()


def test_a_creep_for_the_worse_fails_where_it_is_asked_to(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, level in (("slower", 1.2), ("faster", 0.8)):
        keep(tmp_path / name, noise(30) * np.where(np.arange(30) < 20, 1.0, level))
    assert main(["history", "slower"]) == 0
    assert main(["history", "slower", "--gate-creep"]) == 1
    assert main(["history", "faster", "--gate-creep"]) == 0
    assert main(["history", "slower", "--gate-creep", "--since", "2026-01-21"]) == 0  # from its change on


def test_a_history_too_short_to_look_at_does_not_pass(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keep(tmp_path / "runs", noise(7))
    assert main(["history", "runs", "--gate-creep"]) == 1
    assert "No series has 8 runs yet: nothing could be looked at" in capsys.readouterr().out


def test_a_metric_that_falls_is_worse_and_counted_in_points(tmp_path):
    mistakes = [10, 11, 9, 10, 10, 9, 11, 10, 10, 9, 10, 11, 10, 10, 16, 17, 16, 15, 16, 17]
    for number, wrong in enumerate(mistakes):
        save(run(number, wrong=wrong), tmp_path / f"{number}.json")
    view, _ = read_history([tmp_path])
    (series,) = view.changed
    assert series.worse
    sentence = series.sentence(series.changes[0])
    assert sentence.startswith("worse: -6.17 points (95 % interval -6.98 to -5.35 points), 0.9000 to 0.8383, since"), (
        sentence
    )


def test_other_machines_threads_and_data_are_series_of_their_own(tmp_path):
    other = msgspec.structs.replace(records.ENVIRONMENT, cpu="Difference Engine")
    for number in range(24):
        fields = ({}, {"environment": other}, {"threads": {"cores": 1}})[number % 3]
        save(run(number, (1.0, 3.0, 5.0)[number % 3], **fields), tmp_path / f"{number}.json")
    view, _ = read_history([tmp_path])
    assert view.changed == ()
    assert [len(group.series[0].values) for group in view.groups] == [8, 8, 8]
    assert "Difference Engine" in view.groups[1].title


def test_a_version_that_changed_with_the_run_is_named(tmp_path):
    newer = msgspec.structs.replace(records.ENVIRONMENT, libraries={"numpy": "2.1.0"})
    for number, factor in enumerate(noise(30) * np.where(np.arange(30) < 20, 1.0, 1.2)):
        where = {"environment": newer} if number >= 20 else {}
        save(run(number, factor, **where), tmp_path / f"{number}.json")
    view, _ = read_history([tmp_path])
    assert view.changed[0].changes[0].beside == ("numpy 2.0.0 -> 2.1.0",)


def test_a_seed_that_changed_with_the_run_is_named(tmp_path):
    for number in range(30):
        record = run(number, wrong=10 if number < 20 else 16)
        record.fits = [msgspec.structs.replace(fit, seed=42 if number < 20 else 7) for fit in record.fits]
        save(record, tmp_path / f"{number}.json")
    view, _ = read_history([tmp_path])
    assert view.changed[0].changes[0].beside == ("seed 42 -> 7",)


def test_a_timing_is_the_reports_own_figure_and_one_in_other_processes_is_another(tmp_path):
    seconds, own = [1e-3] * 30 + [2e-3] * 30, [TimedProcess(30, 0.1, 0.01)] * 2
    for number in range(2):
        timings = [Timing("m", "kinds", "single", 1, seconds, processes=own if number else [])]
        save(run(number, timings=timings), tmp_path / f"{number}.json")
    view, _ = read_history([tmp_path])
    by_title = {s.subject.title: s.values for group in view.groups for s in group.series}
    assert by_title["single (2 processes)"] == pytest.approx([1e3 * timings[0].typical])
    assert by_title["single (2 processes)"] == pytest.approx([np.sqrt(2)])
    assert len(by_title["single (the session's process)"]) == 1


@pytest.mark.usefixtures("outlines_alone")
def test_engines_are_series_of_their_own_and_one_in_doubt_leaves_the_others(tmp_path):
    for number in range(3):
        timings = [Timing("m", "kinds", "single", 1, [s] * 5, engine=e) for e, s in (("native", 1e-3), ("onnx", 1e-4))]
        doubt = [Audit("m", "kinds", "single", "repetition", False, "remembered", engine="onnx")]
        save(run(number, timings=timings, audits=doubt if number == 2 else []), tmp_path / f"{number}.json")
    view, _ = read_history([tmp_path])
    by_title = {s.subject.title: s.values for group in view.groups for s in group.series}
    assert by_title["single (the session's process)"] == pytest.approx([1.0] * 3)
    assert by_title["single by onnx (the session's process)"] == pytest.approx([0.1] * 2)
    assert view.without_last[0].startswith("m on kinds, single by onnx (the session's process), of the run of")


def test_a_change_that_was_undone_in_part_still_fails(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, last in (("part", 1.25), ("whole", 1.0)):
        keep(tmp_path / name, noise(45) * np.repeat([1.0, 1.5, last], 15))
    assert main(["history", "part", "--gate-creep"]) == 1
    assert main(["history", "whole", "--gate-creep"]) == 0


def audited(passed):
    return [Audit("m", "kinds", "single", "repetition", passed, "answers are remembered")]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"audits": audited(False)}, "its timing is not believed: answers are remembered"),
        ({"environment": msgspec.structs.replace(records.ENVIRONMENT, cores=64)}, "no series of the last run has 8"),
        ({"evaluations": [Evaluation("m", "kinds", 100, {"accuracy": None}, 0.1, None, 0.1, KINDS)]}, "it is NaN"),
        ({"evaluations": [Evaluation("m", "kinds", 100, {"accuracy": 1e308}, 0.1, None, 0.1, KINDS)]}, "1e+308 is"),
    ],
    ids=["not believed", "another machine", "NaN", "huge"],
)
@pytest.mark.usefixtures("outlines_alone")
def test_a_last_run_that_can_not_be_judged_does_not_pass(tmp_path, capsys, monkeypatch, fields, why):
    monkeypatch.chdir(tmp_path)
    keep(tmp_path / "runs", noise(9), audits=audited(True))
    assert main(["history", "runs", "--gate-creep"]) == 0
    assert capsys.readouterr().out.endswith("creep: PASS\n")
    save(run(9, **fields), tmp_path / "runs" / "last.json")
    assert main(["history", "runs"]) == 0
    assert main(["history", "runs", "--gate-creep"]) == 1
    assert why in capsys.readouterr().out.splitlines()[-1]


def test_what_is_no_record_is_left_out_and_a_damaged_one_fails(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keep(tmp_path / "runs", noise(9))
    whole = (tmp_path / "runs" / "00" / "record.json").read_text()
    (tmp_path / "runs" / "copy.json").write_text(whole)
    (tmp_path / "runs" / "other.json").write_text('{"a": 1}')
    save(run(9, status="running"), tmp_path / "runs" / "running.json")
    assert main(["history", "runs", "--gate-creep"]) == 0
    assert capsys.readouterr().err == "left out: 2 files without a run that has ended, named in the report\n"
    (tmp_path / "runs" / "cut.json").write_text(whole[:-100])
    (tmp_path / "runs" / "newer.json").write_text(whole.replace('"schema": 3', '"schema": 99'))
    (tmp_path / "runs" / "undated.json").write_text(whole.replace(json.loads(whole)["started"], "once"))
    (tmp_path / "runs" / "first.json").write_text(
        whole.replace(json.loads(whole)["started"], "0001-01-01T00:00:00+02:00")
    )
    (tmp_path / "runs" / "gone.json").symlink_to("nowhere")
    save(run(9, timings=[Timing("m", "kinds", "single", 1, [])]), tmp_path / "runs" / "empty.json")
    accuracy = [msgspec.structs.replace(metric, higher_is_better=False) for metric in run(9).metrics]
    save(run(9, metrics=accuracy), tmp_path / "runs" / "turned.json")
    save(run(9, fits=run(9).fits * 2), tmp_path / "runs" / "twice.json")
    assert main(["history", "runs"]) == 1
    first, *errors = capsys.readouterr().err.splitlines()
    assert first.startswith("left out: 2 files")
    expected = {
        "cut": "damaged JSON",
        "newer": "schema 99",
        "undated": "no valid record (a run that began at 'once'",
        "first": "a run that began at '0001",
        "gone": "No such file",
        "empty": "no valid record (timings",
        "turned": "no valid record (metric accuracy with another direction",
        "twice": "no valid record (two entries of kind Fit",
    }
    assert len(errors) == len(expected)
    for name, found in expected.items():
        assert sum(f"error: runs/{name}.json: found {found}" in line for line in errors) == 1, (name, errors)
    report = (tmp_path / "history.md").read_text()
    assert report.startswith("# History of 9 runs")
    assert "Copies of records that were counted once: 1." in report
    assert report.count("\n- runs/") == 10


def test_an_earlier_record_whose_figure_its_verdict_denies_is_left_out_and_named(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gate = Floor(DATA.task, "accuracy", 0.8).declaration("m", "")
    about = {"kind": gate.kind, "metric": "accuracy", "value": 0.9}
    verdict = Verdict("m", "kinds", gate.gate, Outcome.FAIL, "", **about)
    keep(tmp_path / "runs", noise(9), gates=[gate], verdicts=[verdict])
    path = tmp_path / "runs" / "04" / "record.json"
    path.write_text(re.sub(r'("accuracy": )0\.9', r"\g<1>0.99", path.read_text()))
    assert main(["history", "runs", "--gate-creep"]) == 1
    (error,) = capsys.readouterr().err.splitlines()
    assert error.startswith(
        "error: runs/04/record.json: found no valid record (a verdict on accuracy>=0.8 of m on kinds"
    )


def test_a_last_record_that_only_its_arrays_refute_is_left_out_and_named(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keep(tmp_path / "runs", noise(9))
    path = tmp_path / "runs" / "08" / "record.json"
    content = json.loads(path.read_text())
    content["datasets"][0]["digests"] = {"test y": "0" * 64}
    path.write_text(json.dumps(content))
    assert main(["history", "runs", "--gate-creep"]) == 1
    assert "error: runs/08/record.json: found no valid record" in capsys.readouterr().err
    assert (tmp_path / "history.md").read_text().startswith("# History of 8 runs")


def test_links_are_followed_once_and_what_can_not_be_read_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keep(tmp_path / "kept" / "elsewhere", noise(9))
    (tmp_path / "runs" / "closed").mkdir(parents=True)
    (tmp_path / "runs" / "nightly").symlink_to(tmp_path / "kept")
    (tmp_path / "kept" / "loop").symlink_to(tmp_path / "runs")
    assert main(["history", "runs"]) == 0
    assert (tmp_path / "history.md").read_text().startswith("# History of 9 runs")
    real = os.scandir

    def scandir(path):
        if Path(path).name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    capsys.readouterr()
    assert main(["history", "runs"]) == 1
    assert capsys.readouterr().err.startswith("error: runs/closed: found Permission denied, expected a directory that")


@pytest.mark.usefixtures("outlines_alone")
def test_names_and_numbers_that_mean_harm_do_none(tmp_path):
    name = "m|](x) <script>\n# $x$ \x1b[31m" + "y" * 5_000
    for number in range(30):
        record = run(number, wrong=10)
        factor = 1e-300 if number < 20 else 1e15
        record.timings = [Timing(name, "kinds", "single", 1, [factor] * 5)]
        record.evaluations = [msgspec.structs.replace(record.evaluations[0], model=name)]
        save(record, tmp_path / f"{number}.json")
    view, _ = read_history([tmp_path])
    assert view.worse
    report = write_history(view, tmp_path / "out").read_text()
    assert (tmp_path / "out-figures" / "01.png").exists()
    assert not re.search(r"<script|\x1b|(?<!\\)\$|^# (?!History)", report, re.MULTILINE)
    assert max(map(len, report.splitlines())) < 5_000


def test_a_place_without_a_record_is_an_error(tmp_path, capsys):
    with pytest.raises(RecordError, match="found No such file"):
        read_history([tmp_path / "none"])
    assert main(["history", str(tmp_path), "--out", str(tmp_path / "history.md")]) == 1
    assert "found no run that counts" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("outcomes", "message", "colour"),
    [
        ([], "no gate was selected", "lightgrey"),
        ([Outcome.PASS], "the one gate passed", "brightgreen"),
        ([Outcome.PASS, Outcome.INCONCLUSIVE], "1 of 2 gates passed, 1 inconclusive", "yellow"),
        ([Outcome.PASS, Outcome.FAIL], "1 of 2 gates failed", "red"),
        ([Outcome.INCONCLUSIVE], "0 of 1 gate passed, 1 inconclusive", "lightgrey"),
    ],
)
def test_a_badge_has_the_last_run_s_verdict(tmp_path, outcomes, message, colour):
    for number in range(2):
        record = run(number)
        for i, outcome in enumerate(outcomes if number else [Outcome.FAIL]):
            record.add(Declaration("m", "kinds", f"gate {i}", "Own", {}))
            record.add(Verdict("m", "kinds", f"gate {i}", outcome, "", "Own"))
        save(record, tmp_path / f"{number}" / "record.json")
    _, last = read_history([tmp_path])
    badge = json.loads(write_badge(last, tmp_path / "badge.json").read_text())
    assert badge == {"schemaVersion": 1, "label": "models", "message": message, "color": colour}


def test_a_last_record_that_contradicts_itself_makes_no_green_badge(tmp_path):
    record = run(0)
    record.add(Verdict("m", "kinds", "a gate that was not selected", Outcome.PASS, "", "Own"))
    save(record, tmp_path / "record.json")
    badge = json.loads(write_badge(tmp_path / "record.json", tmp_path / "badge.json").read_text())
    assert (badge["message"], badge["color"]) == ("no valid record", "red")


def test_figures_are_drawn(tmp_path):
    keep(tmp_path / "runs", noise(26) * np.where(np.arange(26) < 18, 1.0, 1.2))
    view, _ = read_history([tmp_path / "runs"])
    write_history(view, tmp_path / "history.md")
    assert (tmp_path / "history" / "01.png").stat().st_size > 5_000


def test_a_history_of_one_run_says_so(tmp_path):
    view, _ = read_history([keep(tmp_path / "runs", noise(1))])
    report = write_history(view, tmp_path / "out.md").read_text()
    assert report.startswith("# History of 1 run\n")
    assert "It began 2026-01-01 00:00 UTC" in report
    assert "all 0 series" not in report
