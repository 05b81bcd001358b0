"""The tables of a report that tell of speed, of memory, and of the machine."""

from __future__ import annotations

import math

import numpy as np

from fitgate.latency.timing import Timing
from fitgate.record import Record
from fitgate.report.tables import NONE, significant, table
from fitgate.runs.training import Fit


def latency(record: Record) -> str:
    """One row per model: fit, compilation, percentiles of a query, throughput, and the rate that it can serve."""
    rows = []
    for listed in record.models:
        mine = {t.scenario: t for t in record.timings if t.model == listed.name}
        tasks = {t.task for t in mine.values()} or set(listed.tasks[:1])
        fit = next((f for f in record.fits if f.model == listed.name and f.task in tasks), None)
        if fit is None:
            continue
        single, multi, offline, server = (mine.get(name) for name in ("single", "multi", "offline", "server"))
        rows.append(
            [
                listed.name,
                fit.task,
                significant(fit.seconds),
                compiling(fit),
                percentiles(single),
                interval(single, record.pace),
                percentiles(multi),
                f"{offline.images_per_second:,.0f}" if offline else NONE,
                f"{server.rate:,.0f}" if server and server.rate else NONE,
                f"{len(single.seconds):,}" if single else NONE,
            ]
        )
    headers = ["model", "task", "fit, s", "of it compiling, s", "single: p50 / p90 / p99, ms", "p50's interval, ms"]
    headers += ["multi: p50 / p90 / p99, ms", "offline, images/s", "server, queries/s", "queries of single"]
    return table(headers, rows, right=2)


def round_trips(record: Record) -> str:
    """What of a median query is its way to the device and back, in milliseconds; empty where no model tells."""
    told: dict[str, list[str]] = {}
    for t in record.timings:
        if t.round_trip_seconds is not None:
            trip, whole = significant(1e3 * t.round_trip_seconds), significant(1e3 * t.p50)
            told.setdefault(t.model, []).append(f"{trip} of {whole} ms in `{t.scenario}`")
    models = "; ".join(f"{model} {', '.join(trips)}" for model, trips in told.items())
    return f"To the device and back, without computing anything, takes: {models}." if models else ""


def limits(record: Record) -> str:
    """How fast the machine's kernels ran, and how near the models come to them."""
    rows = []
    for (kernel, unit), speeds in record.kernel_speeds.items():
        shares = [
            f"{t.model} {share:.0%}" if share >= 0.01 else f"{t.model} {share:.1%}"
            for t in record.timings
            if (t.scenario, t.kernel) == ("offline", kernel) and (share := limit_share(record, t)) is not None
        ]
        spread = f"{significant(min(speeds))} to {significant(max(speeds))}"
        rows.append([kernel, significant(float(np.median(speeds))), spread, unit, ", ".join(shares) or NONE])
    return table(["kernel", "speed", "between the models' timings", "unit", "share of it that models reach"], rows)


def limit_share(record: Record, timing: Timing) -> float | None:
    """The share that a timing reaches of the speed of the kernel that measures its work; None where undefined."""
    for (kernel, unit), speeds in record.kernel_speeds.items():
        if kernel == timing.kernel and timing.work_per_image is not None:
            return timing.images_per_second * timing.work_per_image / (UNITS[unit] * float(np.median(speeds)))
    return None


def memory(record: Record) -> str:
    """One row per model: what fitting and predicting take, and the model on disk."""
    rows = [
        [
            m.model,
            *(_mebibytes(n) for n in (m.fit, m.fit - m.fit_before, m.predict, m.predict - m.predict_before)),
            NONE if m.device is None else _mebibytes(m.device),
            significant(m.disk / 2**20),
        ]
        for m in record.memory
    ]
    headers = ["model", "peak of fit", "of it fitting", "peak of predict", "of it model and predicting"]
    return table([*headers, "accelerator's", "on disk"], rows, right=1)


def compiling(fit: Fit) -> str:
    """Seconds that a fit spent compiling; of what came from a cache, the seconds without it too."""
    if fit.compile_seconds is None or not fit.compile_saved_seconds:
        return significant(fit.compile_seconds)
    cold = fit.compile_seconds + fit.compile_saved_seconds
    return f"{significant(fit.compile_seconds)} CACHED (cold {significant(cold)})"


def percentiles(timing: Timing | None) -> str:
    """Percentiles of a query in milliseconds; a dash for one that takes more queries than there were."""
    if timing is None:
        return NONE
    values = (timing.percentile(q) for q in (50, 90, 99))
    return " / ".join(significant(None if value is None else 1e3 * value) for value in values)


def interval(timing: Timing | None, pace: float) -> str:
    """The interval in which a repeated run's p50 lies nine times in ten, in milliseconds."""
    if timing is None:
        return NONE
    return " to ".join(significant(1e3 * bound) for bound in timing.p50_interval(pace))


def _mebibytes(count: int) -> str:
    return f"{math.ceil(count / 2**20):,}"


UNITS = {"GFLOP/s": 1e9, "GB/s": 1e9, "M nodes/s": 1e6, "k calls/s": 1e3}
