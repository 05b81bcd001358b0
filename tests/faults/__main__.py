"""The campaign's command: `python -m tests.faults`."""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"  # a fork keeps no threads of its parent's, so the parent is to start none

import argparse  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from datetime import UTC, datetime  # noqa: E402
from importlib.metadata import version  # noqa: E402
from pathlib import Path  # noqa: E402

from fitgate.record.record import working_commit  # noqa: E402
from tests.faults import page, places  # noqa: E402
from tests.faults.campaign import CLASSES, Campaign, generate, load, run, save, tallies  # noqa: E402
from tests.faults.material import ROOT  # noqa: E402
from tests.faults.oracle import Finding  # noqa: E402

SHARES = {"baselines": 0.33, "records": 0.42, "IDX data": 0.25}  # of the cases that are no sessions
LEAST = 300  # cases of the other classes, in a campaign of full size


def main() -> int:
    """Do a campaign; 1 if something came of it that must not be."""
    options = command_line().parse_args()
    if options.kept:
        campaign = load(options.kept)
        options.page.write_text(page.render(campaign), encoding="utf-8")
        return 0
    counts = sizes(options.cases, options.sessions, options.kills)
    cases = generate(
        {name: count for name, count in counts.items() if not options.only or name == options.only}, options.seed
    )
    if options.case is not None:
        cases = [case for case in cases if case.number in options.case]
    started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
    done = run(cases, options.jobs)
    defects = [d for d in done if Finding(d.kind).is_defect]
    campaign = Campaign(
        seed=options.seed,
        command=f"python -m tests.faults --cases {options.cases} --sessions {options.sessions} --kills {options.kills} "
        f"--seed {options.seed}",
        commit=working_commit(ROOT),
        versions={name: version(name) for name in ("numpy", "pytest", "hypothesis", "msgspec", "pytest-xdist")}
        | {"python": sys.version.split()[0]},
        started=started,
        seconds=round(time.perf_counter() - clock, 1),
        jobs=options.jobs,
        tallies=list(tallies(done)),
        defects=defects[:200],
        mounted=places.may_mount(),
    )
    print(page.table_of(campaign.tallies))
    for d in done if options.verbose else defects:
        print(f"{d.kind}: {d.of} {d.number}, {d.fault}: {d.detail}", file=sys.stderr)
    print(f"{len(done):,} cases, {len(defects)} defects, {campaign.seconds:.0f} s")
    if options.out:
        save(campaign, options.out)
        if not options.only:
            options.page.write_text(page.render(campaign), encoding="utf-8")
    return int(bool(defects))


def sizes(cases: int, sessions: int, kills: int) -> dict[str, int]:
    """How many cases of each class there are.

    Args:
        cases: in all.
        sessions: of plugins, each a whole session.
        kills: moments.
    """
    there = min(LEAST, max(cases // 10, 1))
    rest = max(cases - sessions - kills - there, 0)
    own = {name: int(rest * share) for name, share in SHARES.items()}
    return {**own, "plugins": sessions, "kills": kills, "places": there}


def command_line() -> argparse.ArgumentParser:
    """What reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=main.__doc__)
    parser.add_argument("--cases", type=int, default=5400, metavar="N", help="cases in all (default: 5400)")
    parser.add_argument("--sessions", type=int, default=500, metavar="N", help="sessions with plugins (default: 500)")
    parser.add_argument("--kills", type=int, default=300, metavar="N", help="moments to kill at (default: 300)")
    parser.add_argument("--seed", type=int, default=15, metavar="S", help="what generates the cases (default: 15)")
    parser.add_argument("--jobs", type=int, default=2, metavar="J", help="processes (default: 2)")
    parser.add_argument("--only", choices=[*CLASSES], metavar="CLASS", help=f"one of {', '.join(CLASSES)}")
    parser.add_argument("--case", type=int, nargs="+", metavar="K", help="only these numbers of that class")
    parser.add_argument("--verbose", action="store_true", help="say what came of each case")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the campaign's JSON there, and the page")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "faults.md", metavar="FILE", help="docs/faults.md")
    parser.add_argument("--from", dest="kept", type=Path, metavar="FILE", help="only render a campaign's JSON again")
    return parser


if __name__ == "__main__":
    sys.exit(main())
