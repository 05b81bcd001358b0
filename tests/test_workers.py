"""Backends of parallel work: what workers do for a session, and those that can't be had."""

import os
import signal
import socket
from functools import partial

import pytest

from fitgate import Model
from fitgate.executor import Executor, ProcessDied
from fitgate.machine import environment
from fitgate.metrics import METRICS
from fitgate.runs import Evaluator, Failure, ModelFailed, Once
from fitgate.runs.workers import Job, compared, outcome_of
from fitgate.tasks import TaskData
from tests.fakes import DATASET, DIGITS, Learner, Unfittable

# Imported out here: it replaces the finder of installed distributions for good, which pytester would undo by half.
pytest.importorskip("distributed")


@pytest.fixture
def nobody():
    """An address at which nothing listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{closed.getsockname()[1]}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--fit-backend", "carrier-pigeon"],
            "--fit-backend carrier-pigeon: found a name that joblib does not know, expected one of *",
        ),
        (
            ["--fit-backend", "dask"],
            "--fit-backend dask: found no --fit-scheduler, *; add --fit-scheduler tcp://HOST:8786.",
        ),
        (
            ["--fit-scheduler", "tcp://here:1"],
            "--fit-scheduler tcp://here:1: found no --fit-backend, *; add --fit-backend dask.",
        ),
        (
            ["--fit-backend", "loky", "--fit-scheduler", "tcp://here:1"],
            "--fit-backend loky: found --fit-scheduler tcp://here:1, expected none, *",
        ),
        (["--fit-backend", "dask", "--fit-scheduler", "{nobody}"], "--fit-scheduler {nobody}: found no answer *"),
    ],
)
def test_a_backend_that_is_not_there_ends_the_session_at_once(project, nobody, monkeypatch, options, message):
    monkeypatch.setattr("fitgate.executor.backend.SECONDS_TO_CONNECT", 0.5)
    project.write()
    project.pytester.makepyfile(test_parallel="def test_work(executor, dataset, story): pass")
    result = project.run(*(option.format(nobody=nobody) for option in options))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message.format(nobody=nobody)}"])


# What they do


def test_work_travels_by_value_and_its_results_come_in_their_order():
    offset = 40
    assert Executor("loky").spread("adding", lambda number: (offset + number, os.getpid()), [2, 1])[0][0] == 42
    assert [total for total, _ in Executor("loky").spread("adding", lambda n: (offset + n, 0), range(9))] == [
        *range(40, 49)
    ]


def die_once(directory, number):
    """Ends its process with the one number, the first time."""
    mark = directory / "died"
    if number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.skipif(os.name != "posix", reason="signals, as POSIX has them")
def test_what_a_dead_worker_had_begun_is_begun_again(tmp_path):
    lines = []
    numbers = Executor("loky", announce=lines.append).spread("counting", partial(die_once, tmp_path), range(6))
    assert (numbers, (tmp_path / "died").exists()) == (list(range(6)), True)
    assert "counting: a worker died; what it had not finished is begun again" in lines


@pytest.mark.skipif(os.name != "posix", reason="signals, as POSIX has them")
def test_work_that_ends_its_worker_again_and_again_is_one_line(monkeypatch):
    monkeypatch.setattr("fitgate.executor.executor.MOST_DEATHS", 1)
    with pytest.raises(ProcessDied, match=r"dying: found workers that died of it, or were killed .*, and 0 of 2 parts"):
        Executor("loky").spread("dying", lambda number: os.kill(os.getpid(), signal.SIGKILL), [1, 2])


def evaluator(emitted):
    def spread(what, work, jobs):
        assert what == "fitting m on digits with seeds 2 to 4"
        return list(map(work, jobs))

    return Evaluator(lambda task: TaskData(task, DATASET.on(None)), METRICS, 1, Once(), emitted.append, spread=spread)


def test_a_seed_that_fails_on_a_worker_costs_no_other_one_its_result(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = Model("m", lambda seed: Unfittable() if seed == 3 else Learner(seed), (DIGITS,), stochastic=True)
    emitted = []
    seeds = evaluator(emitted)
    for seed in (2, 4):
        assert seeds.seed_run(model, DIGITS, seed, [1, 2, 3, 4]).fit.seed == seed
    with pytest.raises(ModelFailed, match="m failed to fit on digits: RuntimeError: the optimiser diverged"):
        seeds.seed_run(model, DIGITS, 3, [1, 2, 3, 4])
    assert [entry for entry in emitted if isinstance(entry, Failure)] != []


def test_a_run_says_what_is_different_where_a_worker_made_it(tmp_path, monkeypatch):
    from msgspec.structs import replace

    monkeypatch.chdir(tmp_path)
    model = Model("m", Learner, (DIGITS,), stochastic=True)
    work = partial(outcome_of, model, TaskData(DIGITS, DATASET.on(None)), METRICS, None)
    here = environment()
    assert compared(work, here, Job(1)).fit.elsewhere == []
    other = compared(work, replace(here, python="9.9"), Job(1))
    assert other.fit.elsewhere == [f"Python 9.9 -> {here.python}"]
