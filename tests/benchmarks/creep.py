"""How soon `fitgate history` notices a creep, and how often it alarms where nothing changes.

`python -m tests.benchmarks.creep` prints docs/hardware.md's table. Histories are log-normal, from run to run with an SD
of 2 %, of forty runs: 30 before a change. They are looked at after each run, as CI would. Seeds are fixed. Where
ruptures is installed, `--others 100` adds what it finds in so many, looked at likewise.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from importlib.metadata import version

import numpy as np

from fitgate.report.tables import table
from fitgate.statistics import proportion_upper_bound, shifts

SD, FLAT, LATER = 0.02, 30, 10
LEVEL = 0.01
PATTERNS = {
    "flat": np.zeros(LATER),
    "ten steps of 2 %": np.log(1.02) * np.arange(1, LATER + 1),
    "a jump of 3 %": np.full(LATER, np.log(1.03)),
    "a jump of 5 %": np.full(LATER, np.log(1.05)),
    "a jump of 10 %": np.full(LATER, np.log(1.10)),
}
Detector = Callable[[np.ndarray], "int | None"]


def normal(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(0, SD, FLAT + LATER)


def heavy(rng: np.random.Generator) -> np.ndarray:
    """Student's t with three degrees of freedom, of the same SD."""
    return rng.standard_t(3, FLAT + LATER) * SD / np.sqrt(3)


def odd(rng: np.random.Generator) -> np.ndarray:
    """One run in ten is slower by 20 to 50 %, as on a machine that others use."""
    return normal(rng) + (rng.random(FLAT + LATER) < 0.1) * rng.uniform(0.2, 0.4, FLAT + LATER)


def rounded(rng: np.random.Generator) -> np.ndarray:
    """Accuracy on 200 examples, which comes in steps."""
    return rng.binomial(200, 0.95, FLAT + LATER) / 200


NOISES = {
    "log-normal": normal,
    "Student's t, 3 degrees": heavy,
    "one in ten 20 to 50 % slower": odd,
    "accuracy of 200": rounded,
}


def own(series: int) -> Detector:
    """Ours, in a history of so many series."""

    def first(x: np.ndarray) -> int | None:
        found = shifts(x, LEVEL / series)
        return found[0].seen if found else None

    return first


def others() -> Iterator[tuple[str, Detector]]:
    """What other libraries find as they are, run again after each value. apache-otava pins another NumPy than ours."""
    try:
        import ruptures
    except ImportError:
        pass
    else:

        def pelt(x: np.ndarray) -> int | None:
            for n in range(8, len(x) + 1):
                part = (x[:n] - x[:n].mean()) / x[:n].std(ddof=1)
                if len(ruptures.Pelt("l2", min_size=2, jump=1).fit(part).predict(pen=2 * np.log(n))) > 1:
                    return n - 1
            return None

        yield f"ruptures {version('ruptures')}, Pelt with BIC", pelt


def rows(name: str, first: Detector, histories: int, noise: str = "log-normal") -> Iterator[list[str]]:
    """For each pattern: alarms before the change, by its seventh run, by its tenth, and the median delay."""
    for pattern, change in PATTERNS.items():
        if noise != "log-normal" and pattern != "flat":
            continue
        seen = []
        for seed in range(histories):
            x = NOISES[noise](np.random.default_rng(seed))
            x[FLAT:] += change
            seen.append(first(x))
        early = sum(place is not None and place < FLAT for place in seen)
        delays = [np.inf if place is None else place - FLAT + 1 for place in seen if place is None or place >= FLAT]
        soon, late = (sum(delay <= most for delay in delays) for most in (7, LATER))
        if pattern == "flat":
            bound = 100 * proportion_upper_bound(early + late, histories, 0.95)
            yield [name, f"flat, {noise}", f"{early + late} of {histories} (at most {bound:.2f} %)", "", "", ""]
        else:
            median = float(np.median(delays)) if delays else np.inf
            shown = "over 10" if np.isinf(median) else f"{median:.0f}"
            yield [name, pattern, f"{early} before", f"{soon} of {histories}", f"{late} of {histories}", shown]


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=1_000)
    parser.add_argument("--others", type=int, default=0, metavar="N", help="so many histories for other libraries")
    options = parser.parse_args()
    found = []
    for series in (1, 50):
        found += rows(f"one of {series} series", own(series), options.histories)
    for noise in list(NOISES)[1:]:
        found += rows("one of 1 series", own(1), options.histories, noise)
    if options.others:
        for name, first in others():
            found += rows(name, first, options.others)
    titles = ["detector", "history", "false alarms", "noticed by run 7", "by run 10", "median run"]
    print(table(titles, found, right=3))


if __name__ == "__main__":
    main()
