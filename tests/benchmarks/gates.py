"""What each kind of gate catches: `python -m tests.benchmarks.gates --out reports/gates.json` writes record and page.

For each kind the defect that it exists for, planted in a model, and the model without it: how often the one FAILs, and
how often the other passes. The benchmarks beside this one have more cases of each, and more draws. Seeds are fixed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from joblib import Parallel, delayed

from fitgate import Floor, Gap, NoFlips, NoRegression, Outcome
from fitgate.files import write
from fitgate.gates import Gate
from fitgate.report.tables import table
from tests.benchmarks import calibration, contracts, disturbances, slices

RECORD = Path(__file__).parents[2] / "reports" / "gates.json"
PAGES = {
    "calibration": "authors.md",
    "slices": "slices.md",
    "disturbances": "robustness.md",
    "contracts": "plugins.md",
}
CHECKED_ON = ("iris",)  # data of the contract checks
PAGE = """\
# What the gates catch that are not about one mean

A sabotage table: for each kind of gate the defect that it exists for, how often that FAILs, and how often the same
model without it passes, or FAILs. The rest is INCONCLUSIVE, as where a small slice has too few examples to be sure of.
Made by `python -m tests.benchmarks.gates --out reports/gates.json`, with fixed seeds. The third column names the
benchmark in `tests/benchmarks` that has more cases of a kind, and leads to that kind's page. What gates on a metric's
mean catch is in [sabotage.md](sabotage.md).

{table}

Log loss, Brier score and calibration error are of 2,000 examples and two classes. The temperature changes no answer: a
gate on accuracy fails the same draws with it and without. Slices are of 10,000 examples, breaks of 3,000. Of groups, 50
persons have ten rows each, and the model is just at its floor: *caught* is that the floor does not pass it, and PASS
that no fall is seen where there is none. Taken for independent, such rows pass that floor in {rows_floor} of the
draws, and show a fall in {rows_fall}. Disturbances are of a test split a draw, contract checks of scikit-learn's
classifiers on iris.
"""


class Row(msgspec.Struct, frozen=True):
    """What came of a kind of gate.

    Attributes:
        gate: its rule.
        defect: that it exists for.
        planted, caught: how often it was planted, and how often the gate FAILed the model.
        clean, passed, failed: how often the gate judged the model without it, passed it, and FAILed it.
        benchmark: the module that has more of it.
    """

    gate: str
    defect: str
    planted: int
    caught: int
    clean: int
    passed: int
    failed: int
    benchmark: str


class Record(msgspec.Struct, frozen=True):
    """All rows; and how often rows of groups pass a floor, and show a fall, that are taken for independent."""

    rows: list[Row]
    rows_floor: float
    rows_fall: float


OF_SLICES: tuple[tuple[Gate, str, slices.Answers, slices.Answers, int], ...] = (
    (
        Floor(slices.TASK, "accuracy", 0.85, by=slices.BY),
        "one slice of 10 % lies 5 points below the floor",
        slices.alone(0.0),
        slices.alone(-0.12),
        slices.N,
    ),
    (
        NoRegression(slices.TASK, "accuracy", 0.05, by=slices.BY),
        "one slice of 10 % fell by 5 points",
        slices.changed(0.0),
        slices.changed(0.05),
        slices.N,
    ),
    (
        Gap(slices.TASK, "accuracy", by=slices.BY, at_most=0.1),
        "one slice of 10 % lies 20 points below the others",
        slices.alone(0.0),
        slices.alone(-0.2),
        slices.N,
    ),
    (
        NoFlips(slices.TASK, 0.02),
        "4 % of the answers broke, and as many were mended",
        slices.changed(0.0),
        slices.changed(0.0, 0.04),
        slices.FEWER,
    ),
    (
        NoFlips(slices.TASK, 0.02),
        "the same, of a model with seeds",
        slices.seeded(0.0),
        slices.seeded(0.0, 0.04),
        slices.FEWER,
    ),
)


def row(gate: str, defect: str, broken: Sequence[Outcome], clean: Sequence[Outcome], benchmark: str) -> Row:
    """Counted."""
    counts = len(broken), broken.count(Outcome.FAIL), len(clean), clean.count(Outcome.PASS), clean.count(Outcome.FAIL)
    return Row(gate, defect, *counts, benchmark)


def of_calibration(draws: int, jobs: int) -> Iterator[Row]:
    """The temperature doubled."""
    found = {
        truth: list(zip(*Parallel(jobs)(delayed(calibration.outcomes)(t, seed) for seed in range(draws)), strict=True))
        for truth, t in calibration.TEMPERATURES.items()
    }
    for truth in list(found)[1:]:
        for gate, broken, clean in zip(calibration.GATES, found[truth], found["sound"], strict=True):
            yield row(gate.rule("") or "", truth, broken, clean, "calibration")


def of_slices(draws: int, jobs: int) -> Iterator[Row]:
    """One slice worse than the others, or answers that broke."""
    for gate, defect, *answers, n in OF_SLICES:
        clean, broken = (
            [v.outcome for v in Parallel(jobs)(delayed(slices.verdict)(gate, one, n, seed) for seed in range(draws))]
            for one in answers
        )
        yield row(gate.rule("") or "", defect, broken, clean, "slices")


def of_disturbances(seeds: int, jobs: int) -> Iterator[Row]:
    """What makes a model robust, left out."""
    for one in disturbances.DEFECTS:
        broken, clean = (
            [both[0] for both in Parallel(jobs)(delayed(disturbances.outcomes)(one, b, seed) for seed in range(seeds))]
            for b in (one.broken, one.clean)
        )
        yield row(f"accuracy under {one.under}", one.name, broken, clean, "disturbances")


def of_contracts(seeds: int, jobs: int) -> Iterator[Row]:
    """Estimators that break a promise."""
    for one in contracts.counts(seeds, jobs, CHECKED_ON):
        numbers = one.planted, one.caught, one.clean, one.clean - one.alarms, one.alarms
        yield Row(one.check, one.defect.lower(), *numbers, "contracts")


def measured(draws: int, seeds: int, jobs: int) -> Record:
    """All of it."""
    groups = list(zip(*Parallel(jobs)(delayed(slices.of_groups)(50, 10, seed) for seed in range(draws)), strict=True))
    rows_floor, rows_fall, floor, fall = (sum(one) for one in groups)
    together = "rows of one person are right or wrong together"
    rows = [
        *of_calibration(draws, jobs),
        *of_slices(draws, jobs),
        Row("groups", together, draws, draws - floor, draws, draws - fall, fall, "slices"),
        *of_disturbances(seeds, jobs),
        *of_contracts(1, jobs),
    ]
    return Record(rows, rows_floor / draws, rows_fall / draws)


def page(record: Record) -> str:
    """The record in markdown."""
    rows = [
        [
            f"`{one.gate}`" if one.gate != "groups" else one.gate,
            one.defect,
            f"[{one.benchmark}](../docs/{PAGES[one.benchmark]})",
            f"{one.caught} of {one.planted}",
            f"{one.passed} of {one.clean}",
            f"{one.failed}",
        ]
        for one in record.rows
    ]
    headers = ["gate", "the defect that it exists for", "benchmark", "caught", "clean: PASS", "FAIL"]
    shares = {"rows_floor": f"{record.rows_floor:.1%}", "rows_fall": f"{record.rows_fall:.1%}"}
    return PAGE.format(table=table(headers, rows, right=3), **shares)


def main() -> None:
    """Plant, judge and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=400, help="of answers that are simulated")
    parser.add_argument("--seeds", type=int, default=20, help="of models that are trained")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RECORD, help="the record; its page goes beside it")
    options = parser.parse_args()
    record = measured(options.draws, options.seeds, options.jobs)
    write(options.out, msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
    write(options.out.with_suffix(".md"), page(record).encode())


if __name__ == "__main__":
    main()
