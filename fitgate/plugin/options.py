"""The command line's options, as one typed value."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import pytest

from fitgate.data import MNIST_DIR_VARIABLE


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    profile: str
    mnist_dir: Path | None
    dataset_dir: Path | None
    models: tuple[str, ...]
    require: tuple[str, ...]
    seed: int
    seeds: tuple[int, ...]
    runs_dir: Path
    baselines: Path
    require_baseline: bool
    strict: bool
    threads: int | None
    memory: bool
    backend: str | None
    scheduler: str | None

    @property
    def gate_profile(self) -> str:
        """The profile whose floors apply: data that stands in for MNIST has none."""
        return self.profile if self.dataset_dir is None else "custom"


def add_options(parser: pytest.Parser) -> None:
    """Declare the options, in a group of their own."""
    group = parser.getgroup("digit-bench", "digit-bench: tests of trained classifiers")
    group.addoption(
        "--profile",
        choices=("quick", "full"),
        default="quick",
        help="quick (default): 5,000 real MNIST digits, no network; full: all 70,000, from directory, cache or OpenML",
    )
    group.addoption(
        "--mnist-dir",
        type=Path,
        metavar="DIR",
        help=f"MNIST's four IDX files, .gz or raw, for --profile full; {MNIST_DIR_VARIABLE} names it, too",
    )
    group.addoption(
        "--dataset-dir",
        type=Path,
        metavar="DIR",
        help="run on any data in MNIST's IDX format instead, such as Fashion-MNIST; MNIST's floors do not apply to it",
    )
    group.addoption(
        "--models",
        type=_names,
        default=(),
        metavar="NAME,...",
        help="only these models (default: all but the slow ones)",
    )
    group.addoption(
        "--require",
        type=_names,
        default=(),
        metavar="NAME,...",
        help="fail, rather than skip, where the library of one of these models is not installed",
    )
    group.addoption("--seed", type=int, default=42, help="seed that models are built with (default: 42)")
    group.addoption(
        "--seeds",
        type=_several,
        default=0,
        metavar="K",
        help="also train each model with K seeds, from --seed on, and report how its metrics spread",
    )
    group.addoption(
        "--runs-dir",
        type=Path,
        metavar="DIR",
        help="where runs are recorded (default: reports/runs in the root directory)",
    )
    group.addoption(
        "--baselines",
        type=Path,
        metavar="DIR",
        help="where baselines lie (default: reports/baselines in the root directory)",
    )
    group.addoption("--require-baseline", action="store_true", help="fail a regression gate that has no baseline")
    group.addoption("--strict-gates", action="store_true", help="fail a gate that is inconclusive")
    group.addoption(
        "--threads",
        type=int,
        metavar="N",
        help="run on N cores: OpenMP, BLAS, XLA and Python's own threads alike (default: all)",
    )
    group.addoption(
        "--memory",
        action="store_true",
        help="also measure peak memory of fit and predict, each in a process of its own: fits each model once more",
    )
    group.addoption(
        "--backend",
        metavar="NAME",
        help="joblib's backend for the folds of cross-validations, such as dask (default: processes on this machine)",
    )
    group.addoption(
        "--scheduler", metavar="ADDRESS", help="the scheduler of that backend, such as tcp://127.0.0.1:8786"
    )


def read_options(config: pytest.Config) -> Options:
    """The options of this session."""
    given = config.getoption
    return Options(
        profile=given("--profile"),
        mnist_dir=given("--mnist-dir"),
        dataset_dir=given("--dataset-dir"),
        models=given("--models"),
        require=given("--require"),
        seed=given("--seed"),
        seeds=tuple(range(given("--seed"), given("--seed") + given("--seeds"))),
        runs_dir=given("--runs-dir") or config.rootpath / "reports" / "runs",
        baselines=given("--baselines") or config.rootpath / "reports" / "baselines",
        require_baseline=given("--require-baseline"),
        strict=given("--strict-gates"),
        threads=given("--threads"),
        memory=given("--memory"),
        backend=given("--backend"),
        scheduler=given("--scheduler"),
    )


def _several(text: str) -> int:
    if not text.isdigit() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text!r}, expected a number of seeds from 2 on")
    return int(text)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
