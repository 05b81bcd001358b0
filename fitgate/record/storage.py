"""Storage: records as versioned JSON, journalled while a run goes on, and upgraded when they are read."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from fitgate.errors import LoggedError
from fitgate.files import append, contents, write, writing
from fitgate.record.arrays import Arrays, encode_array
from fitgate.record.consistency import faults, outline_faults
from fitgate.record.errors import NoRecordError, RecordError, UnfinishedError
from fitgate.record.outline import Outline
from fitgate.record.record import SCHEMA, Entry, Record
from fitgate.record.upgrades import UPGRADES

T = TypeVar("T", bound=msgspec.Struct)
R = TypeVar("R", bound=Record | Outline)
JOURNAL = "journal.jsonl"
RUN = ("a run's record.json", "check the path")  # what is expected, and what to do where there is none
CURRENT = re.compile(rb'\s*{\s*"schema"\s*:\s*%d\s*[,}]' % SCHEMA)  # how a record of today's schema begins
LONGEST = 2**30  # bytes, of any file that is read here
UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)  # what decoding raises of what is no such JSON


class _Version(msgspec.Struct):
    """Of a record, the one field that says how to read the others."""

    schema: Any = msgspec.UNSET


def save(record: Record, path: Path) -> None:
    """Write a record in one step: a reader finds the earlier one whole, or this one."""
    write_json(record, path)


def write_json(value: msgspec.Struct, path: Path) -> None:
    """Write a struct as JSON in one step."""
    write(path, msgspec.json.format(encode(value), indent=1))


def read_json(path: Path, kind: type[T], command: str) -> T:
    """Read a struct that `write_json` wrote.

    Args:
        path: the file.
        kind: of struct.
        command: that keeps such files.

    Raises:
        RecordError: if the file is missing, damaged or over 1 GiB.
    """
    expected, next_step = f"what `{command}` wrote", "run that command again"
    content = _contents(path, expected, next_step)
    try:
        return msgspec.json.decode(content, type=kind)
    except UNREADABLE as error:
        raise RecordError(path, found=str(error), expected=expected, next_step=next_step) from error


class Journal:
    """The entries of a run that goes on, a line each, so that a killed run keeps what it finished.

    Args:
        directory: of the run.
    """

    def __init__(self, directory: Path):
        self._path = directory / JOURNAL

    def append(self, entries: Sequence[str]) -> None:
        """Add encoded entries, and have the system write them.

        Raises:
            FileError: if they can't be written.
        """
        append(self._path, "".join(f"{entry}\n" for entry in entries))

    def remove(self) -> None:
        """Delete it: the record holds what it held.

        Raises:
            FileError: if it can't be deleted.
        """
        with writing(self._path):
            self._path.unlink(missing_ok=True)


def read(path: Path) -> Record:
    """Read a record: `record.json`, or the directory that holds one. One of an older schema is upgraded.

    Of a run that was killed, its journal is read as well.

    Raises:
        RecordError: if there is none, it is damaged, over 1 GiB, of a schema that this version does not know, or what
            it holds contradicts itself; see `fitgate.record.consistency`.
    """
    path = path / "record.json" if path.is_dir() else path
    return decode(_contents(path, *RUN), path)


def decode(content: bytes, path: Path) -> Record:
    """A record of its JSON; see `read`.

    Args:
        content: the JSON.
        path: where it was, for errors; beside it lies the journal of a run that goes on.
    """
    arrays = Arrays()
    record, schema = _decoded(path, content, Record, arrays)
    if record.status == "running":
        _replay(record, path.parent / JOURNAL, arrays)
    fault = next(faults(record, upgraded=schema != SCHEMA), None)
    if fault is not None:
        raise _invalid(path, fault, schema)
    return record


def read_outline(path: Path) -> Outline:
    """Read what a history needs of a record's file, without its arrays.

    What only the arrays could show, as a metric that predictions do not give and no verdict speaks of, is not seen.

    Raises:
        NoRecordError: if it is JSON of something else.
        UnfinishedError: if the run was cut off, or still goes on.
        RecordError: as of `read`.
    """
    outline, schema = _decoded(path, _contents(path, *RUN), Outline, None)
    if outline.status == "running":
        raise UnfinishedError(
            path,
            found="a run that was cut off, or still goes on",
            expected="one that has ended",
            next_step="repeat it, or wait for it",
        )
    fault = next(outline_faults(outline, upgraded=schema != SCHEMA), None)
    if fault is not None:
        raise _invalid(path, fault, schema)
    return outline


def _decoded(path: Path, content: bytes, kind: type[R], arrays: Arrays | None) -> tuple[R, int]:
    """A record's content as a struct of some of its fields, and its schema; an older one is upgraded."""
    try:  # others are read to their end to find it
        schema = SCHEMA if CURRENT.match(content) else msgspec.json.decode(content, type=_Version).schema
    except msgspec.ValidationError:  # it is no object
        schema = msgspec.UNSET
    except UNREADABLE as error:
        raise _damaged(path, error) from error
    if type(schema) is not int or schema not in {SCHEMA, *UPGRADES}:
        if schema is None or schema is msgspec.UNSET:
            found = "JSON without a schema" if schema is msgspec.UNSET else "schema null"
            expected = f"a run's record, of schema {SCHEMA} or an older one"
            raise NoRecordError(path, found=found, expected=expected, next_step="name the record of a run")
        found, expected = (
            f"schema {msgspec.json.encode(schema).decode()[:20]}",
            f"the number {SCHEMA}, or an older one's",
        )
        next_step = "use the version of fitgate that wrote it"
        raise RecordError(path, found=found, expected=expected, next_step=next_step)
    try:
        if schema != SCHEMA:
            return msgspec.convert(_upgraded(msgspec.json.decode(content)), kind, dec_hook=arrays), schema
        whole = msgspec.json.decode(content, type=kind, dec_hook=arrays)
    except UNREADABLE as error:
        if type(error) is msgspec.DecodeError:  # of what is no JSON
            raise _damaged(path, error) from error
        raise _invalid(path, str(error), schema) from error
    if whole.schema != SCHEMA:
        raise _invalid(path, f"schema {SCHEMA} and {whole.schema}", schema)
    return whole, schema


def _contents(path: Path, expected: str, next_step: str) -> bytes:
    try:
        return contents(path, LONGEST)
    except OSError as error:
        raise RecordError(path, found=error.strerror or str(error), expected=expected, next_step=next_step) from error


def _damaged(path: Path, error: Exception) -> RecordError:
    found = f"damaged JSON ({error})"
    return RecordError(path, found=found, expected="a run's record", next_step="repeat the run")


def _invalid(path: Path, fault: str, schema: int) -> RecordError:
    found = f"no valid record ({fault})"
    return RecordError(path, found=found, expected=f"schema {schema}", next_step="restore it, or repeat the run")


def _upgraded(content: Any) -> Any:
    """The content of an older record as that of today's.

    Raises:
        ValueError: if it lacks what its schema has.
    """
    try:
        while content["schema"] != SCHEMA:
            content = UPGRADES[content["schema"]](content)
    except (KeyError, TypeError, AttributeError, IndexError) as error:  # parts that are missing, or are something else
        raise ValueError(f"{type(error).__name__}: {error}, in an older record") from error
    return content


def _replay(record: Record, journal: Path, arrays: Arrays) -> None:
    """Add what a run noted before it was killed; a last line that was cut short is left out."""
    if not os.path.lexists(journal):
        return
    lines = _contents(journal, "the journal of a run that was cut off", "repeat the run").split(b"\n")
    for number, line in enumerate(lines[:-1], 1):
        try:
            entry = msgspec.json.decode(line, type=Entry | LoggedError, dec_hook=arrays)
        except UNREADABLE as error:
            raise _damaged(journal.with_name(f"{journal.name}, line {number}"), error) from error
        if not isinstance(entry, LoggedError):
            record.add(entry)


def encode(value: msgspec.Struct) -> bytes:
    """JSON of a record, an entry or another struct, arrays compressed inside; a lone surrogate becomes a mark.

    Raises:
        NotImplementedError, TypeError, ValueError, OverflowError: if it holds what is no plain value, as `Extra` may.
    """
    try:
        return msgspec.json.encode(value, enc_hook=encode_array)
    except UnicodeEncodeError:
        return msgspec.json.encode(_encodable(msgspec.to_builtins(value, enc_hook=encode_array)))


def _encodable(value: Any) -> Any:
    """Plain values whose texts can be written as UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_encodable(name): _encodable(item) for name, item in value.items()}
    return [_encodable(item) for item in value] if isinstance(value, list | tuple) else value


def decode_entry(content: bytes | str) -> Entry | LoggedError:
    """The inverse of `encode` for an entry, or for an error that goes to the log instead."""
    return msgspec.json.decode(content, type=Entry | LoggedError, dec_hook=Arrays())
