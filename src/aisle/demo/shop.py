"""Makes the demo shop: everything of it but the pictures, from a seed and the moment its history ends."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from aisle.demo.catalogue import make_items
from aisle.demo.people import USERS, make_events, user_ids
from aisle.demo.reviews import Review, make_reviews
from aisle.demo.tastes import make_tastes
from aisle.types import Event, Item

SEED = 7


@dataclass(frozen=True, slots=True)
class Shop:
    """Everything of the demo shop but the pictures, which `demo.pictures` draws from the items."""

    items: list[Item]
    users: list[str]  # some of them without any event
    events: list[Event]  # oldest first, with event_ids: adding them twice adds them once
    reviews: list[Review]


def generate(seed: int = SEED, now: int | None = None) -> Shop:
    """The shop whose history ends at `now` (microseconds UTC, the present if not given); the same for the same two."""
    end = time.time_ns() // 1000 if now is None else now
    goods, tastes, doings, words = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(4))
    items = make_items(goods, end)
    world = make_tastes(tastes, items, USERS)
    events = make_events(doings, items, world, end)
    return Shop(items, user_ids(), events, make_reviews(words, items, events))
