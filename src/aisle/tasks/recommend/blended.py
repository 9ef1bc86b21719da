"""The blend behind `for_user`: the candidates of several models under one linear ranker, whose terms are the reasons.

    score(u, j) = Σ_m w_m · s_m(u, j) / max_j s_m(u, j)      every model's score, as part of the highest it gives this user
                + w · popularity(j) + w · newness(j)         √ of the share of the most popular; 2^(−age / 30 days)
                + w · category(u, j)                         the share of the history that is in the item's category
                + w · price(u, j)                            1 at the history's usual price, half at 1.6 times or a 1.6th of it

Candidates are the best CANDIDATES of every model. Each model's score (of a network: the chance of an item) is a sum over the
history, so the contributions of an item of the history add up over the models; what is left are terms of the candidate itself.
The weights are learnt (`blend`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aisle.explain import reduce
from aisle.tasks.recommend import ranking, reasons, user_neighbours
from aisle.tasks.recommend.history import Ask, History, gather
from aisle.tasks.recommend.lists import Floats, Lists, Places
from aisle.tasks.recommend.model import Model
from aisle.tasks.recommend.ranking import Speaker
from aisle.tasks.recommend.speakers import speaker
from aisle.tasks.recommend.view import View
from aisle.times import DAY
from aisle.types import Reason

CANDIDATES = 100  # of every model
FRESH = 30 * DAY
ITEM = ("popularity", "newness", "category", "price")  # features that are not the score of a model
BY_TEXTS = ("content", "sequence")  # know items that came after training by what is written of them
HALVES_AT = 0.47  # |log price − usual log price| at which the price term is half: a factor of 1.6
Line = tuple[Places, Floats, Floats]


class Said(NamedTuple):
    """What one model says about a batch."""

    history: History
    scores: NDArray[np.float64]  # (users, S) closed: 0 where an item must not be shown
    top: Floats  # (users,) the highest score of each; 1 where there is none
    speaker: Speaker | None  # of a model without lists


@dataclass
class Table:
    """Candidates of a batch, by user."""

    user: Places  # (candidates,)
    place: Places  # (candidates,)
    features: Floats  # (candidates, models + ITEM)
    said: list[Said]

    def of(self, user: int) -> slice:
        return slice(*np.searchsorted(self.user, [user, user + 1]).tolist())


def table(batch: Sequence[Ask], view: View, model: Model) -> Table:
    """The candidates of every user with their features."""
    assert model.blend is not None
    said = [_said(batch, view, part) for part in model.blend.parts]
    size, wanted = view.size, [CANDIDATES] * len(batch)
    cells = [ranked.user * size + ranked.place for one in said for ranked in (ranking.best(one.scores, wanted),)]
    cell = np.unique(np.concatenate(cells)) if cells else np.zeros(0, np.int64)
    user, place = cell // size, cell % size
    scaled = [one.scores.reshape(-1)[cell] / one.top[user] for one in said]
    base = gather(batch, view, model)
    now = np.array([ask.now for ask in batch], np.int64)
    features = np.column_stack([*scaled, *_item_features(user, place, now, base, view)])
    return Table(user, place, features, said)


def answer(batch: Sequence[Ask], view: View, model: Model) -> list[tuple[list[str], list[float], list[list[Reason]]]]:
    """(items, scores, reasons) of every user, at most n, best first."""
    assert model.blend is not None
    found, base = table(batch, view, model), gather(batch, view, model)
    worth = found.features @ model.blend.weights
    answers = []
    for user, ask in enumerate(batch):
        span = found.of(user)
        order = np.lexsort((found.place[span], -worth[span]))[: ask.request.n]
        order = order[worth[span][order] > 0] + span.start
        items, scores = view.ids[found.place[order]].tolist(), worth[order].tolist()
        how = ask.request.explain
        why = [[] for _ in items] if how == "none" else _reasons(user, order, found, base, view, model)
        answers.append((items, scores, [reduce(one, how) for one in why]))
    return answers


def _said(batch: Sequence[Ask], view: View, part: Model) -> Said:
    name = part.config.algorithm
    history = _known(gather(batch, view, part), len(part.names), whole=name in BY_TEXTS)
    speaks = speaker(batch, history, view, part, mixed=True)
    if speaks is not None:
        scores = speaks.scores
    elif name == "user_neighbours":
        scores = np.stack([_by_users(ask, view, part) for ask in batch])
    elif name == "content":
        scores = ranking.add_up(ranking.pairs(history, view.items.texts, view, 1.0), len(batch), view.size)
    else:
        scores = _add_up(history, part.personal, len(batch), view.size)
    ranking.close(scores, batch, history.hidden, view)
    np.maximum(scores, 0.0, out=scores)
    top = scores.max(axis=1, initial=0.0)
    return Said(history, scores, np.where(top > 0, top, 1.0), speaks)


def _known(history: History, items: int, *, whole: bool) -> History:
    """Without the entries of items that came after training, which only texts speak for."""
    keep = history.item < items
    if whole or keep.all():
        return history
    return history._replace(user=history.user[keep], item=history.item[keep], share=history.share[keep], verb=history.verb[keep])


def _add_up(history: History, lists: Lists, users: int, size: int) -> NDArray[np.float64]:
    cell = lists.indices.take(history.item, axis=0) + (history.user * size)[:, None]
    value = lists.values.take(history.item, axis=0) * history.share[:, None]
    return np.bincount(cell.ravel(), value.ravel(), users * size).astype(np.float64, copy=False).reshape(users, size)


def _by_users(ask: Ask, view: View, part: Model) -> Floats:
    crowd, config = view.model.crowd, part.config  # the same users for all parts: read once
    vector = user_neighbours.vector_of(crowd, part.weights, view.model.column, ask.request.user_id, ask.events)
    found = np.zeros(view.size)
    if ask.events and len(vector[0]):
        near = user_neighbours.nearest(
            crowd, crowd.measure(config.measure), vector, ask.request.user_id, config.neighbours, config.shrinkage
        )
        known, _ = user_neighbours.predict(crowd, *near)
        found[: len(known)] = known
    return found


# ---- terms of the candidate ------------------------------------------------------------------------------------


def _item_features(user: Places, place: Places, now: NDArray[np.int64], base: History, view: View) -> list[Floats]:
    """(candidates,) each of ITEM, all within 0 … 1."""
    created = view.items.created[place]
    age = np.maximum(now[user] - created, 0)
    newness = np.where(created > 0, np.exp2(-age / FRESH), 0.0)
    users = len(now)
    return [
        np.sqrt(view.items.popularity[place]),
        newness,
        _category_share(user, place, base, view, users),
        _price_fit(user, place, base, view, users),
    ]


def _category_share(user: Places, place: Places, base: History, view: View, users: int) -> Floats:
    path = view.paths
    width = int(path.max(initial=-1)) + 2
    share = np.bincount(base.user * width + path[base.item] + 1, np.maximum(base.share, 0.0), users * width)
    own = path[place] + 1
    return np.where(own > 0, share[user * width + own], 0.0)


def _price_fit(user: Places, place: Places, base: History, view: View, users: int) -> Floats:
    price = view.log_prices  # NaN: none
    priced = ~np.isnan(price[base.item])
    weight = np.where(priced, np.maximum(base.share, 0.0), 0.0)
    total = np.bincount(base.user, weight, users)
    usual = np.bincount(base.user, weight * np.nan_to_num(price[base.item]), users) / np.maximum(total, 1e-12)
    apart = np.abs(price[place] - usual[user]) / HALVES_AT
    return np.where(np.isnan(apart) | (total[user] <= 0), 0.0, np.exp2(-np.nan_to_num(apart)))


# ---- why -------------------------------------------------------------------------------------------------------


def _reasons(user: int, order: Places, found: Table, base: History, view: View, model: Model) -> list[list[Reason]]:
    """(winners,) every term of every winner's score."""
    assert model.blend is not None
    places, weights = found.place[order], model.blend.weights
    verb = dict(zip(base.item[base.of(user)].tolist(), base.verb[base.of(user)].tolist(), strict=True))
    given: list[dict[int, float]] = [{} for _ in places]
    why: list[list[Reason]] = [[] for _ in places]
    for number, (part, said) in enumerate(zip(model.blend.parts, found.said, strict=True)):
        scale = float(weights[number] / said.top[user])
        if not scale:
            continue
        if part.config.algorithm == "user_neighbours":
            for one, score in zip(why, (said.scores[user, places] * scale).tolist(), strict=True):
                if score:
                    one.append(Reason("similar_users", score, "shoppers with a history like yours chose it"))
            continue
        speaks = said.scores[user, places] > 0  # of a model that speaks against an item only that it says nothing is used
        for winner, item, value in zip(*_shares(user, places, part, said, view), strict=True):
            if not speaks[winner]:
                continue
            given[winner][item] = given[winner].get(item, 0.0) + value * scale
    for winner, entries in enumerate(given):
        words = view.because(np.array([verb.get(item, 0) for item in entries], np.int64), np.array(list(entries), np.int64))
        ids = [view.items.names[item] for item in entries]
        why[winner] += [Reason("because_you", v, text, one) for v, text, one in zip(entries.values(), words, ids, strict=True)]
    for winner, row in enumerate(order.tolist()):
        why[winner] += _own_terms(found.features[row, len(found.said) :] * weights[len(found.said) :], view, int(places[winner]))
    return why


def _shares(user: int, places: Places, part: Model, said: Said, view: View) -> tuple[list[int], list[int], list[float]]:
    """(winner, item of the history, contribution) of one model for one user."""
    span = said.history.of(user)
    if said.speaker is not None:
        entries, given = said.speaker.given(user, places)
        row, winner = np.nonzero(given)
        entry, value = entries[row] - span.start, given[row, winner]
    else:
        alone = said.history._replace(
            user=np.zeros(span.stop - span.start, np.int64), item=said.history.item[span], share=said.history.share[span]
        )
        content = part.config.algorithm == "content"
        pairs = ranking.pairs(alone, view.items.texts, view, 1.0) if content else _pairs(alone, part.personal)
        number = np.zeros(view.size, np.int64)
        number[places] = np.arange(1, len(places) + 1)
        winner = number[pairs.cell]
        hit = np.flatnonzero((winner > 0) & (pairs.value != 0))
        entry, winner, value = pairs.entry(hit), winner[hit] - 1, pairs.value[hit]
    return winner.tolist(), said.history.item[span][entry].tolist(), value.tolist()


def _pairs(alone: History, lists: Lists) -> ranking.Pairs:
    value = lists.values.take(alone.item, axis=0) * alone.share[:, None]
    cell = lists.indices.take(alone.item, axis=0).ravel().astype(np.int64)
    return ranking.Pairs(cell, value.ravel(), lists.indices.shape[1], ranking.NONE)


def _own_terms(terms: Floats, view: View, place: int) -> list[Reason]:
    found = []
    popular, newness, category, price = terms.tolist()
    if popular:
        count = view.model.popularity.shoppers[place] if place < len(view.model.names) else 0
        found.append(reasons.popular(popular, int(count)))
    if newness:
        found.append(Reason("content", newness, "new in the shop"))
    if category:
        path = view.items.catalogue.items[int(view.items.position[place])].category or ""
        found.append(Reason("content", category, f"you often look at {path.rpartition('>')[2].strip()}"))
    if price:
        found.append(Reason("content", price, "about the price you usually look at"))
    return found
