"""MNIST from OpenML, with a progress bar that scikit-learn's download lacks."""

from __future__ import annotations

import tempfile
import threading
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from fitgate.data.cache import Arrays
from fitgate.data.idx import DataError


def download_mnist(*, advice: str) -> Arrays:
    """All 70,000 digits of OpenML's `mnist_784`, version 1: images uint8 `(70000, 784)`, labels uint8 `(70000,)`.

    Raises:
        DataError: if OpenML can't be reached or answers with something else.
    """
    from sklearn.datasets import fetch_openml

    with tempfile.TemporaryDirectory(prefix="digit-bench-") as home, _progress(Path(home)):
        try:
            bunch = fetch_openml("mnist_784", version=1, as_frame=False, data_home=home)
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise DataError(
                "OpenML mnist_784 version 1",
                found=f"no download ({error})",
                expected="a network connection to OpenML",
                advice=f"connect and run again, or {advice}",
            ) from error
    return {"images": bunch.data.astype(np.uint8), "labels": bunch.target.astype(np.uint8)}


@contextmanager
def _progress(directory: Path) -> Iterator[None]:
    """Show how many bytes have arrived in `directory`, on the terminal, until the block ends."""
    from tqdm import tqdm

    done = threading.Event()

    def watch(bar: tqdm[None]) -> None:
        while not done.wait(0.2):
            bar.update(_size(directory) - bar.n)

    with tqdm(desc="OpenML mnist_784", unit="B", unit_scale=True, unit_divisor=1024) as bar:
        watcher = threading.Thread(target=watch, args=(bar,), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()


def _size(directory: Path) -> int:
    total = 0
    for path in directory.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue  # renamed while we looked
    return total
