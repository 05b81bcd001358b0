"""Tampering: a project's own session with one thing changed that would have its gates judge wrongly."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest

from fitgate.gates import Outcome, Reason
from fitgate.record import Record, save
from fitgate.sabotage.errors import SabotageError
from fitgate.sabotage.misbehaviour import MISTIMED, UNJUDGED
from fitgate.sabotage.planting import GONE, NO_GATE, Plant
from fitgate.sabotage.sessions import Session, Sessions

HANGS = "a model that hangs"
PATIENCE = 10.0  # times as long as the sound fit, and so many seconds more


class Tampering(msgspec.Struct, frozen=True):
    """What was tampered with.

    Attributes:
        what: in words.
        caught: whether the session failed, and for this reason, where the same session passed before.
        message: what it concluded.
    """

    what: str
    caught: bool
    message: str = msgspec.field(name="told")


@dataclass(frozen=True)
class Subject:
    """The model of a project that is tampered with: the quickest whose gates pass.

    Attributes:
        name: of the model.
        seconds: that it took to fit, on all its tasks.
        record: of the sound session.
    """

    name: str
    seconds: float
    record: Record


class Tamperings:
    """Ways of tampering with a project, and whether each is refused; the project itself is left as it is.

    Args:
        root: the project's directory.
        models: names of those that may be tampered with.
        task: the name of the one on which they are.
        profile: of the data; empty where it has one size, or for the project's own choice.
        baselines: the project's.
        only: what `tampering` and a description must contain.

    Raises:
        SabotageError: if the project's session does not pass as it is.
    """

    def __init__(self, root: Path, models: Sequence[str], task: str, profile: str, baselines: Path, only: str = ""):
        self._chosen = [
            what for what in [*UNJUDGED, *MISTIMED, *PROJECT, *FILES, *RECORDS] if only in f"tampering {what}"
        ]
        self._directory = tempfile.TemporaryDirectory(prefix="fitgate-sabotage-")
        place = Path(self._directory.name).resolve()
        self._baselines = baselines
        self._sessions = Sessions(root, task, profile, place / "runs")
        self._copies = place / "baselines"
        self._subject = self._sound(models) if self._chosen else None

    def __iter__(self) -> Iterator[Tampering]:
        """Tamper in each way, one at a time."""
        subject = self._subject
        if subject is None:
            return
        with self._directory:
            for what in self._chosen:
                found = self._tampered(what, subject)
                if found is not None:
                    session, caught = found
                    yield Tampering(what, caught, session.message.replace(self._directory.name, "..."))

    def _sound(self, models: Sequence[str]) -> Subject:
        session = self._sessions.run(models, self._baselines)
        record = session.record
        if session.status != pytest.ExitCode.OK or record is None:
            raise SabotageError(
                "the project's own session",
                found=session.message,
                expected="one that passes, so that it is seen whether tampering makes it fail",
                next_step="mend what fails, or leave tampering out by --only",
            )
        fitted = {fit.model for fit in record.fits if fit.seconds is not None}
        passed = {verdict.model for verdict in record.verdicts if verdict.outcome is Outcome.PASS} & fitted
        if not passed:
            raise SabotageError(
                "the project's own session",
                found="no gate of a model trained here that passes",
                expected="one, so that it is seen whether tampering makes it fail",
                next_step="bless a run, or leave tampering out by --only",
            )
        seconds = {name: sum(fit.seconds or 0.0 for fit in record.fits if fit.model == name) for name in passed}
        name = min(seconds, key=lambda name: seconds[name])
        return Subject(name, seconds[name], record)

    def _tampered(self, what: str, subject: Subject) -> tuple[Session, bool] | None:
        """The session that came of it, and whether it was refused; None where there is nothing to tamper with."""
        name, plant = subject.name, Plant(what, subject.name)
        if what in UNJUDGED:
            limit = [f"--fit-timeout={PATIENCE * (1 + subject.seconds):.0f}"] if what == HANGS else []
            session = self._sessions.run([name], self._baselines, *limit, plant=plant)
            return session, session.passes_nothing_of(name)
        if what in MISTIMED:
            session = self._sessions.run([name], self._baselines, plant=plant, timed=True)
            return session, session.fails_a_test_of(name)
        if what in PROJECT:
            session = self._sessions.run([name], self._baselines, plant=plant)
            return session, PROJECT[what](session, name)
        if what in RECORDS:
            changed = RECORDS[what](subject.record)
            directory = self._sessions.runs / "changed"
            directory.mkdir(parents=True, exist_ok=True)
            save(changed, directory / "record.json")
            session = self._sessions.command("judge", str(directory))
            return session, session.status == 1 and "Traceback" not in session.output
        copy = shutil.copytree(self._baselines, self._copies, dirs_exist_ok=True)
        try:
            if not FILES[what](copy, name):
                return None
            session = self._sessions.run([name], copy)
        finally:
            shutil.rmtree(copy)
        return session, session.failed_because(Reason.BAD_BASELINE)


def _nothing_enforced(session: Session, name: str) -> bool:
    record = session.record
    enforced_none = record is not None and not record.verdicts and not record.failed_tests
    return session.status == pytest.ExitCode.TESTS_FAILED and enforced_none


def _names_the_model(session: Session, name: str) -> bool:
    return session.status == pytest.ExitCode.USAGE_ERROR and name in session.message


PROJECT: Mapping[str, Callable[[Session, str], bool]] = {NO_GATE: _nothing_enforced, GONE: _names_the_model}


def _files(baselines: Path, name: str) -> list[Path]:
    return sorted(baselines.rglob(f"{name}-*.npz"))


def _edited(baselines: Path, name: str) -> bool:
    for path in _files(baselines, name):
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
        arrays["predictions"] = np.roll(arrays["predictions"], 1, axis=1)
        np.savez(path, **arrays)
    return bool(_files(baselines, name))


def _bit_flipped(baselines: Path, name: str) -> bool:
    for path in _files(baselines, name):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    return bool(_files(baselines, name))


def _cut_off(baselines: Path, name: str) -> bool:
    for path in _files(baselines, name):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return bool(_files(baselines, name))


def _of_another(baselines: Path, name: str) -> bool:
    """Another model's, or another task's, in the place of each."""
    files = _files(baselines, name)
    others = {path: [other for other in sorted(path.parent.glob("*.npz")) if other != path] for path in files}
    if not files or not all(others.values()):
        return False
    contents = {path: path.read_bytes() for path in {*files, *(several[0] for several in others.values())}}
    for path, several in others.items():
        path.write_bytes(contents[several[0]])
    return True


def _of_other_data(baselines: Path, name: str) -> bool:
    """As if they had been made on other data: their name has its digest."""
    files = _files(baselines, name)
    for path in files:
        subject, _, digest = path.stem.rpartition("-")
        path.rename(path.with_stem(f"{subject}-{int(digest, 16) ^ 1:08x}"))
    return bool(files)


FILES: Mapping[str, Callable[[Path, str], bool]] = {
    "an edited baseline": _edited,
    "a baseline with a flipped bit": _bit_flipped,
    "a baseline that was cut off": _cut_off,
    "another model's or task's outputs as the baseline": _of_another,
    "other data than the baseline's": _of_other_data,
}


def _with_other_predictions(record: Record) -> Record:
    evaluations = [
        msgspec.structs.replace(evaluation, predictions=np.roll(evaluation.predictions, 1, axis=0))
        for evaluation in record.evaluations
    ]
    return msgspec.structs.replace(record, evaluations=evaluations)


def _without_end(record: Record) -> Record:
    return msgspec.structs.replace(record, status="running", verdicts=[])


RECORDS: Mapping[str, Callable[[Record], Record]] = {
    "a record with other predictions than its figures are of": _with_other_predictions,
    "a record of a session that did not end": _without_end,
}
