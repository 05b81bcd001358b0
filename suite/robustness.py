"""What disturbances cost each model of the digits: `python -m suite.robustness --out reports/robustness`.

Each model is fitted once, on the quick profile, and asked about the test split as it is and disturbed more and more.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from fitgate import Model
from fitgate.disturbances import Disturbance, blur, brightness, noise, rotation, scale, shift
from fitgate.files import write
from fitgate.metrics import METRICS
from fitgate.report.drawing import save
from fitgate.report.strengths import draw_robustness
from fitgate.report.tables import table
from fitgate.report.view.robustness import Panel, Robustness, Withstood
from fitgate.report.view.words import Noun
from fitgate.runs import evaluate, train
from fitgate.runs.disturbing import evaluate_disturbed
from fitgate.tasks import TaskData
from suite.digits import DIGITS, dataset

DISTURBANCES = (shift(2), rotation(20), scale(0.2), noise(0.2), blur(1), brightness(0.2))
PLUGINS = ("sgd", "forest", "knn", "svc", "cnn")
LEVELS = 4
SEED = 42


class Withstanding(NamedTuple):
    """A model's accuracy, in percent: of the test split as it is, and by disturbance and level."""

    model: str
    clean: float
    disturbed: dict[Disturbance, list[float]]


def withstanding(
    model: Model, data: TaskData, disturbances: Sequence[Disturbance] = DISTURBANCES, levels: int = LEVELS
) -> Withstanding:
    """Fit a model, and ask it about the test split as it is and disturbed."""
    trained = train(model, data, SEED)
    found: dict[Disturbance, list[float]] = {}
    for disturbance in disturbances:
        at = [disturbance.at(i / levels) for i in range(1, levels + 1)]
        answered = [evaluate_disturbed(trained, data, METRICS, one).evaluation for one in at]
        found[disturbance] = [100 * float(e.metrics["accuracy"] or 0) for e in answered if e is not None]
    clean = evaluate(trained, data, METRICS).metrics["accuracy"]
    return Withstanding(model.name, 100 * float(clean or 0), found)


def panels(found: Sequence[Withstanding]) -> Robustness:
    """The figure's content."""

    def curve(of: Withstanding, disturbance: Disturbance) -> Withstood:
        values, strength = of.disturbed[disturbance], disturbance.strength
        points = [(0.0, of.clean), *((strength * (i + 1) / len(values), value) for i, value in enumerate(values))]
        return Withstood(of.model, tuple(points), strength, None, None)

    drawn = (
        Panel("accuracy, %", f"{one.kind}, {one.unit}", tuple(curve(of, one) for of in found))
        for one in found[0].disturbed
    )
    return Robustness(DIGITS.name, Noun("image", "images"), tuple(drawn))


def falls(found: Sequence[Withstanding]) -> str:
    """A table of what each disturbance costs at its full strength, in points."""
    headers = ["model", "accuracy, %", *map(str, found[0].disturbed)]
    rows = [
        [of.model, f"{of.clean:.1f}", *(f"{of.clean - values[-1]:.1f}" for values in of.disturbed.values())]
        for of in found
    ]
    return table(headers, rows, right=1)


def page(found: Sequence[Withstanding], seconds: float) -> str:
    """The page that says so."""
    return (
        "# What disturbances cost the digits' models\n\n"
        "Points of accuracy that models lose on the quick profile's 1,000 test images where these are disturbed, by "
        f"`python -m suite.robustness` with seed {SEED}, in {seconds:.0f} s. `fitgate.disturbances` says what each "
        "is, and in what unit.\n\n"
        f"{falls(found)}\n\n"
        "![Accuracy of each model by the strength of six disturbances](robustness/robustness.png)\n\n"
        "The disturbed images are the same for all models. Only the CNN holds to a gate on them.\n"
    )


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("robustness"), help="directory of the figure, and page beside")
    options = parser.parse_args()
    started = time.perf_counter()
    data = TaskData(DIGITS, dataset().on("quick"))
    models = [model for name in PLUGINS for model in import_module(f"models.{name}").pytest_fitgate_models()]
    found = [withstanding(model, data) for model in models if DIGITS in model.tasks and not model.slow]
    options.out.mkdir(parents=True, exist_ok=True)
    save(draw_robustness(panels(found)), options.out / "robustness.png")
    write(options.out.with_suffix(".md"), page(found, time.perf_counter() - started))
    print(falls(found))


if __name__ == "__main__":
    main()
