"""Why an item was recommended: the strongest parts of its score in words, and the rest as one, so that they add up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from aisle.explain import ENOUGH, NOTHING_LEFT, REMAINDERS, Explain, shoppers
from aisle.tasks.recommend.history import History
from aisle.tasks.recommend.lists import Floats, Places
from aisle.tasks.recommend.ranking import Parts, Ranked
from aisle.tasks.recommend.view import View
from aisle.tasks.recommend.weights import chose_it
from aisle.types import Reason

BECAUSE, OTHER = repeat("because_you"), repeat("other")
KINDS = np.array(["because_you", "content"], object)


def from_history(ranked: Ranked, parts: Parts, history: History, view: View, how: Sequence[Explain]) -> list[list[Reason]]:
    """(winners,) reasons from a user's own history, as `how` asks for each user."""
    if "full" not in how:
        found = _brief(ranked, parts, history, view)
    else:
        found = _full(ranked, parts, history, view)
        brief = _brief(ranked, parts, history, view) if "brief" in how else []
        for winner, user in enumerate(ranked.user.tolist()):
            if how[user] == "brief":
                found[winner] = brief[winner]
    if "none" in how:
        found = [[] if how[user] == "none" else one for one, user in zip(found, ranked.user.tolist(), strict=True)]
    return found


def _brief(ranked: Ranked, parts: Parts, history: History, view: View) -> list[list[Reason]]:
    """As `explain.reduce` would, for all winners at once."""
    if not len(ranked.user):
        return []
    first = parts.start[:-1]
    count = parts.start[1:] - first
    top = parts.value.take(first)
    alone = (count == 1) | ((count > 2) & (top >= ENOUGH * ranked.score))  # of two, both are said: the rest would be as long
    second = first + ~alone
    also = parts.value.take(second)
    also[alone] = 0.0
    rest = ranked.score - top - also
    more = count - 2 + alone
    complete = (more == 0) | (np.abs(rest) < NOTHING_LEFT)
    ones = _said(ranked, parts.entry.take(first), top, history, view)
    twos = _said(ranked, parts.entry.take(second), also, history, view)
    rests = map(Reason, OTHER, rest.tolist(), map(REMAINDERS.__getitem__, more.tolist()))
    shape = (2 * alone + complete).tolist()
    return [
        [one, two, left] if kind == 0 else [one, two] if kind == 1 else [one, left] if kind == 2 else [one]
        for one, two, left, kind in zip(ones, twos, rests, shape, strict=True)
    ]


def _said(ranked: Ranked, entry: Places, value: Floats, history: History, view: View) -> Iterator[Reason]:
    """A reason per winner from one history entry; "content" where one of the two items is known by its text alone."""
    item = history.item.take(entry)
    words = view.because(history.verb.take(entry), item)
    unheard = view.items.unheard
    by_text: NDArray[np.bool_] = unheard.take(ranked.place) | unheard.take(item)
    kinds = KINDS[by_text.view(np.uint8)].tolist() if by_text.any() else BECAUSE
    return map(Reason, kinds, value.tolist(), words, view.ids.take(item).tolist())


def _full(ranked: Ranked, parts: Parts, history: History, view: View) -> list[list[Reason]]:
    found: list[list[Reason]] = []
    for winner in range(len(ranked.user)):
        span = slice(int(parts.start[winner]), int(parts.start[winner + 1]))
        entry, value = parts.entry[span], parts.value[span]
        alone = Ranked(ranked.user[[winner] * len(entry)], ranked.place[[winner] * len(entry)], value)
        found.append(list(_said(alone, entry, value, history, view)))
    return found


def popular(score: float, count: int, category: str | None = None, days: int | None = None) -> Reason:
    """One reason that is the whole score."""
    where = f" in {category}" if category else ""
    if score <= 0:
        return Reason("popular", score, f"new or rarely seen{where}")
    if days is not None:
        return Reason("popular", score, f"popular{where} in the last {days} days")
    return Reason("popular", score, f"popular{where} with {shoppers(count)}")


def neighbours(score: float, count: int) -> Reason:
    """Other people, counted and never named."""
    return Reason("similar_users", score, chose_it(count))
