"""Reuse: fits and what they gave, kept in the user's cache under all that they depend on, for later sessions.

An entry is a file of JSON, which begins with the SHA-256 of the rest, and beside it the fitted estimator, where it can
be written as data that holds no code. Nothing in it is executed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from fitgate.data import cache_directory, lent
from fitgate.data.digest import digest
from fitgate.data.split import rows_of
from fitgate.engines import NotServed
from fitgate.errors import FitgateError
from fitgate.executor import ExecutorError, Process
from fitgate.files import FileError, contents, private_directory, write
from fitgate.machine import Environment, changes, distributions_of, environment
from fitgate.machine.imports import Sources
from fitgate.metrics import Metric
from fitgate.model import Model
from fitgate.record import Settings, encode
from fitgate.record.arrays import Arrays
from fitgate.runs import SeedRun
from fitgate.runs.interpreter import Interpreter
from fitgate.runs.parameters import Description, Undescribed
from fitgate.runs.side_effects import watched
from fitgate.runs.writing import Written, read_again, written
from fitgate.tasks import TaskData

LONGEST = 2**30  # bytes of an entry
FEW = 100  # examples by which what was written is compared with what it was written of
# Of the environment, what decides how libraries compute.
VARIABLES = ("JAX_", "XLA_", "CUDA_", "OMP_", "OPENBLAS_", "MKL_", "NUMEXPR_", "TF_", "KERAS_", "TORCH_")


class Dependencies(msgspec.Struct, frozen=True):
    """All that a fit and its answers depend on.

    Attributes:
        sources: SHA-256 of the files that declare and build the model, and of what they import from the project.
        parameters: SHA-256 of the unfitted estimator in words, and of what builds it.
        data, target: SHA-256; of the target with its kind.
        outputs: what was asked for: names of what the task's metrics read.
        settings: that decide how models are fitted.
        environment: of the machine and its libraries.
        variables: of the process's environment.
    """

    sources: dict[str, str]
    parameters: str
    data: str
    target: str
    outputs: list[str]
    settings: dict[str, str]
    environment: Environment
    variables: dict[str, str]

    def differs(self, now: Dependencies) -> str:
        """What has changed, as a clause; empty where nothing has."""
        files = sorted({*self.sources, *now.sources})
        changed = [name for name in files if self.sources.get(name) != now.sources.get(name)]
        if changed:
            shown = [Path(name).name if Path(name).is_absolute() else name for name in changed[:3]]
            more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
            return f"{', '.join(shown)}{more} changed"
        for what in ("parameters", "data", "target", "outputs", "settings", "variables"):
            if getattr(self, what) != getattr(now, what):
                return f"its {what} changed"
        return ", ".join(changes(self.environment, now.environment))


class Finding(msgspec.Struct, frozen=True):
    """What a contract check found of a fit; that it holds to it where both texts are empty.

    Attributes:
        broken: what is wrong, as a sentence.
        inapplicable: why the check says nothing of it, as a clause.
    """

    broken: str = ""
    inapplicable: str = ""


class Entry(msgspec.Struct, frozen=True, eq=False):
    """What is kept of a fit.

    Attributes:
        dependencies: what it depends on.
        run: the fit, and what it gave.
        when: it was fitted, ISO 8601.
        form, digest: of the estimator's file; empty where there is none.
        contracts: what checks found of it, by their names.
    """

    dependencies: Dependencies
    run: SeedRun
    when: str
    form: str = ""
    digest: str = ""
    contracts: dict[str, Finding] = {}

    def is_of(self, other: Entry) -> bool:
        """Whether it is of the very same fit."""
        return (self.dependencies, self.run.fit, self.when) == (other.dependencies, other.run.fit, other.when)


class Looked(NamedTuple):
    """What was found of a fit.

    Attributes:
        entry: that serves; None where none does.
        refusal: why what was kept does not; empty where nothing was kept.
        dependencies: of the fit, now; None where they can't be told.
        trusted: names of what the estimator is made of.
    """

    entry: Entry | None
    refusal: str
    dependencies: Dependencies | None
    trusted: frozenset[str]


class Kept:
    """The fits of a project, each looked up once a session.

    Args:
        root: of the project.
        settings: what is in force.
        libraries: whose versions count besides those of the estimators.
        metrics: by name.
        progress: is given, in words, what may take long, and is a context around it.
        say: is given a line for the user.

    Raises:
        FitgateError: if the directory is not the user's alone.
    """

    def __init__(
        self,
        root: Path,
        settings: Settings,
        libraries: Iterable[str],
        metrics: Callable[[], Mapping[str, Metric]],
        progress: Callable[[str], AbstractContextManager[None]],
        say: Callable[[str], None],
    ):
        own = hashlib.sha256(str(root.absolute()).encode()).hexdigest()[:16]
        self._directory = private_directory(private_directory(cache_directory() / "fits") / own)
        self._root, self._libraries, self._metrics = root, list(libraries), metrics
        self._progress, self._say = progress, say
        self._settings = {"threads": str(settings.threads), "backend": settings.backend}
        self._variables = {name: value for name, value in sorted(os.environ.items()) if name.startswith(VARIABLES)}
        self._looked: dict[str, Looked] = {}
        self._unwritten: list[tuple[str, Model, int, Any, Any]] = []
        self._made: dict[str, Entry] = {}
        self._contracts: dict[str, dict[str, Finding]] = {}
        self._known = 0

    def found(self, model: Model, data: TaskData, seed: int) -> SeedRun | None:
        """See `fitgate.runs.reuse.Reuse`; values of metrics are computed anew, by today's."""
        looked = self._look(model, data, seed)
        if looked.entry is None:
            return None
        run, when = looked.entry.run, looked.entry.when
        own = [data.own(self._metrics()[name]) for name in data.task.metric_names]
        values = {metric.name: metric.value(data.y_tested, run.evaluation.outputs) for metric in own}
        finite = {name: value if np.isfinite(value) else None for name, value in values.items()}
        fit = msgspec.structs.replace(run.fit, cached=when, renewed="")
        return SeedRun(fit, msgspec.structs.replace(run.evaluation, metrics=finite))

    def refusal(self, model: Model, data: TaskData, seed: int) -> str:
        """See `fitgate.runs.reuse.Reuse`."""
        return self._look(model, data, seed).refusal

    def estimator(self, model: Model, data: TaskData, seed: int) -> Any:
        """See `fitgate.runs.reuse.Reuse`."""
        looked = self._look(model, data, seed)
        entry, path = looked.entry, self._path(model, data, seed, "estimator")
        if entry is None or not entry.form:
            return None
        with suppress(Exception):  # of whatever reading a damaged file raises: it is fitted again
            content = contents(path, 4 * LONGEST)
            if hashlib.sha256(content).hexdigest() == entry.digest:
                return read_again(Written(entry.form, content), partial(model.build, seed), looked.trusted)
        self._say(f"{model.name} on {data.task.name} is fitted again: its kept estimator is damaged")
        return None

    def keep(self, model: Model, data: TaskData, run: SeedRun, estimator: Any = None) -> None:
        """See `fitgate.runs.reuse.Reuse`; an estimator is written at the end of the session."""
        looked = self._look(model, data, run.fit.seed)
        if looked.dependencies is None or run.fit.elsewhere:
            return
        self._write(model, data, Entry(looked.dependencies, run, datetime.now(UTC).isoformat(timespec="seconds")))
        if estimator is not None and data.dataset.folds is None:
            rows = np.arange(min(FEW, len(data.dataset.test)))
            examples = rows_of(data.dataset.test.X, rows)
            self._unwritten.append((self._key(model, data, run.fit.seed), model, run.fit.seed, estimator, examples))

    def contract(self, model: Model, data: TaskData, seed: int, name: str) -> Finding | None:
        """What a check found of a fit that serves; None where that is not known."""
        entry = self._look(model, data, seed).entry
        found = entry.contracts.get(name) if entry else None
        self._known += found is not None
        return found

    def keep_contract(self, model: Model, data: TaskData, seed: int, name: str, finding: Finding) -> None:
        """Keep what a check found of a fit, at the end of the session."""
        if self._look(model, data, seed).dependencies is not None:
            self._contracts.setdefault(self._key(model, data, seed), {})[name] = finding

    def finish(self) -> None:
        """Write what checks found, and the estimators of what was kept now."""
        served = sum(looked.entry is not None for looked in self._looked.values())
        if served:
            known = f", and what {self._known} contract checks found of them" if self._known else ""
            self._say(f"CACHED, of earlier sessions: {served} of {len(self._looked)} fits{known}")
        self._write_estimators()
        for key, found in self._contracts.items():
            with suppress(FileError, FitgateError):
                if (entry := self._own(key)) is not None:
                    _save(self._file(key), msgspec.structs.replace(entry, contracts=entry.contracts | found))

    def _own(self, key: str) -> Entry | None:
        """What is kept of the very fit that this session made or used; None where another session kept another since.

        Raises:
            FitgateError: if it is damaged.
        """
        own, entry = self._made.get(key) or self._looked[key].entry, _read(self._file(key))
        return entry if own is not None and entry.is_of(own) else None

    def _file(self, key: str) -> Path:
        return self._directory / f"{key}.json"

    def _write_estimators(self) -> None:
        """Write them in a process of its own: some end the one that writes them."""
        ahead, self._unwritten = self._unwritten, []
        if not ahead:
            return
        with self._progress(f"keeping {len(ahead)} fitted models for --fit-reuse"):
            process: Process | None = None
            for key, model, seed, estimator, examples in ahead:
                process = process or Process(_Writer, label="keeping fitted models")
                trusted = self._looked[key].trusted
                try:
                    found: Written | None = process.ask("write", estimator, model.build, seed, trusted, examples)
                except ExecutorError:
                    process.kill()
                    process = found = None
                except Exception:  # of whatever writes it
                    found = None
                if found is not None:
                    with suppress(FileError, FitgateError):
                        self._add_estimator(key, found)
            if process is not None:
                process.close()

    def _add_estimator(self, key: str, found: Written) -> None:
        if (entry := self._own(key)) is None:
            return
        write(self._directory / f"{key}.estimator", found.content)
        digest_of = hashlib.sha256(found.content).hexdigest()
        _save(self._file(key), msgspec.structs.replace(entry, form=found.form, digest=digest_of))

    def _look(self, model: Model, data: TaskData, seed: int) -> Looked:
        key = self._key(model, data, seed)
        if key not in self._looked:
            self._looked[key] = self._looked_up(model, data, seed)
        return self._looked[key]

    def _looked_up(self, model: Model, data: TaskData, seed: int) -> Looked:
        if not model.is_trained:
            return Looked(None, "", None, frozenset())
        path = self._path(model, data, seed, "json")
        try:
            now, trusted = self._dependencies(model, data, seed)
        except Undescribed as error:
            self._say(f"{model.name} on {data.task.name} can't be kept for --fit-reuse: it holds {error}")
            return Looked(None, "", None, frozenset())
        except Exception:  # of whatever building it raises: fitting it says so
            return Looked(None, "", None, frozenset())
        if not os.path.lexists(path):
            return Looked(None, "", now, trusted)
        try:
            entry = _read(path)
        except FitgateError as error:
            return self._refused(model, data, f"what was kept is damaged ({error.found})", now, trusted)
        fit, evaluation = entry.run.fit, entry.run.evaluation
        names = {(fit.model, fit.task), (evaluation.model, evaluation.task)}
        if names != {(model.name, data.task.name)} or fit.seed != seed or evaluation.n != len(data.y_tested):
            return self._refused(model, data, "what was kept is another model's", now, trusted)
        if why := entry.dependencies.differs(now):
            return self._refused(model, data, why, now, trusted)
        return Looked(entry, "", now, trusted)

    def _refused(self, model: Model, data: TaskData, why: str, now: Dependencies, trusted: frozenset[str]) -> Looked:
        self._say(f"{model.name} on {data.task.name} is fitted again: {why}")
        return Looked(None, why, now, trusted)

    def _dependencies(self, model: Model, data: TaskData, seed: int) -> tuple[Dependencies, frozenset[str]]:
        """What a fit depends on, and the names of what its estimator is made of."""
        with watched(seed) as traces, Interpreter():
            estimator = model.build(seed)
            traces.built()
        of_build, of_estimator = Description(model.build), Description(estimator)
        files = [Path(file) for file in (*of_build.files, *of_estimator.files)]
        metrics = self._metrics()
        found = Dependencies(
            sources=self._sources.of(*files),
            parameters=of_estimator.digest + of_build.digest,
            data=data.dataset.digest,
            target=f"{data.kind} {digest(np.asarray(data.y_train))} {digest(np.asarray(data.y_test))}",
            outputs=sorted({metrics[name].reads for name in data.task.metric_names}),
            settings=self._settings,
            environment=self._environment(tuple(sorted(of_estimator.names))),
            variables=self._variables,
        )
        return found, of_estimator.names

    def _environment(self, names: tuple[str, ...]) -> Environment:
        return environment([*self._libraries, *distributions_of(names)])

    @cached_property
    def _sources(self) -> Sources:
        return Sources(self._root)

    def _write(self, model: Model, data: TaskData, entry: Entry) -> None:
        self._made[self._key(model, data, entry.run.fit.seed)] = entry
        try:
            _save(self._path(model, data, entry.run.fit.seed, "json"), entry)
        except (FileError, NotImplementedError, TypeError, ValueError) as error:
            self._say(f"{model.name} on {data.task.name} could not be kept for --fit-reuse: {error}")

    def _path(self, model: Model, data: TaskData, seed: int, suffix: str) -> Path:
        return self._directory / f"{self._key(model, data, seed)}.{suffix}"

    @staticmethod
    def _key(model: Model, data: TaskData, seed: int) -> str:
        profile = data.dataset.profile
        return "-".join(filter(None, (model.name, data.task.name, profile, str(seed))))


class _Writer:
    """What the process keeps that writes estimators."""

    def write(
        self, estimator: Any, build: Callable[[int], Any], seed: int, trusted: frozenset[str], examples: Any
    ) -> Written:
        """A fitted estimator as data, which answers as it does when it is read again.

        Raises:
            NotServed: if it does not.
        """
        found = written(estimator)
        again = read_again(found, partial(build, seed), trusted)
        before, after = (np.asarray(one.predict(lent(examples))) for one in (estimator, again))
        if not np.array_equal(before, after):
            raise NotServed("it answers otherwise when it is read again")
        return found


def _save(path: Path, entry: Entry) -> None:
    content = encode(entry)
    write(path, hashlib.sha256(content).hexdigest().encode() + b"\n" + content)


def _read(path: Path) -> Entry:
    """An entry.

    Raises:
        FitgateError: if it is damaged, or can't be read.
    """
    try:
        stated, _, content = contents(path, LONGEST).partition(b"\n")
        if hashlib.sha256(content).hexdigest().encode() != stated:
            raise ValueError("other content than it was written with")
        return msgspec.json.decode(content, type=Entry, dec_hook=Arrays())
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise FitgateError(path, found=str(error), expected="what was kept", next_step="delete it") from error
