"""Why an item was recommended: the strongest parts of its score in words, and the rest as one, so that they add up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aisle.explain import ENOUGH, NOTHING_LEFT, Explain, remainder_text, shoppers
from aisle.tasks.recommend.history import History
from aisle.tasks.recommend.lists import Floats, Places
from aisle.tasks.recommend.ranking import Parts, Ranked
from aisle.tasks.recommend.view import View
from aisle.types import Reason

REST = [remainder_text(count) for count in range(1001)]


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
    start = parts.start[:-1]
    if not len(start):
        return []
    value = parts.value.copy()
    first, top = _highest(value, parts.start)
    count = np.diff(parts.start)
    lonely = (count == 1) | ((count > 2) & (top >= ENOUGH * ranked.score))  # of two, both are said: the rest would be as long
    value[first] = -np.inf
    second, next_top = _highest(value, parts.start)
    next_top[lonely] = 0.0
    rest = ranked.score - top - next_top
    more = count - np.where(lonely, 1, 2)
    one = _said(parts.entry[first], history, view)
    two = _said(parts.entry[second], history, view)
    kinds = _kinds(ranked, parts.entry[first], history, view)
    next_kinds = _kinds(ranked, parts.entry[second], history, view)
    found: list[list[Reason]] = []
    rows = zip(
        one, top.tolist(), kinds, two, next_top.tolist(), next_kinds, lonely.tolist(), rest.tolist(), more.tolist(), strict=True
    )
    for (text, item), share, kind, (text2, item2), share2, kind2, alone, left, others in rows:
        reasons = [Reason(kind, share, text, item)]
        if not alone:
            reasons.append(Reason(kind2, share2, text2, item2))
        if others and (left > NOTHING_LEFT or left < -NOTHING_LEFT):
            reasons.append(Reason("other", left, REST[others]))
        found.append(reasons)
    return found


def _highest(value: Floats, start: Places) -> tuple[Places, Floats]:
    """(groups,) where the highest value of each group stands (the first of equals), and the value."""
    top = np.maximum.reduceat(value, start[:-1])
    counts = np.diff(start)
    equal = np.flatnonzero(value == np.repeat(top, counts))
    return equal[np.searchsorted(equal, start[:-1])], top


def _said(entry: Places, history: History, view: View) -> list[tuple[str, str]]:
    """(text, item_id) of history entries."""
    keys = (history.verb[entry] * view.size + history.item[entry]).tolist()
    words = view.words
    return [words.get(key) or view.say(key) for key in keys]


def _kinds(ranked: Ranked, entry: Places, history: History, view: View) -> list[str]:
    """ "content" where one of the two items is known by its text alone."""
    by_text: NDArray[np.bool_] = view.items.unheard[ranked.place] | view.items.unheard[history.item[entry]]
    return ["content" if text else "because_you" for text in by_text.tolist()] if by_text.any() else ["because_you"] * len(entry)


def _full(ranked: Ranked, parts: Parts, history: History, view: View) -> list[list[Reason]]:
    found: list[list[Reason]] = []
    for winner in range(len(ranked.user)):
        span = slice(int(parts.start[winner]), int(parts.start[winner + 1]))
        entry, value = parts.entry[span], parts.value[span]
        alone = Ranked(ranked.user[[winner] * len(entry)], ranked.place[[winner] * len(entry)], value)
        said = zip(_said(entry, history, view), _kinds(alone, entry, history, view), value.tolist(), strict=True)
        reasons = [Reason(kind, share, text, item) for (text, item), kind, share in said]
        found.append(sorted(reasons, key=lambda reason: -reason.contribution))
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
    return Reason("similar_users", score, f"{shoppers(count)} with a history like yours chose it")
