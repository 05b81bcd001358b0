"""Reading .npz: just what baselines are written as, strictly and within bounds, whoever wrote the file.

A zip archive (PKWARE's APPNOTE 6.3) of stored, deflated or LZMA-compressed members, each one array in NumPy's format
(`numpy.lib.format`). Nothing is decompressed beyond what the array's own header declares, and no pickle is read.
"""

from __future__ import annotations

import lzma
import re
import struct
import zlib
from collections.abc import Container
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fitgate.arrays import array_of, dtype_of, size_of

MOST = 2**29  # bytes, of a file, and of all of its arrays together
MOST_HEADER = 4096  # bytes, of an array's description
MOST_DICTIONARY = 2**26  # bytes, which LZMA takes to decompress
PIECE = 2**20  # bytes that are decompressed at a time

END = struct.Struct("<4s4H2LH")
ENTRY = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")
STORED, DEFLATED, LZMA = 0, 8, 14
ENCRYPTED = 0x1 | 0x40 | 0x2000
HEADER = re.compile(
    r"\{'descr': '([^']{1,40})', 'fortran_order': (False|True), "
    r"'shape': \((|\d{1,18},|\d{1,18}(?:, \d{1,18})+)\), \} *\n"
)


class Member(NamedTuple):
    """A compressed array: its name, how it is compressed, its CRC, its bytes so and as they were, and its place."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    start: int


class Archive:
    """The arrays of a file, each read when it is asked for.

    Args:
        content: of the file.
        known: the names that its members may have, without `.npy`.

    Attributes:
        members: by name.

    Raises:
        ValueError: if it is no such file; its text says what is there instead, as a noun.
    """

    def __init__(self, content: bytes, known: Container[str]):
        self._content = content
        self.members: dict[str, Member] = {}
        for member in _members(content):
            if member.name not in known or member.name in self.members:
                raise ValueError(f"an archive with {member.name[:40]!r}, unexpected or for a second time")
            self.members[member.name] = member
        if sum(member.size for member in self.members.values()) > MOST:
            raise ValueError(f"arrays of more than {MOST:,} bytes")

    def array(self, name: str) -> NDArray[Any]:
        """The array of a name.

        Raises:
            ValueError: if there is none, or it is damaged.
        """
        if name not in self.members:
            raise ValueError(f"an archive without {name!r}")
        member = self.members[name]
        content = _unpacked(memoryview(self._content)[member.start : member.start + member.packed], member)
        if zlib.crc32(content) != member.crc:
            raise ValueError(f"damaged bytes in {name!r}")
        return _array(content, name)


def _members(content: bytes) -> list[Member]:
    """What the archive's directory lists, which stands at its end."""
    at = len(content) - END.size
    if at < 0:
        raise ValueError(f"a file of {len(content)} bytes")
    mark, disk, first, here, count, size, start, comment = END.unpack_from(content, at)
    if mark != b"PK\5\6" or disk or first or comment or here != count or start + size != at:
        raise ValueError("no zip archive, or one that was cut off")
    members = []
    for _ in range(count):
        if start + ENTRY.size > at:
            raise ValueError("a directory that was cut off")
        (mark, _, _, flags, method, _, _, crc, packed, plain, *lengths, _, _, _, local) = ENTRY.unpack_from(
            content, start
        )
        if mark != b"PK\1\2":
            raise ValueError("a damaged directory")
        name = content[start + ENTRY.size : start + ENTRY.size + lengths[0]]
        members.append(_member(content, name, flags, method, crc, packed, plain, local))
        start += ENTRY.size + sum(lengths)
    if start != at:
        raise ValueError("a damaged directory")
    return members


def _member(
    content: bytes, name: bytes, flags: int, method: int, crc: int, packed: int, plain: int, local: int
) -> Member:
    """A member of the directory, held against its own header."""
    if flags & ENCRYPTED:
        raise ValueError("an encrypted archive")
    if method not in (STORED, DEFLATED, LZMA):
        raise ValueError(f"compression of kind {method}")
    if not name.endswith(b".npy") or not name.isascii():
        raise ValueError("an archive of other things than arrays")
    if local + LOCAL.size > len(content):
        raise ValueError("a damaged directory")
    mark, _, own_flags, own_method, *_, length, extra = LOCAL.unpack_from(content, local)
    start = local + LOCAL.size + length + extra
    named = content[local + LOCAL.size : local + LOCAL.size + length]
    if mark != b"PK\3\4" or (own_flags, own_method, named) != (flags, method, name) or start + packed > len(content):
        raise ValueError("a directory that does not fit its members")
    return Member(name[:-4].decode("ascii"), method, crc, packed, plain, start)


def _unpacked(packed: memoryview, member: Member) -> memoryview:
    """A member's bytes, of which there are no more than its array's header declares."""
    if member.method == STORED:
        if len(packed) != member.size:
            raise ValueError(f"{member.name!r} of another size than it says")
        return packed
    try:
        return _decompressed(packed, member)
    except (zlib.error, lzma.LZMAError) as error:
        raise ValueError(f"damaged bytes in {member.name!r}") from error


def _decompressed(packed: memoryview, member: Member) -> memoryview:
    out = bytearray()
    if member.method == LZMA:
        filters, packed = _lzma_filters(packed), packed[9:]
        lzma_stream = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
        given: bytes | memoryview = packed
        while not lzma_stream.eof and len(out) <= member.size:
            piece = lzma_stream.decompress(given, PIECE)
            given = b""
            if not piece and lzma_stream.needs_input:
                break
            out += piece
            _check_declared(out, member)
        ended = lzma_stream.eof and not lzma_stream.unused_data
    else:
        stream = zlib.decompressobj(-zlib.MAX_WBITS)
        rest: bytes | memoryview = packed
        while not stream.eof and len(out) <= member.size:
            piece = stream.decompress(rest, PIECE)
            rest = stream.unconsumed_tail
            if not piece and not rest:
                break
            out += piece
            _check_declared(out, member)
        ended = stream.eof and not stream.unused_data
    if not ended or len(out) != member.size:
        raise ValueError(f"{member.name!r} of another size than it says")
    return memoryview(out)


def _check_declared(begun: bytearray, member: Member) -> None:
    """Refuse, once the first piece is there, what its header and the directory say differently of its size."""
    if len(begun) <= PIECE and len(begun) >= min(member.size, PIECE):
        _, _, start, declared = _described(bytes(begun[: MOST_HEADER + 12]), member.name)
        if start + declared != member.size:
            raise ValueError(f"{member.name!r} of another size than its header says")


def _lzma_filters(packed: memoryview) -> list[dict[str, int]]:
    """LZMA's settings, as APPNOTE 5.8.8 has them: two bytes of version, two of length, then five of properties."""
    if len(packed) < 9 or bytes(packed[2:4]) != b"\5\0":
        raise ValueError("compression by another LZMA")
    properties, dictionary = struct.unpack_from("<BL", packed, 4)
    rest, lc = divmod(properties, 9)
    pb, lp = divmod(rest, 5)
    if pb > 4 or lc + lp > 4:
        raise ValueError("compression by another LZMA")
    if dictionary > MOST_DICTIONARY:
        raise ValueError(f"compression that takes {dictionary:,} bytes of memory")
    return [{"id": lzma.FILTER_LZMA1, "dict_size": max(dictionary, 4096), "lc": lc, "lp": lp, "pb": pb}]


def _described(begin: bytes, name: str) -> tuple[np.dtype[Any], tuple[bool, tuple[int, ...]], int, int]:
    """An array's dtype, its order and shape, where it begins, and how many bytes it has."""
    if begin[:6] != b"\x93NUMPY" or begin[6:8] not in (b"\1\0", b"\2\0", b"\3\0"):
        raise ValueError(f"{name!r}, which is no array of NumPy's")
    width = 2 if begin[6] == 1 else 4
    length, start = int.from_bytes(begin[8 : 8 + width], "little"), 8 + width
    if length > MOST_HEADER or len(begin) < start + length:
        raise ValueError(f"{name!r} with a damaged header")
    found = HEADER.fullmatch(begin[start : start + length].decode("latin-1"))
    if found is None:
        raise ValueError(f"{name!r} with a header of another kind")
    dtype, shape = dtype_of(found[1]), tuple(int(n) for n in found[3].split(",") if n.strip())
    return dtype, (found[2] == "True", shape), start + length, size_of(dtype, shape)


def _array(content: memoryview, name: str) -> NDArray[Any]:
    dtype, (fortran, shape), start, size = _described(bytes(content[: MOST_HEADER + 12]), name)
    if start + size != len(content):
        raise ValueError(f"{name!r} of another size than its header says")
    array = array_of(content[start:], dtype, shape[::-1] if fortran else shape)
    return array.T if fortran else array
