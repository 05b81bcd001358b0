"""The archive of baselines: a directory of files, each of a model on a task and on the data that it was judged by."""

from __future__ import annotations

import glob
import re
from pathlib import Path

from fitgate.gates.baseline import Baseline, BaselineError, read_baseline

SHOWN = 8  # hexadecimal digits of the data's digest that name a file
NAME = re.compile(rf"[a-z][a-z0-9_]*-.+-[0-9a-f]{{{SHOWN}}}\.npz")


def baseline_file(directory: Path, profile: str, model: str, task: str, digest: str) -> Path:
    """Where a baseline lies: in a folder for its profile, if it has one, as `forest-digits-83632dfd.npz`.

    Args:
        directory: of all baselines.
        profile: of the data; empty where it has one size.
        model, task: names.
        digest: SHA-256 of the data, in hex.
    """
    return directory / profile / f"{model}-{task}-{digest[:SHOWN]}.npz"


def baseline_files(directory: Path, profile: str, model: str, task: str) -> list[Path]:
    """The baselines of a model on a task, whatever the data; arguments as for `baseline_file`."""
    pattern = glob.escape(f"{model}-{task}-") + "[0-9a-f]" * SHOWN + ".npz"
    return sorted((directory / profile).glob(pattern))


def other_files(directory: Path, profile: str, model: str, task: str, digest: str) -> list[Path]:
    """The baselines of the same model and task on other data, which stand beside; arguments as for `baseline_file`."""
    own = baseline_file(directory, profile, model, task, digest)
    return [path for path in baseline_files(directory, profile, model, task) if path != own]


def find_baseline(directory: Path, profile: str, model: str, task: str, digest: str) -> Baseline | None:
    """The baseline of a model on a task and on this data; None where there is none, of other data neither.

    Args: as for `baseline_file`.

    Raises:
        BaselineError: if there are only baselines of other data, or its file is damaged, was edited, or holds another.
    """
    path = baseline_file(directory, profile, model, task, digest)
    baseline = read_baseline(path)
    if baseline is None:
        for other in other_files(directory, profile, model, task, digest):
            found = read_baseline(other)
            if found is not None:
                raise BaselineError(
                    other,
                    found=f"a baseline of other data, SHA-256 {found.about.data_digest[:16]}",
                    expected=f"one of this data, {digest[:16]}",
                    next_step="restore the data, or bless a run on it and delete the old file",
                )
        return None
    about = baseline.about
    if (about.model, about.task, about.data_digest) != (model, task, digest):
        raise BaselineError(
            path,
            found=f"a baseline of {about.model} on {about.task}, data {about.data_digest[:16]}",
            expected=f"one of {model} on {task}, data {digest[:16]}",
            next_step="restore the file, or bless a run again",
        )
    return baseline


def check_names(folder: Path) -> list[tuple[Path, str]]:
    """The baselines in a folder, each with its model's name.

    Raises:
        BaselineError: if a file is named otherwise, so that no gate would find it.
    """
    paths = sorted(folder.glob("*.npz"))
    for path in paths:
        if not NAME.fullmatch(path.name):
            raise BaselineError(
                path,
                found="a name by which no gate finds it",
                expected=f"MODEL-TASK-DIGEST.npz, with the first {SHOWN} hex digits of its data's SHA-256",
                next_step="rename it, or bless a run again and delete it",
            )
    return [(path, path.name.partition("-")[0]) for path in paths]  # a model's name has no hyphen
