"""What shoppers chose who had asked the same or alike.

A question that was answered and followed by a click, a basket or a purchase says which items it meant. Questions are compared by
their terms (Jaccard): the same words in another order are the same question, and half of them still a hint.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec import Struct

ALIKE = 0.5  # Jaccard from which another question is a hint


class Asked(Struct, frozen=True):
    """A question, and what was chosen after it; the strongest choice is 1."""

    terms: list[str]
    chosen: dict[str, float]  # item_id -> weight


@dataclass(slots=True)
class Memory:
    """All questions that enough shoppers asked."""

    questions: Sequence[Asked] = ()
    _by_term: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, question in enumerate(self.questions):
            for term in set(question.terms):
                self._by_term.setdefault(term, []).append(number)

    def chosen(self, terms: Sequence[str]) -> dict[str, float]:
        """item_id -> 0 … 1, for a question with these terms."""
        own = set(terms)
        shared: dict[int, int] = defaultdict(int)
        for term in own:
            for number in self._by_term.get(term, ()):
                shared[number] += 1
        found: dict[str, float] = {}
        for number, count in shared.items():
            question = self.questions[number]
            alike = count / (len(own) + len(set(question.terms)) - count)
            if alike >= ALIKE:
                for item_id, weight in question.chosen.items():
                    found[item_id] = max(found.get(item_id, 0.0), alike * weight)
        return found
