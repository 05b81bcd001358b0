"""Where a fresh process runs: its directory, what it can import, and its cores."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType


@dataclass(frozen=True)
class Place:
    """Where a process runs.

    Attributes:
        directory: that it works in; None for this process's.
        path: directories that it imports from before those of the interpreter; None for this process's `sys.path`.
        cores: the processor's cores that it may use, where the system can keep it to them; all for none.
        environment: variables besides this process's.
        by_value: modules whose functions it gets by value: a process on another tree's path would find that tree's.
    """

    directory: Path | None = None
    path: Sequence[str | Path] | None = None
    cores: tuple[int, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    by_value: tuple[ModuleType, ...] = ()

    def variables(self) -> dict[str, str]:
        """The environment variables of a process that starts now."""
        path = sys.path if self.path is None else self.path
        found = dict.fromkeys(str(Path(entry).absolute()) for entry in path)  # one may be empty: the working directory
        return {**os.environ, "PYTHONPATH": os.pathsep.join(found), **self.environment}


def core_numbers() -> tuple[int, ...]:
    """The cores that this process may use and keep others to; none where the system can't keep a process to some."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    import psutil

    process = psutil.Process()
    return tuple(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else ()
