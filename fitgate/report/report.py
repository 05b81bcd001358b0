"""One run's report, top to bottom."""

from __future__ import annotations

import os
from pathlib import Path

from fitgate.latency.serving import BOUND
from fitgate.latency.timing import QUERIES_FOR_P99, SPARE
from fitgate.record import Record
from fitgate.report import speed, tables
from fitgate.report.verdict import verdict_line

LATENCY_NOTE = """\
Wall times of whole calls, answers back on the host, transfers in them. Fit is the session's one training, compilation
included. Queries are warmed up, and compilation is not in them. `single` asks for one image at a time, `multi` for
eight, `offline` for the whole test split. `server` is the highest rate of single queries, arriving at random, whose
p99 from arrival to answer was at most {bound:g} ms. A p99 takes {queries} queries; a model too slow for
that many has none. The p50's interval is where another run on the same machine has it nine times in ten: a bootstrap
of the queries, widened by the factor by which the machine's own pace changed during the run, here {pace:.2f}, and by
{spare:.3g} % more."""
LIMITS_NOTE = """\
Measured before each model's timings, on all cores of the session: `gemm` is a float32 product of two 1,024 x 1,024
matrices, `copy` a copy of 64 MiB, `tree` images falling through a tree of depth 12 by scikit-learn, `dispatch` calls of
NumPy that do nothing. A model's share is the work that its algorithm asks for, at its offline speed."""
MEMORY_NOTE = """\
MiB of resident memory, each measured in a process of its own: with libraries and data, and of it what came by fitting,
or by loading the model and predicting the test split. On disk: the estimator, pickled."""


def write_report(record: Record, directory: Path) -> Path:
    """Write `report.md` and `figures/` into a directory; the path of the former."""
    from fitgate.report.figures import draw

    path = directory / "report.md"
    path.write_text(render(record, draw(record, directory / "figures")), encoding="utf-8")
    return path


def render(record: Record, captions: dict[str, str]) -> str:
    """A report in markdown, of a record and the captions of the figures that go with it."""
    data = record.data
    about = f"{data.name}, {data.n_train:,} training and {data.n_test:,} test images" if data else "no data was loaded"
    sections = [
        f"# digit-bench report\n\n**{verdict_line(record)}**\n\nProfile {record.profile}: {about}. Seed {record.seed}.",
        _section("Models that failed", tables.failures(record)) if record.failures else "",
        _section("Quality", tables.quality(record), tables.tasks(record) if record.evaluations else ""),
        _section("Gates", tables.gates(record), _figure("lost-digits.png", captions)) if record.verdicts else "",
    ]
    if record.seed_runs:
        sections.append(_section("Seeds", tables.seeds(record)))
    if record.timings:
        sections.append(
            _section(
                "Latency",
                speed.latency(record),
                LATENCY_NOTE.format(
                    bound=1e3 * BOUND, queries=QUERIES_FOR_P99, pace=record.pace, spare=100 * (SPARE - 1)
                ),
                speed.round_trips(record),
                _figure("accuracy-latency.png", captions),
            )
        )
    if record.calibrations:
        sections.append(_section("The machine's limits", speed.limits(record), LIMITS_NOTE))
    if record.memory:
        sections.append(_section("Memory", speed.memory(record), MEMORY_NOTE))
    if data and any(e.task == "digits" for e in record.evaluations):
        sections.append(_section("Recall of each digit, %", tables.recall(record)))
    titles = {"Learning": "learning.png", "Confusion": "confusion.png", "Hard digits": "hard-digits.png"}
    for title, name in titles.items():
        if name in captions:
            sections.append(_section(title, _figure(name, captions)))
    sections += [_section("Models", tables.models(record)), _section("Environment", tables.environment(record))]
    return "\n\n".join(filter(None, sections)) + "\n"


def append_to_step_summary(report: Path) -> None:
    """Append a report, less its figures, to the file that GitHub Actions shows; nothing where there is none."""
    if target := os.environ.get("GITHUB_STEP_SUMMARY"):
        lines = report.read_text(encoding="utf-8").splitlines(keepends=True)
        with open(target, "a", encoding="utf-8") as summary:
            summary.writelines(line for line in lines if not line.startswith("!["))


def _section(title: str, *parts: str) -> str:
    return "\n\n".join([f"## {title}", *filter(None, parts)])


def _figure(name: str, captions: dict[str, str]) -> str:
    return f"![{captions[name]}](figures/{name})\n\n{captions[name]}" if name in captions else ""
