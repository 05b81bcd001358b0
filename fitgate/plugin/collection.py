"""Collection: one test per model, and per gate, seed or task, where a test function takes these."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from fitgate.contracts import CHECKS
from fitgate.engines import NATIVE, Engine, named
from fitgate.gates import Gate
from fitgate.latency.timing import SCENARIOS, Scenario, batches
from fitgate.model import Model
from fitgate.plugin.session import Parts
from fitgate.record import NotApplied, describe_not_applied
from fitgate.tasks import Task


def parametrize(metafunc: pytest.Metafunc, parts: Parts) -> None:
    """Give a test function that takes a `model` its models, with what else it takes: gates, seeds, tasks, engines."""
    names, models = metafunc.fixturenames, parts.registry.models
    if "gate" in names:
        gates = [(model, gate) for model in models for gate in model.gates if isinstance(gate, Gate)]
        metafunc.parametrize(("model", "gate"), [_of_gate(model, gate, parts) for model, gate in gates])
    elif "seed" in names:  # seed by seed, so that whatever slows the machine slows all models alike
        pairs = [(model, task) for model in models if model.stochastic is not False for task in model.tasks]
        all_seeds = [parts.seeds.all(model, task) for model, task in pairs]
        runs = [(*pair, seed) for turn in zip(*all_seeds, strict=True) for pair, seed in zip(pairs, turn, strict=True)]
        ids = [f"{model.name}-{task.name}-{seed}" for model, task, seed in runs]
        metafunc.parametrize(("model", "task", "seed"), runs, ids=ids)
    elif "task" in names:
        every = [(model, task) for model in models for task in model.tasks]
        metafunc.parametrize(("model", "task"), [pytest.param(m, t, id=f"{m.name}-{t.name}") for m, t in every])
    elif "contract" in names:
        metafunc.parametrize(("model", "contract"), [_of_check(model, name) for model in models for name in CHECKS])
    elif "engine" in names:  # native ones first; None is the estimator as it is
        served = [(model, engine) for model in models for engine in (None, *parts.registry.engines_of(model))]
        ids = [model.name if engine is None else f"{model.name}-{engine.name}" for model, engine in served]
        metafunc.parametrize(("model", "engine"), served, ids=ids)
        if "scenario" in names:
            every_scenario = [*SCENARIOS, *batches(parts.options.settings.batches)]
            metafunc.parametrize("scenario", every_scenario, ids=[scenario.label for scenario in every_scenario])
    else:
        metafunc.parametrize("model", [pytest.param(model, id=model.name) for model in models])


def _of_check(model: Model, name: str) -> Any:
    """The parameters of a check's test; one that the model's author expects to fail is marked so."""
    reason = model.expected_failed_checks.get(name)
    marks = () if reason is None else (pytest.mark.xfail(reason=reason, raises=pytest.fail.Exception),)
    return pytest.param(model, CHECKS[name], id=f"{model.name}-{name}", marks=marks)


def _of_gate(model: Model, gate: Gate, parts: Parts) -> Any:
    """The parameters of a gate's test; one that does not apply to the session's profile is skipped, and says so."""
    rule, name = gate.rule(_profile(parts, gate)), f"{model.name}-{gate.task.name}"
    if rule:
        return pytest.param(model, gate, id=f"{name}-{rule}")
    without = describe_not_applied(model.name, gate, _profile(parts, gate))
    rules = ",".join(f"{rule}[{profile}]" for profile, rule in without.rules.items())
    marks = (pytest.mark.no_gates, pytest.mark.skip(f"{without.reason} ({gate.where})"))
    return pytest.param(model, gate, id=f"{name}-{rules or gate.kind}", marks=marks)


def left_out(items: Iterable[pytest.Item], parts: Parts) -> Iterator[pytest.Item]:
    """The tests that the options do not ask for: of several seeds, their placeholder, of memory, of a server."""
    settings = parts.options.settings
    for item in items:
        of_seeds = {"model", "seed"} <= set(getattr(item, "fixturenames", ()))
        asked = {"memory": settings.memory, "server": settings.server}
        if (of_seeds and not settings.seeds) or any(item.get_closest_marker(m) and not on for m, on in asked.items()):
            yield item


def timed_model(item: pytest.Item) -> Model | None:
    """The model whose predictions a test times; None for other tests."""
    model = _params(item).get("model")
    return model if isinstance(model, Model) and item.get_closest_marker("latency") else None


def timed_name(item: pytest.Item) -> str:
    """What errors call the model that a test times, as it is served."""
    params = _params(item)
    model, engine = params.get("model"), params.get("engine")
    name = model.name if isinstance(model, Model) else item.name
    return named(name, engine.name) if isinstance(engine, Engine) else name


def timed_scenarios(items: Iterable[pytest.Item]) -> dict[tuple[str, str], list[Scenario]]:
    """The scenarios in which the selected tests time models, by the model's name and that of the engine."""
    found: dict[tuple[str, str], list[Scenario]] = {}
    for item in items:
        model, scenario, engine = timed_model(item), _params(item).get("scenario"), _params(item).get("engine")
        if model is not None and model.predictions is None and isinstance(scenario, Scenario):
            by = engine.name if isinstance(engine, Engine) else NATIVE
            found.setdefault((model.name, by), []).append(scenario)
    return found


def selected_gates(items: Iterable[pytest.Item], parts: Parts) -> Iterator[tuple[str, Gate]]:
    """The gates that the selected tests judge, each with its model's name."""
    return ((model, gate) for model, gate in _gates(items) if gate.rule(_profile(parts, gate)))


def not_applied(items: Iterable[pytest.Item], parts: Parts) -> Iterator[NotApplied]:
    """The gates of selected tests that do not apply to the session's profile."""
    for model, gate in _gates(items):
        if not gate.rule(_profile(parts, gate)):
            yield describe_not_applied(model, gate, _profile(parts, gate))


def _gates(items: Iterable[pytest.Item]) -> Iterator[tuple[str, Gate]]:
    for item in items:
        params = _params(item)
        model, gate = params.get("model"), params.get("gate")
        if isinstance(model, Model) and isinstance(gate, Gate):
            yield model.name, gate


def part(item: pytest.Item) -> str | None:
    """What a test is for: `gates` are to be enforced, `latency` or `no_gates`; None if it uses no model."""
    if item.get_closest_marker("no_gates"):
        return "no_gates"
    if "trained" not in getattr(item, "fixturenames", ()):
        return None
    return "latency" if item.get_closest_marker("latency") else "gates"


def used_tasks(items: Iterable[pytest.Item], parts: Parts) -> Iterator[Task]:
    """The tasks whose data the selected tests use; of a test that does not say, all that take part."""
    for item in items:
        params = _params(item)
        gate, task, model = params.get("gate"), params.get("task"), params.get("model")
        if isinstance(gate, Gate):
            if gate.rule(_profile(parts, gate)):
                yield gate.task
        elif isinstance(task, Task):
            yield task
        elif isinstance(model, Model):
            yield model.timed_task
        elif part(item):
            yield from parts.registry.selected_tasks


def _params(item: pytest.Item) -> Mapping[str, object]:
    """What a test is parametrized with."""
    return item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}


def _profile(parts: Parts, gate: Gate) -> str:
    return parts.registry.data_of(gate.task).dataset.profile
