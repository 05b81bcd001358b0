"""Repeatability: whether runs repeated on one machine report p50s within each other's intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import numpy as np

from fitgate.latency.timing import SPARE
from fitgate.record import Record, RecordError
from fitgate.report.tables import significant, table

SCENARIOS = ("single", "multi", "offline")
ENOUGH = 0.9
NOTE = f"""\
Each run is set against every other: *held* is how often the one's p50 lies in the interval that the other stated, and
it is to be {ENOUGH:.0%} or more. *Nine in ten within* is the factor by which p50s of two runs differ at most, nine
times in ten. The stated intervals are the queries' own, widened by the factor by which the machine's own pace changed
during the run, by its most unsteady calibration kernel, measured before each model's timings, and by
{100 * (SPARE - 1):.3g} % more."""


def write_repeatability(records: Sequence[Record], path: Path) -> Path:
    """Write in markdown how well repeated runs agree; the path.

    Raises:
        RecordError: if there are fewer than three, or they are not of the same work on the same machine.
    """
    if len(records) < 3:
        raise RecordError(f"found {len(records)} records, expected three or more of the same run, repeated.")
    check_repeats(records)
    path.write_text(_render(records), encoding="utf-8")
    return path


def check_repeats(records: Sequence[Record]) -> None:
    """Raise `RecordError` if records are not of the same work on the same machine."""
    first = records[0]
    for record in records[1:]:
        for what in ("profile", "environment", "threads", "commit"):
            if getattr(record, what) != getattr(first, what):
                raise RecordError(
                    f"the run of {record.started} differs from that of {first.started} in its {what}; expected repeats."
                )


def _render(records: Sequence[Record]) -> str:
    rows, shares = [], []
    for model in dict.fromkeys(t.model for t in records[0].timings):
        for scenario in SCENARIOS:
            runs = [(t, r) for r in records for t in r.timings if (t.model, t.scenario) == (model, scenario)]
            if len(runs) < len(records):
                continue
            stated = [(t.p50_interval(r.pace), t.p50) for t, r in runs]
            pairs = list(permutations(stated, 2))
            held = float(np.mean([low <= p50 <= high for ((low, high), _), (_, p50) in pairs]))
            factors = [math.exp(abs(math.log(a / b))) for (_, a), (_, b) in pairs]
            p50s = sorted(p50 for _, p50 in stated)
            span = f"{significant(1e3 * p50s[0])} to {significant(1e3 * p50s[-1])}"
            mark = "✅" if held >= ENOUGH else "❌"
            told = f"{np.quantile(factors, ENOUGH):.3f}"
            rows.append([model, scenario, f"{mark} {held:.0%}", significant(1e3 * p50s[len(p50s) // 2]), span, told])
            shares.append(held)
    kept, where = sum(share >= ENOUGH for share in shares), records[0].environment
    parts = [
        f"# Repeatability of {len(records)} runs",
        f"**{kept} of {len(shares)}** p50s lie within their stated intervals {ENOUGH:.0%} of the time or more; over "
        f"all, **{np.mean(shares):.1%}** do.",
        table(["model", "scenario", "held", "p50, ms", "of all runs, ms", "nine in ten within, times"], rows, right=3),
        NOTE,
        "The pace of the runs changed by factors of " + ", ".join(f"{record.pace:.2f}" for record in records) + ".",
        f"Profile {records[0].profile}; {where.cpu}, {where.cores} cores; from {records[0].started} to "
        f"{records[-1].started}; commit `{records[0].commit}`.",
    ]
    return "\n\n".join(parts) + "\n"
