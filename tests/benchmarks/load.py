"""A machine's load, for timings to be taken beside: `python -m tests.benchmarks.load`, until it is interrupted.

Each of two generators multiplies matrices on one core for a while, and rests for a while, both drawn anew each time
from an exponential distribution with a mean of one second: together, they are busy for as long as one core.
"""

import argparse
import multiprocessing
import time

import numpy as np
from threadpoolctl import threadpool_limits

SECONDS = 1.0  # on average, of work and of rest
SIDE = 256  # of the matrices


def generate(seed):
    """Work and rest, for good."""
    rng, factor = np.random.default_rng(seed), np.ones((SIDE, SIDE))
    with threadpool_limits(1):
        while True:
            until = time.perf_counter() + rng.exponential(SECONDS)
            while time.perf_counter() < until:
                factor @ factor
            time.sleep(rng.exponential(SECONDS))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generators", type=int, default=2, help="processes (default: 2)")
    options = parser.parse_args()
    several = [multiprocessing.Process(target=generate, args=(seed,)) for seed in range(options.generators)]
    for one in several:
        one.start()
    for one in several:
        one.join()


if __name__ == "__main__":
    main()
