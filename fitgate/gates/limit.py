"""Limits: the number that a gate holds to, one for all profiles or one for each, and the line that declares it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fitgate.errors import declaring_frame
from fitgate.metrics import Metric
from fitgate.tasks import Task, TaskError

Limit = float | Mapping[str, float]


def limit(what: str, number: float | None, profiles: Mapping[str, float | None]) -> Limit:
    """A gate's number as it was declared: one number, or one by profile.

    Args:
        what: the gate, for errors.
        number: for all profiles.
        profiles: by profile; None where the gate does not apply.

    Raises:
        TaskError: if there is both, or neither.
    """
    by_profile = {profile: float(value) for profile, value in profiles.items() if value is not None}
    if (number is None) == (not by_profile):
        raise TaskError(
            what,
            found="a number for all profiles and others by profile" if by_profile else "no number",
            expected="one number, or one for each profile by its name",
            next_step="give just one of the two",
        )
    return by_profile if number is None else float(number)


def on_profile(declared: Limit, profile: str) -> float | None:
    """The number on a profile; None where the gate does not apply."""
    return declared.get(profile) if isinstance(declared, Mapping) else declared


def profiles_of(declared: Limit) -> tuple[str, ...]:
    """The profiles that there are numbers for; empty where one number is for all."""
    return tuple(declared) if isinstance(declared, Mapping) else ()


def check_profiles(what: str, declared: Limit, task: Task) -> None:
    """Refuse a number for a profile that the task's dataset does not have.

    Raises:
        TaskError: if there is one.
    """
    if isinstance(task.dataset, str) or not isinstance(declared, Mapping):
        return
    for profile in declared:
        if profile not in task.dataset.profiles:
            raise TaskError(
                what,
                found=f"a number for profile {profile!r}",
                expected=f"one of {task.dataset.name}'s: {', '.join(task.dataset.profiles) or 'it has none'}",
                next_step="correct the profile's name",
            )


def check_margin(what: str, declared: Limit, profile: str, metric: Metric) -> None:
    """Refuse a margin that no fall of a metric could reach, or that is no positive number.

    Raises:
        TaskError: if it is such.
    """
    margin, (low, high) = on_profile(declared, profile), metric.range
    if margin is not None and not 0 < margin < high - low:
        raise TaskError(
            what,
            found=f"a margin of {margin:g}",
            expected=f"a positive number below {high - low:g}",
            next_step="correct the margin, which is in the metric's own unit: 0.01 is a point of a share",
        )


def declared_at() -> str:
    """File and line, as `models/forest.py:31`, of the code outside this package that is being run."""
    frame = declaring_frame()
    path = Path(frame.f_code.co_filename)
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else Path(path.parent.name, path.name)
    return f"{shown.as_posix()}:{frame.f_lineno}"
