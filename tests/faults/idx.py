"""IDX files that are damaged, lie, are bombs or no files, read as a dataset."""

from __future__ import annotations

import gzip
import struct
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from fitgate import Dataset
from fitgate.data.idx import encode_idx
from fitgate.data.sources import IDX_FILES
from tests.faults.case import PLACES, RAW, SEED, Bench, Fault, bomb, called, damaged, faults, misplace
from tests.faults.oracle import Observation

CLASS = "IDX data"
ABOUT = "bytes flipped, cut, spliced, inside gzip and outside; lying headers; bombs; missing files; no files"
HEIGHT, WIDTH, TRAIN, TEST = 4, 5, 24, 12

SUBJECT = {"file": st.sampled_from(IDX_FILES), "packed": st.booleans(), "again": SEED}
HEADERS = st.sampled_from(
    [
        {"dimensions": [2**32 - 1, 2**32 - 1, 2**32 - 1]},
        {"dimensions": [0, HEIGHT, WIDTH]},
        {"dimensions": [TRAIN, 0, 0]},
        {"dimensions": [TRAIN, WIDTH, HEIGHT]},
        {"dimensions": [TRAIN * 2, HEIGHT, WIDTH]},
        {"dimensions": [TRAIN // 2, HEIGHT * 2, WIDTH]},
        {"dimensions": [TRAIN]},
        {"dimensions": []},
        {"dimensions": [1] * 255},
        {"magic": "00000903"},
        {"magic": "00000d03"},
        {"magic": "00000800"},
        {"magic": "000008ff"},
        {"magic": "08030000"},
        {"magic": "1f8b0800"},
        {"magic": "504b0304"},
    ]
)
LIES = st.sampled_from(
    [
        *(
            "bomb",
            "bomb of images",
            "wrong check sum",
            "second member",
            "rubbish behind",
            "gzip named raw",
            "raw named gzip",
        ),
        *(
            "gzip twice",
            "huge name",
            "one label less",
            "one label more",
            "labels of images",
            "no examples",
            "one class",
        ),
    ]
)
FAULTS = faults(
    {"dataset": 1},
    **{name: st.fixed_dictionaries({**SUBJECT, "how": how}) for name, how in RAW.items()},
    inside=st.fixed_dictionaries(
        {**SUBJECT, "seed": SEED, "name": st.sampled_from([*RAW]), "length": st.integers(1, 60)}
    ),
    header=st.fixed_dictionaries({**SUBJECT, "change": HEADERS}),
    lie=st.fixed_dictionaries({**SUBJECT, "what": LIES}),
    place=st.fixed_dictionaries({**SUBJECT, "what": st.sampled_from(PLACES)}),
    missing=st.fixed_dictionaries(SUBJECT),
    directory=st.fixed_dictionaries(
        {**SUBJECT, "what": st.sampled_from(["pipe", "empty", "link to itself", "link to nowhere"])}
    ),
)


def do(fault: Fault, bench: Bench) -> Observation:
    """Damage one of four IDX files, and load the dataset."""
    given = fault.arguments
    directory = bench.directory / "data"
    directory.mkdir()
    path = _write(directory, given["file"] if given["packed"] else "")
    path = directory / given["file"] if not given["packed"] else path
    sound = called(lambda: _loaded(directory))
    assert sound.status == 0, sound.output
    _plant(fault, path)
    done = called(lambda: _loaded(directory))
    if done.status != 0:
        return Observation(done.status, done.output, (given["file"].split("-idx")[0], "data"))
    # Other pixels in a file without a check sum are other data, as its digest says: no gate takes it for the same.
    return Observation(0, done.output, same=done.value == sound.value)


def _loaded(directory: Path) -> Any:
    """What of a dataset's shape is to be as in the sound one."""
    dataset = Dataset.from_idx(directory, name="data")
    train, test = dataset.train, dataset.test
    assert len(dataset.digest) == 64
    return train.X.shape, train.y.shape, test.X.shape, test.y.shape, train.X.dtype, test.y.dtype


@cache
def _arrays() -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (n, HEIGHT, WIDTH), np.uint8) for n in (TRAIN, TEST)]
    labels = [np.arange(n, dtype=np.uint8) % 3 for n in (TRAIN, TEST)]
    return images[0], labels[0], images[1], labels[1]


def _write(directory: Path, packed: str) -> Path:
    """Write the four files, one of them packed; its path."""
    for name, array in zip(IDX_FILES, _arrays(), strict=True):
        content = encode_idx(array)
        if name == packed:
            (directory / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))
        else:
            (directory / name).write_bytes(content)
    return directory / f"{packed}.gz"


def _plant(fault: Fault, path: Path) -> None:
    given, content = fault.arguments, path.read_bytes()
    raw = gzip.decompress(content) if given["packed"] else content

    def write(changed: bytes) -> None:
        path.write_bytes(gzip.compress(changed) if given["packed"] else changed)

    match fault.name:
        case "inside":
            at = given["seed"] / 2**32
            how = {"at": at, "length": given["length"], "seed": given["seed"], "places": [at], "bit": 5}
            write(damaged(raw, given["name"], how))
        case "header":
            write(_with_header(raw, **given["change"]))
        case "lie":
            _lie(given["what"], path, raw, write)
        case "place":
            misplace(path, given["what"])
        case "missing":
            path.unlink()
        case "directory":
            directory = path.parent
            directory.rename(directory.with_name("elsewhere"))
            directory.touch()
            misplace(directory, given["what"])
        case name:
            path.write_bytes(damaged(content, name, given["how"]))


def _with_header(raw: bytes, dimensions: list[int] | None = None, magic: str = "") -> bytes:
    if dimensions is None:
        return bytes.fromhex(magic) + raw[4:]
    body = raw[4 + 4 * raw[3] :]
    return bytes([0, 0, 8, len(dimensions)]) + struct.pack(f">{len(dimensions)}I", *dimensions) + body


@cache
def _bomb() -> bytes:
    return bomb(31)


def _lie(what: str, path: Path, raw: bytes, write: Any) -> None:
    packed = path if path.suffix == ".gz" else path.with_name(f"{path.name}.gz")
    match what:
        case "bomb" | "bomb of images" | "wrong check sum" | "second member" | "rubbish behind":
            path.unlink()
            start = encode_idx(np.zeros((0, HEIGHT, WIDTH), np.uint8))[:8] if what == "bomb of images" else b""
            content = gzip.compress(raw)
            packed.write_bytes(
                {
                    "bomb": _bomb(),
                    "bomb of images": gzip.compress(start) + _bomb(),
                    "wrong check sum": content[:-8] + b"\x01\x02\x03\x04" + content[-4:],
                    "second member": content + gzip.compress(b"more"),
                    "rubbish behind": content + b"rubbish",
                }[what]
            )
        case "gzip named raw":
            path.unlink()
            path.with_name(path.name.removesuffix(".gz")).write_bytes(gzip.compress(raw))
        case "raw named gzip":
            path.unlink()
            packed.write_bytes(raw)
        case "gzip twice":
            write(gzip.compress(raw))
        case "huge name":
            write(raw + b"x" * 70_000)
        case "one label less":
            write(_with_header(raw, [max(struct.unpack(">I", raw[4:8])[0] - 1, 0), *_others(raw)])[: -_size(raw)])
        case "one label more":
            write(_with_header(raw, [struct.unpack(">I", raw[4:8])[0] + 1, *_others(raw)]) + bytes(_size(raw)))
        case "labels of images":
            write(encode_idx(_arrays()[0] if raw[3] == 1 else _arrays()[1]))
        case "no examples":
            write(_with_header(raw, [0, *_others(raw)])[: 4 + 4 * raw[3]])
        case "one class":
            write(raw[: 4 + 4 * raw[3]] + bytes(len(raw) - 4 - 4 * raw[3]))


def _others(raw: bytes) -> list[int]:
    return list(struct.unpack(f">{raw[3] - 1}I", raw[8 : 4 + 4 * raw[3]]))


def _size(raw: bytes) -> int:
    """Bytes of one example."""
    return int(np.prod(_others(raw), dtype=int))
