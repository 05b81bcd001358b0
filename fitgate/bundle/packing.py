"""Packing: what a session kept beside its record, in one file."""

from __future__ import annotations

import hashlib
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

import msgspec

from fitgate.bundle.kept import kept_file
from fitgate.bundle.manifest import FORMAT, MANIFEST, RECORD, BundleError, Manifest, member
from fitgate.files import contents, written_whole
from fitgate.record import KeptData, KeptModel, Record, encode

MOST = 2**32  # bytes, of a file that was kept


def pack(record: Record, directory: Path, path: Path) -> Manifest:
    """Write a bundle of the fitted models that were kept beside a record; what is in it.

    Args:
        record: of a finished run.
        directory: that the record lies in.
        path: of the bundle.

    Raises:
        BundleError: if nothing was kept, or what was kept is missing or was changed.
        FileError: if the bundle can't be written.
    """
    data = {kept.dataset: kept for kept in record.kept_data}
    datasets = {task.name: task.dataset for task in record.tasks}
    answered = {(e.model, e.task) for e in record.evaluations}
    models = [_with_reason(kept, data.get(datasets.get(kept.task, "")), answered) for kept in record.kept_models]
    packed = [kept for kept in models if not kept.reason]
    if not packed:
        _refuse_empty(record, directory, models)
    tasks = {kept.task for kept in packed}
    used = [data[name] for name in dict.fromkeys(datasets[task] for task in tasks)]
    files = {kept.digest: kept_file(directory, kept.digest) for kept in packed} | {
        kept.digest: kept_file(directory, kept.digest) for kept in used
    }
    origin = encode(_about(record, {(kept.model, kept.task) for kept in packed}))
    manifest = Manifest(FORMAT, models, used, hashlib.sha256(origin).hexdigest(), version("fitgate"))
    with written_whole(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, msgspec.json.format(encode(manifest), indent=1))
        archive.writestr(RECORD, origin)
        for digest, source in files.items():
            archive.writestr(member(digest), _checked(source, digest))
    return manifest


def _with_reason(kept: KeptModel, data: KeptData | None, answered: set[tuple[str, str]]) -> KeptModel:
    """A model as the manifest has it: with the reason why it can't be asked elsewhere, if there is one."""
    reason = kept.reason
    if not reason and (data is None or data.reason):
        reason = data.reason if data else "the examples of its test split were not kept"
    if not reason and (kept.model, kept.task) not in answered:
        reason = "the run has no answers of it"
    return KeptModel(kept.model, kept.task, kept.engine, reason=reason) if reason else kept


def _about(record: Record, packed: set[tuple[str, str]]) -> Record:
    """What of a record is about the models that are packed, on the tasks that they are asked."""
    models, tasks = {model for model, _ in packed}, {task for _, task in packed}
    described = [task for task in record.tasks if task.name in tasks]
    metrics = {name for task in described for name in task.metrics}
    of = dict(packed)
    return Record(
        schema=record.schema,
        started=record.started,
        status="finished",
        settings=record.settings,
        selection=record.selection,
        commit=record.commit,
        workers=record.workers,
        environment=record.environment,
        datasets=[data for data in record.datasets if data.name in {task.dataset for task in described}],
        tasks=described,
        metrics=[metric for metric in record.metrics if metric.name in metrics],
        models=[msgspec.structs.replace(m, tasks=[of[m.name]]) for m in record.models if m.name in models],
        fits=[fit for fit in record.fits if (fit.model, fit.task) in packed],
        evaluations=[e for e in record.evaluations if (e.model, e.task) in packed],
        engines=[entry for entry in record.engines if (entry.model, entry.task) in packed],
    )


def _checked(source: Path, digest: str) -> bytes:
    try:
        content = contents(source, MOST)
    except OSError as error:
        raise BundleError(
            source,
            found=error.strerror or str(error),
            expected="what the session kept",
            next_step="bring it back, or repeat the run",
        ) from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise BundleError(
            source, found="content of another SHA-256", expected="what the session kept", next_step="repeat the run"
        )
    return content


def _refuse_empty(record: Record, directory: Path, models: list[KeptModel]) -> NoReturn:
    if not models:
        raise BundleError(
            directory,
            found="a run that kept no fitted model",
            expected="one under --fit-keep, which keeps those that it times",
            next_step="repeat it with --fit-keep, and with --fit-engines=all for the engines",
        )
    reasons = "; ".join(f"{kept.model} by {kept.engine}: {kept.reason}" for kept in models)
    raise BundleError(
        directory,
        found=f"no fitted model that can be packed ({reasons})",
        expected="one that another machine can load",
        next_step="repeat the run with --fit-engines=all, or give the models an engine",
    )
