"""The archive that a bundle is: a zip file, read within bounds, of members that it knows."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from fitgate.bundle.examples import examples_unpacked
from fitgate.bundle.manifest import FORMAT, MANIFEST, NAME, RECORD, BundleError, Manifest, Version, fault, member
from fitgate.data.digest import digest as digest_of
from fitgate.files import regular
from fitgate.record import KeptData, KeptModel, Record, decode

MOST = 2**32  # bytes, of all members together
MOST_OF_JSON = 2**28  # bytes, of the manifest, and of the record
MOST_MEMBERS = 10_000
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


class Bundle:
    """A bundle, all of whose members were found to be what its manifest says.

    Args:
        path: of the file.

    Attributes:
        path: as given.
        digest: SHA-256 of the file.
        manifest: of what is in it.
        record: of the session that kept it, as far as it is about what is there.

    Raises:
        BundleError: if it is no bundle, damaged, of a format that this version does not know, holds what is no member
            of one, or over 4 GiB, or contradicts itself.
        RecordError: if its record does.
    """

    def __init__(self, path: Path):
        self.path = path
        with self._archive() as archive:
            self._check_members(archive.infolist())
            self.digest = _digest_of_file(path)
            content = archive.read(MANIFEST) if self._size(MANIFEST) <= MOST_OF_JSON else b""
            self.manifest = self._manifest(content)
            self.record = self._record(self._read(archive, RECORD, self.manifest.record))
            if wrong := fault(self.manifest, self.record):
                self._refuse(f"a manifest with {wrong}")
            every: list[KeptModel | KeptData] = [*self.manifest.models, *self.manifest.data]
            for kept in every:
                if not kept.reason:
                    self._read(archive, member(kept.digest), kept.digest)

    def content(self, kept: KeptModel | KeptData) -> bytes:
        """What was kept of a model, or of data."""
        with self._archive() as archive:
            return self._read(archive, member(kept.digest), kept.digest)

    def examples(self, kept: KeptData) -> Any:
        """A test split's examples, which are found to be those of the dataset that the record describes.

        Raises:
            BundleError: if they are not.
        """
        try:
            X = examples_unpacked(self.content(kept))
        except ValueError as error:
            self._refuse(f"for examples of {kept.dataset} {error}")
        (data,) = (data for data in self.record.datasets if data.name == kept.dataset)
        if digest_of(X, data.image_shape) != data.digests.get("test X"):
            self._refuse(f"other examples of {kept.dataset} than those of the session's test split")
        return X

    def _check_members(self, members: list[zipfile.ZipInfo]) -> None:
        if len(members) > MOST_MEMBERS:
            self._refuse(f"{len(members):,} members, more than {MOST_MEMBERS:,}")
        for name, count in Counter(found.filename for found in members).items():
            if not NAME.fullmatch(name) or count > 1:
                self._refuse(f"a member {name[:80]!r}, unexpected or for a second time")
        if (size := sum(found.file_size for found in members)) > MOST:
            self._refuse(f"members of {size:,} bytes, more than {MOST:,}")
        self._sizes = {found.filename: found.file_size for found in members}

    def _size(self, name: str) -> int:
        if name not in self._sizes:
            self._refuse(f"an archive without {name}")
        return self._sizes[name]

    def _read(self, archive: zipfile.ZipFile, name: str, expected: str) -> bytes:
        """A member of which no more is decompressed than its directory declares."""
        if self._size(name) > (MOST_OF_JSON if name == RECORD else MOST):
            self._refuse(f"{name} of {self._size(name):,} bytes")
        content = archive.read(name)
        if hashlib.sha256(content).hexdigest() != expected:
            self._refuse(f"{name} with another SHA-256 than the manifest has")
        return content

    def _manifest(self, content: bytes) -> Manifest:
        version = msgspec.json.decode(content, type=Version).format
        if type(version) is not int or version != FORMAT:
            raise BundleError(
                self.path,
                found=f"a bundle of format {str(version)[:20]}",
                expected=f"format {FORMAT}",
                next_step="use the version of fitgate that packed it, or pack it again by this one",
            )
        return msgspec.json.decode(content, type=Manifest)

    def _record(self, content: bytes) -> Record:
        return decode(content, self.path / RECORD)

    @contextmanager
    def _archive(self) -> Iterator[zipfile.ZipFile]:
        try:
            with regular(self.path) as (file, _), zipfile.ZipFile(file) as archive:
                yield archive
        except OSError as error:
            self._refuse(error.strerror or str(error))
        except (*DAMAGED, msgspec.MsgspecError) as error:
            self._refuse(f"no bundle, or a damaged one ({type(error).__name__}: {error})")

    def _refuse(self, found: str) -> NoReturn:
        raise BundleError(
            self.path,
            found=found,
            expected="what `fitgate pack` wrote",
            next_step="copy it again from where it was packed, or pack it again",
        )


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
