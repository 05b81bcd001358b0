"""What an accelerator makes of `cnn`: time to train, seeds trained at once, a step's kernels, and answers."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import msgspec
import numpy as np

from fitgate.errors import FitgateError
from fitgate.files import write
from fitgate.machine.conditions import Condition, condition
from fitgate.machine.environment import Environment, distributions_of, environment
from fitgate.report.tables import significant, table
from fitgate.statistics import mean_interval
from models.cnn.bench import add_data, directory_of
from models.cnn.race import Trained, environment_table
from models.cnn.racer import Racer

TARGET = 99.0  # percent
RECIPES: dict[str, dict[str, float]] = {"usual": {}, "batches of 256": {"batch_size": 256, "learning_rate": 2.2e-2}}
AT_ONCE = (1, 8, 64)  # seeds
ASKED = 4  # of those, at most: each compiles its own programs to predict
REPEATS = 2  # of training as many, after a first that counts for nothing
SIZES = (1, 8, 64, 512, 4_096, 10_000)  # images that are predicted at a time
TURN_SECONDS = 0.5  # of answers
RECORD = "accelerator.json"
LIBRARIES = ("jax", "jaxlib", "flax", "optax")
FORMS = {True: "fused with pooling", False: "by XLA"}  # of convolutions
DEVICE = "/device:GPU"
TRANSFERS = ("Memcpy", "Memset")  # how the names of what is no kernel begin
NOTE = """\
Times are wall time. Training is the whole of `fit` but for its compilation, with images in the host's memory: checks,
scaling and the way to the device are in it. The network, the recipe and the schedule are those of the
[race](race.md) on a CPU. Answers are those of `predict`, from NumPy arrays on the host to labels on the host."""


class Together(msgspec.Struct, frozen=True):
    """Seeds that were trained at once.

    Attributes:
        fused: whether convolutions were fused with pooling, as one matrix product.
        seeds: how many.
        seconds: of each repeat, without compilation, of all seeds.
        compile_seconds: of the first.
        accuracies: percent of the test images, for the first few seeds.
        usual: whether it is how these devices do it unless told otherwise.
    """

    fused: bool
    seeds: int
    seconds: list[float]
    compile_seconds: float
    accuracies: list[float]
    usual: bool


class Trace(msgspec.Struct, frozen=True):
    """A device's time during training, from its first event to its last, as the profiler saw it.

    Attributes:
        seeds: that were trained at once.
        steps: of training.
        seconds: from the first event to the last.
        kernel_seconds: during which some kernel ran.
        transfer_seconds: during which none ran, but a copy or a fill did.
        kernels: that ran.
    """

    seeds: int
    steps: int
    seconds: float
    kernel_seconds: float
    transfer_seconds: float
    kernels: int


class Measured(msgspec.Struct, frozen=True):
    """What was measured.

    Attributes:
        execution: what it was trained on, and how convolutions are computed there.
        images: to train on.
        trained: with each recipe, a seed each, in turns, after a first that counts for nothing.
        together: seeds at once.
        traces: of training.
        batches: of each number of images at a time, the median seconds of an image.
        environment: machine and software.
        conditions: of the machine, at its start and its end.
        seconds: that it took.
    """

    execution: str
    images: int
    trained: dict[str, list[Trained]]
    together: list[Together]
    traces: list[Trace]
    batches: dict[str, float]
    environment: Environment
    conditions: list[Condition]
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the page; 1 if there is no accelerator, or no digits."""
    parser = argparse.ArgumentParser(prog="python -m models.cnn.accelerator", description=__doc__)
    add_data(parser)
    parser.add_argument("--seeds", type=int, default=10, help="of training one after the other (default: 10)")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="page to write, with its record in a directory beside it"
    )
    options = parser.parse_args(arguments)
    try:
        found = measure(directory_of(options), options.fit_profile, max(options.seeds, 2))
    except FitgateError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    text = page(found)
    print(text)
    if options.out:
        write(options.out.with_suffix("") / RECORD, msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
        write(options.out, text)
    return 0


def measure(directory: Path | None, profile: str, seeds: int) -> Measured:
    """Measure on JAX's default devices.

    Raises:
        FitgateError: if these are CPUs.
    """
    import jax

    from models.cnn.devices import Devices

    if Devices.named(None).platform == "cpu":
        raise FitgateError(
            "JAX", found="no device but CPUs", expected="an accelerator", next_step='run pip install -e ".[cuda]"'
        )
    jax.config.update("jax_enable_compilation_cache", False)
    began, before = time.perf_counter(), condition("start")
    racer = Racer("cnn", directory, profile)
    _say(f"{seeds} seeds, one after the other")
    for settings in RECIPES.values():
        racer.fit(0, settings)
    trained: dict[str, list[Trained]] = {name: [] for name in RECIPES}
    for seed in range(1, seeds + 1):
        for name, settings in RECIPES.items():
            trained[name].append(racer.fit(seed, settings))
    _say("answers")
    racer.fit(0)
    return Measured(
        execution=racer.estimator.execution_,
        images=racer.images(),
        trained=trained,
        batches=dict(zip(map(str, SIZES), racer.batches(SIZES, TURN_SECONDS), strict=True)),
        together=[_together(racer, count, fused) for count in AT_ONCE for fused in FORMS],
        traces=[_trace(racer, count) for count in (AT_ONCE[0], AT_ONCE[-1])],
        environment=environment(distributions_of(LIBRARIES)),
        conditions=[before, condition("end")],
        seconds=time.perf_counter() - began,
    )


def _together(racer: Racer, count: int, fused: bool) -> Together:
    """Some seeds at once, with convolutions of one form."""
    from models.cnn.devices import Devices

    _say(f"{count} at once, convolutions {FORMS[fused]}")
    usual = Devices.named(None).fused
    seconds, compiling = [], []
    with patch.object(Devices, "fused", fused):
        for _ in range(1 + REPEATS):
            started = time.perf_counter()
            fitted = racer.estimator.fit_seeds(racer.data.train.X, racer.data.train.y, range(count))
            compiling.append(fitted[0].compile_seconds_["fit"])
            seconds.append(time.perf_counter() - started - compiling[-1])
        accuracies = [
            100 * float(np.mean(one.predict(racer.data.test.X) == racer.data.test.y)) for one in fitted[:ASKED]
        ]
    return Together(fused, count, seconds[1:], compiling[0], accuracies, fused == usual)


def _trace(racer: Racer, count: int) -> Trace:
    """What the devices do while some seeds are trained at once, compilation apart."""
    from jax.profiler import ProfileData, ProfileOptions, trace

    from models.cnn.training import Trainer

    _say(f"kernels, {count} at once")
    options, run = ProfileOptions(), Trainer.run
    options.host_tracer_level = options.python_tracer_level = 0  # the host is not to be slowed down by being watched
    steps: list[int] = []
    with TemporaryDirectory() as place:

        def traced(trainer: Trainer, *arguments: Any) -> Any:
            steps.append(trainer.steps)
            with trace(place, profiler_options=options):
                return run(trainer, *arguments)

        with patch.object(Trainer, "run", traced):
            racer.estimator.fit_seeds(racer.data.train.X, racer.data.train.y, range(count))
        [path] = Path(place).rglob("*.xplane.pb")
        return summed(ProfileData.from_file(str(path)).planes, count, steps[0])


def _say(what: str) -> None:
    print(f"measuring: {what}", file=sys.stderr, flush=True)


def summed(planes: Iterable[Any], seeds: int, steps: int) -> Trace:
    """A profile's device time: events of several streams at once count once.

    Args:
        planes: of `jax.profiler.ProfileData`.
        seeds: that were trained at once.
        steps: of training.

    Raises:
        FitgateError: if the profile has nothing of a GPU.
    """
    kernels: list[tuple[float, float]] = []
    transfers: list[tuple[float, float]] = []
    for plane in planes:
        for line in plane.lines if plane.name.startswith(DEVICE) else ():
            if line.name.startswith("Stream"):
                for event in line.events:
                    times = (event.start_ns, event.start_ns + event.duration_ns)
                    (transfers if event.name.startswith(TRANSFERS) else kernels).append(times)
    if not kernels:
        raise FitgateError("the profile", found="no kernel", expected="those of a GPU", next_step="see JAX's log")
    both = np.array(kernels + transfers)
    busy = covered(both)
    alone = covered(np.array(kernels))
    span = float(both[:, 1].max() - both[:, 0].min())
    return Trace(seeds, steps, span / 1e9, alone / 1e9, (busy - alone) / 1e9, len(kernels))


def covered(intervals: Any) -> float:
    """Length of the union of intervals `(n, 2)`."""
    ordered = intervals[np.argsort(intervals[:, 0], kind="stable")]
    ends = np.maximum.accumulate(ordered[:, 1])
    begins = np.maximum(ordered[1:, 0], ends[:-1])
    return float((ordered[0, 1] - ordered[0, 0]) + np.maximum(ordered[1:, 1] - begins, 0).sum())


def page(found: Measured) -> str:
    """The page in markdown."""
    load = ", ".join(f"{one.load:.2f} at its {one.when}" for one in found.conditions if one.load is not None)
    parts = [
        f"# Accelerator: {found.environment.accelerator or found.execution}",
        _headline(found),
        f"Training: seconds without compilation\n\n{_training(found)}",
        f"Seeds at once\n\n{_seeds_at_once(found)}",
        f"The device during training\n\n{_traces(found)}",
        f"Answers\n\n{_answers(found)}",
        NOTE,
        f"{found.images:,} images to train on; {found.execution}. Load of the machine: {load}, after "
        f"{found.seconds:.0f} s.",
        f"## Environment\n\n{environment_table(found.environment)}",
    ]
    return "\n\n".join(parts) + "\n"


def _headline(found: Measured) -> str:
    usual = found.trained["usual"]
    seconds = np.median([one.learning for one in usual])
    mean = np.mean([one.accuracy for one in usual])
    words = f"**cnn trains in {seconds:.2f} s** without compilation, and reads {mean:.2f} % of the test images."
    reached = {
        name: float(np.median([one.learning for one in each]))
        for name, each in found.trained.items()
        if np.mean([one.accuracy for one in each]) >= TARGET
    }
    if not reached:
        return f"{words} No recipe tried reaches {TARGET:g} % on average."
    return (
        f"{words} The shortest training tried that reaches {TARGET:g} % on average takes {min(reached.values()):.2f} s."
    )


def _training(found: Measured) -> str:
    rows = []
    for name, each in found.trained.items():
        seconds, accuracies = (np.array([getattr(one, what) for one in each]) for what in ("learning", "accuracy"))
        low, high = mean_interval(accuracies)
        rows.append(
            [
                name,
                f"{np.median(seconds):.3f}",
                f"{seconds.min():.3f} to {seconds.max():.3f}",
                f"{np.median([one.compile_seconds for one in each]):.2f}",
                f"{accuracies.mean():.3f} ({low:.3f} to {high:.3f})",
                f"{accuracies.min():.2f}",
            ]
        )
    titles = ["recipe", "median", "least to most", "compiling", "accuracy, % (95 % interval)", "least"]
    return table(titles, rows, right=1)


def _seeds_at_once(found: Measured) -> str:
    alone = {one.fused: float(np.median(one.seconds)) for one in found.together if one.seeds == 1}
    rows = [
        [
            str(one.seeds),
            FORMS[one.fused] + (" (usual)" if one.usual else ""),
            significant(float(np.median(one.seconds)) / one.seeds),
            f"{alone[one.fused] * one.seeds / np.median(one.seconds):.2f}",
            f"{one.compile_seconds:.2f}",
            f"{np.mean(one.accuracies):.3f}",
        ]
        for one in found.together
    ]
    titles = ["seeds", "convolutions", "seconds a seed", "times as fast as one", "compiling", "accuracy, %"]
    return table(titles, rows, right=2)


def _traces(found: Measured) -> str:
    rows = [
        [
            str(one.seeds),
            f"{1e6 * one.seconds / one.steps:.1f}",
            f"{one.kernels / one.steps:.1f}",
            f"{100 * one.kernel_seconds / one.seconds:.1f}",
            f"{100 * one.transfer_seconds / one.seconds:.1f}",
            f"{100 * (1 - (one.kernel_seconds + one.transfer_seconds) / one.seconds):.1f}",
        ]
        for one in found.traces
    ]
    titles = ["seeds at once", "us a step", "kernels a step", "% in kernels", "% copying alone", "% idle"]
    return table(titles, rows, right=0)


def _answers(found: Measured) -> str:
    rows = [
        [f"{int(size):,}", significant(1e3 * int(size) * seconds), f"{1 / seconds:,.0f}"]
        for size, seconds in found.batches.items()
    ]
    return table(["images at a time", "ms, median", "images a second"], rows, right=0)


if __name__ == "__main__":
    sys.exit(main())
