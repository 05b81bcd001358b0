"""The explorer: what the scripts of a site draw, and hold side by side, as JSON."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fitgate.report.view.learning import Learning
from fitgate.report.view.series import Series
from fitgate.report.view.site import Site
from fitgate.report.view.tradeoff import TradeOff
from fitgate.text import CELL, MESSAGE, NAME, shown

MOST_PIXELS = 64  # of a side of a picture


def explorer(site: Site) -> str:
    """All of it; numbers that are not finite are null, and pictures are PNG in `data:` URLs."""
    return msgspec.json.encode(
        {
            "runs": [shown(run.name, NAME) for run in site.runs],
            "tested": site.tested,
            "answers": site.answers,
            "tradeoffs": [_tradeoff(run, of) for run, several in enumerate(site.tradeoffs) for of in several],
            "learnings": [of for run, several in enumerate(site.learnings) for of in _learnings(run, several)],
            "history": _history(site.series),
        },
        enc_hook=_picture,
    ).decode()


def _tradeoff(run: int, of: TradeOff) -> dict[str, Any]:
    front = of.axis.front(of.points)
    return {
        "run": run,
        "task": shown(of.task, NAME),
        "noun": of.noun.one,
        "title": shown(of.axis.title, CELL),
        "metric": shown(of.axis.metric, NAME),
        "higher_is_better": of.axis.higher_is_better,
        "percent": of.axis.percent,
        "points": [
            {"model": shown(p.model, NAME), "ms": p.milliseconds, "value": p.value, "front": p in front}
            for p in sorted(of.points, key=lambda p: p.milliseconds)
        ],
    }


def _learnings(run: int, several: Sequence[Learning]) -> list[dict[str, Any]]:
    return [
        {
            "run": run,
            "task": shown(of.task, NAME),
            "kind": shown(kind, NAME),
            "curves": [{"model": shown(c.model, NAME), "values": c.values} for c in curves],
        }
        for of in several
        for kind, curves in of.curves.items()
    ]


def _history(several: Sequence[Series]) -> dict[str, Any]:
    """Series, and the names of their runs, which they refer to by place."""
    runs = {id(run): run for of in several for run in of.runs}
    places = {key: place for place, key in enumerate(runs)}
    return {
        "runs": [run.name for run in runs.values()],
        "series": [
            {
                "name": shown(of.subject.name, CELL),
                "axis": shown(", ".join(filter(None, (of.subject.title, of.subject.unit))), CELL),
                "runs": [places[id(run)] for run in of.runs],
                "values": of.values,
                "levels": [(level.start, level.stop, value) for level, value in of.levels],
                "changes": [
                    {"seen": c.shift.seen, "worse": c.worse, "sentence": shown(of.sentence(c), MESSAGE)}
                    for c in of.changes
                ],
            }
            for of in several
        ],
    }


def _picture(pixels: Any) -> str:
    """An image `(height, width)`, or with channels last, as a PNG; of a large one, every so many pixels.

    Raises:
        NotImplementedError: for anything else.
    """
    if not isinstance(pixels, np.ndarray):
        raise NotImplementedError(f"found {type(pixels).__name__}, expected an image")
    from matplotlib.image import imsave

    step = math.ceil(max(pixels.shape[:2]) / MOST_PIXELS)
    file = BytesIO()
    shades = _shades(pixels[::step, ::step])
    imsave(file, shades, vmin=0, vmax=1, cmap="gray", format="png", pil_kwargs={"optimize": True})
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _shades(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """An image from 0 to 1; bytes as they are, other numbers from the least to the greatest."""
    values = np.nan_to_num(pixels.astype(np.float64))
    low, high = (0.0, 255.0) if pixels.dtype == np.uint8 else (values.min(), values.max())
    shades = (values - low) / ((high - low) or 1.0)
    return shades[..., 0] if shades.shape[-1] == 1 and shades.ndim == 3 else shades
