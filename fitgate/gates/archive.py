"""The archive of baselines: a directory of files, each of a model on a task and on the data that it was judged by."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from fitgate.gates.baseline import SHOWN, About, Baseline, baseline_file
from fitgate.gates.errors import BaselineError
from fitgate.gates.soundness import check_baseline
from fitgate.gates.stored import read_about, read_baseline
from fitgate.gates.transaction import Standing

if TYPE_CHECKING:
    from fitgate.gates.evidence import Truth

T = TypeVar("T")

NAME = re.compile(rf"[a-z][a-z0-9_]*-.+-[0-9a-f]{{{SHOWN}}}\.npz")
ANCHOR = re.compile(NAME.pattern.replace(r"\.npz", r"\.anchor\.npz"))


def anchor_file(path: Path) -> Path:
    """The anchor beside a baseline: an earlier one, against which `fitgate bless` shows the drift of all later ones."""
    return path.with_suffix(".anchor.npz")


def page_file(path: Path) -> Path:
    """The page beside a baseline, which says in words and numbers what it holds."""
    return path.with_suffix(".md")


def baseline_files(directory: Path, profile: str, model: str, task: str) -> list[Path]:
    """The baselines of a model on a task, whatever the data; arguments as for `baseline_file`."""
    pattern = re.compile(re.escape(f"{model}-{task}-") + f"[0-9a-f]{{{SHOWN}}}\\.npz")
    return [path for path in Standing(directory).files(directory / profile) if pattern.fullmatch(path.name)]


def other_files(directory: Path, profile: str, model: str, task: str, digest: str) -> list[Path]:
    """The baselines of the same model and task on other data, which stand beside; arguments as for `baseline_file`."""
    own = baseline_file(directory, profile, model, task, digest)
    return [path for path in baseline_files(directory, profile, model, task) if path != own]


def find_baseline(directory: Path, profile: str, model: str, task: str, digest: str) -> Baseline | None:
    """The baseline of a model on a task and on this data; None where there is none, of other data neither.

    Args: as for `baseline_file`.

    Raises:
        BaselineError: if there are only baselines of other data, or its file is damaged, was edited, or holds another,
            or one that was blessed with it is of an earlier blessing.
    """
    path = baseline_file(directory, profile, model, task, digest)
    baseline = standing_baseline(directory, path)
    if baseline is None:
        for other in other_files(directory, profile, model, task, digest):
            found = standing_baseline(directory, other)
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
    _check_set(directory, path, about)
    return baseline


def sound_baseline(directory: Path, model: str, task: str, truth: Truth) -> Baseline | None:
    """The baseline of a model on a task and its data; None where there is none.

    Args:
        directory: of the baselines.
        model, task: their names.
        truth: of the task.

    Raises:
        BaselineError: as `find_baseline` and `check_baseline` do.
    """
    found = find_baseline(directory, truth.profile, model, task, truth.digest)
    if found is not None:
        check_baseline(found, model, task, truth)
    return found


def standing_baseline(directory: Path, path: Path) -> Baseline | None:
    """The baseline in a file of a directory, as an unfinished blessing has it; None where there is none.

    Raises:
        BaselineError: if it can't be read.
    """
    return _standing(read_baseline, Standing(directory), path)


def seeds_of(directory: Path, profile: str, model: str, task: str, digest: Callable[[], str]) -> list[int]:
    """The seeds of a baseline, without its arrays; empty where there is none that can be read.

    Args:
        directory, profile, model, task: as for `baseline_file`.
        digest: gives the data's, where the baselines of several data stand beside each other.
    """
    paths = baseline_files(directory, profile, model, task)
    if len(paths) > 1:
        paths = [baseline_file(directory, profile, model, task, digest())]
    try:
        found = [_standing(read_about, Standing(directory), path) for path in paths]
    except BaselineError:
        return []  # its gates say so
    return [seed for about in found if about is not None for seed in about.seeds]


def _standing(read: Callable[[Path, Path], T | None], standing: Standing, path: Path) -> T | None:
    return next((found for place in standing.places(path) if (found := read(path, place)) is not None), None)


def _check_set(directory: Path, path: Path, about: About) -> None:
    """Refuse a file beside which one of its set is older, or newer: they do not belong together.

    One that knows no set, as those of schema 2 and older, is of none that stands beside it.
    """
    own, standing = about.blessed, Standing(directory)
    folders = {directory, path.parent, *((directory / name).parent for name in (own.files if own else ()))}
    for other in (other for folder in sorted(folders) for other in standing.files(folder) if other != path):
        if ANCHOR.fullmatch(other.name):
            continue  # which is to be older
        try:
            found = _standing(read_about, standing, other)
        except BaselineError:
            continue  # it fails its own gates
        its = None if found is None else found.blessed
        names = path.relative_to(directory).as_posix(), other.relative_to(directory).as_posix()
        if its is None or (own is not None and its.id == own.id):
            continue
        if own is None:
            if names[0] in its.files:
                raise BaselineError(
                    path,
                    found=f"no entry of a blessing, though {names[1]} was blessed with it on {its.when}",
                    expected=f"the entry of {its.when}",
                    next_step="restore the directory of baselines from git whole, or bless a run again",
                )
            continue
        older, newer, absent = (own, its, names[0]) if own.when < its.when else (its, own, names[1])
        if absent in newer.files:
            raise BaselineError(
                path,
                found=f"files of two blessings: {absent} of {older.when} beside one of {newer.when}, which replaced it",
                expected=f"both of {newer.when}",
                next_step="restore the directory of baselines from git whole, or bless a run again",
            )


def check_names(directory: Path, profile: str) -> list[tuple[Path, str]]:
    """The baselines of a profile, each with its model's name.

    Raises:
        BaselineError: if a file is named otherwise, so that no gate would find it.
    """
    paths = [path for path in Standing(directory).files(directory / profile) if not ANCHOR.fullmatch(path.name)]
    for path in paths:
        if not NAME.fullmatch(path.name):
            raise BaselineError(
                path,
                found="a name by which no gate finds it",
                expected=f"MODEL-TASK-DIGEST.npz, with the first {SHOWN} hex digits of its data's SHA-256",
                next_step="rename it, or bless a run again and delete it",
            )
    return [(path, path.name.partition("-")[0]) for path in paths]  # a model's name has no hyphen
