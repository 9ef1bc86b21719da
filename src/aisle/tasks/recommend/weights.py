"""What an event is worth: by its type, by its rating, by its age."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aisle.explain import shoppers
from aisle.tasks.recommend.schema import Config
from aisle.times import DAY
from aisle.types import EVENT_CODE, EVENT_TYPES

Floats = NDArray[np.float64]
RATE, PURCHASE, REFUND, DISMISS = (EVENT_CODE[name] for name in ("rate", "purchase", "refund", "dismiss"))
VERBS = {
    "purchase": "bought",
    "refund": "bought",
    "rate": "rated",
    "favourite": "saved",
    "add_to_cart": "put {} into your basket",
    "remove_from_cart": "took {} out of your basket",
    "dismiss": "dismissed",
    "click": "looked at",
    "view": "looked at",
    "impression": "were shown",
}


@dataclass(frozen=True, slots=True)
class Weights:
    """The settings of `Config` about events, as tables by type code."""

    table: Floats  # (types,) weight of a type
    seen: NDArray[np.bool_]  # (types,) makes an item one the user has had
    half_life: float  # microseconds
    neutral: float
    best: float

    @staticmethod
    def of(config: Config) -> Weights:
        table = np.array([getattr(config, name) for name in EVENT_TYPES], np.float64)
        seen = np.array([name in config.seen for name in EVENT_TYPES])
        return Weights(table, seen, config.half_life_days * DAY, config.rate_neutral, config.rate_best)

    @property
    def span(self) -> float:
        """From the rating that says nothing to the best one."""
        return (self.best - self.neutral) or 1.0

    def interest(self, types: NDArray[Any], values: NDArray[Any]) -> Floats:
        """(events,) how much each event speaks for its item: the weight of its type; a rating r counts
        weight · (r − neutral) / (best − neutral) within ±weight, and nothing where its value is absent (NaN)."""
        worth: Floats = self.table[types]
        rated = types == RATE
        if rated.any():
            share = np.clip((values[rated].astype(np.float64) - self.neutral) / self.span, -1, 1)
            worth[rated] *= np.nan_to_num(share, nan=0.0)
        return worth

    def taste(self, types: NDArray[Any], values: NDArray[Any]) -> Floats:
        """(events,) the entry in the vectors that users are compared by: the value of a rating, the weight of other types."""
        worth: Floats = self.table[types]
        rated = types == RATE
        if rated.any():
            worth[rated] = np.nan_to_num(values[rated].astype(np.float64), nan=0.0)
        return worth

    def decay(self, age: NDArray[Any]) -> Floats:
        """(events,) 1 for now, ½ after a half-life; `age` in microseconds, the future counts as now."""
        return np.asarray(np.exp2(np.maximum(age, 0) * (-1.0 / self.half_life)), np.float64)


def superseded(user: NDArray[Any], item: NDArray[Any], types: NDArray[Any]) -> NDArray[np.bool_]:
    """(events,) True for ratings that the same user later changed; events are oldest first within a user."""
    old = np.zeros(len(types), bool)
    rows = np.flatnonzero(types == RATE)
    if len(rows):
        key = user[rows].astype(np.int64) * (int(item.max()) + 1) + item[rows]
        _, newest = np.unique(key[::-1], return_index=True)
        old[rows] = True
        old[rows[len(rows) - 1 - newest]] = False
    return old


def chose_it(count: int) -> str:
    """ "12 shoppers with a history like yours chose it"."""
    return f"{shoppers(count)} with a history like yours chose it"


def because(verb_of: int, title: str) -> str:
    """ "because you bought Linen Shirt"."""
    verb = VERBS[EVENT_TYPES[verb_of]]
    return "because you " + (verb.format(title) if "{}" in verb else f"{verb} {title}")
