"""`for_user`: a batch of users at once, scored by the chosen algorithm, filled up so that nobody leaves empty-handed.

1. The algorithm's own scores, from the user's history as of now.
2. Where these are fewer than asked for: likeness of texts to the same history.
3. Where these are too: what is popular (in the page's category first), then what is newest.

Where little is known of somebody, what is popular may speak beside the algorithm (`short`).
Scores of a later step are scaled to stay below those of the step before; every item's reasons are those of its own step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from aisle.explain import reduce
from aisle.tasks.recommend import blended, ranking, reasons, short, user_neighbours
from aisle.tasks.recommend.history import Ask, History, gather
from aisle.tasks.recommend.lists import Places
from aisle.tasks.recommend.model import Model
from aisle.tasks.recommend.schema import Strategy
from aisle.tasks.recommend.speakers import speaker
from aisle.tasks.recommend.view import Mask, View
from aisle.types import Filter, Reason

BELOW = 0.999  # the best score of a step against the least of the step before


class Found(NamedTuple):
    """An answer before it is said: items, best first, each with its score and reasons."""

    items: list[str]
    scores: list[float]
    reasons: list[list[Reason]]
    strategy: Strategy


def answer(batch: Sequence[Ask], model: Model) -> list[Found]:
    """One answer per request: compiled where that can be, and the others as the plain way has it."""
    found = [None if short.popular_share(ask, model.config) else compiled_answer(ask) for ask in batch]
    rest = [place for place, one in enumerate(found) if one is None]
    if rest:
        for place, one in zip(rest, plain([batch[place] for place in rest], model), strict=True):
            found[place] = one
    return found  # type: ignore[return-value]


def compiled_answer(ask: Ask) -> Found | None:
    """What the compiled ranker says; None where it cannot say it all."""
    request, view = ask.request, ask.view
    if view.ranker is None or request.explain == "full" or not ask.events:
        return None
    mask = None if ask.mask is view.open else ask.mask
    items, scores, why = view.ranker.answer(
        ask.events, ask.now, ask.row, mask, request.exclude_seen, request.n, request.explain == "brief"
    )
    if len(items) < request.n:
        return None
    return Found(items, scores, why, "session" if ask.session_only else "personal")


def plain(batch: Sequence[Ask], model: Model) -> list[Found]:
    """One answer per request; requests that saw the same catalogue are worked on together."""
    if batch and all(ask.view is batch[0].view for ask in batch):
        return _together(batch, batch[0].view, model)
    found: list[Found] = []
    for ask in batch:
        found += _together([ask], ask.view, model)
    return found


def _together(batch: Sequence[Ask], view: View, model: Model) -> list[Found]:
    shares = [short.popular_share(ask, model.config) for ask in batch]
    asked = [short.deeper(ask) if share else ask for ask, share in zip(batch, shares, strict=True)]
    history, found = _scored(asked, view, model)
    answers = []
    for user, (ask, one, share) in enumerate(zip(batch, found, shares, strict=True)):
        if share and one.items:
            popular = _by_popularity(asked[user], _free(ask, user, history), asked[user].request.n, model)
            one = short.mixed(one, popular, share, ask.request.n, ask.request.explain)
        answers.append(one if len(one.items) >= ask.request.n else _filled(one, ask, user, history, model))
    return answers


def both(batch: Sequence[Ask], model: Model) -> list[tuple[Found, Found]]:
    """What the algorithm alone and what popularity alone would answer, as deep as they are mixed."""
    asked = [short.deeper(ask) for ask in batch]
    history, found = _scored(asked, batch[0].view, model)
    return [
        (one, _by_popularity(ask, _free(ask, user, history), ask.request.n, model))
        for user, (ask, one) in enumerate(zip(asked, found, strict=True))
    ]


def _scored(batch: Sequence[Ask], view: View, model: Model) -> tuple[History, list[Found]]:
    """The histories of a batch, and what the algorithm alone answers."""
    history = gather(batch, view, model)
    algorithm = model.config.algorithm
    if algorithm == "popular" or not len(history.user):
        return history, [Found([], [], [], "cold") for _ in batch]
    if algorithm == "blend":
        said = blended.answer(batch, view, model)
        named = zip(batch, said, strict=True)
        return history, [Found(*one, "session" if ask.session_only else "personal") for ask, one in named]
    if algorithm == "user_neighbours":
        return history, [_by_users(ask, user, history, model) for user, ask in enumerate(batch)]
    return history, _by_history(batch, history, view, model)


def _by_history(batch: Sequence[Ask], history: History, view: View, model: Model) -> list[Found]:
    speaks = speaker(batch, history, view, model)
    if speaks is None:
        pairs = ranking.pairs(history, view.items.personal, view, model.share)
        scores = ranking.add_up(pairs, len(batch), view.size)
    else:
        scores = speaks.scores
    ranking.close(scores, batch, history.hidden, view)
    ranked = ranking.best(scores, [ask.request.n for ask in batch])
    how = [ask.request.explain for ask in batch]
    why: list[list[Reason]] = [[] for _ in ranked.user]
    if how.count("none") < len(how):
        made_of = pairs if speaks is None else ranking.told(speaks, ranked, len(batch))
        why = reasons.from_history(ranked, ranking.parts(ranked, made_of, len(batch), view.size), history, view, how)
    items, points = view.ids[ranked.place].tolist(), ranked.score.tolist()
    stops = ranked.user.searchsorted(np.arange(len(batch) + 1)).tolist()
    return [
        Found(items[start:stop], points[start:stop], why[start:stop], "session" if ask.session_only else "personal")
        for ask, start, stop in zip(batch, stops, stops[1:], strict=False)
    ]


def _by_users(ask: Ask, user: int, history: History, model: Model) -> Found:
    crowd, config, view = model.crowd, model.config, ask.view
    vector = user_neighbours.vector_of(crowd, model.weights, model.column, ask.request.user_id, ask.events)
    strategy: Strategy = "session" if ask.session_only else "personal"
    if not ask.events or not len(vector[0]):
        return Found([], [], [], "cold")
    near, alike = user_neighbours.nearest(
        crowd, crowd.measure(config.measure), vector, ask.request.user_id, config.neighbours, config.shrinkage
    )
    known, counts = user_neighbours.predict(crowd, near, alike)
    scores = np.append(known, np.zeros(view.size - len(known)))[None, :]
    ranking.close(scores, [ask], _hidden(history, user, view.size), view)
    ranked = ranking.best(scores, [ask.request.n])
    why = [
        reduce([reasons.neighbours(score, int(counts[place]))], ask.request.explain)
        for place, score in zip(ranked.place.tolist(), ranked.score.tolist(), strict=True)
    ]
    return Found([view.items.names[place] for place in ranked.place.tolist()], ranked.score.tolist(), why, strategy)


def _hidden(history: History, user: int, size: int) -> Places:
    """The places that must not be shown to one user."""
    hidden = history.hidden
    return np.asarray(hidden[hidden // size == user] - user * size, np.int64)


def _free(ask: Ask, user: int, history: History) -> Mask:
    """(S,) what may be shown to one user."""
    free: Mask = ask.mask.copy()
    free[_hidden(history, user, ask.view.size)] = False
    return free


def _filled(found: Found, ask: Ask, user: int, history: History, model: Model) -> Found:
    """Steps 2 and 3 for one user."""
    view = ask.view
    free = _free(ask, user, history)
    free[[view.items.place[item] for item in found.items]] = False
    if model.config.algorithm != "popular":
        found = _joined(found, _by_text(ask, user, history, free, ask.request.n - len(found.items), model))
    strategy = found.strategy if found.items else ("popular" if _impersonal(ask, model) else "cold")
    missing = ask.request.n - len(found.items)
    if missing:
        free[[view.items.place[item] for item in found.items]] = False
        found = _joined(found, _by_popularity(ask, free, missing, model))
    return found._replace(strategy=strategy)


def _impersonal(ask: Ask, model: Model) -> bool:
    return not ask.request.personalize or model.config.algorithm == "popular"


def _by_text(ask: Ask, user: int, history: History, free: Mask, missing: int, model: Model) -> Found:
    span, view = history.of(user), ask.view
    strategy: Strategy = "session" if ask.session_only else "personal"
    item = history.item[span]
    if not len(item) or missing <= 0:
        return Found([], [], [], strategy)
    alone = History(np.zeros(len(item), np.int64), item, history.share[span], history.verb[span], np.zeros(0, np.int64))
    pairs = ranking.pairs(alone, view.items.texts, view, 1.0)
    scores = ranking.add_up(pairs, 1, view.size)
    scores[0] *= free
    ranked = ranking.best(scores, [missing])
    why = reasons.from_history(ranked, ranking.parts(ranked, pairs, 1, view.size), alone, view, [ask.request.explain])
    why = [[_by_content(reason) for reason in one] for one in why]
    return Found([view.items.names[place] for place in ranked.place.tolist()], ranked.score.tolist(), why, strategy)


def _by_content(reason: Reason) -> Reason:
    return reason if reason.kind == "other" else Reason("content", reason.contribution, reason.text, reason.item_id)


def _by_popularity(ask: Ask, free: Mask, missing: int, model: Model) -> Found:
    view = ask.view
    category = (ask.request.context or {}).get("category")
    places = ranking.shown(free, view.items.order, missing)
    if isinstance(category, str):
        inside = ranking.shown(free & view.mask(Filter(category=[category])), view.items.order, missing)
        places = np.concatenate([inside, places[~np.isin(places, inside)]])[:missing]
    scores = view.items.popularity[places].tolist()
    shoppers = model.popularity.shoppers
    why = [
        reduce([reasons.popular(score, int(shoppers[place]) if place < len(shoppers) else 0)], ask.request.explain)
        for place, score in zip(places.tolist(), scores, strict=True)
    ]
    return Found([view.items.names[place] for place in places.tolist()], scores, why, "popular")


def _joined(found: Found, more: Found) -> Found:
    """Both, the second scaled below the first."""
    if not found.items or not more.items:
        return more if more.items else found
    top = max(more.scores)
    scale = min(1.0, BELOW * found.scores[-1] / top) if top > 0 else 1.0
    why = [[Reason(one.kind, one.contribution * scale, one.text, one.item_id) for one in reasons] for reasons in more.reasons]
    return Found(
        found.items + more.items, found.scores + [score * scale for score in more.scores], found.reasons + why, found.strategy
    )
