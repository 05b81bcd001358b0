"""Calibration kernels: small pieces of work whose speed is the machine's limit for what models do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
import numpy as np

from fitgate.clock import perf_counter

SECONDS = 0.1
LEAST_RUNS = 3


@dataclass(frozen=True)
class Kernel:
    """A piece of work.

    Attributes:
        name: what reports call it.
        unit: of its speed, such as GFLOP/s.
        prepare: returns a function that does the work once a call; None where the machine can't.
        work: how much that is, in the unit's numerator.
    """

    name: str
    unit: str
    prepare: Callable[[], Callable[[], Any] | None]
    work: float


class Calibration(msgspec.Struct, frozen=True, tag=True):
    """How fast a kernel ran.

    Attributes:
        kernel, unit: its name, and of its speeds.
        before: the model whose timings came next.
        speeds: of each run, after one that warms up.
    """

    kernel: str
    unit: str
    before: str
    speeds: list[float]

    @property
    def speed(self) -> float:
        """The median of them."""
        return float(np.median(self.speeds))


def calibrate(kernel: Kernel, before: str) -> Calibration | None:
    """Run a kernel for a tenth of a second, and at least three times after a warm-up; None where the machine can't."""
    run = kernel.prepare()
    if run is None:
        return None
    run()
    speeds: list[float] = []
    begun = perf_counter()
    while len(speeds) < LEAST_RUNS or perf_counter() - begun < SECONDS:
        started = perf_counter()
        run()
        speeds.append(kernel.work / (perf_counter() - started))
    return Calibration(kernel.name, kernel.unit, before, [float(f"{speed:.6g}") for speed in speeds])


def _gemm() -> Callable[[], Any]:
    """A product of two float32 matrices, 1,024 x 1,024, by NumPy's BLAS."""
    a, b = np.random.default_rng(0).random((2, GEMM_SIDE, GEMM_SIDE), np.float32)
    out = np.empty_like(a)
    return lambda: np.matmul(a, b, out=out)


def _copy() -> Callable[[], Any]:
    """A copy of 64 MiB, more than caches hold; bytes read and bytes written both count."""
    source = np.zeros(COPY_BYTES // 8)
    target = np.ones_like(source)
    return lambda: np.copyto(target, source)


@cache
def _tree() -> Callable[[], Any]:
    """Rows that fall through a complete binary tree of random thresholds, by scikit-learn, on all cores."""
    from concurrent.futures import ThreadPoolExecutor

    from sklearn.tree import DecisionTreeRegressor

    from fitgate.machine.environment import usable_cores

    rng = np.random.default_rng(0)
    leaves = 2**TREE_DEPTH
    rows = rng.random((TREE_ROWS, COLUMNS), np.float32)
    # Thresholds halve a feature of its own at each level, so every path is as long as the tree is deep.
    codes = np.arange(leaves)[:, None] >> np.arange(TREE_DEPTH)[None, ::-1] & 1
    tree = DecisionTreeRegressor().fit(np.pad(codes, ((0, 0), (0, COLUMNS - TREE_DEPTH))), np.arange(leaves)).tree_
    cores = usable_cores()
    parts = np.array_split(rows, cores)
    pool = ThreadPoolExecutor(cores)
    return lambda: list(pool.map(tree.apply, parts))


def _dispatch() -> Callable[[], Any]:
    """A thousand NumPy calls that do next to nothing."""
    one = np.zeros(1)

    def run() -> None:
        for _ in range(DISPATCHES):
            np.negative(one, out=one)

    return run


GEMM_SIDE = 1_024
COPY_BYTES = 64 * 2**20
TREE_DEPTH = 12
TREE_ROWS = 20_000
COLUMNS = 784  # as many as ever, so that speeds compare with published records
DISPATCHES = 1_000
KERNELS: Sequence[Kernel] = (
    Kernel("gemm", "GFLOP/s", _gemm, 2 * GEMM_SIDE**3 / 1e9),
    Kernel("copy", "GB/s", _copy, 2 * COPY_BYTES / 1e9),
    Kernel("tree", "M nodes/s", _tree, TREE_ROWS * TREE_DEPTH / 1e6),
    Kernel("dispatch", "k calls/s", _dispatch, DISPATCHES / 1e3),
)
