"""fitgate: `pytest`, but for models. The names that a model's author needs, imported on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fitgate.data import CrossValidation, Dataset, Split
    from fitgate.engines import Engine
    from fitgate.errors import FitgateError
    from fitgate.gates import Above, Evidence, Floor, Gap, Gate, NoFlips, NoRegression, Outcome, Robust, Verdict
    from fitgate.metrics import Metric
    from fitgate.model import Model, Published, Work
    from fitgate.plugin.modules import plugins_in
    from fitgate.tasks import Task

__version__: str

_ROOMS = {
    "Above": "fitgate.gates",
    "CrossValidation": "fitgate.data",
    "Dataset": "fitgate.data",
    "Engine": "fitgate.engines",
    "Evidence": "fitgate.gates",
    "FitgateError": "fitgate.errors",
    "Floor": "fitgate.gates",
    "Gap": "fitgate.gates",
    "Gate": "fitgate.gates",
    "Metric": "fitgate.metrics",
    "Model": "fitgate.model",
    "NoFlips": "fitgate.gates",
    "NoRegression": "fitgate.gates",
    "Outcome": "fitgate.gates",
    "Published": "fitgate.model",
    "Robust": "fitgate.gates",
    "Split": "fitgate.data",
    "Task": "fitgate.tasks",
    "Verdict": "fitgate.gates",
    "Work": "fitgate.model",
    "plugins_in": "fitgate.plugin.modules",
}

__all__ = [
    "Above",
    "CrossValidation",
    "Dataset",
    "Engine",
    "Evidence",
    "FitgateError",
    "Floor",
    "Gap",
    "Gate",
    "Metric",
    "Model",
    "NoFlips",
    "NoRegression",
    "Outcome",
    "Published",
    "Robust",
    "Split",
    "Task",
    "Verdict",
    "Work",
    "plugins_in",
]


def __getattr__(name: str) -> Any:
    """One of the names, from its room; `__version__` from what is installed, as pyproject.toml has it."""
    if name == "__version__":
        from importlib.metadata import version

        return version("fitgate")
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name]), name)
