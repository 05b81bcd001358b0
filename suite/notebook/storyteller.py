"""The storyteller: what the fixture `story` gives to a test of a section."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from fitgate.record import Entry
from suite.notebook.agreement import Agreement, Figure
from suite.notebook.story import Axes, Comparison, Images, Lines, Matrices, Matrix, Passage, Rows, Section, Tiles

WIDTH = 120


class Storyteller:
    """Tells a section of the story: words, figures compared, plots.

    Args:
        module: the section. Its name gives the section's, and its docstring the title and the opening passage.
        compares: whether the data is that of the printed figures.
        compared: names of the figures that were come to, in any section.
        emit: is given each block.
    """

    def __init__(self, module: ModuleType, compares: bool, compared: set[str], emit: Callable[[Entry], None]):
        self._section = section_of(module)
        self._compares = compares
        self._emit = emit
        self.compared = compared
        title, _, opening = (inspect.getdoc(module) or self._section).partition("\n")
        emit(Section(self._section, title.rstrip("."), opening.strip()))

    def tell(self, text: str) -> None:
        """A paragraph in markdown; how its lines are broken does not matter."""
        self._emit(Passage(self._section, textwrap.fill(" ".join(text.split()), WIDTH, break_long_words=False)))

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table."""
        self._emit(Rows(self._section, list(headers), [[str(cell) for cell in row] for row in rows]))

    def compare(self, figure: Figure, found: Any) -> None:
        """A figure beside what was found: numbers of Python's or NumPy's, nested as the figure's are.

        Raises:
            AssertionError: if they disagree. On data that is not the figure's they are not compared.
        """
        found = _plain(found)
        agreement = figure.agreement(found) if self._compares else None
        self.compared.add(figure.id)
        self._emit(Comparison(self._section, figure, found, agreement))
        if agreement is Agreement.DIFFERS:
            allowed = "every digit" if figure.tolerance is None else f"within {figure.tolerance}"
            wanted = f"at least {figure.value}" if figure.goal else f"{figure.value} ({allowed})"
            raise AssertionError(f"{figure.id}, {figure.what}: found {found}, expected {wanted}")

    def lines(self, name: str, caption: str, *panels: Axes) -> None:
        """A plot of curves."""
        self._emit(Lines(self._section, name, caption, list(panels)))

    def matrices(self, name: str, caption: str, *panels: Matrix) -> None:
        """A plot of matrices."""
        self._emit(Matrices(self._section, name, caption, list(panels)))

    def images(self, name: str, caption: str, *panels: Tiles, columns: int = 1) -> None:
        """A plot of images."""
        self._emit(Images(self._section, name, caption, list(panels), columns))


def section_of(module: ModuleType) -> str:
    """The name of the section that a module of tests tells, as `03_cross_validation`."""
    return module.__name__.rpartition(".")[2].removeprefix("test_")


def _plain(value: Any) -> Any:
    """Python's own numbers, in lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
