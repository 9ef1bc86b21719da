"""The demo shop's visitors at work: seven months of visits, purchases, ratings and second thoughts, drawn from their tastes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from aisle.demo.assortment import KINDS
from aisle.demo.catalogue import DAY, WINDOW
from aisle.demo.log import Log
from aisle.demo.tastes import Tastes
from aisle.types import Event, Item

USERS = 2400
SECOND = 1_000_000  # microseconds
COLD = 2 * DAY  # items younger than this have no event yet
Ints = NDArray[np.int64]


def user_ids(users: int = USERS) -> list[str]:
    """The people's ids, most active ones anywhere among them: user-0001 …"""
    return [f"user-{number + 1:04d}" for number in range(users)]


def make_events(rng: np.random.Generator, items: list[Item], tastes: Tastes, now: int) -> list[Event]:
    """Everything that happened in the window that ends at `now` (microseconds UTC), oldest first."""
    made = np.array([int(item.created_at or 0) for item in items])
    price = np.array([item.price.amount / 100 if item.price else 0.0 for item in items])
    views = _views(rng, tastes, made, now)
    bought = _funnel(rng, tastes, views)
    bought = _companions(rng, tastes, bought, made, now)
    bought = _first_only(bought, tastes)
    again = _again(rng, tastes, bought, now)
    bought = Log.join([bought, again])
    bought.quantity[:] = 1
    often = np.array([kind.lasts > 0 for kind in KINDS])[tastes.kind[bought.item]]
    bought.quantity[often] = rng.choice([1, 2, 3], int(often.sum()), p=(0.72, 0.2, 0.08))
    bought.value[:] = np.round(price[bought.item] * bought.quantity, 2)
    log = Log.join(
        [views, _before(rng, bought), bought, _opinions(rng, tastes, views, bought), _margins(rng, tastes, views, now)]
    )
    return log.kept(tastes.most, now - WINDOW * DAY, now).events([item.item_id for item in items], user_ids(len(tastes.sessions)))


# ---- visits ----------------------------------------------------------------------------------------------------


def _views(rng: np.random.Generator, tastes: Tastes, made: Ints, now: int) -> Log:
    """What was looked at: every visit is about one kind, with glances at others."""
    user = np.repeat(np.arange(len(tastes.sessions)), tastes.sessions)
    start = _starts(rng, tastes.sessions, now)
    season = _seasons(now)
    about = _choose(rng, tastes.kinds[user] * season[(now - start) // DAY])
    aside = _choose(rng, tastes.kinds[user])
    length = 1 + rng.poisson(2.6, len(user))
    session = np.repeat(np.arange(len(user)), length)
    kind = np.where(rng.random(len(session)) < 0.78, about[session], aside[session])
    step = np.arange(len(session)) - np.repeat(np.cumsum(length) - length, length)
    time = start[session] + step * 45 * SECOND + (rng.exponential(20.0, len(session)) * SECOND).astype(np.int64)
    item = _pick(rng, tastes, user[session], kind, time, made, now)
    log = Log.of("view", user[session], item, time, session)
    return log.where(item >= 0).distinct(log_key(session[item >= 0], item[item >= 0]))


def _starts(rng: np.random.Generator, sessions: Ints, now: int) -> Ints:
    """(visits,) when each begins: after its user joined, more and more as the shop grows, mostly in the evening."""
    joined = rng.uniform(0.0, 1.0, len(sessions)) ** 1.6 * (rng.random(len(sessions)) < 0.7) * 0.93
    joined[0] = 0.0
    share = np.repeat(joined, sessions)
    share = share + (1.0 - share) * rng.beta(1.25, 1.0, len(share))
    day = np.floor(share * WINDOW)
    hour = np.clip(rng.choice([9.0, 13.0, 20.0], len(day), p=(0.2, 0.3, 0.5)) + rng.normal(0.0, 1.8, len(day)), 0.0, 23.7)
    midnight = now - WINDOW * DAY - (now - WINDOW * DAY) % DAY
    start = midnight + (day * DAY + hour * 3600 * SECOND).astype(np.int64)
    start = np.where(start > now - DAY // 24, start - DAY, start)
    return np.maximum(start, now - WINDOW * DAY + DAY // 2)


def _seasons(now: int) -> NDArray[np.float64]:
    """(WINDOW + 1, kinds) how much more a kind is wanted n days ago: a bump of three months around its peak."""
    peak = np.array([kind.peak for kind in KINDS])
    today = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=now)
    months = np.array([((today - timedelta(days=n)).timetuple().tm_yday - 15) / 30.44 + 1 for n in range(WINDOW + 2)])
    apart = np.abs((months[:, None] - peak[None, :] + 6) % 12 - 6)
    return np.where(peak[None, :] > 0, 0.55 + 1.6 * np.exp(-(apart**2) / 3.0), 1.0)


def _choose(rng: np.random.Generator, weights: NDArray[np.float64]) -> Ints:
    """(rows,) one column for each row, with probability by weight."""
    edges = weights.cumsum(axis=1)
    passed = (edges < rng.random((len(edges), 1)) * edges[:, -1:]).sum(axis=1)
    return np.asarray(np.minimum(passed, weights.shape[1] - 1), np.int64)


def _pick(
    rng: np.random.Generator, tastes: Tastes, user: Ints, kind: Ints, time: Ints, made: Ints, now: int, beside: Ints | None = None
) -> Ints:
    """(rows,) an item of the wanted kind by taste and popularity that was there at that time; -1 where there was none."""
    chosen = np.full(len(user), -1)
    for code in np.unique(kind):
        rows, own = np.flatnonzero(kind == code), np.flatnonzero(tastes.kind == code)
        charm = 1.15 * tastes.affinity[user[rows]][:, own] + tastes.popularity[own]
        if beside is not None:
            charm = charm + tastes.goes_with[beside[rows]][:, own]
        absent = (made[own] > time[rows][:, None]) | (made[own] > now - COLD)
        charm = np.where(absent, -np.inf, charm + rng.gumbel(size=charm.shape))
        best = charm.argmax(axis=1)
        chosen[rows] = np.where(np.isinf(charm.max(axis=1)), -1, own[best])
    return chosen


# ---- buying ----------------------------------------------------------------------------------------------------


def _funnel(rng: np.random.Generator, tastes: Tastes, views: Log) -> Log:
    """The views that ended in a purchase, a few minutes later: the more, the better liked."""
    liking = tastes.affinity[views.user, views.item]
    chance = 1.0 / (1.0 + np.exp(1.75 - 0.75 * liking))
    bought = views.where(rng.random(len(views)) < chance)
    return bought.moved(rng.integers(120, 900, len(bought)) * SECOND).typed("purchase")


def _companions(rng: np.random.Generator, tastes: Tastes, bought: Log, made: Ints, now: int) -> Log:
    """Purchases with what was bought along: a bulb with the lamp, a sleeping bag with the tent."""
    code = {kind.code: number for number, kind in enumerate(KINDS)}
    chance = np.zeros((len(KINDS), len(KINDS)))
    for number, kind in enumerate(KINDS):
        for companion, share in kind.with_.items():
            chance[number, code[companion]] = share
    row, other = np.nonzero(rng.random((len(bought), len(KINDS))) < chance[tastes.kind[bought.item]])
    time = bought.time[row] + rng.integers(1, 4, len(row)) * SECOND
    item = _pick(rng, tastes, bought.user[row], other, bought.time[row], made, now, beside=bought.item[row])
    return Log.join([bought, Log.of("purchase", bought.user[row], item, time, bought.session[row]).where(item >= 0)])


def _first_only(bought: Log, tastes: Tastes) -> Log:
    """Nobody buys the same lamp twice, nor the same coffee twice in one visit."""
    lasting = np.array([kind.lasts == 0 for kind in KINDS])[tastes.kind[bought.item]]
    visit = np.where(lasting, -1, bought.session)
    order = np.argsort(bought.time, kind="stable")
    bought = bought.where(order)
    return bought.distinct(log_key(log_key(bought.user, bought.item), visit[order] + 1))


def _again(rng: np.random.Generator, tastes: Tastes, bought: Log, now: int) -> Log:
    """What is used up is bought again, about when it runs out, for as long as people care."""
    lasts = np.array([kind.lasts for kind in KINDS])
    logs: list[Log] = []
    last = bought.where(lasts[tastes.kind[bought.item]] > 0)
    last = last.distinct(log_key(last.user, last.item))
    for _ in range(8):
        liking = tastes.affinity[last.user, last.item] + tastes.quality[last.item]
        last = last.where(rng.random(len(last)) < 1.0 / (1.0 + np.exp(0.2 - 0.7 * liking)))
        days = lasts[tastes.kind[last.item]] * rng.lognormal(0.0, 0.18, len(last))
        last = last.moved((days * DAY).astype(np.int64))
        last = last.where(last.time < now).in_new_sessions(1_000_000 + 100_000 * len(logs))
        logs.append(last)
    return Log.join(logs)


def _before(rng: np.random.Generator, bought: Log) -> Log:
    """What went into the cart: all that was bought, a minute before."""
    return bought.moved(-rng.integers(30, 110, len(bought)) * SECOND).typed("add_to_cart", value=np.nan)


# ---- saying ----------------------------------------------------------------------------------------------------


def _opinions(rng: np.random.Generator, tastes: Tastes, views: Log, bought: Log) -> Log:
    """Ratings (one a person and item), refunds, favourites, and carts that were left or emptied."""
    rated = bought.where(rng.random(len(bought)) < 0.42).moved_days(rng, 3, 30)
    rated = rated.distinct(log_key(rated.user, rated.item))
    pleasure = 3.1 + 0.85 * tastes.affinity[rated.user, rated.item] + 0.9 * tastes.quality[rated.item]
    stars = np.clip(np.round(pleasure + rng.normal(0.0, 0.9, len(rated))), 1, 5)
    rated = rated.typed("rate", value=stars).alone()
    unhappy = tastes.affinity[bought.user, bought.item] + tastes.quality[bought.item] < -0.6
    refund = bought.where(rng.random(len(bought)) < np.where(unhappy, 0.16, 0.015)).moved_days(rng, 4, 20).typed("refund").alone()
    liking = tastes.affinity[views.user, views.item]
    liked = views.where((liking > 0.5) & (rng.random(len(views)) < 0.12)).moved(25 * SECOND).typed("favourite")
    liked = liked.distinct(log_key(liked.user, liked.item))
    left = views.where(rng.random(len(views)) < 0.08).moved(40 * SECOND).typed("add_to_cart")
    out = left.where(rng.random(len(left)) < 0.35).moved(200 * SECOND).typed("remove_from_cart")
    return Log.join([rated, refund, liked, left, out])


def _margins(rng: np.random.Generator, tastes: Tastes, views: Log, now: int) -> Log:
    """What was shown and clicked before some views, and what was waved away: things far from one's taste."""
    shown = views.where(rng.random(len(views)) < 0.06).moved(-9 * SECOND).typed("impression")
    clicked = shown.where(rng.random(len(shown)) < 0.6).moved(7 * SECOND).typed("click")
    near = views.where(rng.random(len(views)) < 0.03)
    other = rng.integers(0, len(tastes.kind), len(near))
    seen = np.bincount(views.item, minlength=len(tastes.kind)) > 0
    dismissed = Log.of("dismiss", near.user, other, near.time + 11 * SECOND, near.session)
    return Log.join([shown, clicked, dismissed.where((tastes.affinity[near.user, other] < -0.3) & seen[other])])


def log_key(high: Ints, low: Ints) -> Ints:
    """One integer for two, to find pairs that are the same."""
    return high.astype(np.int64) * 4_000_000 + low
