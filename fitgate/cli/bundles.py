"""Commands on bundles: fitted models, packed for other machines, and timed there."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Any

from fitgate.cli.records import RECORD, file_name
from fitgate.record import read, save
from fitgate.text import shown

BUNDLE = Path("bundle.zip")
MOST_BATCH = 2**20


def add_commands(commands: Any) -> None:
    """Declare them to a parser's subparsers."""
    pack = commands.add_parser(
        "pack",
        help="pack a run's fitted models, to be timed on other machines",
        description="Pack the fitted models that a run under --fit-keep left beside its record, with the examples of "
        "its test split and what the models answered, into one file, for `fitgate time` on another machine. No pickle "
        "is in it, nor code: models are what skops, ONNX and jax.export write.",
    )
    pack.add_argument("record", type=Path, metavar="RECORD", help=RECORD)
    pack.add_argument("--out", type=file_name, default=BUNDLE, metavar="FILE", help=f"default: {BUNDLE}")
    pack.set_defaults(run=_pack)

    time = commands.add_parser(
        "time",
        help="time the models of a bundle on this machine",
        description="Time the models of a bundle, which `fitgate pack` made on another machine, on this one: without "
        "their data, training or project. Each is loaded in processes of its own, held to the answers that it gave "
        "there, and timed in turns with the others. Leaves a record, which `fitgate compare` reads, and a report. "
        "Exits non-zero if an answer is wrong, a model fails, or none could be timed.",
    )
    time.add_argument("bundle", type=Path, metavar="BUNDLE", help="the file")
    time.add_argument("--out", type=Path, required=True, metavar="DIR", help="where record and report are written")
    time.add_argument("--models", type=_names, default=(), metavar="NAME,...", help="only these (default: all)")
    time.add_argument(
        "--engines",
        type=_names,
        default=(),
        metavar="NAME,...",
        help="only as these serve them; native is an estimator as it is (default: all)",
    )
    time.add_argument(
        "--processes",
        type=_count,
        default=5,
        metavar="N",
        help="time each model in so many; from two on, figures have an interval (default: 5)",
    )
    time.add_argument(
        "--timing", type=_positive, default=1.0, metavar="FACTOR", help="time so many times as long (default: 1)"
    )
    time.add_argument(
        "--batches",
        type=_sizes,
        default=(),
        metavar="N,...",
        help="also time batches of these sizes, as 1,8,64,512,4096",
    )
    time.add_argument("--threads", type=_count, metavar="N", help="use N cores (default: all)")
    time.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="TYPE",
        help="load estimators that hold this type or function, too, such as lightgbm.sklearn.LGBMClassifier: loading "
        "and asking them runs its code; may be repeated",
    )
    time.set_defaults(run=_time)


def _pack(options: argparse.Namespace) -> None:
    from fitgate.bundle.packing import pack

    directory = options.record if options.record.is_dir() else options.record.parent
    manifest = pack(read(options.record), directory, options.out)
    for kept in manifest.models:
        what = f"left out: {kept.reason}" if kept.reason else f"{kept.size:,} bytes"
        print(shown(f"{kept.model} by {kept.engine}: {what}"))
    print(f"bundle in {shown(options.out)}, {options.out.stat().st_size:,} bytes")


def _time(options: argparse.Namespace) -> int:
    from fitgate.bundle.archive import Bundle
    from fitgate.bundle.timing import Choice, Timing
    from fitgate.files import check_writable, make_directory
    from fitgate.machine import check_threads, few_threads
    from fitgate.report import run_verdict, write_report

    def say(words: str) -> None:
        print(shown(words), file=sys.stderr, flush=True)

    path = make_directory(options.out) / "record.json"
    _check_new(path)
    check_writable(path)
    choice = Choice(
        options.processes,
        options.timing,
        options.models,
        options.engines,
        options.batches,
        options.threads,
        options.trust,
    )
    if options.threads is not None:
        check_threads(options.threads, "--threads")
    with few_threads(options.threads):
        record = Timing(Bundle(options.bundle), choice, sys.argv[1:], say).record()
    save(record, path)
    report = write_report(record, options.out)
    if record.faults:
        save(record, path)
    print(f"{shown(run_verdict(record).line)}\nreport in {shown(report)}")
    wrong = record.doubted or record.failures or record.faults or any(entry.fault for entry in record.engines)
    return int(bool(wrong) or not record.timings)


def _check_new(path: Path) -> None:
    from fitgate.bundle.manifest import BundleError

    if path.exists():
        raise BundleError(
            path,
            found="a record",
            expected="a directory without one: each timing has its own",
            next_step="name another by --out, or delete it",
        )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _count(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) <= MOST_BATCH):
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number, 1 or more")
    return int(text)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(map(_count, _names(text)))


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a positive number")
    return number
