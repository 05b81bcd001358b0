"""Lingering threads: a process with threads that never end has its exit code, and all of its output, all the same."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

CONFTEST = """
import atexit, threading, time
from concurrent.futures import ThreadPoolExecutor
from fitgate import *
from fitgate.plugin import lingering
from tests.fakes import *

lingering.GRACE = 0.5
KEPT = []

def thread():
    threading.Thread(target=threading.Event().wait, name="left\\nbehind").start()

def pool():
    KEPT.append(ThreadPoolExecutor(1))
    KEPT[0].submit(threading.Event().wait)

def idle():
    KEPT.append(ThreadPoolExecutor(1))
    KEPT[0].submit(print)

def short():
    threading.Thread(target=time.sleep, args=(0.2,)).start()

class Leaving(Reader):
    def fit(self, X, y):
        atexit.register(print, "at exit")
        {leave}()
        return super().fit(X, y)

def pytest_unconfigure():
    if {raises}:
        raise SystemExit(3)

def pytest_fitgate_models():
    gates = (Floor(DIGITS, "accuracy", quick=0.9),)
    return [Model("leaving", lambda seed: Leaving(blunder={blunder}), (DIGITS,), gates, stochastic=False)]
"""


@pytest.mark.parametrize(
    ("leave", "blunder", "code", "line"),
    [
        ("thread", 0, 0, r"found 1 thread still running 0.5 s after the session (left\nbehind), expected none; "),
        ("thread", 2, 1, "found 1 thread still running"),
        ("pool", 0, 0, "found 1 thread still running 0.5 s after the session (ThreadPoolExecutor-0_0)"),
        ("idle", 0, 0, None),
        ("short", 2, 1, None),
    ],
)
def test_threads_that_a_model_left_running_keep_no_session_from_its_end(project, leave, blunder, code, line):
    done = run(project, leave=leave, blunder=blunder, raises=False)
    assert done.returncode == code
    assert ("at exit" in done.stdout, "fitgate: report in" in done.stdout) == (True, True)
    assert (line or "") in done.stderr
    assert ("still running" in done.stderr) == (line is not None)
    assert project.record.verdicts


def test_a_session_with_threads_left_that_a_plugin_ends_badly_has_not_passed(project):
    done = run(project, leave="thread", blunder=0, raises=True)
    assert (done.returncode, "still running" in done.stderr) == (1, True)


def run(project, **about):
    project.pytester.makeconftest(CONFTEST.format(**about))
    project.pytester.makepyfile(test_quality="from fitgate.checks import test_gate")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": ROOT}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
