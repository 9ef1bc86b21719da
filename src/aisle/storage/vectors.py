"""Item vectors: how tasks share what they learnt, as data."""

from collections.abc import Iterable, Iterator
from itertools import islice

from aisle.storage.database import Database

BLOCK = 5000  # vectors a transaction


class Vectors:
    """Vectors by space ("text", "image"); little-endian float32 bytes."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def put(self, tenant: int, space: str, rows: Iterable[tuple[str, bytes]]) -> None:
        """Insert or replace, block by block; every block is the next revision of the space."""
        left = iter(rows)
        while block := list(islice(left, BLOCK)):
            with self._db.transaction() as tx:
                revision = tx.revise(tenant, f"vectors:{space}")
                tx.bulk("vectors_put", [(tenant, space, item_id, vector, revision) for item_id, vector in block])

    def all(self, tenant: int, space: str) -> Iterator[tuple[str, bytes]]:
        for block in self._db.stream("vectors_all", size=2000, tenant=tenant, space=space):
            yield from block

    def revision(self, tenant: int, space: str) -> int:
        """The number of the last change of a space, by whatever process."""
        return self._db.revision(tenant, f"vectors:{space}")

    def changed_since(self, tenant: int, space: str, since: int) -> list[tuple[str, bytes]]:
        """What was written after this revision."""
        found: list[tuple[str, bytes]] = self._db.rows("vectors_changed", tenant=tenant, space=space, since=since)
        return found
