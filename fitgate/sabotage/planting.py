"""Planting: a plugin of pytest's, `-p fitgate.sabotage.planting`, that has one model of a project misbehave."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Sequence
from typing import Any

import msgspec
import pytest

from fitgate.model import Model
from fitgate.plugin.fixtures import PARTS
from fitgate.sabotage.misbehaviour import MISTIMED, UNJUDGED, Data, Sound
from fitgate.tasks import TaskData

VARIABLE = "FITGATE_SABOTAGE"
NO_GATE, GONE = "no gate collected", "a model gone missing"


class Plant(msgspec.Struct):
    """What a session is to have wrong.

    Attributes:
        what: the name of a misbehaviour, or of a change of what a plugin contributes.
        model: the name of the model that has it.
    """

    what: str
    model: str


def pytest_configure(config: pytest.Config) -> None:
    plant = msgspec.json.decode(os.environ.get(VARIABLE, "null"), type=Plant | None)
    if plant is not None:
        config.pluginmanager.register(Planting(config, plant))


class Planting:
    """Has one model misbehave, whoever holds it: it is changed in place.

    Args:
        config: pytest's.
        plant: what to plant.
    """

    def __init__(self, config: pytest.Config, plant: Plant):
        self._config = config
        self._plant = plant

    @pytest.hookimpl(wrapper=True)
    def pytest_fitgate_models(self) -> Generator[None, list[Any], list[Any]]:
        """What plugins contribute, one of it changed."""
        contributions = yield
        return [[model for model in models if self._keeps(model)] for models in contributions]

    def _keeps(self, model: Model) -> bool:
        if model.name == self._plant.model:
            if self._plant.what == GONE:
                return False
            if self._plant.what == NO_GATE:
                object.__setattr__(model, "gates", ())
            else:
                self._misbehave(model, {**UNJUDGED, **MISTIMED}[self._plant.what])
        return True

    def _misbehave(self, model: Model, kind: type[Sound]) -> None:
        def data() -> Sequence[TaskData]:
            return [self._config.stash[PARTS].registry.data_of(task) for task in model.tasks]

        object.__setattr__(model, "build", Misbuilt(model.build, kind, data))


class Misbuilt:
    """Builds a model's estimator, which then misbehaves.

    Args:
        build: the model's own.
        kind: of misbehaviour.
        data: of the model's tasks; in another process there are none, for the session's configuration stays here.
    """

    def __init__(self, build: Callable[[int], Any], kind: type[Sound], data: Data):
        self._build = build
        self._kind = kind
        self._data = data

    def __call__(self, seed: int) -> Sound:
        return self._kind(self._build(seed), self._data)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_data": list}


def variable(plant: Plant) -> dict[str, str]:
    """The environment variable by which a session learns what to plant."""
    return {VARIABLE: json.dumps(msgspec.to_builtins(plant))}
