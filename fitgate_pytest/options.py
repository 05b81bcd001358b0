"""The options: each on the command line, and as a key of the project's configuration."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

GROUP = "fitgate"
RUNS = Path(".fitgate", "runs")
BASELINES = Path("baselines")
WAIVERS = Path("waivers.toml")
MOST_BUDGET = 1_000  # seeds, as `fitgate.gates.settings` has it

MOST_BATCH = 2**20  # examples


def _number_of_seeds(text: str) -> int:
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a number of seeds from 2 on")
    return int(text)


def _number_of_processes(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a number of processes, or 0")
    return int(text)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a positive number")
    return number


class Budget(NamedTuple):
    """What undecided gates may spend: seeds of each model, or minutes of the session.

    Attributes:
        seeds: how many each model may come to; None where time alone counts.
        minutes: after how long no further seed is begun; None for no limit.
    """

    seeds: int | None
    minutes: float | None = None


def _budget(text: str) -> Budget:
    number = text.strip().removesuffix("min")
    if number == text.strip():
        if number.isdecimal() and 1 <= int(number) <= MOST_BUDGET:
            return Budget(int(number))
    else:
        try:
            minutes = float(number)
        except ValueError:
            minutes = -1.0
        if 0 <= minutes < float("inf"):
            return Budget(None, minutes)
    raise argparse.ArgumentTypeError(
        f"found {text!r}, expected a number of seeds from 1 to {MOST_BUDGET:,}, or minutes such as 15min"
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _sizes(text: str) -> tuple[int, ...]:
    names = _names(text)
    if not all(name.isdecimal() and 0 < int(name) <= MOST_BATCH for name in names):
        raise argparse.ArgumentTypeError(
            f"found {text!r}, expected sizes from 1 to {MOST_BATCH:,}, such as 64,512,4096"
        )
    return tuple(map(int, names))


def _truth(text: str) -> bool:
    return text.strip().lower() in ("1", "true", "yes", "on")


def _warn_or_fail(text: str) -> str:
    if text not in ("warn", "fail"):
        raise argparse.ArgumentTypeError(f"found {text!r}, expected warn or fail")
    return text


@dataclass(frozen=True)
class Option:
    """An option.

    Attributes:
        name: on the command line, without the two hyphens; the key of the configuration has underscores.
        read: from text to its value.
        default: its value where nobody sets it.
        metavar: of its value; empty for a flag.
        help: what it does.
    """

    name: str
    read: Callable[[str], Any]
    default: Any
    metavar: str
    help: str

    @property
    def key(self) -> str:
        """Its key in the project's configuration, and the name of its value."""
        return self.name.replace("-", "_")


OPTIONS = (
    Option("fit-profile", str, None, "NAME", "size of the data, where a dataset has several (default: its first)"),
    Option("fit-models", _names, (), "NAME,...", "only these models (default: all but the slow ones)"),
    Option("fit-tasks", _names, (), "NAME,...", "only these tasks (default: all but the slow ones)"),
    Option(
        "fit-seed",
        int,
        None,
        "N",
        "seed that models are built with (default: the first of the model's baseline, so that an unchanged model gives "
        "its output; 42 where there is none)",
    ),
    Option(
        "fit-seeds",
        _number_of_seeds,
        0,
        "K",
        "train each stochastic model with K seeds, from --fit-seed on, by default the baseline's: regression gates "
        "judge by all of them, and the report has their spread; a model that does not say is trained with two, and "
        "with all if these differ",
    ),
    Option("fit-runs-dir", Path, RUNS, "DIR", f"where runs are recorded (default: {RUNS.as_posix()})"),
    Option(
        "fit-threads",
        int,
        None,
        "N",
        "use N cores: OpenMP, BLAS, XLA and Python's own threads alike (default: all)",
    ),
    Option("fit-timing", _positive, 1.0, "FACTOR", "time predictions so many times as long as usual (default: 1)"),
    Option(
        "fit-timeout",
        _positive,
        None,
        "SECONDS",
        "fit and evaluate each model in a process of its own, and end one whose fit, whose predicting of the test "
        "split, or whose conversion for an engine takes longer (default: no limit); a model's own timeout wins",
    ),
    Option(
        "fit-processes",
        _number_of_processes,
        1,
        "N",
        "time each model in so many processes of its own, in which nothing else has run, and which take turns: from "
        "two on, figures have an interval; 0 times in the session's own process (default: 1)",
    ),
    Option(
        "fit-engines",
        _names,
        (),
        "NAME,...",
        "also convert each fitted model for these engines, such as onnx, hold their answers to its own and to its "
        "gates, and time them; all for all (default: none)",
    ),
    Option(
        "fit-reuse",
        _truth,
        False,
        "",
        "keep fits and what they answer in the user's cache, and use those of earlier sessions of which nothing has "
        "changed: source, parameters, data, libraries, machine, seed; their times are CACHED",
    ),
    Option(
        "fit-keep",
        _truth,
        False,
        "",
        "keep the fitted models that are timed, and the examples of their test split, beside the record, for "
        "`fitgate pack`",
    ),
    Option(
        "fit-batches",
        _sizes,
        (),
        "N,...",
        "also time batches of these sizes, such as 64,512,4096; none larger than the test split (default: none)",
    ),
    Option(
        "fit-server",
        _truth,
        False,
        "",
        "also time queries that arrive at random: how many a second a model answers in time",
    ),
    Option(
        "fit-memory",
        _truth,
        False,
        "",
        "also measure peak memory of fit and predict, each in a process of its own: fits each model once more",
    ),
    Option(
        "fit-backend",
        str,
        None,
        "NAME",
        "joblib's backend for several seeds and for cross-validations, such as dask (default: this machine)",
    ),
    Option("fit-scheduler", str, None, "ADDRESS", "the scheduler of that backend, such as tcp://127.0.0.1:8786"),
    Option("gate-baselines", Path, BASELINES, "DIR", f"where baselines are kept (default: {BASELINES.as_posix()})"),
    Option(
        "gate-require",
        _names,
        (),
        "NAME,...",
        "fail, rather than skip, where a library that one of these models requires is not installed",
    ),
    Option("gate-require-baseline", _truth, False, "", "fail a regression gate that has no baseline"),
    Option(
        "gate-leaks",
        _warn_or_fail,
        "warn",
        "warn|fail",
        "what a gain beyond what seeds explain is, as of a model that was given test examples: a warning, or a failure "
        "of its gate (default: warn)",
    ),
    Option("gate-strict", _truth, False, "", "fail a gate that is inconclusive"),
    Option(
        "gate-waivers",
        Path,
        None,
        "FILE",
        "failures that are accepted on purpose, each with its reason, last day and worst value (default: waivers.toml "
        "in the project's root, if it is there)",
    ),
    Option(
        "gate-confirm",
        _truth,
        False,
        "",
        "fail a stochastic model's fall only if five fresh seeds, trained for it besides the budget, see it, too",
    ),
    Option(
        "gate-budget",
        _budget,
        Budget(10),
        "K|TIMEmin",
        "how many seeds a model may come to while a regression gate of it is undecided, one after the other, such as "
        "10; or how long more of them are trained, such as 15min (default: 10)",
    ),
)
WITH_VALUE = frozenset(f"--{option.name}" for option in OPTIONS if option.metavar)


def add_options(parser: pytest.Parser) -> None:
    """Declare the options, in a group of their own, and their keys."""
    group = parser.getgroup(GROUP, "fitgate: tests of trained models")
    for option in OPTIONS:
        if option.metavar:
            group.addoption(
                f"--{option.name}", dest=option.key, type=option.read, metavar=option.metavar, help=option.help
            )
        else:
            group.addoption(f"--{option.name}", dest=option.key, action="store_true", default=None, help=option.help)
        parser.addini(option.key, f"default of --{option.name}")
