"""Arms: the working trees that are compared, with their fitted models, and the fresh processes that time these."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from fitgate.ab import probe
from fitgate.ab.errors import ComparisonError
from fitgate.errors import FitgateError
from fitgate.executor import ExecutorError, Place, Process, exchange, pickling, run
from fitgate.latency.stopwatch import FEW
from fitgate.plugin import discovery

SEED = 42
SENT = (probe, discovery, exchange, pickling)  # every tree is measured by this tree's code


@dataclass(frozen=True)
class Tree:
    """A working tree with models to be fitted.

    Attributes:
        name: of its arm: `base`, `candidate` or `control`.
        root: its directory.
        directory: for the fitted models; open to this user alone.
        cores: of the processor that its processes are kept to; all for none.
    """

    name: str
    root: Path
    directory: Path
    cores: tuple[int, ...] = ()

    def fit(self, models: Sequence[str]) -> Arm:
        """Fit models by the tree's own code, all quick ones for none; an arm with those of them that the tree has.

        Raises:
            ComparisonError: if the tree has no project, or a model fails.
            ExecutorError: if the process dies.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = Place(
            directory=self.root,
            path=_path_in(self.root),
            cores=self.cores,
            environment={"PYTHONHASHSEED": "random"},
            by_value=SENT,
        )
        call = partial(probe.fit, self.root, list(models), self.directory, SEED)
        with _failures_named(self.name):
            kept, path = run(call, label=f"fitting the models of {self.name}", place=place)
        return Arm(self.name, kept, replace(place, path=path))


@dataclass(frozen=True)
class Arm:
    """The fitted models of a working tree.

    Attributes:
        name: `base`, `candidate` or `control`.
        kept: the files of each model, by its name.
        place: where its processes run.
    """

    name: str
    kept: Mapping[str, probe.Kept]
    place: Place

    @property
    def models(self) -> list[str]:
        """The models' names."""
        return list(self.kept)

    def start(self, models: Sequence[str], batch_size: int | None) -> ArmProcess:
        """Start a fresh process that times some of the models, in batches of a size."""
        call = partial(probe.Stopwatch, {name: self.kept[name] for name in models}, batch_size, FEW)
        return ArmProcess(self.name, Process(call, label=f"timing the models of {self.name}", place=self.place))


class ArmProcess:
    """A fresh process of an arm, which times its models slice by slice, when it is asked to.

    Args:
        name: of its arm.
        process: that keeps a `Stopwatch`.
    """

    def __init__(self, name: str, process: Process):
        self.name = name
        self._process = process

    def ready(self) -> None:
        """Wait until it has loaded and warmed up its models."""
        with _failures_named(self.name):
            self._process.ready()

    def ask(self, model: str, seconds: float) -> float:
        """Median seconds of the queries of one slice of time."""
        with _failures_named(self.name):
            return float(self._process.ask("time", model, seconds))

    def kill(self) -> None:
        """End it."""
        self._process.kill()


def _path_in(root: Path) -> list[Path]:
    """Where a tree's processes import from: what this process has of its working directory, they have of theirs."""
    here = Path.cwd()
    own = [Path(entry).absolute() for entry in sys.path]
    return [root, *(root / path.relative_to(here) if path.is_relative_to(here) else path for path in own)]


@contextmanager
def _failures_named(arm: str) -> Iterator[None]:
    """Let errors of a tree's code name the arm."""
    try:
        yield
    except ExecutorError:
        raise  # it names the process
    except FitgateError as error:
        raise ComparisonError(
            f"{arm}, {error.where}", found=error.found, expected=error.expected, next_step=error.next_step
        ) from error
    except Exception as error:
        raise ComparisonError(
            arm,
            found=f"{type(error).__name__}: {error}",
            expected="a working tree whose models can be fitted and asked",
            next_step="run pytest in that revision, or compare another",
        ) from error
