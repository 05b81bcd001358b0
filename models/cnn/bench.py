"""The race of `cnn` and `torch_cnn`, printed: each in a process of its own, in turns, in a few minutes."""

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

from fitgate.errors import FitgateError
from fitgate.machine.conditions import condition
from fitgate.machine.environment import distributions_of, environment
from models.cnn import CNN
from models.cnn.race import EXPORTED, ONNX, PICKLE, TRACED, Answers, Race, Start, Trained, tables, write_race
from models.cnn.racer import IMAGE, racing
from models.torch_cnn import TORCH_CNN
from suite.digits import DIRECTORY

PEER = TORCH_CNN.name
CACHE = "JAX_COMPILATION_CACHE_DIR"
SIZES = (1, 2, 8, 32, 33, 64, 128, 512, 513, 1_024, 4_096, 10_000)  # images that are predicted at a time
TURNS = 4  # of those who answer
SINGLE_SECONDS = 0.4  # of a turn with single images
BATCH_SECONDS = 0.1  # of a turn with each size
LIBRARIES = ("jax", "jaxlib", "flax", "optax", "torch", "onnxruntime")
# Programs of processes that read an image with one of a model's forms, from its file, and print the label.
ANSWERS = {
    PICKLE: """
import pickle
label = pickle.load(open(model, "rb")).predict(image)[0]
""",
    EXPORTED: """
import jax
from jax import export
network = jax.jit(export.deserialize(open(model, "rb").read()).call)
label = numpy.asarray(network(image)).argmax()
""",
    TRACED: """
import torch
with torch.inference_mode():
    label = torch.jit.load(model)(torch.from_numpy(image.astype("float32"))).argmax().item()
""",
    ONNX: """
import onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
label = session.run(None, {session.get_inputs()[0].name: image.astype("float32")})[0].argmax()
""",
}
ANSWER = "import sys, numpy; model, image = sys.argv[1], numpy.load(sys.argv[2])\n{}\nprint(label, flush=True)"
ROOT = Path(__file__).parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the race; 1 if there is none, or a compiled form reads an image otherwise than its model does."""
    parser = argparse.ArgumentParser(prog="python -m models.cnn.bench", description=__doc__)
    add_data(parser)
    parser.add_argument("--seeds", type=_several, default=8, help="of training without compilation (default: 8)")
    parser.add_argument("--starts", type=_several, default=3, help="of processes that train once (default: 3)")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="page to write, with its record and figure in a directory beside it"
    )
    options = parser.parse_args(arguments)
    try:
        found = race(directory_of(options), options.fit_profile, options.seeds, options.starts)
        print(tables(found))
        if options.out:
            write_race(found, options.out)
    except FitgateError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return int(found.differing > 0)


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


def race(directory: Path | None, profile: str, seeds: int, starts: int) -> Race:
    """Race on the digits of a directory, or of the user's cache."""
    began, before = time.perf_counter(), condition("start")
    with TemporaryDirectory() as kept:
        cached = {CACHE: kept, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
        with racing(CNN.name, directory, profile, cached) as ours, racing(PEER, directory, profile, {}) as theirs:
            racers = {CNN.name: ours, PEER: theirs}
            for racer in racers.values():  # each starts its threads while the other does nothing
                racer.fit(0)
                racer.batches(SIZES, 0.0)
            trained: dict[str, list[Trained]] = {name: [] for name in racers}
            for seed in range(1, seeds + 1):
                for name, racer in racers.items():
                    trained[name].append(racer.fit(seed))
            images, batches, single = ours.images(), _batches(racers), _single(racers)
        turns = {
            "CACHED": (CNN.name, cached),
            "cold": (CNN.name, {"JAX_ENABLE_COMPILATION_CACHE": "false"}),
            PEER: (PEER, {}),
        }
        begun: dict[str, list[Start]] = {how: [] for how in turns}
        importing: list[float] = []
        for seed in range(1, starts + 1):
            importing.append(_answered("import sklearn.base; print(flush=True)")[0])
            for how, (name, variables) in turns.items():
                begun[how].append(_start(name, variables, directory, profile, seed, Path(kept, f"start-{how}")))
    return Race(
        models={model.name: model.description for model in (CNN, TORCH_CNN)},
        profile=profile,
        images=images,
        trained=trained,
        starts=begun,
        sklearn_seconds=importing,
        single=single,
        batches=batches,
        environment=environment(distributions_of(LIBRARIES)),
        conditions=[before, condition("end")],
        seconds=time.perf_counter() - began,
    )


def _start(name: str, variables: dict[str, str], directory: Path | None, profile: str, seed: int, place: Path) -> Start:
    """How training goes that is a process's first, and how long others take to load a model and answer.

    That model is the first of these: where it was kept in a place, the others are trained alone.

    Raises:
        FitgateError: if one answers otherwise than the model itself.
    """
    seconds, answer, first = {}, place / "label", not place.exists()
    with racing(name, directory, profile, variables) as racer:
        trained = racer.fit(seed)
        if first:
            place.mkdir()
            answer.write_text(str(racer.keep(place)))
    label = answer.read_text()
    for form in (form for form in ANSWERS if (place / form).exists()):
        for _ in range(2 if first and CACHE in variables else 1):  # the first time, programs come into the cache
            code, paths = ANSWER.format(ANSWERS[form]), (f"{place}/{form}", f"{place}/{IMAGE}")
            seconds[form], found = _answered(code, *paths, **variables)
            if found != label:
                step = "run this again with another seed, and look at what was exported"
                raise FitgateError(f"{name}, {form}", found=f"label {found}", expected=label, next_step=step)
    return Start(trained, seconds.pop(PICKLE), seconds)


def _answered(code: str, *arguments: str, **variables: str) -> tuple[float, str]:
    """Seconds from the start of a process until it prints a line, and the line.

    Raises:
        FitgateError: if it fails.
    """
    began = time.perf_counter()
    command = [sys.executable, "-W", "ignore", "-c", code, *arguments]
    environ = {**os.environ, **variables}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environ) as process:
        assert process.stdout
        line, seconds = process.stdout.readline(), time.perf_counter() - began
    if process.returncode:
        found = f"exit status {process.returncode}"
        raise FitgateError("a process that answers", found=found, expected="0", next_step="see what it printed")
    return seconds, line.strip()


def _single(racers: dict[str, Any]) -> list[Answers]:
    """Who answers single images, in turns."""
    engines = [(name, engine) for name, racer in racers.items() for engine in racer.engines()]
    different = [racers[name].differing(engine) for name, engine in engines]
    turns = [[racers[name].single(engine, SINGLE_SECONDS) for name, engine in engines] for _ in range(TURNS)]
    return [
        Answers(*who, list(times), differing)
        for who, times, differing in zip(engines, zip(*turns, strict=True), different, strict=True)
    ]


def _batches(racers: dict[str, Any]) -> dict[str, dict[str, list[float]]]:
    """Each model's seconds of an image, by how many come at a time, in turns."""
    turns = [{name: racer.batches(SIZES, BATCH_SECONDS) for name, racer in racers.items()} for _ in range(TURNS)]
    return {name: {str(size): [turn[name][i] for turn in turns] for i, size in enumerate(SIZES)} for name in racers}


def _several(text: str) -> int:
    if not text.isdigit() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected 2 or more, for an interval")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
