"""PNG files of the suite's figures: the same bytes for the same figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fitgate.files import written_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 120


def save(figure: Figure, path: Path) -> None:
    """Save a figure in one step; its directory is made where it is missing."""
    with written_whole(path) as file:
        figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
