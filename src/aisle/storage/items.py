"""The catalogue's rows: products as JSON, with tombstones so that every reader learns of a removal."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from aisle.storage.database import Database
from aisle.types import Item

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Item).decode


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened to the catalogue since a revision."""

    changed: list[Item]
    removed: list[str]
    until: int  # the revision this brings one to


class Items:
    """Items of every tenant."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def put(self, tenant: int, items: Iterable[Item]) -> None:
        """Insert or replace by `item_id`, all or none."""
        with self._db.transaction() as tx:
            revision = tx.revise(tenant, "items")
            tx.bulk("items_put", [(tenant, item.item_id, _encode(item), revision) for item in items])

    def remove(self, tenant: int, item_ids: Iterable[str]) -> int:
        """How many were there to remove."""
        with self._db.transaction() as tx:
            revision = tx.revise(tenant, "items")
            return tx.bulk("items_remove", [(revision, tenant, item_id) for item_id in item_ids])

    def get(self, tenant: int, item_id: str) -> Item | None:
        row = self._db.one("items_get", tenant=tenant, item_id=item_id)
        return _decode(row[0]) if row else None

    def page(self, tenant: int, limit: int, after: str = "") -> tuple[list[Item], bool]:
        """Up to `limit` items in id order after `after`, and whether there are more."""
        rows = self._db.rows("items_page", tenant=tenant, after=after, limit=limit + 1)
        return [_decode(row[0]) for row in rows[:limit]], len(rows) > limit

    def all(self, tenant: int) -> Iterator[Item]:
        """Every item in id order."""
        for block in self._db.stream("items_all", size=2000, tenant=tenant):
            for (body,) in block:
                yield _decode(body)

    def ids(self, tenant: int) -> set[str]:
        return {row[0] for row in self._db.rows("items_ids", tenant=tenant)}

    def revision(self, tenant: int) -> int:
        """The catalogue's revision now: it grows with every change, whoever makes it."""
        return self._db.revision(tenant, "items")

    def changed_since(self, tenant: int, since: int) -> Changes:
        """What changed after the revision `since`; 0 gives everything there is."""
        changed: list[Item] = []
        removed: list[str] = []
        until = since
        for item_id, deleted, revision, body in self._db.rows("items_changed", tenant=tenant, since=since):
            until = max(until, revision)
            if deleted:
                removed.append(item_id)
            else:
                changed.append(_decode(body))
        return Changes(changed, removed, until)

    def count(self, tenant: int) -> int:
        return int(self._db.rows("items_count", tenant=tenant)[0][0])
