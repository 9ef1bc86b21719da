"""Item formats whose rows are records with known keys: the walk they share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from aisle.errors import BadInput
from aisle.feeds.delimited import Delimited
from aisle.feeds.items import ItemBuilder
from aisle.feeds.rows import Batch, Reject, shown
from aisle.feeds.source import Source

Record = dict[str, Any]
SHOWN_KEYS = 8


class Reader(Protocol):
    """Reads a whole file in batches."""

    def batches(self, source: Source) -> Iterator[Batch]: ...


class RecordItems:
    """Items from a CSV in which each row is one item: `read` turns a record into fields, or raises BadInput with the reason."""

    def __init__(
        self, table: Delimited, key: Callable[[str], str], learn: Callable[[list[Record]], None], read: Callable[[Record], Record]
    ) -> None:
        self._table = table
        self._keys = [key(name) for name in table.names]
        self._learn = learn
        self._read = read

    def batches(self, source: Source) -> Iterator[Batch]:
        builder = ItemBuilder()
        for chunk in self._table.chunks(source):
            batch = Batch(rejects=list(chunk.rejects), read=chunk.read)
            records = [dict(zip(self._keys, row, strict=True)) for row in chunk.rows]
            self._learn(records)
            for number, record in zip(chunk.numbers, records, strict=True):
                put(builder, batch, number, record, self._read)
            yield batch


def put(builder: ItemBuilder, batch: Batch, number: int, record: Record, read: Callable[[Record], Record]) -> None:
    """Turn one record into an item of the batch, or into a reject."""
    raw = shown(list(record.items())[:SHOWN_KEYS])
    try:
        fields = read(record)
    except BadInput as error:
        batch.rejects.append(Reject(number, error.detail, raw))
        return
    builder.add(batch, number, fields, raw)
