"""The shop's rules on what is found: hide, boost, bury, pin and cap, for every question or for those with certain words.

Hidden items are never candidates; boosts and burials multiply scores and say so as a reason of their own, so that contributions
still add up; pins take their places in the answer; caps leave out what would be one too many of a kind. No rule shows what is
sold out or filtered away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from aisle.kit.rules import FACTOR, any_stock, factor_of, group_of, holds, said
from aisle.task import Context
from aisle.tasks.search.reasons import Explained
from aisle.tasks.search.schema import Hit
from aisle.tasks.search.shelf import Shelf
from aisle.tasks.search.signals import top
from aisle.tasks.search.words import Analyser, words
from aisle.types import Reason, Rule

MORE, LEAST, MOST = 5, 100, 1000  # candidates for each item asked for where caps may leave some out, within these bounds
Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that hold for an operation now, each with its items as a mask over the catalogue's positions."""

    rules: Sequence[tuple[Rule, Mask]]

    @classmethod
    def held(cls, context: Context, operation: str) -> Rules:
        """Called beside the catalogue's own thread."""
        catalogue = context.catalogue
        assert catalogue is not None
        chosen = [rule for rule in context.rules.rules if _meant(rule) and holds(rule, f"search.{operation}", context.now)]
        return cls([(rule, catalogue.mask(any_stock(rule.items))) for rule in chosen])

    def curated(self, question: str, mask: Mask, shelf: Shelf, analyser: Analyser) -> Curated:
        """What those that are for this question want of its answer."""
        shown = shelf.mask(mask)
        if not self.rules:
            return Curated(shelf, shown)
        asked = _terms(question, analyser)
        chosen = [(rule, shelf.mask(about)) for rule, about in self.rules if _is_for(rule, asked, analyser)]
        for rule, about in chosen:
            if rule.action == "hide":
                shown &= ~about
        return Curated(
            shelf,
            shown,
            boosts=[(rule, about) for rule, about in chosen if rule.action in FACTOR],
            pins=[rule for rule, _ in chosen if rule.action == "pin"],
            caps=[(rule, about) for rule, about in chosen if rule.action == "cap"],
        )


@dataclass(frozen=True, slots=True)
class Curated:
    """What the rules want of one answer, by place on the shelf."""

    shelf: Shelf
    shown: Mask  # (places,) without what is hidden
    boosts: Sequence[tuple[Rule, Mask]] = ()
    pins: Sequence[Rule] = ()
    caps: Sequence[tuple[Rule, Mask]] = ()

    def depth(self, n: int) -> int:
        """How many of the best are looked at for an answer of `n`."""
        return max(min(MOST, max(n * MORE, LEAST)), n) if self.caps else n

    def weighed(self, score: Floats) -> Floats:
        """(places,) scores times the factors of boosts and burials."""
        for rule, about in self.boosts:
            score = np.where(about, score * np.float32(factor_of(rule)), score)
        return score

    def hits(self, score: Floats, n: int, explained: Explained) -> list[Hit]:
        """The first `n`: pins at their places, and between them the best that caps let through."""
        pinned = self._pinned(n)
        rest = self._let_through(
            [at for at in top(score, self.depth(n)).tolist() if at not in pinned.values()], list(pinned.values())
        )
        places = []
        for at in range(n):
            place = pinned.get(at, -1)
            place = next(rest, -1) if place < 0 else place
            places += [place] if place >= 0 else []
        chosen = set(pinned.values())
        return [self._hit(place, float(score[place]), explained, place in chosen) for place in places]

    def _hit(self, place: int, score: float, explained: Explained, pinned: bool) -> Hit:
        factors = [(rule, factor_of(rule)) for rule, about in self.boosts if about[place]]
        base = score / float(np.prod([factor for _, factor in factors]))
        reasons = explained.of(place, base) if base > 0 else []
        for rule, factor in factors if reasons else ():
            reasons.append(Reason("rule", base * (factor - 1), said(rule)))
            base *= factor
        if pinned and explained.how != "none":
            reasons.insert(0, Reason("rule", 0.0, said(next(rule for rule in self.pins if self._names(rule, place)))))
        return Hit(self.shelf.item_ids[place], score, reasons)

    def _pinned(self, n: int) -> dict[int, int]:
        """Places on the shelf by place in the answer, from 0; of two rules the first (by id) gets it, the other the next."""
        found: dict[int, int] = {}
        for rule in self.pins:
            at = rule.position - 1
            for item_id in rule.items.include or ():
                place = self.shelf.place.get(item_id, -1)
                if place < 0 or not self.shown[place] or place in found.values():
                    continue
                while at in found:
                    at += 1
                if at < n:
                    found[at] = place
        return found

    def _let_through(self, ranked: list[int], already: list[int]) -> Iterator[int]:
        """What no cap forbids; pins count, but are never left out."""
        counts: list[Counter[str]] = [Counter() for _ in self.caps]
        for place in already:
            self._count(place, counts)
        for place in ranked:
            if self._count(place, counts):
                yield place

    def _count(self, place: int, counts: list[Counter[str]]) -> bool:
        """Count an item under every cap that is about it; whether it is one of the first it allows."""
        keys = [
            (count, key, rule.most)
            for (rule, about), count in zip(self.caps, counts, strict=True)
            if about[place] and (key := group_of(self.shelf.item(place), rule.per)) is not None
        ]
        if any(count[key] >= most for count, key, most in keys):
            return False
        for count, key, _ in keys:
            count[key] += 1
        return True

    def _names(self, rule: Rule, place: int) -> bool:
        return self.shelf.item_ids[place] in (rule.items.include or ())


def _meant(rule: Rule) -> bool:
    """Whether a rule can be about search: a pin would stand above the answers to all questions unless it says for which, or that
    it means search; what comes back after a purchase is no matter of a question."""
    if rule.action == "pin":
        return bool(rule.queries or rule.operations)
    return rule.action != "again"


def _is_for(rule: Rule, asked: frozenset[str], analyser: Analyser) -> bool:
    """Whether a question has the words that the rule is for."""
    wanted = [_terms(text, analyser) for text in rule.queries]
    return not wanted or any(one == asked if rule.match == "is" else one and one <= asked for one in wanted)


def _terms(text: str, analyser: Analyser) -> frozenset[str]:
    """A question's words without their endings, in no order."""
    return frozenset(map(analyser.term, _words(text)))


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[str, ...]:
    return tuple(words(text))
