"""The executor: work in fresh processes, what comes back from it, and what is told of those that die."""

import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest

from fitgate.executor import (
    Executor,
    ExecutorError,
    Place,
    Process,
    ProcessDied,
    TimeLimitExceeded,
    core_numbers,
    load,
    run,
    save,
)
from fitgate.executor.pickling import importable

posix = pytest.mark.skipif(os.name != "posix", reason="signals, as POSIX has them")


class Refusal(Exception):
    """An error that can be pickled."""


class Awkward(Exception):
    """One that can't be made again from its arguments."""

    def __init__(self, a, b):
        super().__init__(f"{a} and {b}")


class Counter:
    def __init__(self, count=0):
        self.count = count

    def add(self, amount):
        self.count += amount
        return self.count

    def sleep(self, seconds):
        time.sleep(seconds)

    def refuse(self):
        raise Refusal("no")


@pytest.fixture(autouse=True)
def own_temp(tmp_path, monkeypatch):
    """Nothing is left in the directory for temporary files, whatever became of the processes."""
    temp = tmp_path / "t"
    temp.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temp))
    yield temp
    assert list(temp.iterdir()) == []


def raising(error):
    raise error


def running(pid):
    """Whether there is such a process, and not only its exit status."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_call_runs_in_another_process():
    assert run(os.getpid, label="who") != os.getpid()


def test_a_closure_travels_by_value():
    offset = np.arange(3)
    assert run(lambda: (offset + 1).tolist(), label="closure") == [1, 2, 3]


def test_functions_and_classes_of_a_module_that_can_not_be_imported_travel():
    module = types.ModuleType("nowhere.conftest")
    exec("helper = lambda x: 2 * x\nclass Kept:\n    def ask(self): return helper(21), Kept()", vars(module))
    with Process(module.Kept, label="kept") as process:
        answer, kept = process.ask("ask")
    assert (answer, type(kept)) == (42, module.Kept)


def test_a_lambda_of_a_conftest_travels(pytester):
    pytester.makeconftest("class Twice:\n    def __call__(self, x): return 2 * x\nBUILD = lambda: Twice()(21)")
    pytester.makepyfile("""
        from fitgate.executor import run
        def test_it(request):
            plugins = request.config.pluginmanager.get_plugins()
            build = next(plugin.BUILD for plugin in plugins if hasattr(plugin, "BUILD"))
            assert run(build, label="build") == 42
        """)
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_only_what_another_process_finds_by_its_name_goes_by_reference():
    assert all(map(importable, (np, np.linalg, os.path, os, time)))
    stray = types.ModuleType("stray")
    stray.__file__ = __file__
    assert not importable(stray)


def test_what_a_call_raises_is_raised_here_with_its_traceback():
    with pytest.raises(Refusal, match="no") as caught:
        run(partial(raising, Refusal("no")), label="refuser")
    assert "In a process of its own (refuser)" in caught.value.__notes__[0]
    assert "in raising" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: raising(Awkward(1, 2)), "awkward: found Awkward: 1 and 2, expected a result; "),
        (lambda: raising(SystemExit(2)), "awkward: found SystemExit: 2, expected a result; "),
        (lambda: (i for i in "ab"), "found a result that can't be sent"),
    ],
)
def test_what_can_not_come_back_is_told_in_words(call, message):
    with pytest.raises(ExecutorError, match=message):
        run(call, label="awkward")


def test_work_that_can_not_be_sent_is_refused():
    with pytest.raises(ExecutorError, match="locker: found work that can't be sent"):
        run(threading.Lock().acquire, label="locker")


def test_an_exit_is_told_with_its_code_and_last_output():
    with pytest.raises(ProcessDied, match=r"ended with exit code 3; its last output was 'one \| two'"):
        run(lambda: (print("one\n\ntwo"), os._exit(3)), label="quitter")


@posix
@pytest.mark.parametrize(
    ("name", "more"), [("SIGKILL", ", often the system's answer to too little memory"), ("SIGSEGV", "")]
)
def test_a_death_by_a_signal_is_told_by_its_name(name, more):
    with pytest.raises(
        ProcessDied, match=f"mortal: found a process that was killed by {name}{more}; it printed nothing"
    ):
        run(lambda: os.kill(os.getpid(), getattr(signal, name)), label="mortal")


def test_a_call_that_takes_too_long_is_stopped():
    started = time.monotonic()
    with pytest.raises(TimeLimitExceeded, match=r"sleeper: found no answer after 0.3 s"):
        run(lambda: time.sleep(60), label="sleeper", timeout=0.3)
    assert time.monotonic() - started < 20


@posix
def test_what_a_call_started_is_stopped_with_it(tmp_path):
    note = tmp_path / "pid"

    def fork_and_wait():
        if pid := os.fork():
            note.write_text(str(pid))
        time.sleep(60)

    with pytest.raises(TimeLimitExceeded):
        run(fork_and_wait, label="parent", timeout=2)
    assert not running(int(note.read_text()))


@posix
def test_a_death_is_seen_although_a_process_that_it_forked_lives_on():
    def fork_and_die():
        if os.fork():
            os._exit(1)
        time.sleep(60)

    with pytest.raises(ProcessDied, match="exit code 1"):
        run(fork_and_die, label="parent", timeout=20)


def test_ten_megabytes_of_output_block_nobody_and_only_their_end_is_kept():
    def chatter():
        for i in range(100):
            print("x" * 100_000)
            os.write(2, b"y" * 1000)
            os.write(1, b"%d\n" % i)  # as C code does
        os._exit(1)

    with pytest.raises(ProcessDied, match="exit code 1") as caught:
        run(chatter, label="chatter", timeout=60)
    assert caught.value.__notes__[0].endswith("y99")
    assert len(caught.value.__notes__[0]) < 70_000


ORPHAN = """
import os, time
from pathlib import Path
from fitgate.executor import run
run(lambda: (Path("pid").write_text(str(os.getpid())), time.sleep(60)), label="orphan")
"""


@posix
def test_a_call_ends_with_the_process_that_made_it(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", ORPHAN], cwd=tmp_path, env={**os.environ, "TMPDIR": str(tmp_path)})
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.01)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while running(int((tmp_path / "pid").read_text())) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert time.monotonic() < deadline


def test_large_arguments_and_results_arrive_whole():
    array = np.random.default_rng(0).random(10**6)
    assert np.array_equal(run(lambda: array[::-1], label="large"), array[::-1])


def test_a_kept_process_answers_many_times_and_remembers():
    with Process(partial(Counter, 100), label="counter") as process:
        assert [process.ask("add", 1) for _ in range(200)] == list(range(101, 301))
        with pytest.raises(Refusal):
            process.ask("refuse")
        assert process.ask("add", 1) == 301


def test_a_kept_process_that_was_ended_says_so():
    process = Executor().start(Counter, label="counter")
    assert process.ask("add", 1) == 1
    with pytest.raises(TimeLimitExceeded, match=r"counter: found no answer after 0.2 s"):
        process.ask("sleep", 60, timeout=0.2)
    with pytest.raises(ExecutorError, match="found a process that was ended before"):
        process.ask("add", 1)


def test_processes_work_side_by_side(tmp_path):
    def meet(me, other):
        (tmp_path / me).touch()
        while not (tmp_path / other).exists():
            time.sleep(0.01)

    processes = [Process(partial(meet, *names), label=names[0]) for names in (("one", "two"), ("two", "one"))]
    for process in processes:
        process.ready(timeout=30)
        process.close()


def test_a_process_runs_where_it_is_told_to(tmp_path):
    (tmp_path / "there.py").write_text("ANSWER = 42")
    place = Place(directory=tmp_path, path=[tmp_path], environment={"WHO": "me"})

    def look():
        import there

        return there.ANSWER, str(Path.cwd()), os.environ["WHO"]

    assert run(look, label="look", place=place) == (42, str(tmp_path), "me")


@pytest.mark.skipif(not core_numbers(), reason="no affinity on this system")
def test_a_process_keeps_to_its_cores():
    core = core_numbers()[-1]
    assert run(core_numbers, label="cores", place=Place(cores=(core,))) == (core,)


def test_a_process_imports_no_library_that_its_call_does_not_need():
    def heavy():
        import sys

        return {"numpy", "sklearn", "joblib", "pytest", "fitgate"} & set(sys.modules)

    assert run(heavy, label="modules") == set()


@pytest.mark.parametrize("value", [np.arange(6).reshape(2, 3), ["a", "b"], np.array([{1}], object), Counter(3)])
def test_values_travel_through_files(tmp_path, value):
    path = save(tmp_path, "value", value)
    assert pickle.dumps(load(path)) == pickle.dumps(value)
    assert (path.suffix == ".npy") == (isinstance(value, np.ndarray) and value.dtype != object)


def test_the_private_directory_is_open_to_nobody_else(own_temp):
    with Process(Counter, label="counter"):
        (directory,) = own_temp.iterdir()
        assert os.name != "posix" or directory.stat().st_mode & 0o077 == 0
    assert Path(own_temp).exists()
