"""The page that says what a campaign found: docs/faults.md."""

from __future__ import annotations

from collections.abc import Sequence

from fitgate.report.tables import table
from tests.faults.campaign import Campaign, Tally
from tests.faults.oracle import DEFECTS, Kind

COLUMNS = (Kind.CLEAR, Kind.FAIL, Kind.UNAFFECTED, *DEFECTS)

HEAD = """\
<!-- checkout -->
# No silent pass: what comes of faults

Faults are generated from a seed, by strategies of hypothesis, and planted at every door: files that are read, plugins
that are run, moments to die at, places that can't be written. One oracle, `tests/faults/oracle.py`, judges by what a
user can see: exit status, output, record, report, and the files from before. {conclusion}"""

OUTCOMES = """\
- **clear error**: not 0, and one line that names the file, the gate or the model, what was found and what was
  expected.
- **verdict FAIL**: not 0, and the record's verdict is FAIL, or INCOMPLETE where its process was killed.
- **unaffected**: 0, and rightly: the verdicts, the data or the file are those of the sound case. The damage was to a
  time stamp in an archive, say, or a plugin did what harms nobody; what it left behind, such as a thread, is named.

What must not be:

- **false pass**: 0 although the fault changed what matters, 0 without a finished record, or a headline forged by a
  message.
- **traceback**: one whose innermost frame, those of libraries left out, is fitgate's, in the output or, where it does
  not say what was found and expected, in the log of unexpected errors; or an internal error of pytest's.
- **lost**: an earlier run, baseline or report that is not byte-identical; a set of baselines that a reader finds
  mixed; a record that can't be read; a session that ended without its report; another model's gates judged otherwise.
- **silent**: not 0, with no such line and no verdict.
- **unescaped**: control characters, marks that turn the direction of writing, or megabytes of what was brought along.
- **hang**: not at an end after 20 seconds (a session: 20 to 60)."""

CLASSES = """\
- **baselines**: bytes flipped, cut, spliced, overwritten; headers that lie about shape, type or version; NaN,
  infinite, misshapen and mistyped arrays under a digest that fits; provenance that is deep, not UTF-8 or another's;
  other packings, encrypted, bombs of 4 GiB; pickles and other foreign files; pipes, sockets, directories, links,
  endless files. Judged by from a record, in whole sessions, and blessed over.
- **records**: each place of a small record's tree with other values, types, keys or arrays, deleted, doubled,
  exchanged; figures that contradict each other; damaged text and journals; no regular file. In `judge`, `report`,
  `compare`, `repeat`, `floors`, `bless`.
- **IDX data**: as for baselines, inside gzip and outside; through `Dataset.from_idx`.
- **plugins**: at import, in hooks, `build`, `fit`, `predict`, `decision_function`, a target and a metric: errors of
  all kinds, skips, exits, signals to itself, hangs under `--fit-timeout`, rubbish for answers and values, changes of
  the data and of the process, threads and processes left behind, names and messages with markup, control characters,
  forged headlines, megabytes. Whole sessions, each with a sound model beside, one in eight under `pytest -n 2`.
- **kills**: SIGKILL at random moments, and right before each change of a file, over a session, `bless` and `report`.
- **places**: full and read-only disks{mounted}, files for directories, directories for files, links and pipes for
  both, and errors of the system (ENOSPC, EROFS, EACCES, EIO, EDQUOT, EMFILE) from any change of a file on."""

LAST = """\
Done {started} in {seconds:.0f} s by {jobs} processes, at commit `{commit}`, with {versions}. The record of it is
[reports/faults.json](../reports/faults.json). This does it again, and writes record and page:

```sh
{command} --out reports/faults.json
```

One case again, by its class and number, and what came of it:

```sh
python -m tests.faults --only kills --cases 60 --sessions 4 --kills 4 --case 1 --verbose
```

In CI, 150 cases of another seed run in a minute of their own, and `tests/faults/test_oracle.py` holds that the oracle
would see each of these defects. What is not defended stands in [threats.md](threats.md)."""


def render(campaign: Campaign) -> str:
    """The page in markdown."""
    tried = sum(tally.tried for tally in campaign.tallies)
    sessions = sum(tally.sessions for tally in campaign.tallies)
    bad = sum(tally.counts.get(kind, 0) for tally in campaign.tallies for kind in DEFECTS)
    conclusion = f"Of {tried:,} cases, {sessions:,} of them whole sessions of pytest, {bad:,} came to what must not be."
    circumstances = {
        "started": campaign.started[:10],
        "seconds": campaign.seconds,
        "jobs": campaign.jobs,
        "commit": (campaign.commit or "none")[:12],
        "versions": ", ".join(f"{name} {number}" for name, number in campaign.versions.items()),
        "command": campaign.command,
    }
    parts = [
        HEAD.format(conclusion=conclusion),
        table_of(campaign.tallies),
        "## What a case comes to\n\n" + OUTCOMES,
        "## The classes\n\n" + CLASSES.format(mounted=", mounted" if campaign.mounted else ", imitated"),
        *([_defects(campaign)] if campaign.defects else []),
        "## Again\n\n" + LAST.format(**circumstances),
    ]
    return "\n\n".join(parts) + "\n"


def table_of(tallies: Sequence[Tally]) -> str:
    """Classes, and what came of their cases."""
    rows = [
        [t.of, f"{t.tried:,}", f"{t.sessions:,}", *(f"{t.counts.get(kind, 0):,}" for kind in COLUMNS)] for t in tallies
    ]
    totals = [sum(t.counts.get(kind, 0) for t in tallies) for kind in COLUMNS]
    all_of = [sum(t.tried for t in tallies), sum(t.sessions for t in tallies), *totals]
    rows.append(["all", *(f"{count:,}" for count in all_of)])
    return table(["class", "tried", "sessions", *map(str, COLUMNS)], rows, right=1)


def _defects(campaign: Campaign) -> str:
    counted: dict[tuple[str, str], int] = {}
    for done in campaign.defects:
        counted[done.of, str(done.kind)] = counted.get((done.of, str(done.kind)), 0) + 1
    rows = [[of, kind, f"{count}"] for (of, kind), count in counted.items()]
    return "## What must not be, and is\n\n" + table(["class", "what", "cases in the record"], rows, right=2)
