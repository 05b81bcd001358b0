"""The storyteller: what the fixture `story` gives to a test of a section."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from fitgate.record import Extra
from suite.notebook.agreement import Agreement, Figure
from suite.notebook.changes import agreement, change_of, installed
from suite.notebook.figures import CHANGES
from suite.notebook.story import (
    Axes,
    Block,
    Comparison,
    Images,
    Lines,
    Matrices,
    Matrix,
    Passage,
    Rows,
    Section,
    Tiles,
    seconds_to_extra,
    to_extra,
)

WIDTH = 120


class Storyteller:
    """Records a section of the story: words, tables, compared figures, plots.

    Args:
        module: the section. Its name gives the section's, and its docstring the title and the opening passage.
        compares: whether the data is that of the printed figures.
        compared: ids of the figures that any section of the session has come to; those of this one are added.
        emit: puts something into the record.
    """

    def __init__(self, module: ModuleType, compares: bool, compared: set[str], emit: Callable[[Extra], None]):
        self._section = _name(module)
        self._compares = compares
        self._emit = emit
        self.compared = compared
        title, _, opening = (inspect.getdoc(module) or self._section).partition("\n")
        self._add(Section(self._section, title.rstrip("."), opening.strip()))

    def tell(self, text: str) -> None:
        """A paragraph in markdown; how its lines are broken does not matter."""
        self._add(Passage(self._section, textwrap.fill(" ".join(text.split()), WIDTH, break_long_words=False)))

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table."""
        self._add(Rows(self._section, list(headers), [[str(cell) for cell in row] for row in rows]))

    def compare(self, figure: Figure, found: Any) -> None:
        """A figure beside what was found: numbers of Python's or NumPy's, nested as the figure's are.

        Raises:
            AssertionError: if they disagree. On data that is not the figure's they are not compared.
            FitgateError: if the rerun's record, which would explain the figure, is missing or damaged.
        """
        found = _plain(found)
        self.compared.add(figure.id)
        self._add(Comparison(self._section, figure, found, self._compares))
        if self._compares and agreement(figure, found, installed(CHANGES), CHANGES) is Agreement.DIFFERS:
            wanted = f"at least {figure.value}" if figure.goal else f"{figure.value}, every digit"
            change = change_of(figure, CHANGES)
            if change is not None:
                wanted += f"; or, since {change.library} {change.version}, {change.figures[figure.id]}"
            raise AssertionError(f"{figure.id}, {figure.what}: found {found}, expected {wanted}")

    def lines(self, name: str, caption: str, *panels: Axes) -> None:
        """A plot of curves."""
        self._add(Lines(self._section, name, caption, list(panels)))

    def matrices(self, name: str, caption: str, *panels: Matrix) -> None:
        """A plot of matrices."""
        self._add(Matrices(self._section, name, caption, list(panels)))

    def images(self, name: str, caption: str, *panels: Tiles, columns: int = 1) -> None:
        """A plot of images."""
        self._add(Images(self._section, name, caption, list(panels), columns))

    def took(self, seconds: float) -> None:
        """The wall time of one of the section's tests, its fixtures included."""
        self._emit(seconds_to_extra(self._section, seconds))

    def _add(self, block: Block) -> None:
        self._emit(to_extra(block))


def _name(module: ModuleType) -> str:
    """The name of the section that a module of tests is, as `03_cross_validation`."""
    return module.__name__.rpartition(".")[2].removeprefix("test_")


def _plain(value: Any) -> Any:
    """Python's own numbers, in lists."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
