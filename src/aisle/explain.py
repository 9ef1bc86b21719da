"""Reasons that are true: contributions that add up to the score, and words that name no other person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from aisle.types import Reason

Explain = Literal["none", "brief", "full"]
FEW = 10  # below this many people no count is given: it could be told who they are
ENOUGH = 0.5  # the share of the score that one reason must explain to stand alone
NOTHING_LEFT = 1e-9  # a remainder below this is rounding


def reduce(reasons: Sequence[Reason], how: Explain) -> list[Reason]:
    """As much of the reasons as was asked for. `brief` keeps the two strongest, or one that alone explains half and leaves
    more than one other, and joins the others into one, so that the sum stays the score."""
    if how == "none":
        return []
    ordered = sorted(reasons, key=lambda reason: -reason.contribution)
    if how == "full" or len(ordered) <= 1:
        return ordered
    total = total_of(ordered)
    alone = len(ordered) > 2 and ordered[0].contribution >= ENOUGH * total
    kept = ordered[: 1 if alone else 2]
    return [*kept, *other(total - total_of(kept), len(ordered) - len(kept))]


def other(rest: float, count: int) -> list[Reason]:
    """The remainder as one reason; none where nothing is left."""
    if count == 0 or abs(rest) < NOTHING_LEFT:
        return []
    return [Reason("other", rest, remainder_text(count))]


def remainder_text(count: int) -> str:
    return "and one more reason" if count == 1 else f"and {count} more reasons"


REMAINDERS = [remainder_text(count) for count in range(1001)]


def total_of(reasons: Sequence[Reason]) -> float:
    """What the contributions add up to."""
    return sum(reason.contribution for reason in reasons)


def shoppers(count: int) -> str:
    """How many people, said so that none of them can be singled out."""
    return "a few shoppers" if count < FEW else f"{count:,} shoppers"
