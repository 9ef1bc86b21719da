"""The shop's rows as arrays: items in engine order, events by position, users by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from aisle.task import Data
from aisle.tasks.recommend.weights import Floats, Weights, superseded
from aisle.types import EventColumns, Item

Sparse = Any  # a scipy.sparse array: its stubs name every dtype, which says nothing here


@dataclass(frozen=True, slots=True)
class World:
    """Items are columns 0 … N−1 in catalogue order; items that only events know are columns N …, and are never answered with."""

    items: list[Item]
    names: list[str]  # (columns,) item ids
    users: list[str]
    user: NDArray[np.int32]  # (events,) sorted by user, then time
    item: NDArray[np.int32]  # (events,) column
    type: NDArray[np.int8]
    time: NDArray[np.int64]
    value: NDArray[np.float32]
    session: NDArray[np.int32]  # -1: no session

    @property
    def known(self) -> int:
        """Items of the catalogue."""
        return len(self.items)

    @property
    def until(self) -> int:
        """The newest moment seen, microseconds; 0 without events."""
        return int(self.time.max()) if len(self.time) else 0

    def part(self, keep: NDArray[np.bool_]) -> World:
        """The same shop with some of its events."""
        rows: list[Any] = [row[keep] for row in (self.user, self.item, self.type, self.time, self.value, self.session)]
        return World(self.items, self.names, self.users, *rows)

    def matrix(self, worth: Floats) -> Sparse:
        """(users, columns) csr: the worth of the events of each user with each item, added up."""
        found: Sparse = sp.csr_array((worth, (self.user, self.item)), shape=(len(self.users), len(self.names)))
        found.sum_duplicates()
        found.eliminate_zeros()
        return found

    def interest(self, weights: Weights) -> Sparse:
        """(users, N) csr: how much each user wants each item of the catalogue, undecayed; a later rating replaces an earlier."""
        worth = weights.interest(self.type, self.value)
        worth[superseded(self.user, self.item, self.type)] = 0.0
        return self.matrix(worth)[:, : self.known]

    def taste(self, weights: Weights) -> Sparse:
        """(users, columns) csr: the vectors users are compared by."""
        worth = weights.taste(self.type, self.value)
        worth[superseded(self.user, self.item, self.type)] = 0.0
        return self.matrix(worth)


def read(data: Data) -> World:
    """Everything the shop has, in one place."""
    return arrange(list(data.items()), data.events())


def arrange(items: list[Item], events: EventColumns) -> World:
    """Items and events in the same numbering."""
    position = {item.item_id: place for place, item in enumerate(items)}
    for name in events.items:
        position.setdefault(name, len(position))
    column = np.array([position[name] for name in events.items], np.int32)
    item = column[events.item] if len(events.item) else np.zeros(0, np.int32)
    session = events.session if events.session is not None else np.full(len(item), -1, np.int32)
    return World(items, list(position), events.users, events.user, item, events.type, events.time, events.value, session)
