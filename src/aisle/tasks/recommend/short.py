"""Newcomers: beside the little that is known of a user, what is popular speaks too, the less the more they have done.

    p(n) = 2^(−n / κ), nothing below LEAST                   n: events known of the user; κ: `short_history`
    score(u, j) = (1 − p) · s(u, j) / max_j s(u, j) + p · popularity(j) / max_j popularity(j)

One or two events say little of who somebody is, and a model that believes them wholly may answer worse than popularity does. This
is a mixture whose prior fades with what is seen of a user, as in smoothing (Jelinek & Mercer, 1980); the terms are the reasons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace as changed

from aisle.explain import Explain, reduce
from aisle.tasks.recommend.history import Ask
from aisle.tasks.recommend.schema import Config
from aisle.types import Reason

if TYPE_CHECKING:
    from aisle.tasks.recommend.personal import Found

LEAST = 0.05  # a smaller part of the score moves next to nothing
DEEP = 100  # items of either side that are looked at


def popular_share(ask: Ask, config: Config) -> float:
    """p(n) for one request, in 0 … 1; 0 where nothing is known at all: then what is popular is the answer."""
    return 0.0 if config.algorithm == "popular" else share_of(len(ask.events), config.short_history)


def share_of(events: int, kappa: float) -> float:
    """p(n)."""
    share = float(2.0 ** (-events / kappa)) if events and kappa > 0 else 0.0
    return share if share >= LEAST else 0.0


def deeper(ask: Ask) -> Ask:
    """The same question for as many items as are mixed, with all their reasons."""
    why: Explain = "none" if ask.request.explain == "none" else "full"
    return ask._replace(request=changed(ask.request, n=max(DEEP, ask.request.n), explain=why))


def mixed(own: Found, popular: Found, share: float, n: int, how: Explain) -> Found:
    """The n best of both, with the scores and the reasons of both."""
    worth: dict[str, float] = {}
    why: dict[str, list[Reason]] = {}
    for found, part in ((own, 1 - share), (popular, share)):
        top = max(found.scores, default=0.0)
        if top <= 0:
            continue
        for item, score, reasons in zip(found.items, found.scores, found.reasons, strict=True):
            worth[item] = worth.get(item, 0.0) + part * score / top
            said = [Reason(one.kind, one.contribution * part / top, one.text, one.item_id) for one in reasons]
            why[item] = why.get(item, []) + said
    items = sorted(worth, key=worth.__getitem__, reverse=True)[:n]
    return own._replace(items=items, scores=[worth[item] for item in items], reasons=[reduce(why[item], how) for item in items])
