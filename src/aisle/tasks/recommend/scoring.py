"""What each algorithm brings to `for_user`: item-to-item lists that are added up, weighted by the history (`way`).

score(u, j) = Σ_h weight(u, h) · list(h, j)          h over the user's own history, as of now

item_neighbours, content   weight: what was done, halved every `half_life_days`; lists: likeness of behaviour, of texts
sequence_neighbours        weight: what was done, times γ for every step back; lists: what follows
ease                       weight: log(1 + what was done, halved …); lists: what the closed form explains, times the trend
als                        weight: as ease; no lists: the history is folded in (`folded`)
session_neighbours         weight: as sequence_neighbours; no lists: visits that share items with the history
sequence                   no weights and no lists: a network reads the events in order (`sequence/`)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from msgspec.structs import replace as changed
from numpy.typing import NDArray

from aisle.errors import BadInput
from aisle.tasks.recommend import als, cold, ease, item_neighbours
from aisle.tasks.recommend import sequence_neighbours as sequences
from aisle.tasks.recommend import session_neighbours as sessions
from aisle.tasks.recommend.lists import Floats, Lists
from aisle.tasks.recommend.model import Model
from aisle.tasks.recommend.schema import Algorithm, Config, Single
from aisle.tasks.recommend.sequence import learn as network
from aisle.tasks.recommend.sequence.served import Served
from aisle.tasks.recommend.weights import Weights
from aisle.tasks.recommend.world import Sparse, World
from aisle.times import DAY

DENSE = 10_000  # items with events above which the inverse of `ease` is refused: 4 · items² bytes, four times over
ALONE = 0.5  # of the events are visits of their own: these are no visits, and a user's whole history says more
Step = Callable[..., None]  # done, of how much; a network adds what to say


def scored_by(algorithm: Single, model: Model, world: World, step: Step, served: Served | None = None) -> Model:
    """The same model with `algorithm` behind `for_user`, learnt from `world`; a network that is `served` is taken as it is.
    Raises BadInput for `ease` with too many items, Misconfigured for `sequence` without torch."""
    config = changed(model.config, algorithm=algorithm)
    model = replace(model, config=config, factors=None, network=None, visits=None)
    if algorithm == "content":
        return replace(model, personal=model.texts, share=1.0)
    if algorithm == "sequence_neighbours":
        own = _on_scale(followers(world, config, step), model.behaviour)
    elif algorithm == "ease":
        own = _on_scale(explained(world, config, step), model.behaviour)
    else:
        own = model.behaviour
        if algorithm == "als":
            model = replace(model, factors=folded(world, config, step))
        elif algorithm == "session_neighbours":
            model = replace(model, visits=visits(world, config))
        elif algorithm == "sequence":
            model = replace(model, network=served or network.learn(world, config, model.content, step))
    share = _share(own, model)
    lists = item_neighbours.with_cold(own, model.stand_ins or model.texts, share)
    return replace(model, personal=lists, share=share)


def _share(own: Lists, model: Model) -> float:
    """What likeness counts beside these lists: `content_share` of a nearest neighbour's usual value for a usual likeness."""
    best = _best_other(own)
    likeness = cold.usual(model.kin, model.content) if model.kin is not None else 0.0
    if likeness <= 0 or not (best > 0).any():
        return model.config.content_share
    return model.config.content_share * float(best[best > 0].mean()) / likeness


def limited(config: Config, algorithm: Algorithm, seconds: float) -> Config:
    """The settings for one algorithm among those compared, in which a network takes no longer than `seconds`."""
    minutes = min(config.sequence_minutes, max(seconds, 0.1) / 60) if algorithm == "sequence" else config.sequence_minutes
    return changed(config, algorithm=algorithm, sequence_minutes=minutes)


def followers(world: World, config: Config, step: Step) -> Lists:
    """What comes after what. An item met several times in a row is met once; events at one time form one basket."""
    rows = np.flatnonzero(_liked(world, config))
    user, item, time = world.user[rows], world.item[rows], world.time[rows]
    new = np.ones(len(rows), bool)
    new[1:] = (user[1:] != user[:-1]) | (item[1:] != item[:-1])
    found = sequences.count(
        sequences.Sequences.of(user[new], item[new], time[new]),
        world.known,
        decay=config.sequence_decay,
        window=config.sequence_window,
        together=config.sequence_together,
        step=step,
    )
    return sequences.similar(
        found,
        damping=config.sequence_damping,
        backward=config.sequence_backward,
        popularity=config.sequence_popularity,
        walk=config.sequence_walk,
        repeats=True,
        k=config.long_neighbours,
    )


def visits(world: World, config: Config) -> sessions.Visits:
    """What was looked at in one session, or by one user without a longer pause than makes an order of its own; an item met
    several times in a row is met once. Where most events would stand alone, all that a user met is one visit."""
    rows = np.flatnonzero(_liked(world, config))
    user, item, time, session = (column[rows] for column in (world.user, world.item, world.time, world.session))
    pause = (time[1:] - time[:-1] > config.together_hours / 24 * DAY) & (session[1:] < 0)
    other = (user[1:] != user[:-1]) | (session[1:] != session[:-1]) | pause
    new = np.append(True, other | (item[1:] != item[:-1]))[: len(rows)]
    if _alone(np.append(True, other)[: len(rows)][new]) > ALONE:
        other = user[1:] != user[:-1]
        new = np.append(True, other | (item[1:] != item[:-1]))[: len(rows)]
    visit = np.append(0, np.cumsum(other))[: len(rows)]
    return sessions.Visits.of(visit[new], item[new], time[new], world.known)


def _alone(begins: NDArray[np.bool_]) -> float:
    """The share of events that are a visit of their own; `begins` (events,) tells where one begins."""
    return float((begins & np.append(begins[1:], True)).mean()) if len(begins) else 0.0


def explained(world: World, config: Config, step: Step) -> Lists:
    """What the closed form says every item speaks for, times the trend of what is spoken for."""
    matrix = recent_entries(world, config)
    heard = np.flatnonzero(np.diff(matrix.tocsc().indptr))  # a column of zeros would explain nothing
    if len(heard) > DENSE:
        raise BadInput(
            f"ease inverts a matrix of {len(heard):,} × {len(heard):,} items, more than {DENSE:,}: "
            "train with algorithm=sequence_neighbours or algorithm=auto",
            param="/config",
        )
    if not len(heard):
        return Lists.empty(world.known)
    model = ease.learn(matrix[:, heard], regularisation=config.ease_regularisation, step=step)
    weighted = replace(model, weights=(model.weights * trend(world, config)[heard]).astype(np.float32))
    near = _with_own(ease.lists(weighted, config.long_neighbours), config.ease_repeats)
    indices = np.full((world.known, near.indices.shape[1]), -1, np.int32)
    values = np.zeros(indices.shape, np.float32)
    indices[heard], values[heard] = heard[near.indices], near.values
    return Lists.of(indices, values)


def _with_own(lists: Lists, share: float) -> Lists:
    """Every item also speaks for itself, by `share` of a nearest neighbour's usual value: seen where repeats may be shown."""
    best = lists.values[:, 0]
    if share == 0 or not (best > 0).any():
        return lists
    own = np.where(best > 0, share * np.median(best[best > 0]), 0.0).astype(np.float32)
    place = np.arange(len(best), dtype=np.int32)
    return Lists(np.column_stack([place, lists.indices]), np.column_stack([own, lists.values]))


def closed_form_fits(world: World, config: Config) -> bool:
    """Whether `explained` is for a shop of this size."""
    return len(np.unique(world.item[_liked(world, config)])) <= DENSE


def recent_entries(world: World, config: Config) -> Sparse:
    """(users, N) csr in 0 … 1: √ of what is left after the half-life, at most 1."""
    liked = _liked(world, config)
    left = Weights.of(config).decay(world.until - world.time)
    found: Sparse = world.matrix(np.where(liked, np.sqrt(left), 0.0))[:, : world.known].tocsr()
    found.data = np.minimum(found.data, 1.0)
    return found


def trend(world: World, config: Config) -> Floats:
    """(N,) ((1 + recent shoppers) / √(1 + shoppers)) to the power of `ease_trend`: what has begun to sell is raised."""
    liked = _liked(world, config)
    recent = liked & (world.until - world.time < config.popularity_half_life_days * DAY)
    rising = (_shoppers(world, recent) + 1) / np.sqrt(_shoppers(world, liked) + 1)
    return np.asarray(rising**config.ease_trend, np.float64)


def folded(world: World, config: Config, step: Step) -> als.Factors:
    """The items as vectors; users are folded in when they ask."""
    met = world.matrix(_liked(world, config).astype(np.float64))[:, : world.known].tocsr()
    met.data = np.minimum(met.data, 1.0)
    width = min(config.als_factors, max(world.known, 1))
    found = als.learn(met, factors=width, regularisation=config.als_regularisation, step=step)
    return als.served(found.items, found.alpha, found.regularisation, found.exponent)


def _liked(world: World, config: Config) -> NDArray[np.bool_]:
    """(events,) True for what speaks for an item of the catalogue."""
    return np.asarray((Weights.of(config).interest(world.type, world.value) > 0) & (world.item < world.known), bool)


def _shoppers(world: World, chosen: NDArray[np.bool_]) -> Floats:
    """(N,) users with a chosen event."""
    shape = (len(world.users), world.known)
    cells = np.unique(world.user[chosen].astype(np.int64) * max(shape[1], 1) + world.item[chosen])
    return np.bincount(cells % max(shape[1], 1), minlength=shape[1]).astype(np.float64)


def _on_scale(own: Lists, behaviour: Lists) -> Lists:
    """The same lists as large as those of behaviour, so that `content_share` says the same for every algorithm."""
    mine, theirs = (_usual(lists) for lists in (own, behaviour))
    if mine <= 0 or theirs <= 0:
        return own
    return Lists(own.indices, (own.values * np.float32(theirs / mine)).astype(np.float32))


def _usual(lists: Lists) -> float:
    """What the nearest other items come to, all added up."""
    return float(_best_other(lists).sum(dtype=np.float64))


def _best_other(lists: Lists) -> NDArray[np.float32]:
    """(N,) the value of every item's nearest other item."""
    other = lists.indices != np.arange(len(lists.indices))[:, None]
    return np.asarray(np.where(other, lists.values, 0.0).max(axis=1, initial=0.0), np.float32)
