"""Item vectors: how tasks share what they learnt, as data."""

import time
from collections.abc import Iterable, Iterator

from aisle.storage.database import Database


class Vectors:
    """Vectors by space ("text", "image"); little-endian float32 bytes."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def put(self, tenant: int, space: str, rows: Iterable[tuple[str, bytes]]) -> None:
        now = time.time_ns() // 1000
        self._db.bulk("vectors_put", [(tenant, space, item_id, vector, now) for item_id, vector in rows])

    def all(self, tenant: int, space: str) -> Iterator[tuple[str, bytes]]:
        for block in self._db.stream("vectors_all", size=2000, tenant=tenant, space=space):
            yield from block
