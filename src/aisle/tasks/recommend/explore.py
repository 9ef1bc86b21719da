"""Exploration: some places of an answer go to items that few have had, so that the shop learns who they are for.

    value(u, j) = interest(u, j) + ½ z / √(1 + n_j)          z ~ N(0, 1) of user, item and day;  n_j events of j known at training

interest: likeness of j to the user's history (`cold`), as part of the highest there is. The draw is Thompson sampling (Thompson,
1933; Chapelle & Li, 2011) with a Gaussian whose width shrinks with what is known: what nobody was shown is tried on those it is
most like, and what was shown often and not taken has only its interest left. The same question has the same answer all day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from aisle.tasks.recommend.history import Ask, History, gather
from aisle.tasks.recommend.lists import Floats, Places
from aisle.tasks.recommend.model import Model
from aisle.tasks.recommend.personal import Found
from aisle.tasks.recommend.view import View
from aisle.times import DAY
from aisle.types import Reason

WIDTH = 0.5  # of the draw for an item of which nothing is known, beside interest's 0 … 1
WORDS = "new here: shown to find out whether it is for you"


def mix(batch: Sequence[Ask], found: list[Found], model: Model) -> list[Found]:
    """The same answers with some of their last places given to items that few have had; the score of such an item is that of its
    slot, so that the order stays that of the scores, and what stood there leaves the answer."""
    view_of = {id(ask.view): ask.view for ask in batch}
    for view in view_of.values():
        mine = [place for place, ask in enumerate(batch) if ask.view is view]
        history = gather([batch[place] for place in mine], view, model)
        for user, place in enumerate(mine):
            found[place] = _mixed(batch[place], user, history, found[place], model)
    return found


def _mixed(ask: Ask, user: int, history: History, found: Found, model: Model) -> Found:
    items, reasons = list(found.items), list(found.reasons)
    for slot, place in _chosen(ask, user, history, items, model):
        items[slot] = ask.view.items.names[place]
        reasons[slot] = [] if ask.request.explain == "none" else [Reason("exploration", found.scores[slot], WORDS)]
    return found._replace(items=items, reasons=reasons)


def _chosen(ask: Ask, user: int, history: History, shown: Sequence[str], model: Model) -> list[tuple[int, int]]:
    """(slot, place) of the items that take slots of this answer."""
    view, config = ask.view, model.config
    rng = _rng(ask)
    count = int(len(shown) * config.explore_share + rng.random())
    seen: Floats = np.append(model.events, np.zeros(view.size - len(model.events))).astype(np.float64)
    free = ask.mask & (seen < config.explore_until)
    free[history.hidden[history.hidden // view.size == user] - user * view.size] = False
    free[[view.items.place[item] for item in shown]] = False
    fresh = np.flatnonzero(free)
    if not count or not len(fresh):
        return []
    draw = rng.standard_normal(view.size)[fresh]
    value = _interest(fresh, user, history, view, model) + WIDTH * draw / np.sqrt(1.0 + seen[fresh])
    ranked = fresh[np.lexsort((fresh, -value))].tolist()
    return list(zip(slots(len(shown), count), ranked, strict=False))


def _interest(fresh: Places, user: int, history: History, view: View, model: Model) -> Floats:
    """(fresh,) in 0 … 1: how like each is to what the user did. Likeness is linear, so the history is added up first."""
    span, texts = history.of(user), view.items.every_text(model)
    share, item = np.maximum(history.share[span], 0.0), history.item[span]
    if not share.any():
        return np.zeros(len(fresh))
    profile = sp.csr_array(share[None, :]) @ texts[item]
    found = (texts[fresh] @ profile.T).toarray()[:, 0]
    if model.kin is not None:
        found = 0.5 * found + 0.5 * (view.items.vectors[fresh] @ (share @ view.items.vectors[item]))
    found = np.maximum(found, 0.0)
    return np.asarray(found / max(float(found.max(initial=0.0)), 1e-12), np.float64)


def slots(length: int, count: int) -> list[int]:
    """Where explored items stand: the last of `count` equal parts of the list each, so never first in a list of several."""
    return [round((number + 1) * length / count) - 1 for number in range(min(count, length))]


def _rng(ask: Ask) -> np.random.Generator:
    """Fixed for a user and a day; where nothing about the user may be used, for a day."""
    who = ask.request.user_id if ask.request.personalize else ""
    digest = hashlib.blake2b(f"{who}\x00{ask.now // DAY}".encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))
