"""Comparing machines: what is faster, by how much, and what must not be compared."""

import re
from copy import copy
from pathlib import Path

import msgspec
import numpy as np
import pytest

from fitgate.cli import main
from fitgate.latency.timing import TimedProcess, Timing
from fitgate.machine import Calibration
from fitgate.record import RecordError, read, save
from fitgate.report import write_comparison, write_repeatability
from fitgate.report.view.differences import warnings
from fitgate.report.view.machine import Machine, Served
from fitgate.report.view.ratios import ratio
from tests import records
from tests.make_golden import golden
from tests.records import ERROR

pytestmark = pytest.mark.usefixtures("drawn")
OLDER = Path(__file__).parent / "older" / "schema-2.json"


def times(factor, spread=0.01):
    """A record whose queries take a factor as long, in four processes, each with another pace."""
    record = golden()
    record.calibrations = [Calibration("gemm", "GFLOP/s", model, [80 / factor] * 3) for model in ("good", "poor")]
    rng = np.random.default_rng(0)
    paces = np.exp(np.array([-1.5, -0.5, 0.5, 1.5]) * spread)
    record.timings = [
        Timing(
            t.model,
            t.task,
            t.scenario,
            t.batch_size,
            (factor * np.median(t.seconds) * paces.repeat(50) * rng.uniform(0.95, 1.05, 200)).tolist(),
            processes=[TimedProcess(50, 1.0, 0.1)] * 4,
        )
        for t in record.timings
    ]
    first = record.timings[2]
    record.timings[2] = msgspec.structs.replace(first, kernel="gemm", work_per_example=1e6)
    return record


def comparison(tmp_path, second, **options):
    return written({"old": [times(1.0)], "new": [second]}, tmp_path, **options)


def written(records, tmp_path, **options):
    """A comparison's page, with single spaces."""
    return re.sub(" +", " ", write_comparison(records, tmp_path / "comparison.md", **options).path.read_text())


def test_ratios_are_shown_for_each_model_and_for_all(tmp_path):
    report = comparison(tmp_path, times(0.5))
    assert "- **new** takes these times the time of old, as a geometric mean: a single image 0.50 (0.4" in report
    row = re.search(r"\| good \| new \| (\S+) \((\S+) to (\S+)\) \|", report[report.index("## Ratios to old") :])
    value, low, high = map(float, row.groups())
    assert low < value < high
    assert value == pytest.approx(0.5, abs=0.02)
    assert "| good, of gemm |" in report
    for figure in ("pareto.png", "throughput.png"):
        assert f"(comparison/{figure})" in report
        assert (tmp_path / "comparison" / figure).stat().st_size > 5_000


def test_a_ratio_is_that_of_the_figures_beside_it(tmp_path):
    report = comparison(tmp_path, times(0.5))
    single = [
        float(re.search(rf"\| good \| {name} \| 0.9800 \(.*?\) \| (\S+) \(", report)[1]) for name in ("old", "new")
    ]
    shown = re.search(r"\| good \| new \| (\S+) \(", report[report.index("## Ratios to old") :])
    assert float(shown[1]) == pytest.approx(single[1] / single[0], abs=0.01)


def test_a_comparison_can_be_held_to_some_models_and_tasks(tmp_path):
    records = {"here": [times(1.0)], "there": [times(0.5)]}
    for options, kept in (({"models": ["good"]}, {"good"}), ({"tasks": ["digits"]}, {"good", "poor"})):
        page = written(records, tmp_path, **options)
        table = page[page.index("## What there is to choose from") : page.index("What these numbers are")]
        assert set(re.findall(r"^\| (\w+) \| here", table, re.MULTILINE)) == kept
    for option in ("models", "tasks"):
        with pytest.raises(RecordError, match=f"^--{option} digit: found nothing of that name"):
            written(records, tmp_path, **{option: ["digit"]})


def test_figures_are_found_beside_a_page_whose_name_has_spaces(tmp_path):
    path = write_comparison({"old": [times(1.0)], "new": [times(0.5)]}, tmp_path / "two machines.md").path
    assert "](two%20machines/pareto.png)" in path.read_text()
    assert (tmp_path / "two machines" / "pareto.png").exists()


def test_identical_predictions_and_other_ones_are_comparison(tmp_path):
    other = times(1.0)
    i = next(i for i, e in enumerate(other.evaluations) if (e.model, e.task) == ("good", "digits"))
    wrong = (other.evaluations[i].predictions + 1) % 10
    other.evaluations[i] = msgspec.structs.replace(other.evaluations[i], predictions=wrong, metrics={"accuracy": 0.1})
    report = comparison(tmp_path, other)
    assert "| poor | digits | new | identical predictions |" in report
    assert "| good | digits | new | ⚠️ computes something else: " in report
    assert re.search(r"\| good \| new \| 0\.1000 .* \| ⚠️ computes something else than on old \|", report)
    assert re.search(r"\| good \| new \| 1\.00 \(.*\) \| ⚠️ computes something else \|", report)
    assert "Left out, as they don't compare: good." in report


def test_what_differs_besides_the_machine_is_warned_of(tmp_path):
    other = times(1.0)
    other.environment = msgspec.structs.replace(other.environment, libraries={"numpy": "2.1.0"})
    other.threads = {"cores": 1}
    other.commit = "f" * 40
    report = comparison(tmp_path, other)
    assert "- new: numpy 2.0.0 -> 2.1.0; may affect all models." in report
    assert "- new: threads cores 2, blas (libopenblas) 2 -> cores 1; may affect every model that works in" in report
    assert "- new: commit 0123456789ab -> ffffffffffff; may affect all models." in report
    assert "Warnings" not in comparison(tmp_path, times(1.0))


def test_costs_are_dollars_for_a_million_answers(tmp_path):
    report = comparison(tmp_path, times(0.5), prices={"new": 2.0})
    cost = re.search(r"\| good \| new \|.*\| (\S+) \((\S+) to (\S+)\) \|", report[: report.index("## Throughput")])
    value, low, high = map(float, cost.groups())
    assert low < value < high
    assert value == pytest.approx(1e6 * 2 / 3600 / (200 / 0.125), rel=0.03)
    assert re.search(r"\| good \| old \|.*\| - \|", report)


@pytest.mark.parametrize(
    ("implementations", "library", "affected"),
    [
        (["xgboost.sklearn.XGBClassifier", "sklearn.svm.SVC"], "xgboost", "good"),
        (["sklearn.svm.SVC", "torch.Net"], "scikit-learn", "good"),
        (["own.Model", "sklearn.pipeline.Pipeline(xgboost.XGBClassifier)"], "xgboost", "good, poor"),
        (["own.Model", "sklearn.svm.SVC"], "torch", "all models"),
    ],
)
def test_a_library_affects_the_models_whose_classes_may_use_it(implementations, library, affected):
    old, new = times(1.0), times(1.0)
    kept = {"scikit-learn": "1.6", "xgboost": "2", "torch": "2"}
    old.environment = msgspec.structs.replace(old.environment, libraries=kept)
    new.environment = msgspec.structs.replace(old.environment, libraries={**kept, library: "9"})
    by_model = dict(zip(("good", "poor"), implementations, strict=True))
    old.fits = [msgspec.structs.replace(fit, implementation=by_model[fit.model]) for fit in old.fits]
    (warned,) = warnings([Machine("old", [old]), Machine("new", [new])], ["good", "poor"])
    assert warned.models == affected


def test_a_regression_is_compared_by_its_own_metric(tmp_path):
    lengths = np.linspace(0.5, 9.3, 200)
    data = records.task_data(np.zeros((200, 2)), lengths, metrics=(ERROR,))
    old, new = (records.record_of(data, {"m": lengths + far}, metrics={"error": ERROR}) for far in (1.0, 1.5))
    report = written({"old": [old], "new": [new]}, tmp_path)
    assert "| model | machine | error on kinds | single example, ms |" in report
    assert "| m | old | 1 mm | 1 | 1 (at most 1) |" in report
    assert "| m | new | 1.5 mm | 1 |" in report
    assert "| m | kinds | new | 200 predictions differ |" in report
    assert "images" not in report


def test_records_of_other_data_are_refused(tmp_path):
    other = times(1.0)
    other.datasets = [msgspec.structs.replace(other.datasets[0], digest="f" * 64)]
    with pytest.raises(
        RecordError, match=r"new: found a run on fake, profile quick, digest fff.*expected the data of old"
    ):
        comparison(tmp_path, other)
    other = times(1.0)
    other.timings = []
    with pytest.raises(RecordError, match=r"new: found a record without timings.* without `--benchmark-skip`, "):
        comparison(tmp_path, other)
    with pytest.raises(RecordError, match="--price moon: found no machine of that name, expected one of old, new"):
        comparison(tmp_path, times(1.0), prices={"moon": 1.0})
    with pytest.raises(RecordError, match="found records of 1 machine, and of one engine, expected those of two"):
        write_comparison({"old": [times(1.0)]}, tmp_path / "comparison.md")


def test_the_command_names_what_is_wrong(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, factor in (("a", 1.0), ("b", 2.0)):
        (tmp_path / name).mkdir()
        save(times(factor), tmp_path / name / "record.json")
    assert main(["compare", "a", "slow=b", "--price", "slow=0.5"]) == 0
    assert "a single image 1.99 (" in (tmp_path / "comparison.md").read_text()
    for arguments, fault in (
        (["a", "a"], "a second record"),
        (["a", "b", "--price", "a=cheap"], "NAME=USD_PER_HOUR"),
        (["a"], "found records of 1 machine, and of one engine, expected those of two machines"),
        (["a", "--want", "speed>=1"], "'speed', which no record has"),
    ):
        assert main(["compare", *arguments]) == 1
        assert fault in capsys.readouterr().err


def test_records_of_an_older_schema_can_be_compared(tmp_path):
    machines = {name: [read(OLDER)] for name in ("01", "02")}
    report = written(machines, tmp_path)
    assert "| forest | 01 | 0.9705 (at least 0.9663) |" in report
    assert "All models predict on the other machine what they predict on 01." in report


def test_a_ratio_s_interval_holds_the_truth_as_often_as_it_says():
    rng, blank = np.random.default_rng(0), golden()

    def machine(factor, processes):
        record, paces = copy(blank), rng.uniform(0.9, 1.1, processes)
        seconds = (factor * paces.repeat(20) * rng.lognormal(0, 0.05, 20 * processes)).tolist()
        about = [TimedProcess(20, 1.0, 0.1)] * processes
        record.timings = [Timing("m", "digits", "single", 1, seconds, processes=about)]
        return record

    def found(runs, processes):
        both = (Machine("x", [machine(factor, processes) for _ in range(runs)]) for factor in (1.0, 1.5))
        return ratio(*both, [Served("m")], "single")

    for runs, processes in ((1, 5), (5, 1)):
        intervals = [found(runs, processes) for _ in range(200)]
        assert np.mean([of.low < 1.5 < of.high for of in intervals]) > 0.93
    alone = found(1, 1)
    assert (alone.low, alone.high, alone.value) == (None, None, pytest.approx(1.5, rel=0.3))


def test_a_mean_over_models_is_surer_than_one_of_them():
    first, second = (Machine("x", [times(factor)]) for factor in (1.0, 1.5))
    good, poor, absent = map(Served, ("good", "poor", "absent"))
    one, both = (ratio(first, second, several, "single") for several in ([good], [good, poor]))
    assert both.low < 1.5 < both.high
    assert both.high / both.low < one.high / one.low
    assert ratio(first, second, [good, absent], "single") is None


def test_another_run_lies_in_the_interval_of_several_as_often_as_it_says():
    rng, blank, held = np.random.default_rng(0), golden(), []
    for _ in range(400):
        levels = rng.lognormal(0, 0.1, 5)
        runs = [copy(blank) for _ in levels[:-1]]
        for run, level in zip(runs, levels, strict=False):
            run.timings = [Timing("m", "digits", "single", 1, [level] * 20)]
        of = Machine("x", runs).typical(Served("m"), "single")
        assert of.value == pytest.approx(np.exp(np.log(levels[:-1]).mean()))
        held.append(of.low < levels[-1] < of.high)
    assert 0.87 < np.mean(held) < 0.93
    assert Machine("x", runs[:1]).typical(Served("m"), "single").low is None


def test_repeats_of_a_machine_go_together(tmp_path):
    old, new = ([times(factor * wobble) for wobble in (0.99, 1.0, 1.01)] for factor in (1.0, 2.0))
    assert "Runs: 3 of old, 3 of new." in written({"old": old, "new": new}, tmp_path)
    first, second, good = Machine("old", old), Machine("new", new), Served("good")
    ratios = [ratio(first, second, [good], scenario) for scenario in ("single", "multi")]
    assert all(1.8 < of.low < 2.0 < of.high < 2.2 for of in ratios)
    new[1].threads = {"cores": 1}
    with pytest.raises(RecordError, match=r"^new: found the run of .* differs from that of .* in its threads"):
        write_comparison({"old": old, "new": new}, tmp_path / "comparison.md")


def test_repeated_runs_are_held_to_their_intervals(tmp_path):
    path = tmp_path / "repeatability.md"
    alike, outlier = [times(factor, 0.02) for factor in (1.0, 1.01, 0.99)], times(2.0)
    report = re.sub(" +", " ", write_repeatability(alike, path).read_text())
    assert "**6 of 6** intervals that runs stated hold as often as they say" in report
    assert "two runs differ by a factor of 1.020 at most, and in half of the rows by 1.020 at most.**" in report
    assert re.search(r"\| good \| single \| ✅ 100% \| 1\.\d+ \| 1\.\d+ to 1\.\d+ \| 1\.020 \|", report)
    rows = [
        line for line in write_repeatability([*alike[:2], outlier], path).read_text().splitlines() if "| good" in line
    ]
    assert "❌ 33%" in rows[0]
    with pytest.raises(RecordError, match="found 2 records, expected three or more"):
        write_repeatability(alike[:2], path)


def test_runs_on_other_data_are_no_repeats(tmp_path):
    alike, other = [times(1.0), times(1.0)], times(1.0)
    other.datasets = [msgspec.structs.replace(other.datasets[0], digest="f" * 64)]
    with pytest.raises(RecordError, match=r"differs from that of .* in its data, expected repeats of one run"):
        write_repeatability([*alike, other], tmp_path / "repeatability.md")
