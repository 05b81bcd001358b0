"""Storage: records as versioned JSON, written in one step, and upgraded when they are read."""

from __future__ import annotations

import base64
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from fitgate.record.record import SCHEMA, Entry, Record

T = TypeVar("T", bound=msgspec.Struct)


class RecordError(Exception):
    """A record that can't be read."""


def save(record: Record, path: Path) -> None:
    """Write a record in one step: a reader finds the earlier one whole, or this one."""
    write_json(record, path)


def write_json(value: msgspec.Struct, path: Path) -> None:
    """Write a struct as JSON in one step."""
    partial = path.with_suffix(".part")
    partial.write_bytes(msgspec.json.format(encode(value), indent=1))
    os.replace(partial, path)


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
        raise RecordError(f"{path}: {error}, expected what `{command}` kept; run it again.") from error


def read(path: Path) -> Record:
    """Read a record: `record.json`, or the directory that holds one.

    Raises:
        RecordError: if there is none, it is damaged, or of a schema that this version does not know.
    """
    path = path / "record.json" if path.is_dir() else path
    try:
        content = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise RecordError(
            f"{path}: {error.strerror or error}, expected a run's record.json; check the path."
        ) from error
    except msgspec.DecodeError as error:
        raise RecordError(f"{path}: damaged JSON ({error}), expected a run's record; repeat the run.") from error
    schema = content.get("schema") if isinstance(content, dict) else None
    if not isinstance(schema, int) or schema not in {SCHEMA, *UPGRADES}:
        raise RecordError(
            f"{path}: found schema {schema!r}, expected {SCHEMA} or an older one; use the version of digit-bench that "
            "wrote it."
        )
    try:
        while content["schema"] != SCHEMA:
            content = UPGRADES[content["schema"]](content)
        return msgspec.convert(content, Record, dec_hook=_decode_array)
    except (msgspec.ValidationError, zlib.error, KeyError, TypeError, ValueError) as error:
        raise RecordError(f"{path}: not a valid record ({error}); repeat the run.") from error


def _to_second(content: dict[str, Any]) -> dict[str, Any]:
    """Schema 1 knew neither threads, conditions, calibrations nor memory: what it lacks has defaults."""
    return {**content, "schema": 2}


UPGRADES: dict[Any, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _to_second}


def encode(value: msgspec.Struct) -> bytes:
    """JSON of a record, an entry or another struct, arrays compressed inside."""
    return msgspec.json.encode(value, enc_hook=_encode_array)


def decode_entry(content: bytes | str) -> Entry:
    """The inverse of `encode` for an entry."""
    return msgspec.json.decode(content, type=Entry, dec_hook=_decode_array)


def _encode_array(value: Any) -> dict[str, Any]:
    if not isinstance(value, np.ndarray):
        raise NotImplementedError(f"a record holds no {type(value).__name__}")
    data = base64.b64encode(zlib.compress(np.ascontiguousarray(value).tobytes())).decode()
    return {"dtype": value.dtype.str, "shape": value.shape, "zlib": data}


def _decode_array(kind: type, value: Any) -> Any:
    content = zlib.decompress(base64.b64decode(value["zlib"]))
    return np.frombuffer(content, np.dtype(value["dtype"])).reshape(value["shape"])
