"""A race's record, and its page: how `cnn` and its peer train and answer, in turns, on one machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from fitgate.files import write
from fitgate.machine.conditions import Condition
from fitgate.machine.environment import Environment
from fitgate.report.tables import fold, significant, table
from fitgate.statistics import mean_interval, ratio_interval
from suite import png

RECORD, FIGURE = "race.json", "race.png"
CAPTION = "Accuracy against training time without compilation: a point is a seed."
STARTS = {"CACHED": "programs CACHED", "cold": "cold"}  # of cnn's processes, which compile or fetch what was compiled
# Forms of a trained network from which a process can answer: the model itself, and what needs less.
PICKLE, EXPORTED, TRACED, ONNX = "pickle", "jax.export", "torch.jit", "ONNX Runtime"
ELSEWHERE = "none here; [of the first model alone, one was measured](accelerator.md)"
NOTE = """\
Times are wall time, medians of the turns; of training that of `fit`, with the images in memory. Ratios are the first
model's time to the other's: geometric means over the turns, and their 95 % intervals. Single images are answered by
`predict`, or by compiled forms of PyTorch's network; "differs": how many of 1,000 they read otherwise than the model
itself. A process's start to its first answer: it imports, loads the model, and reads one image. Pickled, `cnn` is a
scikit-learn classifier, and so imports scikit-learn, Flax and optax beside JAX, and the peer PyTorch; both import their
plugin in `models/`, and with it pytest and fitgate. Exported, a file has the network alone: `CNNClassifier.export`
writes one that JAX reads, `torch.jit.save` one that PyTorch reads, and nothing else is imported but NumPy. That row
compares with the fastest of what PyTorch loads; ONNX Runtime, which needs no PyTorch, has a row of its own.

Allowed to both: the same network, settings from one search, smoothed labels, the hardest images once more, images moved
by a pixel, fused AdamW, all cores for training and for many images. To PyTorch: images that lie in memory channels
last, and the forms that its own compilers and ONNX Runtime make of the network. To JAX: a persistent cache of compiled
programs, in the rows that say CACHED alone."""


class Trained(msgspec.Struct, frozen=True):
    """How training with a seed went.

    Attributes:
        seed: of the model.
        seconds: wall time of `fit`, the data being in memory.
        compile_seconds: of these, spent on compiling, or on fetching what was compiled.
        accuracy: percent of the test images.
    """

    seed: int
    seconds: float
    compile_seconds: float
    accuracy: float

    @property
    def learning(self) -> float:
        """Seconds without compilation."""
        return self.seconds - self.compile_seconds


class Start(msgspec.Struct, frozen=True):
    """A process's first training, and another process that loads what was trained.

    Attributes:
        trained: the first.
        answer_seconds: from the other's start to its first answer, where it loads the pickled model.
        exported_seconds: the same where it loads another form, by its name.
    """

    trained: Trained
    answer_seconds: float
    exported_seconds: dict[str, float] = {}


class Answers(msgspec.Struct, frozen=True):
    """How single images were answered.

    Attributes:
        model: whose.
        engine: that answered.
        seconds: p50, p90 and p99 of each turn.
        differing: of 1,000 images, those whose label is another than the model's own.
    """

    model: str
    engine: str
    seconds: list[tuple[float, float, float]]
    differing: int


class Race(msgspec.Struct, frozen=True):
    """A race of two models.

    Attributes:
        models: their descriptions by name, the first one's time being compared with the other's.
        profile: of the digits.
        images: to train on.
        trained: of each model, a seed each, in turns, after a first that counts for nothing.
        starts: of the first model with cached programs and without (`STARTS`), and of the peer.
        sklearn_seconds: from a process's start until it has imported scikit-learn, and nothing else.
        single: answers to one image at a time.
        batches: of each model and number of images at a time, the median seconds of an image in each turn.
        environment: machine and software.
        conditions: of the machine, at its start and its end.
        seconds: that the race took.
    """

    models: dict[str, str]
    profile: str
    images: int
    trained: dict[str, list[Trained]]
    starts: dict[str, list[Start]]
    sklearn_seconds: list[float]
    single: list[Answers]
    batches: dict[str, dict[str, list[float]]]
    environment: Environment
    conditions: list[Condition]
    seconds: float

    @property
    def differing(self) -> int:
        """Answers to single images that are not the models' own."""
        return sum(answers.differing for answers in self.single)


def write_race(race: Race, path: Path) -> None:
    """Write the page, and into the directory of its name beside it the record and the figure."""
    directory = path.with_suffix("")
    write(directory / RECORD, msgspec.json.format(msgspec.json.encode(race)).decode() + "\n")
    _draw(race, directory / FIGURE)
    write(path, page(race, f"{directory.name}/{FIGURE}"))


def page(race: Race, figure: str) -> str:
    """The page in markdown, which shows the figure at a path."""
    first, peer = race.models
    described = table(["model", "what it is"], [list(item) for item in race.models.items()])
    parts = [f"# Race: {first}, {peer}", _headline(race), tables(race), f"![{CAPTION}]({figure})\n\n{CAPTION}"]
    parts += [fold("What was measured, and how", NOTE), fold("The models", described)]
    parts += [fold("Seed by seed", _seeds(race)), fold("Machine and software", environment_table(race.environment))]
    return "\n\n".join(parts) + "\n"


def tables(race: Race) -> str:
    """What was measured, and how, in markdown."""
    titles = ["", *race.models, "ratio"]
    n = len(next(iter(race.trained.values())))
    load = ", ".join(f"{found.load:.2f} at its {found.when}" for found in race.conditions if found.load is not None)
    parts = [
        f"Training: seconds\n\n{table(titles, _training(race), right=1)}",
        f"From a process's start to its first answer: seconds\n\n{table(titles, _starting(race), right=1)}",
        f"A single image: microseconds\n\n{_single(race)}",
        f"Several at a time: images a second\n\n{table(['images', *titles[1:]], _batches(race), right=0)}",
        f"{race.images:,} images to train on, {n} seeds, {race.environment.cores} cores. Load of the machine: {load}, "
        f"after {race.seconds:.0f} s. Accelerators: {race.environment.accelerator or ELSEWHERE}.",
    ]
    return "\n\n".join(parts)


def _headline(race: Race) -> str:
    first, peer = race.models
    seconds = _learning(race)
    means = [np.mean([one.accuracy for one in race.trained[name]]) for name in race.models]
    low, high = ratio_interval(*seconds)
    behind = [
        f"- {words}: {_mean_ratio(ours, theirs):.2f} times the time."
        for words, ours, theirs in _compared(race)
        if ratio_interval(ours, theirs)[0] > 1
    ]
    return "\n\n".join(
        [
            f"**{first} trains in {_mean_ratio(*seconds):.2f} times the time of {peer}** ({low:.2f} to {high:.2f}), "
            f"compilation apart; it reads {means[0]:.2f} % of the test images, {peer} {means[1]:.2f} %.",
            *(["It is slower, by the whole of the 95 % interval, in:", "\n".join(behind)] if behind else []),
        ]
    )


def _compared(race: Race) -> Iterator[tuple[str, ArrayLike, ArrayLike]]:
    """What both did, in words, and the times of the first and of its peer."""
    mine, theirs = _learning(race)
    yield "training, without compilation", mine, theirs
    yield from ((f"a process's first answer, {words}", ours, theirs) for words, ours, theirs in _started(race))
    ours, *others = [(answers, [p50 for p50, *_ in answers.seconds]) for answers in race.single]
    yield from ((f"a single image, against {of.model} by {of.engine}", ours[1], times) for of, times in others)
    for size in next(iter(race.batches.values())):
        first, second = (race.batches[name][size] for name in race.models)
        yield f"{int(size):,} images at a time", first, second


def _learning(race: Race) -> NDArray[np.float64]:
    """Seconds of training without compilation, `(2, seeds)`."""
    return np.array([[one.learning for one in race.trained[name]] for name in race.models])


def _training(race: Race) -> list[list[str]]:
    rows = [_seconds("without compilation", _learning(race))]
    first, peer = race.models
    theirs = [start.trained.seconds for start in race.starts[peer]]
    for start, words in STARTS.items():
        ours = [begun.trained for begun in race.starts[start]]
        rows.append(_seconds(f"the first of a process, {words}", [[one.seconds for one in ours], theirs]))
        rows.append([f"of it compiling, {start}", f"{np.median([one.compile_seconds for one in ours]):.2f}", "", ""])
    rows.append(["accuracy, %", *(_accuracy(race.trained[name]) for name in (first, peer)), ""])
    return rows


def _accuracy(trained: list[Trained]) -> str:
    found = np.array([one.accuracy for one in trained])
    low, high = mean_interval(found)
    return f"{found.mean():.3f} ({low:.3f} to {high:.3f}), SD {found.std(ddof=1):.3f}, least {found.min():.2f}"


def _starting(race: Race) -> list[list[str]]:
    alone = f"{np.median(race.sklearn_seconds):.2f}"
    rows = [_seconds(words, [ours, theirs]) for words, ours, theirs in _started(race)]
    return [*rows, ["a process that imports scikit-learn alone", alone, "", ""]]


def _started(race: Race) -> Iterator[tuple[str, list[float], list[float]]]:
    """Each form of the first model with what it is compared with: in words, and the seconds of both."""
    *_, peer = race.models
    pickled = [begun.answer_seconds for begun in race.starts[peer]]
    fastest = min(pickled, _exported(race, peer, TRACED) or pickled, key=np.median)
    converted = _exported(race, peer, ONNX)
    for start, words in STARTS.items():
        if ours := _exported(race, start, EXPORTED):
            yield f"exported, {words}", ours, fastest
            if converted:
                yield f"exported, {words}; the peer's by {ONNX}", ours, converted
    for start, words in STARTS.items():
        yield f"pickled, {words}", [begun.answer_seconds for begun in race.starts[start]], pickled


def _exported(race: Race, start: str, form: str) -> list[float]:
    """Seconds to the first answer by a form of the model, of each start; none in races that did not try it."""
    found = [begun.exported_seconds.get(form) for begun in race.starts[start]]
    return [seconds for seconds in found if seconds is not None]


def _single(race: Race) -> str:
    ours, rows = race.single[0], []
    for answers in race.single:
        quantiles = [f"{1e6 * found:.1f}" for found in np.median(answers.seconds, axis=0)]
        medians = [[p50 for p50, *_ in each.seconds] for each in (ours, answers)]
        ratio = _ratio(*medians) if answers is not ours else ""
        rows.append([f"{answers.model}, {answers.engine}", *quantiles, ratio, str(answers.differing)])
    return table(["", "p50", "p90", "p99", "ratio of p50", "differs"], rows, right=1)


def _batches(race: Race) -> list[list[str]]:
    rows = []
    for size in next(iter(race.batches.values())):
        times = [race.batches[name][size] for name in race.models]
        rows.append([f"{int(size):,}", *(f"{1 / np.median(mine):,.0f}" for mine in times), _ratio(*times)])
    return rows


def _seeds(race: Race) -> str:
    rows = []
    for of_seed in zip(*race.trained.values(), strict=True):
        cells = [cell for one in of_seed for cell in (f"{one.accuracy:.2f}", f"{one.learning:.2f}")]
        rows.append([str(of_seed[0].seed), *cells])
    titles = [cell for name in race.models for cell in (f"{name}: accuracy, %", "training, s")]
    return table(["seed", *titles], rows, right=0)


def environment_table(found: Environment) -> str:
    """A table of machine and software, in markdown."""
    libraries = ", ".join(f"{name} {version}" for name, version in found.libraries.items())
    machine = f"{found.cpu}, {found.cores} cores, {found.memory_gib:g} GiB, {found.system}"
    rows = [["machine", machine], ["software", f"Python {found.python}, {libraries}"]]
    return table(["", ""], rows)


def _seconds(words: str, seconds: ArrayLike) -> list[str]:
    """A row of the seconds `(2, turns)`."""
    return [words, *(f"{np.median(mine):.2f}" for mine in np.asarray(seconds)), _ratio(*np.asarray(seconds))]


def _ratio(ours: ArrayLike, theirs: ArrayLike) -> str:
    low, high = ratio_interval(ours, theirs)
    return f"{significant(_mean_ratio(ours, theirs))} ({significant(low)} to {significant(high)})"


def _mean_ratio(ours: ArrayLike, theirs: ArrayLike) -> float:
    return float(np.exp(np.mean(np.log(ours) - np.log(theirs))))


def _draw(race: Race, path: Path) -> None:
    """Draw the accuracy, in percent, against the seconds of training."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, seconds, marker in zip(race.models, _learning(race), "oD", strict=True):
        axes.plot(seconds, [one.accuracy for one in race.trained[name]], marker, alpha=0.8, label=name)
    axes.set_xlim(left=0)
    axes.set(xlabel="training time without compilation, s", ylabel="accuracy on the test images, %")
    axes.grid(alpha=0.3)
    axes.legend()
    png.save(figure, path)
