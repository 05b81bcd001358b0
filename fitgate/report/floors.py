"""How safely clean models clear their gates: the evidence behind each floor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from fitgate.gates.gates import Verdict
from fitgate.record import Record, RecordError
from fitgate.report.tables import table

NOTE = """\
Each row is a gate, over clean runs that differ in their seed alone. A gate passes when its one-sided 99 % lower bound
clears the floor, or, for a relation, zero. *Safe* is the mean of that bound less three standard deviations: a floor no
higher fails a clean seed less than once in a thousand, if the bounds are normally distributed. A model whose bound does
not move is deterministic, and any floor below its bound is safe. *Margin* is safe less the floor."""


def floors(records: Sequence[Record]) -> str:
    """A table of all gates in some records of one profile, with the highest floor that is safe.

    Raises:
        RecordError: if a run did not end, the records are of different data, or two share a seed.
    """
    for record in records:
        if record.status != "finished":
            raise RecordError(f"the run of seed {record.seed} has not finished, expected runs that have; leave it out.")
    digests = {record.data.digest for record in records if record.data}
    if len(digests) != 1:
        raise RecordError(f"found records of {len(digests)} datasets, expected one; pass records of one profile.")
    seeds = [record.seed for record in records]
    if len(set(seeds)) < len(seeds):
        raise RecordError(f"found {len(seeds)} records of {len(set(seeds))} seeds, expected one record a seed.")
    gates: dict[tuple[str, str, str], list[Verdict]] = defaultdict(list)
    for record in records:
        for verdict in record.verdicts:
            gates[verdict.model, verdict.task, verdict.gate].append(verdict)
    rows = [[*key, *_row(verdicts)] for key, verdicts in sorted(gates.items())]
    headers = ["model", "task", "gate", "runs", "passed", "mean", "SD", "lowest", "mean bound", "SD", "safe", "margin"]
    data = records[0].data
    assert data is not None
    title = f"# Floors: {data.name}, profile {records[0].profile}, {len(seeds)} seeds ({min(seeds)} to {max(seeds)})"
    return f"{title}\n\n{table(headers, rows, right=3)}\n\n{NOTE}\n"


def _row(verdicts: list[Verdict]) -> list[str]:
    values = np.array([np.nan if v.value is None else v.value for v in verdicts])
    bounds = np.array([np.nan if v.bound is None else v.bound for v in verdicts])
    spread = bounds.std(ddof=1) if len(bounds) > 1 else 0.0
    safe = bounds.mean() - 3 * spread
    relation = ">=" not in verdicts[0].gate
    floor = 0.0 if relation else verdicts[0].threshold or 0.0
    deviation = values.std(ddof=1) if len(values) > 1 else 0.0
    numbers = (values.mean(), deviation, values.min(), bounds.mean(), spread, safe)
    passed = sum(v.passed for v in verdicts)
    return [str(len(verdicts)), str(passed), *(f"{x:.4f}" for x in numbers), f"{safe - floor:+.4f}"]
