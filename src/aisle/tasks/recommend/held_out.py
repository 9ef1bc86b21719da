"""Quality after training, through the engine that will serve: the newest events are held out, then looked for.

A model is learnt from the events before the moment at which nine tenths have happened. Users with a history then, who later
want items they had not had, are asked for: how many of those items are among the ten shown, and how high? Popularity, asked
the same, stands beside it. This is a quick check; `aisle evaluate recommend` compares properly.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from aisle.kit.catalogue import Catalogue
from aisle.task import Context, Scores
from aisle.tasks.recommend.content import Content
from aisle.tasks.recommend.engine import RecommendEngine
from aisle.tasks.recommend.lists import Lists
from aisle.tasks.recommend.model import Model
from aisle.tasks.recommend.schema import Config, ForUser
from aisle.tasks.recommend.weights import Weights
from aisle.tasks.recommend.world import World
from aisle.types import PastEvent

SHARE = 0.9  # of the events are learnt from
SHOWN = 10
HISTORY = 50  # newest events an answer gets, as the platform gives them
BATCH = 64
FEWEST = 5  # users below which no number is given
Step = Callable[[float, str], None]


def measure(world: World, config: Config, texts: Content, near: Lists, step: Step) -> Scores:
    """nDCG@10, recall@10 and coverage of the algorithm and of popularity; empty where too few users can be asked."""
    from aisle.tasks.recommend.fit import learn

    if not len(world.time) or config.held_out_users == 0:
        return {}
    moment = int(np.quantile(world.time, SHARE, method="lower"))
    before = world.time <= moment
    asked = _asked(world, Weights.of(config), before, config.held_out_users)
    if len(asked) < FEWEST:
        return {}
    past = world.part(before)
    learnt = learn(past, config, texts, near, lambda done, message: step(done * 0.6, "checking quality: " + message))
    scores: Scores = {"held_out_users": float(len(asked))}
    for number, (name, model) in enumerate((("", learnt), ("popularity_", _popular(learnt)))):
        step(60 + 20 * number, "checking quality: asking for held-out users")
        for metric, value in _quality(model, past, asked, moment).items():
            scores[name + metric] = value
    return scores


def _popular(learnt: Model) -> Model:
    """The same model, asked for what is popular."""
    config = learnt.config
    fields = {name: getattr(config, name) for name in config.__struct_fields__}
    parts = {name: getattr(learnt, name) for name in learnt.__dataclass_fields__}
    return Model(**{**parts, "config": Config(**{**fields, "algorithm": "popular"})})


def _asked(world: World, weights: Weights, before: NDArray[np.bool_], most: int) -> dict[int, NDArray[np.int32]]:
    """User row -> the items wanted later and not had before, for a fixed sample of users."""
    wanted = ~before & (weights.interest(world.type, world.value) > 0) & (world.item < world.known)
    columns = max(len(world.names), 1)
    cell = world.user.astype(np.int64) * columns + world.item
    cells = np.setdiff1d(cell[wanted], cell[before])
    known = np.zeros(len(world.users), bool)
    known[world.user[before]] = True
    cells = cells[known[cells // columns]]
    users, starts = np.unique(cells // columns, return_index=True)
    items = np.split((cells % columns).astype(np.int32), starts[1:])
    chosen = range(len(users))
    if len(users) > most:
        chosen = sorted(np.random.default_rng(0).choice(len(users), most, replace=False).tolist())  # type: ignore[assignment]
    return {int(users[k]): items[k] for k in chosen}


def _quality(model: Model, past: World, asked: dict[int, NDArray[np.int32]], moment: int) -> Scores:
    engine, catalogue = RecommendEngine(model), Catalogue(past.items)
    shown: set[str] = set()
    gain = recall = 0.0
    rows = list(asked)
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        requests = [ForUser(user_id=past.users[row], n=SHOWN, explain="none") for row in batch]
        contexts = [Context(moment, _history(past, row), catalogue) for row in batch]
        prepared = [engine.prepare("for_user", *pair) for pair in zip(requests, contexts, strict=True)]
        for row, found in zip(batch, engine.run("for_user", prepared), strict=True):
            hits = np.isin([model.place[item] for item in found.items], asked[row])
            gain += _ndcg(hits, len(asked[row]))
            recall += float(hits.sum()) / len(asked[row])
            shown.update(found.items)
    return {"ndcg@10": gain / len(rows), "recall@10": recall / len(rows), "coverage@10": len(shown) / max(len(model.names), 1)}


def _ndcg(hits: NDArray[np.bool_], wanted: int) -> float:
    """Σ hit(r) / log2(r + 1) over ranks r, against the best possible order."""
    discount = 1.0 / np.log2(np.arange(2, SHOWN + 2))
    return float((hits * discount[: len(hits)]).sum() / discount[: min(wanted, SHOWN)].sum())


def _history(past: World, row: int) -> list[PastEvent]:
    start, stop = np.searchsorted(past.user, [row, row + 1])
    start = max(start, stop - HISTORY)
    columns = (past.item[start:stop], past.type[start:stop], past.time[start:stop], past.value[start:stop])
    return [
        PastEvent(past.names[item], kind, time, None if value != value else value, None)
        for item, kind, time, value in zip(*(column[::-1].tolist() for column in columns), strict=True)
    ]
