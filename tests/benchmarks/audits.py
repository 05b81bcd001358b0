"""How often audits of timings alarm where a model is clean, and how often they catch one that remembers.

`python -m tests.benchmarks.audits --trials 60`, in the directory of a project: each of its models is fitted and
evaluated once; each trial asks it anew, in a fresh process and with a seed of its own, in the scenarios that are timed.
"""

import argparse
import itertools
import os
import sys
import tempfile
import time
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np

from fitgate.executor import Place, Process, save
from fitgate.latency.audit import Auditor
from fitgate.latency.opened import SPARING
from fitgate.latency.stopwatch import loaded
from fitgate.latency.timing import SCENARIOS
from fitgate.plugin.project import project
from fitgate.report.tables import table
from fitgate.runs import evaluate, train
from fitgate.statistics import proportion_interval, proportion_upper_bound

SIZES = (1, 8)
FACTOR = 0.2  # times a session's seconds of timing


class Remembering:
    """A model that answers examples of the test split by heart, in a share of the time that computing takes."""

    def __init__(self, estimator, X, speed_up):
        self._estimator, self._speed_up = estimator, speed_up
        self._known = {row.tobytes() for row in X}
        self._seconds = defaultdict(list)

    def predict(self, X):
        began = time.perf_counter()
        if self._seconds[len(X)][10:] and all(row.tobytes() in self._known for row in X):
            until = began + min(self._seconds[len(X)]) / self._speed_up
            while time.perf_counter() < until:
                pass
            return np.zeros(len(X))
        answers = self._estimator.predict(X)
        self._seconds[len(X)].append(time.perf_counter() - began)
        return answers


def opened(files, n, seed):
    """A process in which a model is asked."""
    return Process(partial(loaded, *files, n, seed), label="audits", place=Place(environment=SPARING))


def trial(model, data, files, evaluation, seed):
    """What the audits of a clean model found: whether its answers agree, and what turns with it showed."""
    n = len(data.dataset.test)
    with opened(files, n, seed) as process:
        auditor = Auditor(model, data, lambda: evaluation.predictions, None, seed)
        agreements = [auditor.agreement(s.name, process.ask("ask", s, FACTOR).answers) for s in SCENARIOS]
        return agreements, turns_of(process)


def turns_of(process):
    """By size, whether a model is caught remembering, and the largest ratio."""
    turns = {size: process.ask("take_turns", size, 1.0) for size in SIZES}
    return {size: (bool(of.remembered), max(map(of.speed_up, of.others))) for size, of in turns.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--models", default="", help="names, with commas between; default: all but the slow ones")
    parser.add_argument("--speed-ups", default="2,3,10", help="by what remembering is faster, beside the clean models")
    options = parser.parse_args()
    around = project(Path.cwd(), None)
    names = options.models.split(",") if options.models else [n for n, m in around.models.items() if not m.slow]
    speed_ups = [1.0, *map(float, filter(None, options.speed_ups.split(",")))]
    subjects, directory = {}, tempfile.TemporaryDirectory()
    for name in names:
        model = around.models[name]
        data = around.tasks[model.timed_task.name]
        trained, X = train(model, data, 42), data.dataset.test.X
        files = {}
        for speed_up in speed_ups:
            estimator = Remembering(trained.estimator, X, speed_up) if speed_up > 1 else trained.estimator
            parts = {"estimator": estimator, "examples": X}
            files[speed_up] = [save(Path(directory.name), f"{name}-{speed_up}-{k}", v) for k, v in parts.items()]
        subjects[name] = data, files, evaluate(trained, data, around.metrics)
    agreements, caught, ratios = defaultdict(list), defaultdict(list), defaultdict(list)
    for seed in range(options.trials):  # models take turns, so that all see the machine as it changes
        for name, (data, files, evaluation) in subjects.items():
            agrees, clean = trial(name, data, files[1.0], evaluation, seed)
            agreements[name] += agrees
            found = {1.0: clean}
            for speed_up in speed_ups[1:]:
                with opened(files[speed_up], len(data.dataset.test), seed) as process:
                    for scenario in SCENARIOS[:2]:  # it learns how long it takes
                        process.ask("ask", scenario, FACTOR)
                    found[speed_up] = turns_of(process)
            for speed_up, of in found.items():
                for size, (hit, ratio) in of.items():
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
