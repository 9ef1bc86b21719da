"""`for_user` by the network: a user's newest events in, scores of all items out, and what each event gave to them.

Alone, a score is the logit of the network's softmax. Beside other models it is the chance of an item as a part of the likeliest
one's, exp(logit − highest logit): logits lie close together where chances do not, and are of no sign in particular. An item whose
logit is not above 0 has no chance: nothing of the history speaks for it. What an event gave to a chance is its part of all
that speaks for the item.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.recommend.history import Ask, History
from aisle.tasks.recommend.lists import Floats, Places
from aisle.tasks.recommend.sequence.served import Live, Matrix, Served, State, contributions, follow
from aisle.tasks.recommend.view import View
from aisle.tasks.recommend.weights import Weights

WINNERS = 128  # explained at once


class Followed(NamedTuple):
    """One user's history after the network."""

    state: State
    entry: Places  # (rows,) the entry of the history that each event belongs to


class Read(NamedTuple):
    """What the network makes of a batch, a `ranking.Speaker`."""

    scores: NDArray[np.float64]  # (users, S) logits; 0 for a user without events
    found: list[Followed | None]
    served: Served
    outputs: Matrix  # (S, dimensions)

    def given(self, user: int, places: Places) -> tuple[Places, Floats]:
        """The entries of a user's history that are events, and (entries, places) what each adds to these logits."""
        one = self.found[user]
        if one is None:
            return np.zeros(0, np.int64), np.zeros((0, len(places)))
        entry, row = np.unique(one.entry, return_inverse=True)
        given = _given(self.served, one, self.outputs.take(places, axis=0), self.scores[user, places])
        added = np.zeros((len(entry), len(places)))
        np.add.at(added, row, given.T)
        return entry, added


class Chances(NamedTuple):
    """The same as chances, for a blend, a `ranking.Speaker`."""

    scores: NDArray[np.float64]  # (users, S) within 0 … 1
    read: Read

    def given(self, user: int, places: Places) -> tuple[Places, Floats]:
        """The entries of a user's history that are events, and (entries, places) the share of each in these chances."""
        entry, logits = self.read.given(user, places)
        speaks = np.maximum(logits, 0.0)
        total = speaks.sum(axis=0)
        share = speaks / np.where(total > 0, total, 1.0)
        return entry, np.asarray(share * self.scores[user, places], np.float64)


def read(batch: Sequence[Ask], history: History, view: View, live: Live) -> Read:
    """Let the network follow every history."""
    outputs = live.vectors(view.items.new)[1]
    found = [_followed(ask, user, history, view, live) for user, ask in enumerate(batch)]
    scores = np.zeros((len(batch), view.size))
    for user, one in enumerate(found):
        if one is not None:
            scores[user] = outputs @ one.state.last
    return Read(scores, found, live.served, outputs)


def chances(found: Read) -> Chances:
    """Logits as parts of the likeliest item's chance."""
    top = found.scores.max(axis=1, initial=0.0, keepdims=True)
    return Chances(np.where(found.scores > 0, np.exp(found.scores - top), 0.0), found)


def _followed(ask: Ask, user: int, history: History, view: View, live: Live) -> Followed | None:
    span = history.of(user)
    entries = zip(history.item[span].tolist(), history.share[span].tolist(), range(span.start, span.stop), strict=True)
    liked = {item: entry for item, share, entry in entries if share > 0}
    taken = _taken(ask, liked, view, live.weights, live.served.length)
    if not taken:
        return None
    events = live.vectors(view.items.new)[0].take(taken, axis=0)
    return Followed(follow(live.served, events), np.array([liked[item] for item in taken], np.int64))


def _taken(ask: Ask, liked: dict[int, int], view: View, weights: Weights, most: int) -> list[int]:
    """The places of the newest events, oldest first, as in training: what speaks for nothing, or for an item that the user has
    turned against since, is left out, and an item several times in a row is there once."""
    found: list[int] = []
    speaks = weights.table > 0
    for event in ask.events:
        place = view.items.place.get(event.item_id, -1)
        if place in liked and speaks[event.type] and (not found or found[-1] != place):
            found.append(place)
            if len(found) == most:
                break
    return found[::-1]


def _given(served: Served, one: Followed, outputs: Matrix, score: Floats) -> Floats:
    """(winners, rows) contributions; what the rounding of float32 leaves of a score is shared out, so that they add up to it."""
    blocks = [
        contributions(served, one.state, outputs[start : start + WINNERS]).astype(np.float64)
        for start in range(0, len(outputs), WINNERS)
    ]
    given = np.concatenate(blocks)
    given += ((score - given.sum(axis=1)) / given.shape[1])[:, None]
    return given
