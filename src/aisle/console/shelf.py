"""The catalogue as people look for it: by words, the busiest first."""

from __future__ import annotations

import unicodedata

from msgspec import Struct

from aisle.console.figures import Counts
from aisle.types import Item


class ItemRow(Struct, frozen=True):
    """An item with what happened to it; `rank` 1 has the most events, None has none."""

    item: Item
    events: dict[str, int]
    rank: int | None


class Shelf:
    """Rows in order, and the words by which they are found."""

    def __init__(self, items: list[Item], counts: Counts) -> None:
        ordered = sorted(items, key=lambda item: (-sum(counts.get(item.item_id, {}).values()), item.item_id))
        self.rows: dict[str, ItemRow] = {
            item.item_id: ItemRow(item, counts.get(item.item_id, {}), rank if item.item_id in counts else None)
            for rank, item in enumerate(ordered, start=1)
        }
        self._texts = [plain(f"{item.title} {item.brand or ''} {item.category or ''} {item.item_id}") for item in ordered]

    def search(self, query: str) -> list[ItemRow]:
        """Rows that have every word of the query somewhere (as parts of words, whatever the case or accents)."""
        words = plain(query).split()
        return [row for row, text in zip(self.rows.values(), self._texts, strict=True) if all(word in text for word in words)]


def plain(text: str) -> str:
    """Lower case without accents: "Café" is "cafe"."""
    return "".join(part for part in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(part))
