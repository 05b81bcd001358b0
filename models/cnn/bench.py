"""The race of `cnn` and `torch_cnn`, printed: each in a process of its own, in turns, in under three minutes."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fitgate.errors import FitgateError
from fitgate.machine.environment import usable_cores
from fitgate.report.tables import significant, table
from fitgate.statistics import ratio_interval
from models.cnn.racer import racing
from suite.digits import DIRECTORY

PEER = "torch_cnn"
CACHE = "JAX_COMPILATION_CACHE_DIR"
SIZES = (1, 2, 8, 32, 33, 64, 128, 512, 513, 1_024, 4_096, 10_000)  # images that are predicted at a time
TURNS = 5  # of those who answer
SINGLE_SECONDS = 0.5  # of a turn with single images
BATCH_SECONDS = 0.1  # of a turn with each size
NOTE = """\
Times are wall time, medians of the turns; of training that of `fit`, with the images in memory. Ratios are cnn's time
to the other's: geometric means over the turns, and their 95 % intervals. Single images are answered by `predict`, or by
compiled forms of PyTorch's network; "differs": how many of 1,000 they read otherwise than the model itself."""
ANSWER = "import pickle, sys; model, image = pickle.load(open(sys.argv[1], 'rb')); model.predict(image)"
ROOT = Path(__file__).parents[2]
ANSWERS = ["", "p50", "p90", "p99", "ratio of p50", "differs"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the race; 1 if there is none, or a compiled form reads an image otherwise than its model does."""
    parser = argparse.ArgumentParser(prog="python -m models.cnn.bench", description=__doc__)
    add_data(parser)
    parser.add_argument("--seeds", type=_several, default=8, help="of training without compilation (default: 8)")
    parser.add_argument("--starts", type=_several, default=3, help="of processes that train once (default: 3)")
    options = parser.parse_args(arguments)
    try:
        return race(directory_of(options), options.fit_profile, options.seeds, options.starts)
    except FitgateError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def add_data(parser: argparse.ArgumentParser) -> None:
    """Let a command's user say which digits."""
    parser.add_argument("--fit-mnist-dir", type=Path, metavar="DIR", help=f"{DIRECTORY.help}; or {DIRECTORY.variable}")
    parser.add_argument(
        "--fit-profile", default="full", choices=("quick", "full"), help="of the digits (default: full)"
    )


def directory_of(options: argparse.Namespace) -> Path | None:
    """MNIST's directory, as the user says; None for the user's cache."""
    named = options.fit_mnist_dir or os.environ.get(DIRECTORY.variable)
    return Path(named).absolute() if named else None


def race(directory: Path | None, profile: str, seeds: int, starts: int) -> int:
    """Print the race on the digits of a directory, or of the user's cache; the exit status, as `main`'s."""
    started, load = time.perf_counter(), os.getloadavg()[0]
    with TemporaryDirectory() as kept:
        cached = {CACHE: kept, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
        with racing("cnn", directory, profile, cached) as ours, racing(PEER, directory, profile, {}) as theirs:
            for racer in (ours, theirs):  # each starts its threads while the other does nothing
                racer.fit(0)
                racer.batches(SIZES, 0.0)
            n = ours.images()
            pairs = np.array([(ours.fit(seed), theirs.fit(seed)) for seed in range(1, seeds + 1)])
            rows = [_seconds("without compilation", pairs[..., 0] - pairs[..., 1])]
            batches = _batches(ours, theirs)
            answers, different = _single(ours, theirs)
        turns = [("cnn", cached), ("cnn", {"JAX_ENABLE_COMPILATION_CACHE": "false"}), (PEER, {})]
        firsts = np.array(
            [[_first(*turn, directory, profile, seed) for turn in turns] for seed in range(1, starts + 1)]
        )
    for i, words in enumerate(("programs CACHED", "cold")):
        rows.append(_seconds(f"the first of a process, {words}", firsts[:, [i, 2], 0]))
        rows.append([f"of it compiling, {words}", f"{np.median(firsts[:, i, 1]):.2f}", "", ""])
    loading = [_seconds(words, firsts[:, [i, 2], -1]) for i, words in enumerate(("programs CACHED", "cold"))]
    accuracy = [f"{x.mean():.3f} (SD {x.std(ddof=1):.3f}, least {x.min():.2f})" for x in pairs[..., 2].T]
    titles = ["cnn", PEER, "ratio"]
    parts = [
        f"Training: seconds\n\n{table(['', *titles], [*rows, ['accuracy, %', *accuracy, '']], right=1)}",
        f"From a process's start to its first answer: seconds\n\n{table(['', *titles], loading, right=1)}",
        f"A single image: microseconds\n\n{table(ANSWERS, answers, right=1)}",
        f"Several at a time: images a second\n\n{table(['images', *titles], batches, right=0)}",
        NOTE,
        f"{n:,} images to train on, seeds 1 to {seeds}, {usable_cores()} cores. Load of the machine: "
        f"{load:.2f} before, {os.getloadavg()[0]:.2f} after {time.perf_counter() - started:.0f} s.",
    ]
    print("\n\n".join(parts))
    return int(different > 0)


def _first(name: str, variables: dict[str, str], directory: Path | None, profile: str, seed: int) -> list[float]:
    """How training goes that is a process's first, and how long another process takes to load the model and answer."""
    with TemporaryDirectory() as place:
        path = Path(place, "model")
        with racing(name, directory, profile, variables) as racer:
            trained = racer.fit(seed)
            racer.keep(path)
        for _ in range(2 if CACHE in variables else 1):  # the first time, programs come into the cache
            started = time.perf_counter()
            environment = {**os.environ, **variables}
            subprocess.run([sys.executable, "-c", ANSWER, str(path)], check=True, cwd=ROOT, env=environment)
    return [*trained, time.perf_counter() - started]


def _single(ours: Any, theirs: Any) -> tuple[list[list[str]], int]:
    """Rows of those who answer single images, and of how many images the answers differ."""
    engines = [("cnn", ours, "predict"), *((PEER, theirs, engine) for engine in theirs.engines())]
    different = [racer.differing(engine) for _, racer, engine in engines]
    turns = [[racer.single(engine, SINGLE_SECONDS) for _, racer, engine in engines] for _ in range(TURNS)]
    rows, total = [], 0
    for i, (name, _, engine) in enumerate(engines):
        times = np.concatenate([turn[i] for turn in turns])
        medians = np.array([[np.median(turn[at]) for turn in turns] for at in (0, i)])
        total += different[i]
        numbers = [f"{1e6 * x:.1f}" for x in np.quantile(times, (0.5, 0.9, 0.99))]
        rows.append([f"{name}, {engine}", *numbers, _ratio(*medians) if i else "", str(different[i])])
    return rows, total


def _batches(ours: Any, theirs: Any) -> list[list[str]]:
    turns = np.array([[racer.batches(SIZES, BATCH_SECONDS) for racer in (ours, theirs)] for _ in range(TURNS)])
    rows = []
    for size, times in zip(SIZES, turns.transpose(2, 1, 0), strict=True):
        speeds = [f"{1 / np.median(mine):,.0f}" for mine in times]
        rows.append([f"{size:,}", *speeds, _ratio(*times)])
    return rows


def _seconds(words: str, seconds: NDArray[np.float64]) -> list[str]:
    """A row of the seconds `(turns, 2)`."""
    return [words, *(f"{np.median(mine):.2f}" for mine in seconds.T), _ratio(*seconds.T)]


def _ratio(ours: ArrayLike, theirs: ArrayLike) -> str:
    low, high = ratio_interval(ours, theirs)
    mean = np.exp(np.mean(np.log(ours) - np.log(theirs)))
    return f"{significant(float(mean))} ({significant(low)} to {significant(high)})"


def _several(text: str) -> int:
    if not text.isdigit() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected 2 or more, for an interval")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
