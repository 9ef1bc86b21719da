"""Labelled samples: pictures, recordings and texts that the shop's tasks learn from."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Set

import msgspec

from aisle.storage.database import Database
from aisle.types import Sample, SampleKind

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Sample).decode


class Samples:
    """Samples of every tenant."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def put(self, tenant: int, samples: Iterable[Sample]) -> None:
        """Insert or replace by kind and `sample_id`, all or none."""
        now = time.time_ns() // 1000
        rows = [(tenant, one.kind, one.sample_id, one.user_id, one.item_id, one.time, _encode(one), now) for one in samples]
        self._db.bulk("samples_put", rows)

    def all(self, tenant: int, kind: SampleKind) -> Iterator[Sample]:
        """In the order of ids."""
        for block in self._db.stream("samples_all", size=2000, tenant=tenant, kind=kind):
            for (body,) in block:
                yield _decode(body)

    def get(self, tenant: int, kind: SampleKind, sample_id: str) -> Sample | None:
        row = self._db.one("samples_get", tenant=tenant, kind=kind, sample_id=sample_id)
        return _decode(row[0]) if row else None

    def count(self, tenant: int, kind: SampleKind) -> int:
        return int(self._db.rows("samples_count", tenant=tenant, kind=kind)[0][0])

    def of_user(self, tenant: int, user_id: str) -> list[Sample]:
        return [_decode(body) for (body,) in self._db.rows("samples_of_user", tenant=tenant, user_id=user_id)]

    def kept(self, tenant: int, addresses: Set[str]) -> set[str]:
        """Which of these files some sample still has: the same content is kept once for all who have it. Reads all samples
        with files, which only an erasure asks for."""
        found: set[str] = set()
        if addresses:
            for block in self._db.stream("samples_with_files", size=2000, tenant=tenant):
                found |= {media for (body,) in block if (media := _decode(body).media) is not None} & addresses
        return found

    def of_item(self, tenant: int, item_id: str, limit: int) -> list[Sample]:
        """The newest texts about an item, newest first; those without a time last."""
        rows = self._db.rows("samples_of_item", tenant=tenant, item_id=item_id, limit=limit)
        return [_decode(body) for (body,) in rows]

    def erase(self, tenant: int, user_id: str) -> int:
        """Delete the samples of a person; how many there were. Their files are removed by `Media.remove`."""
        return self._db.run("samples_erase", tenant=tenant, user_id=user_id)
