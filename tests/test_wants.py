"""What is wanted of a setting: how it is written, who holds it, and that nothing holds what is not known."""

import math
import re
from copy import copy

import msgspec
import numpy as np
import pytest

from fitgate.cli import main
from fitgate.engines import NATIVE
from fitgate.gates import Outcome, Verdict
from fitgate.latency.audit import Audit
from fitgate.latency.timing import TimedProcess, Timing
from fitgate.record import EngineEntry, MetricEntry, save
from fitgate.report import write_comparison
from fitgate.report.view.answer import answer
from fitgate.report.view.machine import Machine
from fitgate.report.view.settings import settings
from fitgate.report.view.words import Noun
from fitgate.report.wants import Want, WantError, read_wants
from tests import records

METRICS = [MetricEntry("accuracy", "accuracy"), MetricEntry("log_loss", "log loss", "", higher_is_better=False)]
N = 400
KINDS = np.arange(N) % 4
DATA = records.task_data(np.arange(2.0 * N).reshape(N, 2), KINDS)


def timing(model, seconds, engine=NATIVE, scenario="single", size=1, queries=700, spread=0.0):
    """A timing in two processes, whose levels lie a factor apart."""
    half = queries // 2
    paces = [seconds * math.exp(-spread)] * half + [seconds * math.exp(spread)] * half
    processes = [TimedProcess(half, 0.5, 0.1)] * 2
    return Timing(model, "kinds", scenario, size, paces, processes=processes, engine=engine)


def run(**seconds):
    """A run of models that get ten of 400 wrong, each with so many seconds for a query, and offline for all."""
    record = records.record_of(DATA, {model: np.where(np.arange(N) < 10, 9, KINDS) for model in seconds}, timed=False)
    for model, each in seconds.items():
        record.add(timing(model, each))
        record.add(timing(model, 100 * each, scenario="offline", size=N, queries=20))
    return record


def found(record, want, prices=None, name="here", metrics=METRICS):
    machine, wants = Machine(name, [record]), read_wants(want, metrics)
    named = [of.name for of in wants if of.is_metric]
    return answer(
        settings(machine, machine, (prices or {}).get(name), named),
        wants,
        metrics,
        Noun("image", "images"),
        bool(prices),
    )


def held(record, want, **options):
    """What the only setting of a run holds of one want: whether, and by what."""
    (row,) = found(record, want, **options).rows
    return row.held[0].holds, row.held[0].shown


# How it is written


@pytest.mark.parametrize(
    "text", ["accuracy>=0.97 p99<=5ms", "accuracy >= 0.97,p99<= 5 ms", " , accuracy>=.97,, p99<=5000us "]
)
def test_wants_stand_between_spaces_or_commas(text):
    accuracy, p99 = read_wants(text, METRICS)
    assert (accuracy.name, accuracy.at_least, accuracy.bound, accuracy.is_metric) == ("accuracy", True, 0.97, True)
    assert (p99.name, p99.at_least, p99.percentile) == ("p99", False, 99)
    assert p99.bound == pytest.approx(0.005)


def test_each_figure_has_its_units():
    text = "typical<=2s throughput>=1e4/s cost<=0.5USD cost<=1 load<=300ms size<=2MiB log_loss<=0.3 p50<=1us"
    assert [(want.name, want.bound) for want in read_wants(text, METRICS)] == [
        ("typical", 2.0),
        ("throughput", 1e4),
        ("cost", 0.5),
        ("cost", 1.0),
        ("load", 0.3),
        ("size", 2**21),
        ("log_loss", 0.3),
        ("p50", 1e-6),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--want: found nothing, expected a name, <= or >=, and a number with its unit; write it as --want"),
        (" , ", "--want: found nothing"),
        ("fast", "--want: found 'fast', expected a name"),
        ("accuracy>0.97", "--want: found 'accuracy>0.97', expected a name, <= or >="),
        ("accuracy>=0.9 p99<=", "--want: found 'p99<=', expected"),
        ("p99<=5ms<=6ms", "--want: found 'p99<=5ms<=6ms'"),
        ("accuracy>=0,97", "--want: found '97'"),
        ("p99<=5", "--want p99<=5: found a number without a unit, expected ms, us or s after it; write it as p99<=5ms"),
        ("p99<=5min", "found the unit 'min', expected ms, us or s after it"),
        ("p100<=5ms", "found 'p100', which no record has, expected a metric (accuracy, log_loss), a percentile such"),
        ("acuracy>=0.9", "found 'acuracy', which no record has, .*; did you mean accuracy."),
        ("accuracy<=0.9", "--want accuracy<=0.9: found <=, expected >=: more of it is better; write accuracy>=0.9."),
        ("log_loss>=0.3", "found >=, expected <=: less of it is better"),
        ("p99>=5ms", "found >=, expected <=: less of it is better"),
        ("accuracy>=97", "--want accuracy>=97: found 97, expected a share, from 0 to 1; write 0.97, if it is percent."),
        ("p99<=1e999ms", "--want p99<=1e999ms: found 1e999, expected a finite number"),
        ("accuracy>=1e999", "--want accuracy>=1e999: found 1e999, expected a finite number"),
        ("typical<=-5ms", "--want typical<=-5ms: found -5, expected a finite number, and none below 0"),
        ("log_loss<=3ms", "found the unit 'ms', expected a number alone; write it as log_loss<=3"),
    ],
)
def test_what_can_t_be_read_is_one_line(text, message):
    with pytest.raises(WantError, match=re.escape(message).replace(r"\.\*", ".*")) as caught:
        read_wants(text, METRICS)
    assert len(str(caught.value).splitlines()) == 1


# What holds it


def test_the_cheapest_that_holds_all_is_named():
    record = run(fast=0.001, slow=0.004)
    one = found(record, "accuracy>=0.9 p99<=5ms", {"here": 3.6})
    assert one.chosen == "fast on here"
    assert one.line == (
        "fast on here is the cheapest of the 2 that hold accuracy>=0.9 p99<=5ms, of 2 settings: 0.25 USD a million "
        "images, offline."
    )
    assert found(record, "p99<=2ms", {"here": 3.6}).line.startswith("fast on here is the one that holds p99<=2ms, of 2")


def test_without_prices_it_is_the_fastest_offline_and_without_that_the_quickest():
    record = run(fast=0.001, slow=0.004)
    record.timings[3] = timing("slow", 0.01, scenario="offline", size=N, queries=20)
    assert found(record, "p99<=5ms").line == (
        "slow on here is the fastest offline of the 2 that hold p99<=5ms, of 2 settings: 40,000 images a second."
    )
    del record.timings[3]
    assert found(record, "p99<=5ms").line.startswith("fast on here is the quickest with a single image of the 2")


def test_settings_that_the_intervals_don_t_tell_apart_are_named():
    record = run(fast=0.001, slow=0.0011)
    record.timings[3] = timing("slow", 0.11, scenario="offline", size=N, queries=20, spread=0.05)
    assert found(record, "p99<=5ms").line.endswith("4,000 images a second; slow on here may be as good.")
    assert "may be as good" not in found(run(fast=0.001, slow=0.0011), "p99<=5ms").line


@pytest.mark.parametrize(("spread", "holds"), [(0.0, True), (0.01, True), (0.2, False)])
def test_a_typical_time_is_held_to_the_end_of_its_interval(spread, holds):
    record = run(m=0.001)
    record.timings[0] = timing("m", 0.001, spread=spread)
    assert held(record, "typical<=1.2ms")[0] is holds


def test_a_metric_is_held_to_its_bound_as_a_floor_is():
    holds, shown = held(run(m=0.001), "accuracy>=0.97")  # 390 of 400: 0.975
    assert not holds
    assert re.fullmatch(r"accuracy on kinds is 0\.9750, and at least 0\.9495", shown)
    assert held(run(m=0.001), "accuracy>=0.949")[0]


def test_a_p99_of_too_few_queries_holds_nothing():
    record = run(m=0.001)
    record.timings[0] = timing("m", 0.001, queries=660)
    holds, shown = held(record, "p99<=1s")
    assert not holds
    assert shown.startswith("p99 is not known: it takes 662 queries, and 660 were timed")
    assert held(record, "p50<=1s")[0]


def test_a_p99_is_held_to_its_own_bound():
    record = run(m=0.001)
    slow = msgspec.structs.replace(record.timings[0], seconds=[0.001] * 693 + [0.9] * 7)  # 1 % of 700
    record.timings[0] = slow
    assert not held(record, "p99<=100ms")[0]
    assert held(record, "p90<=100ms")[0]


@pytest.mark.parametrize(
    ("want", "why"),
    [
        ("cost<=1", "cost is not known: no price of here was given"),
        ("size<=1MiB", "size is not known: it was not measured; --fit-memory measures an estimator's"),
        ("log_loss<=0.3", "log_loss on kinds is not known: it was not evaluated"),
    ],
)
def test_what_is_not_known_is_not_held(want, why):
    assert held(run(m=0.001), want) == (False, why)


def test_loading_in_the_session_s_process_is_not_known():
    record = run(m=0.001)
    assert held(record, "load<=1s") == (True, "load is 500 ms")
    record.timings = [msgspec.structs.replace(t, processes=[]) for t in record.timings]
    assert held(record, "load<=1s") == (False, "load is not known: it was timed in the session's process")


def test_where_none_holds_it_the_nearest_is_named_with_what_it_misses():
    one = found(run(fast=0.001, slow=0.004), "p99<=0.5ms accuracy>=0.9")
    assert one.chosen == ""
    assert one.line == "None of 2 settings holds p99<=0.5ms accuracy>=0.9. fast on here comes nearest: p99 is 1 ms."


# What is no answer


def test_a_timing_that_is_not_believed_is_no_answer():
    record = run(memo=0.0001, honest=0.004)
    record.add(Audit("memo", "kinds", "single", "repetition", False, "answers are remembered"))
    one = found(record, "p99<=5ms", {"here": 1.0})
    assert one.chosen == "honest on here"
    assert one.rows[-1].barred == "its timings are not believed (single: answers are remembered)"


def test_a_setting_whose_gate_fails_is_no_answer():
    record = run(worse=0.0001, good=0.004)
    record.add(Verdict("worse", "kinds", "accuracy>=0.99", Outcome.FAIL, "It is worse."))
    assert found(record, "p99<=5ms").chosen == "good on here"


# Engines


def by_engine(**entry):
    """A run of a model that an engine serves ten times as fast."""
    record = run(m=0.001)
    record.add(timing("m", 0.0001, engine="onnx"))
    record.add(timing("m", 0.005, engine="onnx", scenario="offline", size=N, queries=20))
    record.add(EngineEntry("m", "kinds", "onnx", **({"n": N, "equal": 1.0, "size": 2**20} | entry)))
    return record


def test_an_engine_that_answers_as_the_estimator_has_its_metric():
    one = found(by_engine(), "accuracy>=0.94 p99<=0.5ms size<=1MiB")
    assert one.chosen == "m by onnx on here"


@pytest.mark.parametrize(("value", "holds"), [(0.97, True), (0.96, False)])
def test_an_engine_that_answers_otherwise_is_held_to_its_own_metric(value, holds):
    record = by_engine(equal=0.9, metrics={"accuracy": value})
    one = found(record, "accuracy>=0.94 p99<=0.5ms")
    assert (one.chosen == "m by onnx on here") is holds


def test_the_bound_of_a_gate_on_an_engine_s_answers_is_taken():
    gate = Verdict(
        "m", "kinds", "accuracy>=0.9", Outcome.PASS, "", metric="accuracy", value=0.96, bound=0.93, bound_of="value"
    )
    one = found(by_engine(equal=0.98, verdicts=[gate]), "accuracy>=0.94 p99<=0.5ms")
    assert "accuracy on kinds is 0.9600, and at least 0.9300" in one.line


def test_an_engine_whose_answers_differ_and_were_not_evaluated_holds_nothing():
    native, engine = found(by_engine(equal=0.98), "accuracy>=0.1").rows
    assert native.holds
    assert not engine.holds
    unknown = (
        "accuracy on kinds is not known: 8 of 400 answers differ from the estimator's, and were not evaluated by it"
    )
    assert engine.held[0].shown == unknown


def test_an_engine_that_gives_what_can_be_no_answers_is_no_answer():
    assert found(by_engine(fault="found NaN"), "p99<=0.5ms").chosen == ""


def test_one_machine_with_engines_is_compared(tmp_path):
    record = by_engine(equal=0.98, metrics={"accuracy": 0.96})
    record.add(EngineEntry("m", "kinds", "jax_export", reason="it is no network"))
    report = re.sub(" +", " ", write_comparison({"here": [record]}, tmp_path / "c.md").path.read_text())
    assert "| model | engine | accuracy on kinds | single example, ms |" in report
    assert re.search(r"\| m \| onnx \| 0\.9600 \(at least 0\.9\d+\) \| 0\.1 .* \| 8 of 400 answers differ", report)
    assert "- Not served: m by jax_export on here: it is no network" in report
    assert "Ratios" not in report
    assert "No other is both better on kinds and quicker with a single example than one of: m, m by onnx." in report


def test_a_model_that_failed_while_it_was_audited_is_not_chosen():
    record = run(m=0.001, sound=0.002)
    record.timings = [msgspec.structs.replace(timing, repeated=0.5) for timing in record.timings]
    for scenario in ("single", "offline"):
        record.add(Audit("sound", "kinds", scenario, "agreement", True, "0 of 400 differ"))
    one = found(record, "typical<=1s")
    assert one.chosen == "sound on here"
    assert one.rows[1].barred == "its timings are not believed (single: its test ended before its answers were audited)"


def test_a_run_that_was_cut_off_is_told(tmp_path):
    record = run(m=0.001)
    record.status = "running"
    report = write_comparison({"here": [record]}, tmp_path / "c.md", want="typical<=1s").path.read_text()
    assert "- here: a run that did not end, so that some may be missing; may affect all models." in report


def test_an_engine_that_was_not_timed_is_told_with_its_reason(tmp_path):
    record = by_engine()
    record.add(EngineEntry("m", "kinds", "short", fault="199 answers"))
    gate = Verdict("m", "kinds", "accuracy>=0.9", Outcome.FAIL, "")
    record.add(EngineEntry("m", "kinds", "other", n=N, equal=0.5, verdicts=[gate], lost=["accuracy>=0.9"]))
    record.add(EngineEntry("m", "kinds", "late", n=N, equal=1.0))
    report = write_comparison({"here": [record]}, tmp_path / "c.md").path.read_text()
    assert "- Not served: m by late on here: it was not timed, or failed where it was" in report
    assert "- Not served: m by short on here: what it answers can be no answers: 199 answers" in report
    assert (
        "- Not served: m by other on here: it fails accuracy>=0.9, which the model itself does not"
        in report.replace("&gt;", ">")
    )


def test_a_metric_that_goes_by_a_figure_s_name_is_not_taken_for_it():
    with pytest.raises(WantError, match="--want cost<=1: found 'cost', which is a metric of the records, too"):
        read_wants("cost<=1", [MetricEntry("cost", "cost", "USD", higher_is_better=False)])


# The page and the command


def test_throughput_is_shown_at_each_batch_size_once(tmp_path):
    record = run(m=0.001)
    for size, seconds in ((64, 0.032), (N, 0.2)):
        record.add(timing("m", seconds, scenario=f"batch-{size}", size=size, queries=20))
    report = re.sub(" +", " ", write_comparison({"here": [record]}, tmp_path / "c.md", want="p99<=1s").path.read_text())
    assert "| model | 1 at a time | 64 at a time | 400 at a time |" in report
    interval = r"\([\d,]+ to [\d,]+\)"
    assert re.search(rf"\| m \| 1,000 {interval} \| 2,000 {interval} \| 4,000 {interval} \|", report)
    assert (tmp_path / "c" / "throughput.png").stat().st_size > 5_000


def test_models_that_are_timed_on_other_tasks_are_rows_by_their_own_metrics(tmp_path):
    record = run(m=0.001, q=0.002)
    lengths = records.task_data(np.zeros((N, 2)), np.linspace(0.5, 9.3, N), metrics=(records.ERROR,), name="lengths")
    other = records.record_of(lengths, {"q": lengths.y_test + 1}, metrics={"error": records.ERROR})
    for entry in (*other.datasets, *other.tasks, *other.metrics, *other.evaluations):
        record.add(entry)
    record.timings = [msgspec.structs.replace(t, task="lengths") if t.model == "q" else t for t in record.timings]
    report = re.sub(
        " +", " ", write_comparison({"here": [record]}, tmp_path / "c.md", want="error<=2").path.read_text()
    )
    assert "**q on here is the one that holds error&lt;=2, of 2 settings" in report
    assert "| model | first metric |" in report
    assert "| m | accuracy on kinds: 0.9750 (at least 0.9495) |" in report
    assert "| q | error on lengths: 1 mm |" in report
    assert "error on kinds is not known: it was not evaluated" in report


def test_what_is_not_believed_is_shown_with_a_mark_and_ranked_nowhere(tmp_path):
    first, second = run(memo=0.001, honest=0.004), run(memo=0.00001, honest=0.004)
    second.add(Audit("memo", "kinds", "single", "repetition", False, "answers are remembered"))
    path = write_comparison({"a": [first], "b": [second]}, tmp_path / "c.md").path
    report = re.sub(" +", " ", path.read_text())
    assert re.search(r"\| memo \| b \| .* \| ⚠️ not believed: single: answers are remembered \|", report)
    assert re.search(r"\*\*b\*\* takes .* a single example 1\.00 .* Left out, as they don't compare: memo\.", report)
    assert re.search(r"\| memo \| b \| 0\.01 .* \| ⚠️ not believed on b \|", report)
    assert "than one of: memo on a" not in report  # it is as good as the others, and the quickest that is believed
    numbers = report[report.index("The same in numbers") : report.index("## Ratios")]
    assert "| memo | a |" in numbers
    assert "| memo | b |" not in numbers


def test_the_command_answers_first_and_exits_with_1_where_none_holds(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(run(fast=0.001, slow=0.004), tmp_path / "here" / "record.json")
    assert main(["compare", "here", "--want", "accuracy>=0.9 p99<=5ms", "--price", "here=3.6"]) == 0
    answered = capsys.readouterr().out
    assert answered.startswith("fast on here is the cheapest of the 2")
    page = (tmp_path / "comparison.md").read_text().splitlines()
    assert page[2].startswith("**fast on here is the cheapest of the 2 that hold accuracy")
    assert main(["compare", "here", "--want", "p99<=1us"]) == 1
    assert capsys.readouterr().out.startswith(
        "None of 2 settings holds p99<=1us. fast on here comes nearest: p99 is 1 ms."
    )
    assert main(["compare", "here", "--want", ""]) == 1  # as of a variable of a script that is not set
    assert capsys.readouterr().err.startswith("error: --want: found nothing, expected")


def test_a_want_reads_as_it_was_written():
    assert read_wants("p99 <= 5 ms", METRICS) == (Want("p99<=5ms", "p99", False, 0.005),)


def test_wants_don_t_depend_on_repeats_being_one_record(tmp_path):
    repeats = [run(m=pace) for pace in (0.0009, 0.001, 0.0011)]
    line = write_comparison({"here": repeats}, tmp_path / "c.md", want="typical<=2ms p99<=2ms").answer.line
    assert line.startswith("m on here is the one that holds")
    wide = [copy(repeats[0]), run(m=0.004)]
    assert not write_comparison({"here": wide}, tmp_path / "c.md", want="typical<=4ms").answer.chosen
