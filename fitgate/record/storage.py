"""Storage: records as versioned JSON, journalled while a run goes on, and upgraded when they are read."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from fitgate.errors import FitgateError
from fitgate.files import append, write, writing
from fitgate.record.record import SCHEMA, Entry, Record
from fitgate.record.upgrades import UPGRADES

T = TypeVar("T", bound=msgspec.Struct)
JOURNAL = "journal.jsonl"


class RecordError(FitgateError):
    """A record that can't be used."""


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
        RecordError: if the file is missing or damaged.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError) as error:
        raise RecordError(
            path, found=f"{error}", expected=f"what `{command}` wrote", next_step="run that command again"
        ) from error


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
        RecordError: if there is none, it is damaged, or of a schema that this version does not know.
    """
    path = path / "record.json" if path.is_dir() else path
    try:
        content = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise RecordError(
            path,
            found=error.strerror or str(error),
            expected="a run's record.json",
            next_step="check the path",
        ) from error
    except msgspec.DecodeError as error:
        raise RecordError(
            path, found=f"damaged JSON ({error})", expected="a run's record", next_step="repeat the run"
        ) from error
    schema = content.get("schema") if isinstance(content, dict) else None
    if not isinstance(schema, int) or schema not in {SCHEMA, *UPGRADES}:
        raise RecordError(
            path,
            found=f"schema {schema!r}",
            expected=f"{SCHEMA} or an older one",
            next_step="use the version of fitgate that wrote it",
        )
    try:
        while content["schema"] != SCHEMA:
            content = UPGRADES[content["schema"]](content)
        record = msgspec.convert(content, Record, dec_hook=_decode_hook)
        if record.status == "running":
            _replay(record, path.parent / JOURNAL)
    except (msgspec.MsgspecError, zlib.error, KeyError, TypeError, ValueError) as error:
        raise RecordError(
            path, found=f"no valid record ({error})", expected=f"schema {schema}", next_step="repeat the run"
        ) from error
    return record


def _replay(record: Record, journal: Path) -> None:
    """Add what a run noted before it was killed; a last line that was cut short is left out."""
    lines = journal.read_bytes().split(b"\n") if journal.exists() else []
    for line in lines[:-1]:
        record.add(decode_entry(line))


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


def decode_entry(content: bytes | str) -> Entry:
    """The inverse of `encode` for an entry."""
    return msgspec.json.decode(content, type=Entry, dec_hook=_decode_hook)


def encode_array(value: Any) -> dict[str, Any]:
    """An array as plain values: dtype, shape, and its bytes, compressed; arrays of objects as their text.

    Raises:
        NotImplementedError: for anything else.
    """
    if not isinstance(value, np.ndarray):
        raise NotImplementedError(f"a record holds plain values and arrays, found {type(value).__name__}")
    if value.dtype.kind == "O":
        value = value.astype(str)
    data = base64.b64encode(zlib.compress(np.ascontiguousarray(value).tobytes())).decode()
    return {"dtype": value.dtype.str, "shape": value.shape, "zlib": data}


def decode_array(value: dict[str, Any]) -> NDArray[Any]:
    """The inverse of `encode_array`."""
    content = zlib.decompress(base64.b64decode(value["zlib"]))
    return np.frombuffer(content, np.dtype(value["dtype"])).reshape(value["shape"])


def _decode_hook(kind: type, value: Any) -> Any:
    return decode_array(value)
