"""Whether a record's single queries are the models' own: a script of ten lines times the same estimators alone.

`python -m tests.benchmarks.alone reports/full --models torch_cnn,cnn,forest`, in the directory of the project, on the
machine of the record and with nothing beside it. Each model is fitted once as the record's session fitted it, and then
the script, which knows nothing of fitgate, loads it in fresh processes that take turns. The status is 1 where a
figure of the record differs from the script's by more than 10 %. Beside other load, threads that wait for each other
make either up to two hundred times as long.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import geometric_mean

import numpy as np

from fitgate.executor import save
from fitgate.latency.timing import ALIKE, SINGLE
from fitgate.plugin.project import project
from fitgate.record import read
from fitgate.report.tables import table
from fitgate.runs import train
from fitgate.statistics import quiet_level

SCRIPT = """\
import os, pickle, sys, time, numpy
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[3]) or None])
model, X = pickle.load(open(sys.argv[1], "rb")), numpy.load(sys.argv[2])
model.predict(X[:1])
found, until = [], time.perf_counter() + float(sys.argv[4])
while time.perf_counter() < until:
    query, started = X[numpy.random.randint(len(X), size=1)], time.perf_counter()
    model.predict(query)
    found.append(time.perf_counter() - started)
print(*found)
"""
WARM_UP = 1.0  # seconds
MOST = 0.1  # by which figures differ


def alone(files, cores, seconds):
    """What a single query takes alone while the machine is quiet, in seconds."""
    command = [sys.executable, "-c", SCRIPT, *map(str, files), str(cores or 0), str(WARM_UP + seconds)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = np.array(out.split(), float)
    found = found[np.searchsorted(np.cumsum(found), min(WARM_UP, found.sum() / 2)) :]
    return quiet_level(found.tolist(), ALIKE)


def shown(levels):
    """Milliseconds: the geometric mean, as a timing's, and from the quickest process to the slowest."""
    return "{:.4g} ({:.4g} to {:.4g})".format(
        *(1e3 * level for level in (geometric_mean(levels), min(levels), max(levels)))
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("record", type=Path, help="record.json of a run, or the directory that holds it")
    parser.add_argument("--models", default="", help="names, with commas between; default: all that it timed")
    parser.add_argument("--processes", type=int, default=5, help="of each model (default: 5)")
    parser.add_argument("--seconds", type=float, default=1.5, help="that each process asks (default: 1.5)")
    options = parser.parse_args()
    record = read(options.record)
    around = project(Path.cwd(), record.settings.profile)
    timings = {t.model: t for t in record.native_timings if t.scenario == SINGLE.name}
    names = options.models.split(",") if options.models else list(timings)
    subjects, found = {}, {name: [] for name in names}
    with tempfile.TemporaryDirectory() as directory:
        for name in names:
            data = around.tasks[timings[name].task]
            seed = next(fit.seed for fit in record.fits if (fit.model, fit.task) == (name, timings[name].task))
            print(f"fitting {name} with seed {seed}", file=sys.stderr, flush=True)
            estimator = train(around.models[name], data, seed).estimator
            parts = {"estimator": estimator, "examples": data.dataset.test.X}
            subjects[name] = [save(Path(directory), f"{name}-{k}", v) for k, v in parts.items()]
        for number in range(options.processes):
            load = os.getloadavg()[0]
            print(f"process {number + 1} of {options.processes} each, load {load:.1f}", file=sys.stderr, flush=True)
            for name in names:
                cores = timings[name].threads or record.settings.threads
                found[name].append(alone(subjects[name], cores, options.seconds))
    rows, ratios = [], []
    for name in names:
        ratios.append(geometric_mean(timings[name].levels) / geometric_mean(found[name]))
        rows.append([name, shown(timings[name].levels), shown(found[name]), f"{ratios[-1]:.3f}"])
    print(table(["model", "record, ms", "alone, ms", "ratio"], rows, 1))
    return int(any(abs(ratio - 1) > MOST for ratio in ratios))


if __name__ == "__main__":
    sys.exit(main())
