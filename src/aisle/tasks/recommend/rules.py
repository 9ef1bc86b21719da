"""The merchandisers' rules on a finished list: hide, boost, bury, pin, cap, and a list that is not all of one kind.

Hiding happens before anything is scored. The others work on more candidates than were asked for: boosts change scores (and
say so as a reason, so that contributions still add up), pins take their places, then the rest is picked one by one: the next
best that no cap forbids and, where diversity is wanted, that is not too much like what was picked (maximal marginal
relevance; Carbonell & Goldstein, 1998).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aisle.kit.rules import FACTOR, any_stock, factor_of, group_of, holds, said
from aisle.tasks.recommend.personal import Found
from aisle.tasks.recommend.view import Mask, View, mapped
from aisle.times import DAY
from aisle.types import Reason, Rule, RuleSet

MORE = 5  # candidates for each item asked for, where rules may reorder them …
LEAST, MOST = 100, 1000  # … within these bounds
Row = tuple[str, float, list[Reason]]  # item_id, score, reasons


@dataclass(frozen=True, slots=True)
class House:
    """The rules that hold for one operation and catalogue at one moment; `diversity` from 0 (none) to 1."""

    view: View  # without what is hidden
    factors: Sequence[tuple[Mask, Rule]]
    pins: Sequence[Rule]
    caps: Sequence[tuple[Mask, Rule]]
    diversity: float

    @property
    def reorders(self) -> bool:
        return bool(self.factors or self.pins or self.caps or self.diversity > 0)

    def wanted(self, n: int) -> int:
        """How many candidates to ask the model for."""
        return min(MOST, max(n * MORE, LEAST, n)) if self.reorders else n

    def arrange(self, found: Found, n: int, mask: Mask) -> Found:
        """The first `n` under the rules; `mask` (S,) says what may be shown at all."""
        if not self.reorders:
            return found
        rows = sorted(map(self._weighed, found.items, found.scores, found.reasons), key=lambda row: -row[1])
        pinned = self._pinned({row[0]: row for row in rows}, n, mask)
        taken = {row[0] for row in pinned.values()}
        chosen = self._picked([row for row in rows if row[0] not in taken], n, pinned)
        return Found([row[0] for row in chosen], [row[1] for row in chosen], [row[2] for row in chosen], found.strategy)

    def _weighed(self, item_id: str, score: float, why: list[Reason]) -> Row:
        """An item with its boosts: the score times their factors, and what each added as a reason."""
        place = self.view.items.place[item_id]
        for mask, rule in self.factors:
            if mask[place]:
                factor = factor_of(rule)
                if why:
                    why = [*why, Reason("rule", score * (factor - 1.0), said(rule))]
                score *= factor
        return item_id, score, why

    def _pinned(self, known: dict[str, Row], n: int, mask: Mask) -> dict[int, Row]:
        """Rows by their places in the answer, from 0; the first rule (by id) gets a place that two want, the other the next."""
        found: dict[int, Row] = {}
        for rule in self.pins:
            at = rule.position - 1
            for item_id in rule.items.include or ():
                place = self.view.items.place.get(item_id)
                if place is None or not mask[place] or any(row[0] == item_id for row in found.values()):
                    continue
                while at in found:
                    at += 1
                if at < n:
                    item, score, why = known.get(item_id, (item_id, 0.0, []))
                    found[at] = (item, score, [Reason("rule", 0.0, said(rule)), *why])
        return found

    def _picked(self, rows: list[Row], n: int, pinned: dict[int, Row]) -> list[Row]:
        """Pins at their places, and between them the best that caps and diversity let through."""
        chosen: list[Row] = []
        counts: list[Counter[str]] = [Counter() for _ in self.caps]
        top = max((row[1] for row in rows), default=0.0) or 1.0
        likeness = Likeness(self.view)
        for at in range(n):
            row = pinned.get(at) or self._next(rows, chosen, counts, top, likeness)
            if row is None:
                continue
            chosen.append(row)
            for (mask, rule), count in zip(self.caps, counts, strict=True):
                if (key := self._key(row, mask, rule)) is not None:
                    count[key] += 1
        return chosen

    def _next(self, rows: list[Row], chosen: list[Row], counts: list[Counter[str]], top: float, likeness: Likeness) -> Row | None:
        """Takes the next row out of `rows`: the best allowed one, or with diversity the one with the best balance."""
        free = (k for k, row in enumerate(rows) if self._allowed(row, counts))
        if self.diversity <= 0:
            best = next(free, None)
        else:

            def balance(k: int) -> float:
                item_id, score, _ = rows[k]
                alike = max((likeness.of(item_id, other[0]) for other in chosen), default=0.0)
                return (1 - self.diversity) * score / top - self.diversity * alike

            best = max(free, key=balance, default=None)
        return rows.pop(best) if best is not None else None

    def _allowed(self, row: Row, counts: list[Counter[str]]) -> bool:
        for (mask, rule), count in zip(self.caps, counts, strict=True):
            key = self._key(row, mask, rule)
            if key is not None and count[key] >= rule.most:
                return False
        return True

    def _key(self, row: Row, mask: Mask, rule: Rule) -> str | None:
        """What a cap counts an item under; None where the cap is not about it."""
        place = self.view.items.place[row[0]]
        position = int(self.view.items.position[place])
        return group_of(self.view.items.catalogue.items[position], rule.per) if mask[place] and position >= 0 else None


class Likeness:
    """How alike two items are, from 0 to 1: their texts, as known to the model, or variants of one product."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._rows: dict[int, dict[int, float]] = {}

    def of(self, one: str, other: str) -> float:
        items = self._view.items
        first, second = items.place[one], items.place[other]
        row = self._rows.get(first)
        if row is None:
            row = self._rows[first] = items.texts.row(first)
        if _same_group(self._view, first, second):
            return 1.0
        return min(1.0, row.get(second, 0.0))


def held(rules: RuleSet, operation: str, now: int) -> tuple[Rule, ...]:
    """The rules that hold for an operation now; those for some questions of the search are not among them."""
    return tuple(rule for rule in rules.rules if not rule.queries and holds(rule, f"recommend.{operation}", now))


def house(rules: Sequence[Rule], view: View, diversity: float = 0.0) -> House:
    """Rules made ready for one view of the catalogue."""
    about = {rule.rule_id: mapped(view.items, any_stock(rule.items)) for rule in rules if rule.action != "pin"}
    return House(
        view=_ruled(rules, about, view),
        factors=[(about[rule.rule_id], rule) for rule in rules if rule.action in FACTOR],
        pins=[rule for rule in rules if rule.action == "pin"],
        caps=[(about[rule.rule_id], rule) for rule in rules if rule.action == "cap"],
        diversity=diversity,
    )


def _ruled(rules: Sequence[Rule], about: dict[str, Mask], view: View) -> View:
    """The view with what the rules say of each item: hidden, and when a bought one comes back (the first such rule holds)."""
    if not any(rule.action in ("hide", "again") for rule in rules):
        return view
    hidden, waits = np.zeros(view.size, bool), np.full(view.size, np.nan)
    for rule in reversed(rules):
        if rule.action == "hide":
            hidden |= about[rule.rule_id]
        elif rule.action == "again":
            waits[about[rule.rule_id]] = np.inf if rule.days is None else rule.days * DAY
    return view.ruled(hidden, None if np.isnan(waits).all() else waits)


def _same_group(view: View, first: int, second: int) -> bool:
    groups = [_group_id(view, place) for place in (first, second)]
    return groups[0] is not None and groups[0] == groups[1]


def _group_id(view: View, place: int) -> str | None:
    position = int(view.items.position[place])
    return view.items.catalogue.items[position].group_id if position >= 0 else None
