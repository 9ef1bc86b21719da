"""The bytes of one file, unpacked where it is packed, with a count of how far reading has come."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, cast

from aisle.errors import BadInput, Malformed, TooLarge, Unsupported

HEAD = 1 << 16  # bytes that are looked at to find the format
RATIO = 250  # an honest table shrinks 5 to 50 times; a bomb 1,000 times
SLACK = 64 << 20  # bytes that any packed file may hold
BROKEN = (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)


class Source:
    """A readable file: plain, .gz, or a .zip that holds one file. Told by its first bytes, not by its name.

    Reading more than 250 times the packed size (plus 64 MiB) raises TooLarge; a damaged or cut-off file raises Malformed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.total = path.stat().st_size
            self._file = path.open("rb")
        except OSError as error:
            raise BadInput(f"{path} cannot be read: {error.strerror}") from error
        self._head = b""
        self._unpacked = 0
        self.share: float | None = (
            None  # of the file that has been read, where a reader that jumps about knows better than `tell`
        )
        self._limit: int | None = None
        try:
            self._stream = self._open()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Source:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._stream is not self._file:
            self._stream.close()
        self._file.close()

    @property
    def file(self) -> IO[bytes]:
        """The file on disk, for readers that seek."""
        return self._file

    @property
    def packed(self) -> bool:
        return self._stream is not self._file

    @property
    def done(self) -> int:
        """Bytes of the file on disk that have been read, of `total`."""
        if self._file.closed:
            return self.total
        return min(self._file.tell(), self.total) if self.share is None else int(self.total * self.share)

    def peek(self, size: int = HEAD) -> bytes:
        """The first bytes, without consuming them; call it before reading."""
        while len(self._head) < size and (more := self._pull(size - len(self._head))):
            self._head += more
        return self._head[:size]

    def read(self, size: int = 1 << 20) -> bytes:
        """Up to `size` bytes; empty at the end."""
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        return self._pull(size)

    def _pull(self, size: int) -> bytes:
        try:
            data = self._stream.read(size)
        except BROKEN as error:
            raise Malformed(f"{self.path.name} is damaged or cut off ({error}): pack or download it again") from error
        self._unpacked += len(data)
        if self._limit is not None and self._unpacked > self._limit:
            raise TooLarge(f"{self.path.name} unpacks to more than {RATIO} times its size: unpack it yourself if that is meant")
        return data

    def _open(self) -> IO[bytes]:
        magic = self._file.read(4)
        self._file.seek(0)
        if magic[:2] == b"\x1f\x8b":
            self._limit = RATIO * self.total + SLACK
            return cast(IO[bytes], gzip.GzipFile(fileobj=self._file))
        if magic == b"PK\x03\x04":
            self._limit = RATIO * self.total + SLACK
            return self._only_member()
        return self._file

    def _only_member(self) -> IO[bytes]:
        """The one file in the zip. Its name is never used as a path."""
        try:
            archive = zipfile.ZipFile(self._file)
            members = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_litter(entry.filename)]
            if any(entry.filename == "[Content_Types].xml" for entry in members):
                raise Unsupported(f"{self.path.name} is an Excel workbook: save the sheet as CSV (UTF-8) and import that")
            if len(members) != 1:
                raise BadInput(f"{self.path.name} holds {len(members)} files: import a zip with one file, or each file by itself")
            return archive.open(members[0])
        except BROKEN as error:
            raise Malformed(f"{self.path.name} is not a readable zip ({error})") from error


def _is_litter(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return not parts or parts[0] == "__MACOSX" or parts[-1].startswith(".")
