"""Scaffolding: the files with which a project begins to hold its models, written around one estimator."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import re
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

from fitgate.errors import FitgateError
from fitgate.files import write
from fitgate.machine import distributions_of

DEFAULT = "sklearn.ensemble.RandomForestClassifier"
FILES = {
    "conftest.py": "conftest.py.txt",
    "test_models.py": "test_models.py.txt",
    ".github/workflows/models.yml": "models.yml.txt",
    ".github/workflows/models-comment.yml": "comment.yml.txt",
    ".github/workflows/models-nightly.yml": "nightly.yml.txt",
    ".github/workflows/models-baselines.yml": "baselines.yml.txt",
}
# What runs in a workflow is a commit, which no one can move, as a tag can be.
ACTIONS = {
    "checkout": "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
    "setup_python": "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0",
    "upload_artifact": "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0",
    "download_artifact": "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1",
}
CLASSIFIER = {
    "loader": "load_breast_cancer",
    "task": "tumours",
    "metrics": '"accuracy", "f1"',
    "metric": "accuracy",
    "floor": "0.7",
    "margin": "0.02",
    "meaning": "the least that it may be",
}
REGRESSOR = {
    "loader": "load_diabetes",
    "task": "progression",
    "metrics": '"mae", "r2"',
    "metric": "mae",
    "floor": "80",
    "margin": "3",
    "meaning": "the most that it may be, in the target's unit",
}


NO_ESTIMATORS = ("conftest", "experimental", "externals", "tests")


class _Workflow(Template):
    """A template in which `$` is the shell's and GitHub's, and a value stands behind `@@`."""

    delimiter = "@@"


class ScaffoldError(FitgateError):
    """A project that can't be begun so."""


class Estimator(NamedTuple):
    """A class of estimators: where it is imported from, and an instance with its defaults."""

    module: str
    name: str
    instance: Any


def scaffold(directory: Path, estimator: str = DEFAULT) -> list[Path]:
    """Write what a project needs to hold a model; the paths of the files.

    Args:
        directory: the project's.
        estimator: a class, as `package.module.Class`, or the name of one of scikit-learn's.

    Raises:
        FileError: if one can't be written.
        ScaffoldError: if there is no such class, it is neither a classifier nor a regressor, or a file is in the way.
    """
    found = find(estimator)
    for name in FILES:
        if os.path.lexists(directory / name):
            raise ScaffoldError(
                directory / name,
                found="a file that is there already",
                expected="none, as it is not to be lost",
                next_step="move it away, or begin in another directory",
            )
    values = _values(found, directory)
    paths = []
    for name, template in FILES.items():
        text = resources.files(__package__).joinpath("templates", template).read_text(encoding="utf-8")
        path = directory / name
        kind = _Workflow if path.suffix == ".yml" else Template
        write(path, kind(text).substitute(values))
        paths.append(path)
    return paths


def find(estimator: str) -> Estimator:
    """The class of a name, built with its defaults.

    Raises:
        ScaffoldError: if there is none, or it can't be built so.
    """
    module, _, name = estimator.rpartition(".")
    if not module:
        module = _module_of(estimator)
    try:
        kind = getattr(importlib.import_module(module), name)
        instance = kind()
    except (ImportError, AttributeError, TypeError) as error:
        raise ScaffoldError(
            estimator,
            found=f"no class that can be built without arguments ({error})",
            expected="a class of estimators, as package.module.Class",
            next_step="correct its name, install its library, or begin with another and put yours into conftest.py",
        ) from error
    if not hasattr(instance, "__sklearn_tags__"):
        raise ScaffoldError(
            estimator,
            found="a class without scikit-learn's tags",
            expected="a class of estimators",
            next_step="correct its name, or begin with another and put yours into conftest.py",
        )
    return Estimator(module, name, instance)


def _module_of(name: str) -> str:
    """The public module of one of scikit-learn's classes."""
    import difflib

    known = _public_classes()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        raise ScaffoldError(
            name,
            found="no class of scikit-learn of that name",
            expected="one, or another library's as package.module.Class",
            next_step=f"write {near[0]}" if near else "correct its name",
        )
    return known[name]


def _public_classes() -> dict[str, str]:
    """scikit-learn's public modules, by the classes that they export."""
    import sklearn

    found: dict[str, str] = {}
    for module in pkgutil.iter_modules(sklearn.__path__):
        if not (module.name.startswith("_") or module.name in NO_ESTIMATORS):
            exports = importlib.import_module(f"sklearn.{module.name}")
            found |= {name: exports.__name__ for name in getattr(exports, "__all__", ()) if name[:1].isupper()}
    return found


def _values(estimator: Estimator, directory: Path) -> dict[str, str]:
    """What the templates leave open."""
    from sklearn.base import is_classifier, is_regressor

    kind = CLASSIFIER if is_classifier(estimator.instance) else REGRESSOR if is_regressor(estimator.instance) else None
    if kind is None:
        raise ScaffoldError(
            f"{estimator.module}.{estimator.name}",
            found="an estimator that is neither a classifier nor a regressor",
            expected="one of the two, by scikit-learn's tags",
            next_step="begin with another, and put yours into conftest.py with metrics that suit it",
        )
    seeded = "random_state" in inspect.signature(type(estimator.instance)).parameters
    own = ["-r requirements.txt"] if (directory / "requirements.txt").exists() else []
    library = [name for name in distributions_of([estimator.module]) if name != "scikit-learn"]
    requirements = " ".join([*own, "fitgate", *library])
    return {
        **kind,
        **ACTIONS,
        "data_module": "sklearn.datasets",
        "module": estimator.module,
        "estimator": estimator.name,
        "name": re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", estimator.name).lower(),
        "build": f"{estimator.name}({'random_state=seed' if seeded else ''})",
        "requirements": requirements,
    }
