"""How each algorithm weighs a user's history: by days or by steps, by what was done or that it was done."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from aisle.tasks.recommend.lists import Floats
from aisle.tasks.recommend.schema import Config

LONG = 50  # items: a closed form knows what each of them says beside the others, so none is left out
STEPS = 2048  # in a walk; what is further back counts as the last
KEEN = 5.0  # events at once that ease and als take for ten times as much again: log(1 + KEEN · events)


@lru_cache
def _powers(base: float) -> Floats:
    return np.array([base**step for step in range(STEPS)])


class Way(NamedTuple):
    """weight of an item = Σ over its events: what the event counts, faded; ease and als take the logarithm of the sum."""

    step: float | None  # γ: an event fades by γ for every step after it; None: by half every `half_life_days`
    alike: bool  # that something was done counts, at most 1 an event, and not how much its type weighs
    logarithm: bool  # log(1 + KEEN · sum): the second purchase of an item says less than the first
    most: int  # strongest items that are looked at

    @staticmethod
    def of(config: Config) -> Way:
        if config.algorithm == "sequence_neighbours":
            return Way(config.sequence_fade, alike=True, logarithm=False, most=config.history)
        if config.algorithm == "session_neighbours":
            return Way(config.session_fade, alike=True, logarithm=False, most=config.history)
        if config.algorithm == "sequence":  # the network weighs for itself; the shares serve likeness of texts, which fills up
            return Way(config.sequence_fade, alike=True, logarithm=False, most=max(config.history, config.sequence_events))
        step = config.history_fade if config.history_fade < 1 else None
        if config.algorithm in ("ease", "als"):
            return Way(step, alike=True, logarithm=True, most=max(config.history, LONG))
        return Way(step, alike=False, logarithm=False, most=config.history)

    def fades(self) -> Floats:
        """(STEPS,) γ to the power of 0, 1, 2 …"""
        return _powers(1.0 if self.step is None else self.step)

    def counted(self, worth: Floats) -> Floats:
        """(events,) what each counts before it fades."""
        return worth.clip(-1.0, 1.0) if self.alike else worth

    def summed(self, total: Floats) -> Floats:
        """(entries,) what each counts after its events were added up."""
        if not self.logarithm:
            return total
        return np.copysign(np.fromiter(map(math.log1p, (KEEN * np.abs(total)).tolist()), np.float64, len(total)), total)
