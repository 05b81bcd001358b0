"""How often audits of timings alarm where a model is clean, and how often they catch one that remembers.

`python -m tests.benchmarks.audits --trials 60`, in the directory of a project: each of its models is fitted and
evaluated once; each trial asks it anew, with a seed of its own, one example at a time and eight at once.
"""

import argparse
import itertools
import os
import sys
import time
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np

from fitgate.latency.audit import Auditor
from fitgate.latency.examples import Examples
from fitgate.latency.queries import Asker, Queries
from fitgate.latency.repetition import take_turns
from fitgate.plugin.project import project
from fitgate.report.tables import table
from fitgate.runs import evaluate, train
from fitgate.statistics import proportion_interval, proportion_upper_bound

SIZES = (1, 8)
QUERIES = 50


class Remembering:
    """A model that answers examples of the test split by heart, in a share of the time that computing takes."""

    def __init__(self, predict, X, speed_up):
        self._predict, self._speed_up = predict, speed_up
        self._known = {row.tobytes() for row in X}
        self._seconds = defaultdict(list)

    def predict(self, X):
        began = time.perf_counter()
        if self._seconds[len(X)][10:] and all(row.tobytes() in self._known for row in X):
            until = began + min(self._seconds[len(X)]) / self._speed_up
            while time.perf_counter() < until:
                pass
            return np.zeros(len(X))
        answers = self._predict(X)
        self._seconds[len(X)].append(time.perf_counter() - began)
        return answers


def trial(model, data, estimator, evaluation, speed_ups, seed):
    """What the audits found: the answers' agreement, and by size and speed-up, whether it was caught, and the ratio."""
    asker, test = Asker(estimator.predict), data.dataset.test
    examples = Examples(test.X, len(test))
    queries = Queries(examples, seed)
    turns_of = partial(take_turns, estimator.predict, examples, seed=seed)
    auditor = Auditor(model, data, lambda: evaluation.predictions, turns_of, seed)
    for size, count in ((1, QUERIES), (8, QUERIES), (len(test), 1)):
        for _ in range(count):
            asker(queries.take(size))
    found = {}
    for size in SIZES:
        for speed_up in speed_ups:
            predict = estimator.predict
            if speed_up > 1:
                predict = Remembering(estimator.predict, test.X, speed_up).predict
                for _ in range(12):
                    predict(queries.take(size).X)
            turns = take_turns(predict, examples, size, seed=seed)
            found[size, speed_up] = bool(turns.remembered), max(map(turns.speed_up, turns.others))
    return auditor.agreement("all", asker.answers), found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--models", default="", help="names, with commas between; default: all but the slow ones")
    parser.add_argument("--speed-ups", default="2,3,10", help="by what remembering is faster, beside the clean models")
    options = parser.parse_args()
    around = project(Path.cwd(), None)
    names = options.models.split(",") if options.models else [n for n, m in around.models.items() if not m.slow]
    speed_ups = [1.0, *map(float, filter(None, options.speed_ups.split(",")))]
    subjects = {}
    for name in names:
        model = around.models[name]
        data = around.tasks[model.timed_task.name]
        trained = train(model, data, 42)
        subjects[name] = (data, trained.estimator, evaluate(trained, data, around.metrics))
    agreements, caught, ratios = defaultdict(list), defaultdict(list), defaultdict(list)
    for seed in range(options.trials):  # models take turns, so that all see the machine as it changes
        for name, subject in subjects.items():
            agrees, found = trial(name, *subject, speed_ups, seed)
            agreements[name].append(agrees)
            for (size, speed_up), (hit, ratio) in found.items():
                caught[name, size, speed_up].append(hit)
                ratios[name, size, speed_up].append(ratio)
        print(f"{seed + 1} of {options.trials}, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    show(subjects, speed_ups, agreements, caught, ratios)


def show(subjects, speed_ups, agreements, caught, ratios):
    """A table of models and batch sizes, and totals with their intervals."""
    rows = []
    for name, size in itertools.product(subjects, SIZES):
        differing, asked = (int(sum(audit.figures[key] for audit in agreements[name])) for key in ("differing", "n"))
        cells = [_of(caught[name, size, speed_up]) for speed_up in speed_ups]
        largest = f"{max(ratios[name, size, 1.0]):.2f}"
        rows.append([name, str(size), f"{differing} of {asked:,}", largest, *cells])
    titles = ["model", "batch", "answers that differ", "largest ratio", "alarms, clean"]
    print(table([*titles, *(f"caught, {s:g} times as fast" for s in speed_ups[1:])], rows, 1))
    for speed_up in speed_ups[1:]:
        of = [hit for key, several in caught.items() if key[2] == speed_up for hit in several]
        low, high = (100 * share for share in proportion_interval(sum(of), len(of)))
        print(f"\n{speed_up:g} times as fast: caught {_of(of)} (95 % interval {low:.1f} to {high:.1f} %)")
    clean = [hit for key, several in caught.items() if key[2] == 1 for hit in several]
    alarms = [not audit.passed for several in agreements.values() for audit in several]
    for what, of in (("repetition", clean), ("agreement", alarms)):
        bound = 100 * proportion_upper_bound(sum(of), len(of), 0.95)
        print(f"\nfalse alarms of {what}: {_of(of)}, at most {bound:.2f} % (exact one-sided 95 % bound)")


def _of(hits):
    return f"{sum(hits)} of {len(hits)}"


if __name__ == "__main__":
    main()
