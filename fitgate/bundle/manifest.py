"""The manifest: what is in a bundle, and by which digest."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from fitgate.engines import PORTABLE
from fitgate.errors import FitgateError
from fitgate.record import KeptData, KeptModel, Record

FORMAT = 1
MANIFEST, RECORD = "manifest.json", "record.json"
DIGEST = r"[0-9a-f]{64}"
NAME = re.compile(rf"{MANIFEST}|{RECORD}|kept/{DIGEST}")


class BundleError(FitgateError):
    """A bundle that can't be made, or that can't be used."""


class Version(msgspec.Struct):
    """Of a manifest, the one field that says how to read the others."""

    format: Any = None


class Manifest(msgspec.Struct, frozen=True):
    """What is in a bundle.

    Attributes:
        format: version of this layout.
        models: fitted models, each on the task that it is asked; and those that are not there, with the reason.
        data: the examples of these tasks' test splits.
        record: SHA-256 of the session's record, which holds the data's description, the truth and the native answers.
        fitgate: the version that packed it.
    """

    format: int
    models: list[KeptModel]
    data: list[KeptData]
    record: str
    fitgate: str


def member(digest: str) -> str:
    """The name of a member that has a digest."""
    return f"kept/{digest}"


def fault(manifest: Manifest, record: Record) -> str:
    """What of a manifest does not fit the record beside it, as a noun; empty for nothing."""
    tasks = {task.name: task for task in record.tasks}
    data = {kept.dataset for kept in manifest.data}
    answered = {(e.model, e.task) for e in record.evaluations}
    if not manifest.models:
        return "no model"
    for kept in manifest.models:
        where = f"{kept.model} on {kept.task} by {kept.engine}"
        if kept.reason:
            continue
        if kept.loader not in PORTABLE:
            return f"{where}, to be loaded by {kept.loader!r}, which there is not"
        if (kept.model, kept.task) not in answered or kept.task not in tasks:
            return f"{where}, of which there are no answers"
        if tasks[kept.task].dataset not in data:
            return f"{where}, of which there are no examples"
    if len({(kept.model, kept.engine) for kept in manifest.models}) < len(manifest.models):
        return "a model twice"
    return ""
