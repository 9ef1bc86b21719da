"""A shop's rows in memory: what the tiny worlds of tests and tasks are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from aisle.errors import NotFound
from aisle.types import EVENT_CODE, Choice, EventColumns, Item, Sample, SampleKind

Row = tuple[str, str, int, str]  # user, item, time, type


@dataclass
class TinyData:
    """A shop's rows in memory, as a task reads them (`task.Data`)."""

    catalogue: list[Item] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    spaces: dict[str, dict[str, bytes]] = field(default_factory=dict)
    labelled: list[Sample] = field(default_factory=list)
    chosen: list[Choice] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)  # by a sample's address, or an item's first image_url

    def items(self) -> Iterator[Item]:
        return iter(self.catalogue)

    def events(self) -> EventColumns:
        return columns(self.rows)

    def vectors(self, space: str) -> Iterator[tuple[str, bytes]]:
        return iter(self.spaces.get(space, {}).items())

    def write_vectors(self, space: str, rows: Iterable[tuple[str, bytes]]) -> None:
        self.spaces.setdefault(space, {}).update(rows)

    def choices(self) -> Iterator[Choice]:
        return iter(self.chosen)

    def samples(self, kind: SampleKind) -> Iterator[Sample]:
        return iter([one for one in self.labelled if one.kind == kind])

    def media(self, address: str) -> bytes:
        if address not in self.files:
            raise NotFound(f"there is no file {address}")
        return self.files[address]

    def picture(self, item: Item) -> bytes | None:
        return self.files.get((item.image_urls or [""])[0])


def columns(rows: Iterable[Row]) -> EventColumns:
    """(user, item, time, type) rows as the columns that training reads, sorted by user and then time."""
    ordered = sorted(rows, key=lambda row: (row[0], row[2]))
    users, items = sorted({row[0] for row in ordered}), sorted({row[1] for row in ordered})
    user_code, item_code = {u: n for n, u in enumerate(users)}, {i: n for n, i in enumerate(items)}
    return EventColumns(
        users=users,
        items=items,
        user=np.array([user_code[row[0]] for row in ordered], np.int32),
        item=np.array([item_code[row[1]] for row in ordered], np.int32),
        type=np.array([EVENT_CODE[row[3]] for row in ordered], np.int8),
        time=np.array([row[2] for row in ordered], np.int64),
        value=np.full(len(ordered), np.nan, np.float32),
        quantity=np.ones(len(ordered), np.int32),
    )
