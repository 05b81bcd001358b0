"""The figures that the notebook printed, by name, and the changes since."""

from __future__ import annotations

from pathlib import Path

import msgspec

from suite.notebook.agreement import Figure
from suite.notebook.changes import Change


class Printed(msgspec.Struct, forbid_unknown_fields=True):
    """What `figures.json` holds: where the figures are from, the figures, and what makes some come out otherwise."""

    source: str
    figures: list[Figure]
    changes: list[Change]


_PRINTED = msgspec.json.decode((Path(__file__).parent / "figures.json").read_bytes(), type=Printed)
FIGURES = {figure.id: figure for figure in _PRINTED.figures}
CHANGES = _PRINTED.changes
