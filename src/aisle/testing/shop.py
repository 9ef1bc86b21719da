"""The tiny shop with the obvious answer: even users like even items, odd users odd ones, and one item of each is hidden.

Ids are those of the demo shop (`user-0001`, `item-0001`), so that the example of every operation works on it. A task that learns
from something else brings its own world: a module `tiny` in its folder with `data() -> task.Data` and `settings() -> dict`.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from aisle.errors import NotFound
from aisle.task import Data
from aisle.types import EVENT_CODE, Choice, EventColumns, Item, Money, Sample, SampleKind

ITEMS = 24
USERS = 20
HOUR = 3_600_000_000  # microseconds
OPENED = 1_750_000_000_000_000  # June 2025
KINDS = (("Home > Lamps", "lamp"), ("Garden > Pots", "pot"))
COLOURS = ("red", "blue", "green", "white", "black", "amber")
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


@dataclass
class TinyShop(TinyData):
    """Lamps and pots; `hidden[user_id]` is the one item of the user's kind that the user has not had yet."""

    hidden: dict[str, str] = field(default_factory=dict)


def tiny_shop(items: int = ITEMS, users: int = USERS) -> TinyShop:
    """The world every recommender must understand: an item's kind is its number's parity, and so is a user's taste."""
    shop = TinyShop(catalogue=[_item(number) for number in range(1, items + 1)])
    for user in range(1, users + 1):
        own = [number for number in range(1, items + 1) if number % 2 == user % 2]
        hidden = own[(user // 2) % len(own)]
        shop.hidden[user_id(user)] = item_id(hidden)
        bought = [number for number in own if number != hidden]
        for place in range(len(bought)):
            number = bought[(place * 5 + user) % len(bought)] if len(bought) % 5 else bought[place]
            at = OPENED + (place * users + user) * HOUR  # all users over the same weeks
            shop.rows.append((user_id(user), item_id(number), at, "view"))
            shop.rows.append((user_id(user), item_id(number), at + HOUR // 2, "purchase"))
    return shop


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


def world_of(package: str) -> tuple[Data, Mapping[str, Any]]:
    """What a task is tried with: the data and settings of its module `tiny` where it has one, else the tiny shop and defaults."""
    if importlib.util.find_spec(f"{package}.tiny") is None:
        return tiny_shop(), {}
    tiny = importlib.import_module(f"{package}.tiny")
    return tiny.data(), tiny.settings()


def variants(example: Mapping[str, Any], count: int = 5) -> list[dict[str, Any]]:
    """The example, and the same asked about other users and items of the tiny shop."""
    found = [dict(example)]
    for number in range(2, count + 1):
        others = {"user_id": user_id(number), "item_id": item_id(number), "item_ids": [item_id(number), item_id(number + 2)]}
        found.append({name: others.get(name, value) for name, value in example.items()})
    return found


def user_id(number: int) -> str:
    return f"user-{number:04d}"


def item_id(number: int) -> str:
    return f"item-{number:04d}"


def _item(number: int) -> Item:
    category, noun = KINDS[number % 2]
    colour = COLOURS[number // 2 % len(COLOURS)]
    return Item(
        item_id=item_id(number),
        title=f"{colour} {noun} no. {number}",
        category=category,
        price=Money(amount=500 + 10 * number, currency="EUR"),
        attributes={"colour": colour},
    )
