"""Stored baselines: how a file holds one, and how it is read, whoever wrote it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fitgate.files import contents, write
from fitgate.gates.baseline import SCHEMA, About, Baseline, Kept
from fitgate.gates.errors import BaselineError
from fitgate.gates.npz import MOST, Archive
from fitgate.gates.soundness import check_content

MOST_OTHERS = 8  # environments besides the one that a baseline began with
# What the arrays of each environment are called, first of the one that it began with.
NAMES = [
    tuple(f"{what}-{i}" if i else what for what in ("predictions", "ranks", "probabilities"))
    for i in range(1 + MOST_OTHERS)
]
PARTS = {"about", *(name for names in NAMES for name in names)}
LONGEST_ABOUT = 2**20  # bytes


def read_baseline(path: Path, at: Path | None = None) -> Baseline | None:
    """Read a baseline; None where there is none. One of an older schema is upgraded.

    Args:
        path: of the file, by which errors call it.
        at: where its content is found, if that is elsewhere.

    Raises:
        BaselineError: if the file is damaged or edited, of an unknown schema, or over 512 MiB, its arrays together
            likewise, or if what it holds can be no model's output.
    """
    archive = _open(path, at)
    if archive is None:
        return None
    about = _about(path, archive)
    try:
        own, *others = (_kept(archive, names) for names in NAMES[: 1 + len(about.others)])
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    if len(archive.members) != 1 + sum(a is not None for kept in (own, *others) for a in kept.arrays):
        raise _damaged(path, "arrays of environments that it does not describe")
    baseline = Baseline(about, *own.arrays, others)
    if written := baseline.altered:
        raise BaselineError(
            path,
            found="other arrays than those it was written with",
            expected=f"arrays of SHA-256 {written}",
            next_step="restore the file from git",
        )
    check_content(baseline, path)
    return baseline


def read_about(path: Path, at: Path | None = None) -> About | None:
    """What a baseline's file says of itself, without its arrays; arguments and errors as for `read_baseline`."""
    archive = _open(path, at)
    return None if archive is None else _about(path, archive)


def _kept(archive: Archive, names: Sequence[str]) -> Kept:
    predictions, *further = names
    return Kept(archive.array(predictions), *(archive.array(n) if n in archive.members else None for n in further))


def _open(path: Path, at: Path | None) -> Archive | None:
    try:
        return Archive(contents(at or path, MOST), PARTS)
    except FileNotFoundError as error:
        if not (at or path).is_symlink():
            return None
        raise _damaged(path, "a link to nothing") from error
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error
    except ValueError as error:
        raise _damaged(path, str(error)) from error


def _about(path: Path, archive: Archive) -> About:
    try:
        encoded = archive.array("about")
        if encoded.dtype != np.uint8 or encoded.size > LONGEST_ABOUT:
            raise ValueError("no description of itself")
        content = msgspec.json.decode(encoded.tobytes(), type=dict[str, Any])
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise _damaged(path, str(error)) from error
    schema = content.get("schema")
    if type(schema) is not int or schema not in {SCHEMA, *UPGRADES}:
        raise BaselineError(
            path,
            found=f"schema {str(schema)[:20]}",
            expected=f"{SCHEMA} or an older one",
            next_step="use the version of fitgate that wrote it, or bless a run again",
        )
    while content["schema"] != SCHEMA:
        content = UPGRADES[content["schema"]](content)
    try:
        about = msgspec.convert(content, About)
    except (msgspec.ValidationError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    if len(about.others) > MOST_OTHERS:
        raise _damaged(path, f"{len(about.others)} further environments, of {MOST_OTHERS} that there may be")
    if not all(map(str.isprintable, (about.profile, about.model, about.task, about.data_digest, about.content))):
        raise _damaged(path, "names that can't be shown")
    return about


def _damaged(path: Path, found: str) -> BaselineError:
    return BaselineError(
        path,
        found=f"a damaged file ({found})",
        expected="a baseline that `fitgate bless` wrote",
        next_step="restore it from git, or bless a run again",
    )


def _to_second(about: dict[str, Any]) -> dict[str, Any]:
    """Schema 1 knew no probabilities: it lacks nothing else."""
    return {**about, "schema": 2}


def _to_third(about: dict[str, Any]) -> dict[str, Any]:
    """Schema 2 did not know which files were blessed together: such mix freely."""
    return {**about, "schema": 3}


def _to_fourth(about: dict[str, Any]) -> dict[str, Any]:
    """Schema 3 knew one environment, and not on what its estimator computed."""
    return {**about, "schema": 4}


UPGRADES: dict[Any, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _to_second, 2: _to_third, 3: _to_fourth}


def encoded(baseline: Baseline) -> bytes:
    """A baseline as a file holds it, the same bytes for the same content.

    Raises:
        BaselineError: if its arrays are over 512 MiB, which `read_baseline` would refuse.
    """
    arrays: dict[str, NDArray[Any] | None] = {"about": np.frombuffer(msgspec.json.encode(baseline.about), np.uint8)}
    for names, kept in zip(NAMES, baseline.kept, strict=False):  # `read_baseline` would refuse more
        arrays |= zip(names, kept.arrays, strict=True)
    size = sum(array.nbytes + 1024 for array in arrays.values() if array is not None)
    if size > MOST:
        raise BaselineError(
            f"the baseline of {baseline.about.model} on {baseline.about.task}",
            found=f"arrays of {size:,} bytes",
            expected=f"{MOST:,} or fewer",
            next_step="bless fewer seeds or environments, or let the gate read a metric of predictions",
        )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        for name, array in arrays.items():
            if array is not None:
                content = io.BytesIO()
                np.lib.format.write_array(content, array, allow_pickle=False)
                archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue(), zipfile.ZIP_LZMA)
    return file.getvalue()


def write_baseline(baseline: Baseline, path: Path) -> None:
    """Write a baseline in one step."""
    write(path, encoded(baseline))
