"""`similar_items` and `bought_together`: what goes with given items, whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from aisle.errors import BadInput, NotFound
from aisle.explain import FEW, reduce
from aisle.tasks.recommend import content, ranking, reasons
from aisle.tasks.recommend.lists import Lists
from aisle.tasks.recommend.model import Model
from aisle.tasks.recommend.personal import Found
from aisle.tasks.recommend.schema import BecauseYouViewed, BoughtTogether, Popular, SimilarItems
from aisle.tasks.recommend.view import Mask, View
from aisle.types import Filter, PastEvent, Reason

TREND_DAYS = 7
BLEND = {"behaviour": 0.5, "text": 0.3, "image": 0.2}  # of those an item has, in proportion
KIND = {"behaviour": "similar_users", "text": "content", "image": "picture"}


@dataclass
class Tally:
    """Items, and the reasons that add up to their scores."""

    reasons: dict[int, list[Reason]] = field(default_factory=dict)

    def add(self, place: int, reason: Reason) -> None:
        self.reasons.setdefault(place, []).append(reason)

    def best(self, n: int, mask: Mask, view: View, how: str) -> Found:
        """The n highest that may be shown; ties by place."""
        scored = [(sum(one.contribution for one in why), place) for place, why in self.reasons.items() if mask[place]]
        scored.sort(key=lambda pair: (-pair[0], pair[1]))
        places = [place for _, place in scored[:n]]
        return Found(
            [view.items.names[place] for place in places],
            [score for score, _ in scored[:n]],
            [reduce(self.reasons[place], how) for place in places],  # type: ignore[arg-type]
            "personal",
        )


def place_of(view: View, item_id: str) -> int:
    """Raises NotFound with the next step."""
    place = view.items.place.get(item_id)
    if place is None or item_id not in view.items.catalogue:
        raise NotFound(
            f"there is no item {item_id!r} in the catalogue: check the id, or add it with PUT /v1/items", param="/item_id"
        )
    return place


def similar(request: SimilarItems, place: int, view: View, model: Model) -> Found:
    """Items like one item. Behaviour that is not there is stood in for by text, and that by popularity in the category."""
    if request.by == "image" and model.images is None:
        raise BadInput(
            "no picture vectors yet: run `aisle train vision` and then `aisle train recommend`, or ask by text or blend",
            param="/by",
        )
    mask = view.mask(request.filter).copy()
    mask[place] = False
    rows = _rows(request.by, place, view, model)
    tally = _tallied(rows, place, view)
    if (sum(bool(mask[other]) for other in tally.reasons) < request.n and request.by in ("text", "blend")) or not tally.reasons:
        rows["text"] = _every_text(place, view, model)
        tally = _tallied(rows, place, view)
    found = tally.best(request.n, mask, view, request.explain)
    return found if found.items else _popular_near(request, place, mask, view, model)


def _rows(by: str, place: int, view: View, model: Model) -> dict[str, dict[int, float]]:
    """The nearest items by each likeness asked for."""
    found = {"behaviour": _row(model.behaviour, place), "text": _texts(place, view), "image": _row(model.images, place)}
    return {name: row for name, row in found.items() if by in (name, "blend") and row}


def _row(lists: Lists | None, place: int) -> dict[int, float]:
    return lists.row(place) if lists is not None and place < len(lists.indices) else {}


def _texts(place: int, view: View) -> dict[int, float]:
    row = view.items.texts.row(place)
    arrivals = view.items.arrivals
    if arrivals is not None:
        span = slice(arrivals.start[place], arrivals.start[place + 1])
        row.update(zip(arrivals.place[span].tolist(), arrivals.value[span].tolist(), strict=True))
    return row


def _every_text(place: int, view: View, model: Model) -> dict[int, float]:
    """Likeness of one item's text with every other's, however small."""
    rows = view.items.every_text(model)
    alike = content.likeness(rows[[place]], rows).tocoo()
    return {other: value for other, value in zip(alike.col.tolist(), alike.data.tolist(), strict=True) if other != place}


def _tallied(rows: dict[str, dict[int, float]], place: int, view: View) -> Tally:
    """Each likeness is taken relative to the item's nearest by that likeness, so that the blend compares like with like."""
    tally, title = Tally(), view.title(place)
    whole = sum(BLEND[name] for name in rows)
    words = {
        "behaviour": f"shoppers interested in {title} chose it too",
        "text": f"described like {title}",
        "image": f"looks like {title}",
    }
    for name, row in rows.items():
        scale = BLEND[name] / whole / max(row.values(), default=1.0)
        for other, value in row.items():
            tally.add(other, Reason(KIND[name], value * scale, words[name], view.items.names[place]))
    return tally


def _popular_near(request: SimilarItems, place: int, mask: Mask, view: View, model: Model) -> Found:
    item = view.items.catalogue.get(request.item_id)
    inside = mask
    if item is not None and item.category:
        near = mask & view.mask(Filter(category=[item.category]))
        inside = near if near.any() else mask
    return listed(ranking.shown(inside, view.items.order, request.n).tolist(), view, model, request.explain)


def listed(places: Sequence[int], view: View, model: Model, how: str, category: str | None = None) -> Found:
    """Items with their popularity as score and reason."""
    shoppers, scores = model.popularity.shoppers, view.items.popularity
    why = [
        reduce([reasons.popular(float(scores[place]), int(shoppers[place]) if place < len(shoppers) else 0, category)], how)  # type: ignore[arg-type]
        for place in places
    ]
    return Found([view.items.names[place] for place in places], [float(scores[place]) for place in places], why, "popular")


def together(request: BoughtTogether, basket: Sequence[int], view: View, model: Model) -> Found:
    """What was bought with the basket; where nothing was, what is similar to it."""
    mask = view.mask(request.filter).copy()
    mask[list(basket)] = False
    tally = Tally()
    for place in basket:
        if place < len(model.names):
            _companions(tally, place, len(basket), view, model)
    found = tally.best(request.n, mask, view, request.explain)
    if found.items:
        return found
    for place in basket:
        near = _tallied(_rows("blend", place, view, model), place, view)
        for other, why in near.reasons.items():
            for reason in why:
                tally.add(other, Reason(reason.kind, reason.contribution / len(basket), reason.text, reason.item_id))
    found = tally.best(request.n, mask, view, request.explain)
    return (
        found if found.items else listed(ranking.shown(mask, view.items.order, request.n).tolist(), view, model, request.explain)
    )


def _companions(tally: Tally, place: int, size: int, view: View, model: Model) -> None:
    lists, orders = model.together.lists, model.together.orders[place]
    title = view.title(place)
    for other, score, count in zip(lists.indices[place].tolist(), lists.values[place].tolist(), orders.tolist(), strict=True):
        if score > 0:
            said = "a few orders" if count < FEW else f"{count:,} orders"
            text = f"bought together with {title} in {said}"
            tally.add(other, Reason("bought_together", score / size, text, view.items.names[place]))


def basket_of(request: BoughtTogether, view: View) -> list[int]:
    """The places of a basket; ids that are not known are passed over. Raises NotFound where none is."""
    known = [view.items.place[item_id] for item_id in dict.fromkeys(request.item_ids) if item_id in view.items.place]
    if not known:
        raise NotFound(
            "none of these items is in the catalogue: check the ids, or add them with PUT /v1/items", param="/item_ids"
        )
    return known


def ranked(request: Popular, mask: Mask, view: View, model: Model) -> Found:
    """Popular items of the mask, over all time with decay or over the last days that training knew."""
    if request.order == "trending":
        return trending(request, mask, view, model)
    if request.window_days is None:
        return listed(ranking.shown(mask, view.items.order, request.n).tolist(), view, model, request.explain, request.category)
    weight = model.popularity.window(request.window_days)
    weight = np.append(weight, np.zeros(view.size - len(weight))) * mask
    places = np.lexsort((np.arange(len(weight)), -weight))[: request.n]
    places = places[weight[places] > 0]
    scores = (weight[places] / max(float(weight.max(initial=0)), 1e-300)).tolist()
    why = [reduce([reasons.popular(score, 0, request.category, request.window_days)], request.explain) for score in scores]
    return Found([view.items.names[place] for place in places.tolist()], scores, why, "popular")


def trending(request: Popular, mask: Mask, view: View, model: Model) -> Found:
    """Items of the mask that gain: weight per day in the window w, against the three windows before it.

    score = (now − before) / √(now + before + c),  now = Σ_w, before = Σ_{3w before} / 3: how surprising the change is if sales
    are counts (c: the mean of an item); 1 for the greatest. Only items that gain are listed.
    """
    days = request.window_days or TREND_DAYS
    now, all_four = model.popularity.window(days), model.popularity.window(4 * days)
    before = (all_four - now) / 3.0
    gain = (now - before) / np.sqrt(now + before + max(float(now.mean()), 1e-12))
    gain = np.append(gain, np.zeros(view.size - len(gain))) * mask
    places = np.lexsort((np.arange(len(gain)), -gain))[: request.n]
    places = places[gain[places] > 0]
    scores = (gain[places] / max(float(gain.max(initial=0)), 1e-300)).tolist()
    why = [
        reduce([Reason("popular", score, f"chosen more in the last {days} days than before")], request.explain)
        for score in scores
    ]
    return Found([view.items.names[place] for place in places.tolist()], scores, why, "popular")


class Row(NamedTuple):
    """Items like one that the user met."""

    seed: int  # its place
    text: str
    found: Found


def because(request: BecauseYouViewed, events: Sequence[PastEvent], view: View, model: Model) -> list[Row]:
    """A row for each of the newest items the user liked; what the user has had, and what a row above shows, is left out."""
    worth = model.weights.table
    met = [(view.items.place.get(event.item_id), event.type) for event in events]
    seeds = {place: kind for place, kind in reversed(met) if place is not None and worth[kind] > 0}
    mask = view.mask(request.filter).copy()
    mask[[place for place, _ in met if place is not None]] = False
    rows: list[Row] = []
    for seed in reversed(seeds):  # the newest first
        if len(rows) == request.rows:
            break
        tally = _tallied(_rows("blend", seed, view, model), seed, view)
        found = tally.best(request.n, mask, view, request.explain)
        if found.items:
            rows.append(Row(seed, view.because(np.array([seeds[seed]]), np.array([seed]))[0], found))
            mask[[view.items.place[item_id] for item_id in found.items]] = False
    return rows
