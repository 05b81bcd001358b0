"""Timing: enough queries for what is claimed, no more than there is time for, and a level that neighbours spare."""

import itertools
import os
import time

import numpy as np
import pytest
from scipy.stats import binom

from fitgate.latency.examples import Examples
from fitgate.latency.queries import Queries
from fitgate.latency.stopwatch import FEW, Stopwatch
from fitgate.latency.timing import (
    BETWEEN_RUNS,
    MOST,
    OFFLINE,
    QUERIES_FOR_P99,
    SINGLE,
    ReplayClock,
    TimedProcess,
    Timing,
    enough,
    round_trip,
)
from fitgate.machine import usable_cores
from fitgate.machine.threads import VARIABLES
from fitgate.statistics import quiet_level
from tests import fakes


def test_the_second_slowest_of_so_many_queries_bounds_the_p99_and_of_one_fewer_does_not():
    assert binom.cdf(1, QUERIES_FOR_P99, 0.01) <= 0.01 < binom.cdf(1, QUERIES_FOR_P99 - 1, 0.01)


def test_a_p99_of_too_few_queries_is_left_out():
    few, many = (Timing("m", "digits", "single", 1, [0.001] * n) for n in (QUERIES_FOR_P99 - 1, QUERIES_FOR_P99))
    assert few.percentile(99) is None
    assert few.percentile(90) == many.percentile(99) == 0.001


@pytest.mark.parametrize(
    ("seconds", "queries"), [(1e-5, MOST), (1e-4, 2_500), (1e-3, QUERIES_FOR_P99), (0.004, 100), (0.5, 3)]
)
def test_slow_models_are_asked_less_often(seconds, queries):
    assert enough(lambda query: seconds, itertools.repeat(None), 1, SINGLE, 1.0) == queries


class Slow(fakes.Reader):
    """Takes a while over its first query of each size, and over the whole test split."""

    def predict(self, X):
        known = self.__dict__.setdefault("known", set())
        if len(X) not in known or len(X) == 200:
            time.sleep(0.05)
        known.add(len(X))
        return super().predict(X)


class Counting(fakes.Reader):
    """Knows on how many cores it was asked about so many examples."""

    def predict(self, X):
        self.__dict__.setdefault("cores", {})[len(X)] = usable_cores()
        return super().predict(X)


@pytest.mark.skipif(usable_cores() < 2 or not hasattr(os, "sched_setaffinity"), reason="cores can't be told apart")
def test_a_model_answers_few_examples_with_its_serving_threads_and_many_with_all(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    before, variables = usable_cores(), [os.environ.get(name) for name in VARIABLES]
    model = Counting().fit(fakes.images(), fakes.LABELS)
    many = np.tile(fakes.images(), (FEW // 200, 1))
    stopwatch = Stopwatch(model, many, FEW, 7, threads=1)
    asked = [stopwatch.ask(scenario, 0.1) for scenario in (SINGLE, OFFLINE)]
    assert [one.threads for one in asked] == [1, None]
    assert model.cores == {1: 1, FEW: before}
    assert (usable_cores(), [os.environ.get(name) for name in VARIABLES]) == (before, variables)
    assert Stopwatch(model, fakes.images(), 200, 7, threads=before).ask(SINGLE, 0.1).threads is None


def test_the_record_and_the_report_tell_of_serving_threads(project):
    project.write('Model("few", Reader, tasks=(DIGITS,), serving_threads=1)', 'model("all")')
    project.pytester.makepyfile(test_speed="from fitgate.checks import test_predict")
    project.run("-k", "single", "--fit-timing=0.1", "-o", "fit_processes=1")
    threads = {t.model: t.threads for t in project.record.timings}
    assert threads == {"few": 1 if usable_cores() > 1 else None, "all": None}


class Compiled(fakes.Reader):
    """Compiles for each size anew in each process, and takes with it how long that took elsewhere."""

    def predict(self, X):
        self.compile_seconds_ = {**self.compile_seconds_, f"predict[{len(X)}]": 0.02}
        return super().predict(X)


@pytest.mark.parametrize(
    ("elsewhere", "compiling"), [({}, 0.02), ({"predict[1]": 0.5}, 0.02), ({"predict[8]": 0.5}, 0.02)]
)
def test_what_was_compiled_in_another_process_is_no_part_of_a_first_query(elsewhere, compiling, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    model = Compiled().fit(fakes.images(), fakes.LABELS)
    model.compile_seconds_ = {"fit": 1.0, **elsewhere}
    assert Stopwatch(model, fakes.images(), 200, 7).ask(SINGLE, 0.1).compile_seconds == compiling


@pytest.fixture
def stopwatch(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # where it notes its fits
    return Stopwatch(Slow().fit(fakes.images(), fakes.LABELS), fakes.images(), 200, 7)


def test_the_first_query_of_its_size_stands_apart(stopwatch):
    asked = stopwatch.ask(SINGLE, 1.0)
    assert asked.first_seconds >= 0.05 > max(asked.seconds)
    assert QUERIES_FOR_P99 <= len(asked.seconds) <= MOST
    assert sum(len(rows) for rows, _ in asked.answers) == asked.repeated + 200


def test_what_takes_too_long_to_be_asked_again_is_the_one_sample(stopwatch):
    asked = stopwatch.ask(OFFLINE, 0.1)
    assert (len(asked.seconds), asked.first_seconds) == (1, None)
    assert asked.seconds[0] >= 0.05


def test_the_way_to_the_device_and_back_is_timed_where_an_estimator_tells():
    class Far(fakes.Reader):
        def round_trip(self, X):
            time.sleep(0.002)

    queries = Queries(Examples(fakes.images(), 200)).of(8)
    assert round_trip(Far(), queries) >= 0.002
    assert round_trip(fakes.Reader(), queries) is None


def test_a_replayed_duration_is_what_the_clock_shows():
    clock = ReplayClock()
    before = clock()
    clock.replay(100.0)
    assert clock() - before == pytest.approx(100.0, abs=1.0)


def test_neighbours_on_the_machine_do_not_move_the_level():
    rng = np.random.default_rng(0)
    times = 1e-3 * rng.lognormal(0, 0.1, 2_000)
    disturbed = times * np.where(np.arange(2_000) // 100 % 2, 1.6, 1.0)
    quiet, loud = quiet_level(times, 10), quiet_level(disturbed, 10)
    assert quiet == pytest.approx(1e-3, rel=0.04)
    assert loud == pytest.approx(quiet, rel=0.04)
    assert np.median(disturbed) > 1.1 * np.median(times)


def test_a_level_is_that_of_slices_of_enough_queries():
    assert quiet_level([0.3, 0.1, 0.2, 0.4], 1) == pytest.approx(np.quantile([0.1, 0.2, 0.3, 0.4], 0.2))
    assert quiet_level([0.3, 0.1, 0.2, 0.4], 10) == pytest.approx(0.25)
    assert quiet_level([2.0], 10) == 2.0
    with pytest.raises(ValueError, match="no times"):
        quiet_level([], 1)


def timing(levels, queries=20, scenario="single"):
    seconds = [level for level in levels for _ in range(queries)]
    processes = [TimedProcess(queries, 1.0, 0.1) for _ in levels]
    return Timing("m", "digits", scenario, 1, seconds, processes=processes)


def test_of_one_process_nothing_is_said_about_other_runs():
    assert timing([0.001]).interval is None
    assert Timing("m", "digits", "single", 1, [0.001] * 30).interval is None
    assert timing([0.001, 0.004]).typical == pytest.approx(0.002)


def test_the_interval_holds_another_run_as_often_as_it_says():
    rng = np.random.default_rng(0)
    runs = [timing(np.exp(rng.normal(0, 0.3, 3)), 2) for _ in range(2_000)]
    held = [a.interval[0] <= b.typical <= a.interval[1] for a, b in itertools.pairwise(runs)]
    assert np.mean(held) == pytest.approx(0.9, abs=0.02)


def test_the_interval_allows_for_what_processes_of_a_run_have_in_common():
    rng = np.random.default_rng(0)
    runs = [timing(np.exp(rng.normal(0, BETWEEN_RUNS) + rng.normal(0, 0.005, 3)), 2) for _ in range(2_000)]
    held = [a.interval[0] <= b.typical <= a.interval[1] for a, b in itertools.pairwise(runs)]
    assert 0.89 < np.mean(held) < 0.95


@pytest.fixture
def timed(project):
    """`timed(code, *options)`: the result of timing a model `good`, and `other` of a class of that name."""

    def timed(code, *options):
        project.write('model("good"), model("other", Other)')
        path = project.path / "conftest.py"
        path.write_text(f"{path.read_text()}\nimport os\nHOME = {os.getpid()}\n{code}")
        return project.run("-k", "test_predict", "--fit-timing=0.05", *options)

    return timed


TELLS = """
class Other(Reader):
    def predict(self, X):
        with open("pids.log", "a") as log:
            print(os.getpid(), file=log)
        return super().predict(X)
"""
STAYS = """
class Other(Reader):
    def __reduce__(self):
        raise TypeError("a lock")
"""
LEAVES = """
class Other(Reader):
    def predict(self, X):
        return super().predict(X) if os.getpid() == HOME else os._exit(0)
"""


@pytest.mark.parametrize("processes", [1, 2])
def test_models_are_timed_in_processes_of_their_own(project, timed, processes):
    timed(TELLS, f"--fit-processes={processes}").assert_outcomes(passed=6)
    pids = set((project.path / "pids.log").read_text().split()) - {str(os.getpid())}  # it evaluates here
    assert len(pids) == processes + (processes > 1)  # of several, the audit has one more
    record = project.record
    assert {len(of.processes) for of in record.timings} == {processes}
    assert all(process.load_seconds > 0 for of in record.timings for process in of.processes)
    assert {of.interval is None for of in record.timings} == {processes == 1}
    assert not record.doubted
    assert all(audit.passed for audit in record.audits if audit.name == "agreement")


def test_a_model_that_can_not_be_sent_is_timed_in_the_session_s_process_and_the_report_says_so(project, timed):
    timed(STAYS, "--fit-processes=1").assert_outcomes(passed=6)
    assert {of.model for of in project.record.timings if not of.processes} == {"other"}
    assert "Timed in the session's own process, as they can't be sent to another: other." in project.report


@pytest.mark.parametrize("processes", [1, 2])
def test_a_model_that_ends_its_process_while_it_is_timed_fails_alone(project, timed, processes):
    result = timed(LEAVES, f"--fit-processes={processes}")
    result.assert_outcomes(passed=3, failed=3)
    result.stdout.fnmatch_lines(
        "other failed to predict on digits: in a process of its own: found a process that ended*"
    )
    assert {of.model for of in project.record.timings} == {"good"}


@pytest.mark.parametrize("processes", [0, 2])
def test_batches_of_other_sizes_are_timed_on_request_and_none_that_repeats_examples(project, processes):
    project.write('model("good", tasks=(DIGITS,))')
    options = ("--fit-timing=0.02", f"--fit-processes={processes}", "-rs", "-k", "test_predict")
    result = project.run("--fit-batches=64,16,8,1,4096", *options)
    result.assert_outcomes(passed=5, skipped=1)
    result.stdout.fnmatch_lines("*the test split has 200 examples, fewer than a batch of 4,096")
    batches = [of for of in project.record.timings if of.scenario == "batch"]
    assert [(of.batch_size, len(of.processes)) for of in batches] == [(16, processes), (64, processes)]
    section = project.report.split("### Throughput by batch size")[1].split("Audits")[0]
    header, _, row = (line for line in section.splitlines() if line.startswith("|"))
    assert [cell.split()[0] for cell in header.split("|")[3:-1]] == ["1", "8", "16", "64", "200"]
    assert all(float(cell.split()[0].replace(",", "")) > 0 for cell in row.split("|")[3:-1])


def test_without_the_option_no_batches_are_timed(project):
    project.write('model("good", tasks=(DIGITS,))')
    project.run("--fit-timing=0.02", "-k", "test_predict").assert_outcomes(passed=3)
    assert "### Throughput" not in project.report


@pytest.mark.parametrize("sizes", ["0", "many", "-1", "1.5"])
def test_what_is_no_size_of_a_batch_is_a_usage_error(project, sizes):
    project.write('model("good")')
    result = project.run(f"--fit-batches={sizes}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(f"*--fit-batches: found '{sizes}', expected sizes*")


def test_a_server_is_timed_only_where_it_is_asked_for(project):
    project.write('model("good")')
    project.pytester.makepyfile(test_speed="from fitgate.checks import test_serve")
    assert project.run("-k", "serve").ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result = project.run("-k", "serve", "--fit-server", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["*::test_serve[[]good[]]"])
