"""The figures that the notebook printed, by name."""

from __future__ import annotations

from pathlib import Path

import msgspec

from suite.notebook.agreement import Figure


class Printed(msgspec.Struct):
    """What `figures.json` holds: where the figures are from, and the figures."""

    source: str
    figures: list[Figure]


FIGURES = {
    figure.id: figure
    for figure in msgspec.json.decode((Path(__file__).parent / "figures.json").read_bytes(), type=Printed).figures
}
