"""File formats of fitted models: those that hold data, and no code; pickles are refused without being read."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from fitgate.errors import FitgateError
from fitgate.machine.modules import missing

SKOPS, ONNX, SAFETENSORS = "skops", "onnx", "safetensors"
MODULES = {SKOPS: "skops", ONNX: "onnxruntime", SAFETENSORS: "safetensors"}
SUFFIXES = {".skops": SKOPS, ".onnx": ONNX, ".safetensors": SAFETENSORS}
EXPECTED = "one of .skops, .onnx and .safetensors"
WAY_OUT = (
    "where it was trained, write it by skops.io.dump, as ONNX or as safetensors, or its predictions as a table for "
    "Model(predictions=...)"
)
PICKLES = (".pkl", ".pickle", ".p", ".joblib", ".dill", ".cloudpickle", ".sav", ".pt", ".pth", ".ckpt")
# How a pickle begins, of any protocol from 2 on; or what joblib compresses one by: gzip, bz2, xz, lz4, zlib.
MAGIC = (*(bytes([0x80, i]) for i in range(2, 6)), b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x04\x22\x4d\x18", b"x\x01")
MAGIC += (b"x\x5e", b"x\x9c", b"x\xda")


class ArtefactError(FitgateError):
    """A file that holds no fitted model, or none that can be judged."""


def format_of(path: Path, where: str) -> str:
    """The format of a file, by its name alone.

    Args:
        path: of the file.
        where: what errors call it.

    Raises:
        ArtefactError: if it is that of a pickle, or none that is known, or no library for it is installed.
    """
    if path.suffix in PICKLES:
        raise pickled(where)
    if path.suffix not in SUFFIXES:
        raise ArtefactError(where, found=f"a file {path.name!r}", expected=EXPECTED, next_step=WAY_OUT)
    found = SUFFIXES[path.suffix]
    if lacking := missing((MODULES[found],)):
        raise ArtefactError(
            where,
            found=f"no {', '.join(lacking)}",
            expected=f"the library that reads {path.suffix}",
            next_step="pip install 'fitgate[engines]'",
        )
    return found


def check_content(content: bytes, where: str) -> None:
    """Refuse a pickle, whatever its file is called.

    Raises:
        ArtefactError: if it is one.
    """
    length = int.from_bytes(content[:8], "little")
    is_safetensors = content[8:9] == b"{" and 8 + length <= len(content)  # whose length may look like magic
    if content.startswith(MAGIC) and not is_safetensors:
        raise pickled(where)
    if content.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                names = archive.namelist()
        except (zipfile.BadZipFile, OSError, ValueError):
            return  # whoever reads it says that it is damaged
        if any(name.endswith(PICKLES) for name in names):  # as PyTorch's
            raise pickled(where)


def pickled(where: str) -> ArtefactError:
    """The error of a pickle."""
    return ArtefactError(
        where,
        found="a pickle, which runs whatever code it holds when it is loaded, so it was not",
        expected=f"a file that holds no code: {EXPECTED}",
        next_step=WAY_OUT,
    )
