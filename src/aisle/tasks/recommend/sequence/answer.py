"""`for_user` by the network: a user's newest events in, the best items out, and what each event gave to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from aisle.tasks.recommend import ranking
from aisle.tasks.recommend.history import Ask, History
from aisle.tasks.recommend.lists import Floats, Places
from aisle.tasks.recommend.ranking import Pairs, Ranked
from aisle.tasks.recommend.sequence.served import Live, Matrix, Served, State, contributions, follow
from aisle.tasks.recommend.view import View
from aisle.tasks.recommend.weights import Weights

WINNERS = 128  # explained at once


class Followed(NamedTuple):
    """One user's history after the network."""

    state: State
    entry: Places  # (rows,) the entry of the history that each event belongs to


def ranked(batch: Sequence[Ask], history: History, view: View, live: Live) -> tuple[Pairs, Ranked]:
    """The best of every user, and what their scores are made of where somebody asks why."""
    outputs = live.vectors(view.items.new)[1]
    scores = np.zeros((len(batch), view.size))
    found = [_followed(ask, user, history, view, live) for user, ask in enumerate(batch)]
    for user, one in enumerate(found):
        if one is not None:
            scores[user] = outputs @ one.state.last
    ranking.close(scores, batch, history.hidden, view)
    best = ranking.best(scores, [ask.request.n for ask in batch])
    if all(ask.request.explain == "none" for ask in batch):
        found = [None] * len(batch)
    return _pairs(found, best, live.served, outputs, view.size), best


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


def _pairs(found: Sequence[Followed | None], best: Ranked, served: Served, outputs: Matrix, size: int) -> Pairs:
    """What every entry of a history gave to every ranked item of its user."""
    bounds = best.user.searchsorted(np.arange(len(found) + 1)).tolist()
    cells, values, entries = [np.zeros(0, np.int64)], [np.zeros(0)], [np.zeros(0, np.int64)]
    for user, (one, start, stop) in enumerate(zip(found, bounds, bounds[1:], strict=False)):
        if one is None or start == stop:
            continue
        place = best.place[start:stop]
        entry, row = np.unique(one.entry, return_inverse=True)
        given = _given(served, one, outputs.take(place, axis=0), best.score[start:stop])
        added = np.zeros((len(entry), len(place)))
        np.add.at(added, row, given.T)
        cells.append(np.tile(place + user * size, len(entry)))
        values.append(added.ravel())
        entries.append(np.repeat(entry, len(place)))
    return Pairs(np.concatenate(cells), np.concatenate(values), 1, np.concatenate(entries))


def _given(served: Served, one: Followed, outputs: Matrix, score: Floats) -> Floats:
    """(winners, rows) contributions; what the rounding of float32 leaves of a score is shared out, so that they add up to it."""
    blocks = [
        contributions(served, one.state, outputs[start : start + WINNERS]).astype(np.float64)
        for start in range(0, len(outputs), WINNERS)
    ]
    given = np.concatenate(blocks)
    given += ((score - given.sum(axis=1)) / given.shape[1])[:, None]
    return given
