"""The suite as a pytest plugin: options, fixtures, one test per model and gate, and a record of what happened."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from fitgate.data import DataError, Dataset
from fitgate.executor.workers import Workers, WorkersError
from fitgate.gates.gates import Gate, Verdict
from fitgate.gates.regression import NoRegression
from fitgate.machine import ThreadsError, limit_threads
from fitgate.model import Model
from fitgate.plugin import hookspecs
from fitgate.plugin.bench import Bench, TrainedModel
from fitgate.plugin.options import add_options, read_options
from fitgate.plugin.recorder import Recorder
from fitgate.record import Entry, encode
from fitgate.runs.memory import Memory
from fitgate.runs.once import Once
from suite.notebook.storyteller import Storyteller, section_of

BENCH = pytest.StashKey[Bench]()
SHARED = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "latency: timings of fit and predict, which enforce no gate")
    config.addinivalue_line("markers", "memory: what fit and predict take, only under --memory")
    if (threads := read_options(config).threads) is not None:
        try:
            limit_threads(threads)
        except ThreadsError as error:
            raise pytest.UsageError(str(error)) from error
    shared = getattr(config, "workerinput", {}).get("digit_bench_shared")
    bench = config.stash[BENCH] = Bench(config, read_options(config), Path(shared) if shared else None)
    if shared is None:
        config.pluginmanager.register(Recorder(config, bench), "digit-bench-recorder")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give pytest-xdist's workers a directory, readable by this user only, to share what they train."""
    config: pytest.Config = node.config
    if SHARED not in config.stash:
        config.stash[SHARED] = Path(tempfile.mkdtemp(prefix="digit-bench-"))
    node.workerinput["digit_bench_shared"] = str(config.stash[SHARED])


def pytest_unconfigure(config: pytest.Config) -> None:
    if SHARED in config.stash:
        shutil.rmtree(config.stash[SHARED], ignore_errors=True)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let a wrong option or a clash of models end the session before anything is collected."""
    session.config.stash[BENCH].check_models()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per model, and per gate, per seed and task, or per task where a test takes those too."""
    bench, names = metafunc.config.stash[BENCH], metafunc.fixturenames
    if "model" not in names:
        return
    if "gate" in names:
        profile = bench.options.gate_profile
        rules = [(model, gate, gate.rule(profile)) for model in bench.models for gate in model.gates]
        metafunc.parametrize(
            ("model", "gate"),
            [pytest.param(m, gate, id=f"{m.name}-{gate.task.name}-{rule}") for m, gate, rule in rules if rule],
        )
    elif "seed" in names:  # seed by seed, so that whatever slows the machine slows all models alike
        of_seed = [(seed, model) for seed in bench.options.seeds for model in bench.models if model.stochastic]
        runs = [(model, task, seed) for seed, model in of_seed for task in model.tasks]
        ids = [f"{model.name}-{task.name}-{seed}" for model, task, seed in runs]
        metafunc.parametrize(("model", "task", "seed"), runs, ids=ids)
    elif "task" in names:
        pairs = [(model, task) for model in bench.models for task in model.tasks]
        metafunc.parametrize(("model", "task"), [pytest.param(m, t, id=f"{m.name}-{t.name}") for m, t in pairs])
    else:
        metafunc.parametrize("model", [pytest.param(model, id=model.name) for model in bench.models])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without `--seeds` there is no test of several seeds, not even pytest's placeholder; so with `--memory`."""
    options = config.stash[BENCH].options
    if not options.seeds:
        items[:] = [item for item in items if not {"model", "seed"} <= set(getattr(item, "fixturenames", ()))]
    if not options.memory:
        items[:] = [item for item in items if not item.get_closest_marker("memory")]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which regression gates this session judges: their false alarms are counted together."""
    called = [item.callspec.params for item in session.items if hasattr(item, "callspec")]
    pairs = [(params["model"].name, params["gate"]) for params in called if {"model", "gate"} <= set(params)]
    session.config.stash[BENCH].regression_gates += [pair for pair in pairs if isinstance(pair[1], NoRegression)]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Load the data and reach the workers before the first test, so that what is wrong with them is told at once."""
    # A worker of pytest-xdist may not end the session: there, each test says what is wrong with the data.
    in_worker = hasattr(session.config, "workerinput")
    if in_worker or session.config.option.collectonly or not any(map(_part, session.items)):
        return
    bench = session.config.stash[BENCH]
    try:
        len(bench.dataset.test)
        if any("workers" in getattr(item, "fixturenames", ()) for item in session.items):
            bench.workers.check()
    except (DataError, WorkersError) as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a report carry what happened during its phase to the recorder, which may be in another process."""
    report = yield
    if part := _part(item):
        entries = item.config.stash[BENCH].drain()
        report.digit_bench_part = part  # type: ignore[attr-defined]
        if part == "story":
            report.digit_bench_section = section_of(item.module)  # type: ignore[attr-defined]
        report.digit_bench_entries = [encode(entry).decode() for entry in entries]  # type: ignore[attr-defined]
    return report


@pytest.fixture(scope="session")
def dataset(pytestconfig: pytest.Config) -> Dataset:
    """The data of the session's profile."""
    return pytestconfig.stash[BENCH].dataset


@pytest.fixture(scope="session")
def trained(pytestconfig: pytest.Config) -> Callable[[Model], TrainedModel]:
    """`trained(MODEL)`: a model, fitted once per session and task, on first use."""
    return pytestconfig.stash[BENCH].trained


@pytest.fixture(scope="session")
def judge(pytestconfig: pytest.Config, trained: object) -> Callable[[TrainedModel, Gate], Verdict]:
    """`judge(trained_model, gate)`: the gate's verdict, recorded."""
    return pytestconfig.stash[BENCH].judge


@pytest.fixture(scope="session")
def emit(pytestconfig: pytest.Config) -> Callable[[Entry], None]:
    """`emit(entry)`: put what was measured into the record."""
    return pytestconfig.stash[BENCH].emit


@pytest.fixture(scope="session")
def calibrated(pytestconfig: pytest.Config) -> Callable[[Model], None]:
    """`calibrated(MODEL)`: run the machine's calibration kernels, once before each model's timings."""
    return pytestconfig.stash[BENCH].calibrated


@pytest.fixture(scope="session")
def memory_of(pytestconfig: pytest.Config, trained: object) -> Callable[[TrainedModel], Memory]:
    """`memory_of(trained_model)`: what its model takes, measured in processes of their own."""
    bench = pytestconfig.stash[BENCH]
    return lambda subject: bench.memory(subject.model)


@pytest.fixture(scope="session")
def once(pytestconfig: pytest.Config) -> Once:
    """`once(key, compute)`: a value, computed once per session however many tests and processes ask for it."""
    return pytestconfig.stash[BENCH].once


@pytest.fixture(scope="session")
def workers(pytestconfig: pytest.Config) -> Generator[Workers]:
    """Where parallel work is done: on this machine, or as `--backend` says."""
    workers = pytestconfig.stash[BENCH].workers
    yield workers
    workers.close()


@pytest.fixture
def story(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> Storyteller:
    """Tells the section of the story that the test's module is."""
    bench = pytestconfig.stash[BENCH]
    return Storyteller(request.module, bench.options.gate_profile == "full", bench.compared, bench.emit)


def _part(item: pytest.Item) -> str | None:
    """Which part of the suite a test belongs to: `story`, `latency`, `quality`, or none if it uses no model."""
    names = getattr(item, "fixturenames", ())
    if "story" in names:
        return "story"
    if "trained" not in names:
        return None
    return "latency" if item.get_closest_marker("latency") else "quality"
