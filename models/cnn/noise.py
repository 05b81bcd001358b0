"""What the cap on losses is for: training with wrong labels, printed. The hardest images are often wrongly labelled."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.errors import FitgateError
from fitgate.report.tables import table
from models.cnn import classifier
from models.cnn.bench import add_data, directory_of
from suite.digits import dataset

WAYS: dict[str, dict[str, Any]] = {
    "each image once": {"hardest": 0.0},
    "the hardest again, whatever they cost": {"hardest": 0.1, "most_loss": math.inf},
    "the hardest again, but for those above the cap": {"hardest": 0.1},
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the accuracies; 1 if the digits are not there."""
    parser = argparse.ArgumentParser(prog="python -m models.cnn.noise", description=__doc__)
    add_data(parser)
    parser.add_argument("--share", type=float, default=0.1, help="of labels that are wrong (default: 0.1)")
    parser.add_argument("--seeds", type=int, default=3, help="of training and of the wrong labels (default: 3)")
    options = parser.parse_args(arguments)
    data, rows = dataset(directory_of(options)).on(options.fit_profile), list[list[str]]()
    try:
        print(f"{len(data.train):,} images to train on")
    except FitgateError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for words, parameters in WAYS.items():
        cells = []
        for share in (0.0, options.share):
            found = [_accuracy(data, share, seed, parameters) for seed in range(options.seeds)]
            cells.append(f"{np.mean(found):.2f} ({min(found):.2f} to {max(found):.2f})")
        rows.append([words, *cells])
    titles = ["shown are", "accuracy, %: labels as they are", f"{options.share:.0%} of labels wrong"]
    print(f"{table(titles, rows, right=1)}\n\nMeans of {options.seeds} seeds, and their range.")
    return 0


def _accuracy(data: Any, share: float, seed: int, parameters: dict[str, Any]) -> float:
    """Percent of the test images that are read rightly, after training with a share of the labels wrong."""
    network = classifier(random_state=seed, **parameters)
    network.fit(data.train.X, mislabelled(data.train.y, share, np.random.default_rng(seed)))
    return 100 * float(np.mean(network.predict(data.test.X) == data.test.y))


def mislabelled(labels: NDArray[Any], share: float, rng: np.random.Generator) -> NDArray[Any]:
    """Labels of which a share, drawn at random, is another of the classes, each as likely."""
    classes, positions = np.unique(labels, return_inverse=True)
    wrong = rng.permutation(len(labels))[: round(share * len(labels))]
    positions[wrong] = (positions[wrong] + rng.integers(1, len(classes), len(wrong))) % len(classes)
    return np.asarray(classes[positions])


if __name__ == "__main__":
    sys.exit(main())
