"""Changes: why a figure is another with today's libraries, shown by a rerun with the library as it was before."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from packaging.version import InvalidVersion, Version

from fitgate.record import Record, read
from suite.notebook.agreement import Agreement, Figure
from suite.notebook.story import Story, story_of

RERUN = Path(__file__).parents[2] / "reports" / "notebook" / "scikit-learn-1.7.2"


class Change(msgspec.Struct, frozen=True):
    """A change in a library that makes figures come out otherwise.

    Attributes:
        library: the distribution that changed.
        version: the first that has the change.
        cause: what changed, in words, and where that is documented.
        figures: what each figure has come to since, by its id: nested as it was printed, and with as many digits.
    """

    library: str
    version: str
    cause: str
    figures: dict[str, Any]

    def made(self, libraries: Mapping[str, str]) -> bool | None:
        """Whether these versions of libraries, by distribution, have the change; None where that can't be known."""
        try:
            return Version(libraries[self.library]) >= Version(self.version)
        except (KeyError, InvalidVersion):
            return None


@dataclass(frozen=True)
class Rerun:
    """A run of the story with a library as it was before a change.

    Attributes:
        record: of the run.
        story: what it recorded.
    """

    record: Record
    story: Story

    @functools.cached_property
    def reproduced(self) -> dict[str, bool]:
        """Whether each figure that was compared has every printed digit, by its id."""
        return {c.figure.id: c.figure.reproduced(c.found) for c in self.story.comparisons if c.compared}

    @property
    def version(self) -> str:
        """Of the library that it was run for, as `scikit-learn 1.7.2`."""
        return f"scikit-learn {self.record.environment.libraries['scikit-learn']}"

    def shows(self, figure: Figure, change: Change) -> bool:
        """Whether a figure came out with every printed digit before a change."""
        before = change.made(self.record.environment.libraries) is False
        found = [c.found for c in self.story.comparisons if c.compared and c.figure.id == figure.id]
        return before and bool(found) and all(map(figure.reproduced, found))


@functools.cache
def published_rerun() -> Rerun:
    """The rerun whose record is published.

    Raises:
        FitgateError: if its record is missing or damaged.
    """
    record = read(RERUN)
    return Rerun(record, story_of(record))


def change_of(figure: Figure, changes: Iterable[Change]) -> Change | None:
    """The change that makes a figure come out otherwise, if there is one."""
    return next((change for change in changes if figure.id in change.figures), None)


def agreement(figure: Figure, found: Any, libraries: Mapping[str, str], changes: Iterable[Change]) -> Agreement:
    """How what was found with some versions of libraries agrees with a figure.

    It is explained if these have a change that is known, it has every digit that the figure is known to have since, and
    the published rerun, with the library as it was before, has every digit that was printed.

    Args:
        figure: as printed.
        found: nested as its value is.
        libraries: the versions that it was found with, by distribution.
        changes: those that are known.

    Raises:
        FitgateError: if the rerun's record is missing or damaged.
    """
    if figure.reproduced(found):
        return Agreement.IDENTICAL
    change = change_of(figure, changes)
    if change is None or figure.goal or not change.made(libraries):
        return Agreement.DIFFERS
    since = msgspec.structs.replace(figure, value=change.figures[figure.id])
    shown = since.reproduced(found) and published_rerun().shows(figure, change)
    return Agreement.EXPLAINED if shown else Agreement.DIFFERS


def installed(changes: Iterable[Change]) -> dict[str, str]:
    """The versions here of the libraries that changed, by distribution."""
    return {change.library: importlib.metadata.version(change.library) for change in changes}
