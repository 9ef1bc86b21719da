"""Who was erased, in a file beside the database: a restored backup does not know what happened after it was taken."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from aisle.errors import StorageFailed

NAME = "erasures.jsonl"


class Erasure(Struct, frozen=True):
    """One line. `subject` is the tenant's keyed hash of the user id, in hex: the file names nobody."""

    receipt_id: str
    tenant: int
    subject: str
    erased_at: int  # microseconds UTC


class Journal:
    """An append-only file, on the disk before anything is deleted."""

    def __init__(self, home: Path) -> None:
        self._path = home / NAME

    def add(self, erasure: Erasure) -> None:
        """Raises StorageFailed when the line cannot be kept."""
        try:
            with self._path.open("ab") as file:
                file.write(b"\n" + msgspec.json.encode(erasure))  # the newline first: a line cut short stays alone
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StorageFailed(f"{self._path} cannot be written, so nobody was erased: {error}") from None

    def __iter__(self) -> Iterator[Erasure]:
        """Oldest first. A line that a crash cut short was followed by no deletion, and is passed over."""
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageFailed(f"{self._path} cannot be read: {error}") from None
        for line in lines:
            try:
                yield msgspec.json.decode(line, type=Erasure)
            except msgspec.DecodeError:
                continue
