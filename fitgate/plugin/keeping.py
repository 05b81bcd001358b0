"""Keeping: fitted models that are timed, beside the record and as no pickle, for `fitgate pack`."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from fitgate.bundle.examples import examples_packed
from fitgate.bundle.kept import kept_file
from fitgate.data import Dataset, lent
from fitgate.data.split import rows_of
from fitgate.engines import JAX_EXPORT, NATIVE, SKOPS, Engine, NotServed, is_portable
from fitgate.executor import ExecutorError, run
from fitgate.files import write
from fitgate.model import Work
from fitgate.plugin.serving import Serving
from fitgate.plugin.timer import Timed
from fitgate.protocols import Exports, offered
from fitgate.record import Entry, KeptData, KeptModel
from fitgate.tasks import Task


class Keeping:
    """Keeps each timed model once a session, which is one of a single process: others time nothing.

    Args:
        data_of: a task's dataset.
        serving: has models served by engines.
        emit: is given each entry.
        progress: is given, in words, what may take long, and is a context around it.
    """

    def __init__(
        self,
        data_of: Callable[[Task], Dataset],
        serving: Callable[[], Serving],
        emit: Callable[[Entry], None],
        progress: Callable[[str], AbstractContextManager[None]],
    ):
        self._data_of, self._serving, self._emit, self._progress = data_of, serving, emit, progress
        self._emitted: set[str] = set()

    def keep(self, timed: Timed, work: Work | None) -> None:
        """Keep a model as it is timed; of an estimator itself what skops writes, or the network that it exports."""
        task = timed.subject.model.timed_task
        if timed.artefact is not None:
            engine = timed.artefact.engine
            self._note(timed, engine.name, work, partial(self._artefact, engine, timed.artefact.content))
        elif offered(timed.subject.on(task).estimator, Exports) is None:
            self._note(timed, NATIVE, work, partial(self._estimator, timed))
        else:
            self._note(timed, JAX_EXPORT.name, work, partial(self._exported, timed))
        self._keep_data(task)

    @cached_property
    def directory(self) -> Path:
        """Where the files lie until the session ends."""
        self._own = tempfile.TemporaryDirectory(prefix="fitgate-kept-", ignore_cleanup_errors=True)
        return Path(self._own.name)

    def _note(self, timed: Timed, engine: str, work: Work | None, convert: Callable[[], tuple[str, bytes]]) -> None:
        names = timed.subject.model.name, timed.subject.model.timed_task.name, engine

        def kept() -> KeptModel:
            try:
                with self._progress(f"keeping {' '.join(names)}"):
                    loader, content = convert()
            except NotServed as error:
                return KeptModel(*names, reason=str(error))
            kernel, per_example = ("", None) if work is None else (work.kernel, float(work.per_example))
            return KeptModel(
                *names,
                loader=loader,
                digest=self._written(content),
                size=len(content),
                kernel=kernel,
                work_per_example=per_example,
                threads=timed.threads,
            )

        self._once_emitted(f"{'-'.join(names)}-kept", kept)

    def _once_emitted(self, key: str, compute: Callable[[], Entry]) -> None:
        if key not in self._emitted:
            self._emitted.add(key)
            self._emit(compute())

    def _artefact(self, engine: Engine, content: bytes) -> tuple[str, bytes]:
        if not is_portable(engine):
            raise NotServed(
                f"the engine {engine.name} is loaded by the project's own code, which is on no other machine"
            )
        return engine.name, content

    def _estimator(self, timed: Timed) -> tuple[str, bytes]:
        """What skops writes of an estimator, in a process of its own: some end the process that reads their parts."""
        task = timed.subject.model.timed_task
        X = rows_of(lent(self._data_of(task).test.X), np.arange(1))
        convert: Any = partial(SKOPS.converted, timed.subject.on(task).estimator, X)
        try:
            return SKOPS.name, run(convert, label=f"keeping {timed.named}")
        except NotServed:
            raise
        except ExecutorError as error:
            raise NotServed(f"skops can't write it: {error.found}") from None
        except Exception as error:
            raise NotServed(f"skops can't write it: {type(error).__name__}: {error}") from None

    def _exported(self, timed: Timed) -> tuple[str, bytes]:
        served = self._serving().timed(timed.subject, JAX_EXPORT)
        assert served.artefact is not None
        return JAX_EXPORT.name, served.artefact.content

    def _keep_data(self, task: Task) -> None:
        dataset = self._data_of(task)

        def kept() -> KeptData:
            try:
                content = examples_packed(dataset.test.X)
            except ValueError as error:
                return KeptData(dataset.name, reason=f"it has {error}, which can't be packed")
            return KeptData(dataset.name, self._written(content), len(content))

        self._once_emitted(f"{dataset.name}-data-kept", kept)

    def _written(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        write(kept_file(self.directory, digest), content)
        return digest
