"""The fixtures that a project's tests take."""

from __future__ import annotations

from collections.abc import Callable, Generator

import pytest

from fitgate.contracts import Check
from fitgate.data import Dataset
from fitgate.executor import Executor
from fitgate.gates import Gate, Verdict
from fitgate.latency.audit import Auditor
from fitgate.model import Model, Work
from fitgate.plugin.serving import Serving
from fitgate.plugin.session import Parts
from fitgate.plugin.timer import Timed, Timer
from fitgate.plugin.trained import TrainedModel
from fitgate.record import Entry
from fitgate.runs import Once
from fitgate.runs.memory import Memory
from fitgate.tasks import Task

PARTS = pytest.StashKey[Parts]()


@pytest.fixture(scope="session")
def trained(pytestconfig: pytest.Config) -> Callable[[Model], TrainedModel]:
    """`trained(MODEL)`: a model, fitted once per session and task, on first use."""
    return pytestconfig.stash[PARTS].trained


@pytest.fixture(scope="session")
def judge(pytestconfig: pytest.Config, trained: object) -> Callable[[TrainedModel, Gate], Verdict]:
    """`judge(trained_model, gate)`: the gate's verdict, recorded."""
    return pytestconfig.stash[PARTS].judge


@pytest.fixture(scope="session")
def hold(pytestconfig: pytest.Config, trained: object) -> Callable[[TrainedModel, Check], str | None]:
    """`hold(trained_model, check)`: what a check of `fitgate.contracts` finds wrong with it; None for nothing."""
    return pytestconfig.stash[PARTS].contracts.hold


@pytest.fixture(scope="session")
def data_of(pytestconfig: pytest.Config) -> Callable[[Task], Dataset]:
    """`data_of(TASK)`: the task's dataset, of the session's profile."""
    registry = pytestconfig.stash[PARTS].registry
    return lambda task: registry.data_of(task).dataset


@pytest.fixture(scope="session")
def emit(pytestconfig: pytest.Config) -> Callable[[Entry], None]:
    """`emit(entry)`: put what was measured into the record."""
    return pytestconfig.stash[PARTS].emit


@pytest.fixture(scope="session")
def timing_factor(pytestconfig: pytest.Config) -> float:
    """How long to time predictions, times the usual."""
    return pytestconfig.stash[PARTS].options.settings.timing


@pytest.fixture(scope="session")
def calibrated(pytestconfig: pytest.Config) -> Callable[[Model], None]:
    """`calibrated(MODEL)`: run the machine's calibration kernels, once before each model's timings."""
    return pytestconfig.stash[PARTS].calibrated


@pytest.fixture(scope="session")
def timer(pytestconfig: pytest.Config, trained: object) -> Generator[Timer]:
    """What times models, in processes of their own."""
    timer = pytestconfig.stash[PARTS].timer
    yield timer
    timer.close()


@pytest.fixture(scope="session")
def serving(pytestconfig: pytest.Config, timer: Timer) -> Serving:
    """What has fitted models served by engines: `--fit-engines` names them."""
    return pytestconfig.stash[PARTS].serving


@pytest.fixture(scope="session")
def keep(pytestconfig: pytest.Config, serving: Serving) -> Callable[[Timed, Work | None], None]:
    """`keep(timed, work)`: keep a timed model beside the record, under `--fit-keep`."""
    return pytestconfig.stash[PARTS].keep


@pytest.fixture(scope="session")
def auditor_of(pytestconfig: pytest.Config, trained: object) -> Callable[[Timed], Auditor]:
    """`auditor_of(timed)`: what audits the answers of a model that was timed."""
    return pytestconfig.stash[PARTS].auditor


@pytest.fixture(scope="session")
def memory_of(pytestconfig: pytest.Config, trained: object) -> Callable[[TrainedModel], Memory]:
    """`memory_of(trained_model)`: what its model takes, measured in processes of their own."""
    parts = pytestconfig.stash[PARTS]
    return lambda subject: parts.memory(subject.model)


@pytest.fixture(scope="session")
def once(pytestconfig: pytest.Config) -> Once:
    """`once(key, compute)`: a value, computed once per session however many tests and processes ask for it."""
    return pytestconfig.stash[PARTS].once


@pytest.fixture(scope="session")
def executor(pytestconfig: pytest.Config) -> Generator[Executor]:
    """Where parallel and isolated work is done: on this machine, or as `--fit-backend` says."""
    executor = pytestconfig.stash[PARTS].executor
    yield executor
    executor.close()
