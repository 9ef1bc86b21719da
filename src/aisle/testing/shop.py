"""The tiny shop with the obvious answer: even users like even items, odd users odd ones, and one item of each is hidden.

Ids are those of the demo shop (`user-0001`, `item-0001`), so that the example of every operation works on it. A task that learns
from something else brings its own world: a module `tiny` in its folder with `data() -> task.Data` and `settings() -> dict`.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aisle.kit.tiny_data import TinyData
from aisle.task import Data
from aisle.types import Item, Money

ITEMS = 24
USERS = 20
HOUR = 3_600_000_000  # microseconds
OPENED = 1_750_000_000_000_000  # June 2025
KINDS = (("Home > Lamps", "lamp"), ("Garden > Pots", "pot"))
COLOURS = ("red", "blue", "green", "white", "black", "amber")


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
