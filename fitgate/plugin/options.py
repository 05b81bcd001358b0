"""What is in force: the options of the command line and of the project's configuration, read into one typed value."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fitgate.gates import JudgeSettings
from fitgate.gates.settings import MOST_SEEDS_BY_TIME
from fitgate.record import Settings
from fitgate_pytest.options import OPTIONS, WAIVERS, Option

DEFAULT_SEED = 42  # of models without a baseline, where the user names none


@dataclass(frozen=True)
class Options:
    """What is in force.

    Attributes:
        settings: all that a record keeps; its profile is as it was asked for, empty for none.
        runs_dir, baselines: directories, absolute.
        waivers: the file of them, absolute; None for none.
        scheduler: address of the backend's scheduler; None for none.
    """

    settings: Settings
    runs_dir: Path
    baselines: Path
    scheduler: str | None
    waivers: Path | None = None


def read_options(config: pytest.Config) -> Options:
    """The options of this session: of the command line, else of the project's configuration, else their defaults.

    Raises:
        UsageError: if a key of the configuration has a value that can't be read.
    """
    given = {option.key: _value(config, option) for option in OPTIONS}
    seeds, budget, seed = given["fit_seeds"], given["gate_budget"], given["fit_seed"]
    most = MOST_SEEDS_BY_TIME if budget.seeds is None else budget.seeds
    judge = JudgeSettings(
        strict=given["gate_strict"],
        require_baseline=given["gate_require_baseline"],
        leaks=given["gate_leaks"],
        seeds=seeds or 1,
        most_seeds=max(most, seeds or 1),
        minutes=budget.minutes,
        confirm=given["gate_confirm"],
    )
    settings = Settings(
        profile=given["fit_profile"] or "",
        seed=DEFAULT_SEED if seed is None else seed,
        seed_named=seed is not None,
        seeds=seeds,
        models=list(given["fit_models"]),
        tasks=list(given["fit_tasks"]),
        require=list(given["gate_require"]),
        threads=given["fit_threads"],
        timing=given["fit_timing"],
        timeout=given["fit_timeout"],
        memory=given["fit_memory"],
        server=given["fit_server"],
        processes=given["fit_processes"],
        engines=list(given["fit_engines"]),
        keep=given["fit_keep"],
        batches=list(given["fit_batches"]),
        reuse=given["fit_reuse"],
        backend=given["fit_backend"] or "",
        judge=judge,
    )
    runs, baselines = (_directory(config, key, given[key]) for key in ("fit_runs_dir", "gate_baselines"))
    waivers: Path | None = _directory(config, "gate_waivers", given["gate_waivers"] or WAIVERS)
    if given["gate_waivers"] is None and not os.path.lexists(str(waivers)):
        waivers = None
    return Options(settings, runs, baselines, given["fit_scheduler"], waivers)


def _directory(config: pytest.Config, key: str, given: Path) -> Path:
    """A directory, or a file, absolute, so that no model moves it by changing the working directory.

    One of the command line is relative to where pytest was started, any other to the project's root.
    """
    base = config.rootpath if config.getoption(key) is None else config.invocation_params.dir
    return base.absolute() / given


def _value(config: pytest.Config, option: Option) -> Any:
    given = config.getoption(option.key)
    if given is not None:
        return given
    text = config.getini(option.key)
    if not text:
        return option.default
    try:
        return option.read(str(text))
    except (ValueError, argparse.ArgumentTypeError) as error:
        raise pytest.UsageError(f"{config.inipath or '-o'}: {option.key} = {text}: {error}") from error
