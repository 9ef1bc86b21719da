"""Quality after training, through the engine that will serve: the newest events are held out, then looked for.

A model is learnt from the events before the moment at which nine tenths have happened. Then users come back, as they would to
the shop: each is asked for once, at a later moment drawn at random among those at which they took up something new, with all
that they had done until then (events count at once, so an old model is asked about a fresh history). Is what they take up next,
a basket as a whole, among the ten shown, and how high? Popularity, asked the same, stands beside it. With `algorithm=auto`
every algorithm is asked the same, and the best is chosen. `aisle evaluate recommend` compares properly.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace as changed
from numpy.typing import NDArray

from aisle.kit.catalogue import Catalogue
from aisle.task import Context, Scores
from aisle.tasks.recommend.content import Content
from aisle.tasks.recommend.engine import RecommendEngine
from aisle.tasks.recommend.lists import Lists
from aisle.tasks.recommend.model import Model
from aisle.tasks.recommend.schema import Config, ForUser, Single
from aisle.tasks.recommend.scoring import closed_form_fits, scored_by
from aisle.tasks.recommend.weights import Weights
from aisle.tasks.recommend.world import World
from aisle.types import PastEvent

SHARE = 0.9  # of the events are learnt from
SHOWN = 10
HISTORY = 50  # newest events an answer gets, as the platform gives them
BATCH = 64
FEWEST = 5  # users below which no number is given
DEFAULT: Single = "item_neighbours"
CANDIDATES: tuple[Single, ...] = (  # the cheap first; of equals the first is chosen
    DEFAULT, "popular", "sequence_neighbours", "content", "user_neighbours", "ease", "als",
)  # fmt: skip
CHECKING = "checking quality: "
Step = Callable[[float, str], None]


class Question(NamedTuple):
    """A user who comes back, and what they take up next."""

    user_id: str
    moment: int  # microseconds
    history: list[PastEvent]  # newest first
    wanted: NDArray[np.int32]  # columns


class Found(NamedTuple):
    """Who serves, why, and how well."""

    algorithm: Single
    why: str
    scores: Scores


def measure(world: World, config: Config, texts: Content, near: Lists, step: Step) -> Found:
    """nDCG@10, recall@10 and coverage of the algorithm and of popularity; of all that were tried, for `auto`, the best of which
    is chosen. Where too few users can be asked, scores are empty and `auto` is the default."""
    from aisle.tasks.recommend.fit import learn

    auto = config.algorithm == "auto"
    own: Single = DEFAULT if config.algorithm == "auto" else config.algorithm
    why = "as set"
    if not len(world.time) or config.held_out_users == 0:
        return Found(own, "the default: nothing is held out to compare with" if auto else why, {})
    moment = int(np.quantile(world.time, SHARE, method="lower"))
    asked = _asked(world, Weights.of(config), moment, config.held_out_users)
    if len(asked) < FEWEST:
        return Found(own, f"the default: only {len(asked)} users can be held out to compare with" if auto else why, {})
    past = world.part(world.time <= moment)
    started = time.monotonic()
    first = learn(past, changed(config, algorithm=own), texts, near, lambda done, said: step(done * 0.4, CHECKING + said))
    trial = Trial(first, past, asked)
    tried = {own: trial.of(first)}
    rivals: tuple[Single, ...] = CANDIDATES if auto else ("popular",)
    others = [name for name in rivals if name != own]
    for number, name in enumerate(others):
        step(40 + 60 * number / len(others), f"{CHECKING}{name}")
        in_time = name == "popular" or time.monotonic() - started < config.auto_seconds
        if in_time and (name != "ease" or closed_form_fits(past, config)):
            tried[name] = trial.try_out(name)
    best: Single = max(tried, key=lambda name: tried[name]["ndcg@10"]) if auto else own
    scores = {**tried[best], **{f"popularity_{metric}": value for metric, value in tried["popular"].items()}}
    if auto:
        why = _why(best, tried, len(asked))
        ranked = sorted(tried, key=lambda name: -tried[name]["ndcg@10"])
        scores |= {f"{name} ndcg@10": tried[name]["ndcg@10"] for name in ranked}
    return Found(best, why, {**scores, "held_out_users": float(len(asked))})


def _why(best: Single, tried: dict[Single, Scores], users: int) -> str:
    said = [f"{name} {tried[name]['ndcg@10']:.4f}" for name in sorted(tried, key=lambda name: -tried[name]["ndcg@10"])]
    left = [name for name in CANDIDATES if name not in tried]
    more = f"; not tried for want of time or because it does not fit: {', '.join(left)}" if left else ""
    return f"best of {len(tried)} by nDCG@10 for {users:,} users whose newest events were held out: {', '.join(said)}{more}"


class Trial(NamedTuple):
    """What the algorithms are compared on."""

    base: Model
    past: World
    asked: list[Question]

    def try_out(self, name: Single) -> Scores:
        """The quality of another algorithm."""
        return self.of(scored_by(name, self.base, self.past, lambda done, total: None))

    def of(self, model: Model) -> Scores:
        return _quality(model, self.past, self.asked)


def _asked(world: World, weights: Weights, after: int, most: int) -> list[Question]:
    """For a fixed sample of users, one moment after `after` at which they wanted something for the first time, and had before."""
    wanted = np.flatnonzero((weights.interest(world.type, world.value) > 0) & (world.item < world.known))
    cell = world.user[wanted].astype(np.int64) * max(len(world.names), 1) + world.item[wanted]
    first = np.sort(wanted[np.unique(cell, return_index=True)[1]])  # first meetings, by user and time
    user, time = world.user[first], world.time[first]
    start = world.time[first[np.searchsorted(user, user)]]  # the same user's first of all
    late = first[(time > after) & (time > start)]
    if not len(late):
        return []
    rng = np.random.default_rng(0)
    users, begins, counts = np.unique(world.user[late], return_index=True, return_counts=True)
    drawn = late[begins + (rng.random(len(users)) * counts).astype(np.int64)]
    if len(drawn) > most:
        drawn = np.sort(rng.choice(drawn, most, replace=False))
    return [_question(world, late, row) for row in drawn.tolist()]


def _question(world: World, late: NDArray[np.int64], row: int) -> Question:
    user, moment = int(world.user[row]), int(world.time[row])
    start, stop = np.searchsorted(world.user, [user, user + 1])
    before = int(start + np.searchsorted(world.time[start:stop], moment))
    low, high = np.searchsorted(late, [before, before + int((world.time[before:stop] == moment).sum())])
    return Question(world.users[user], moment, _history(world, int(start), before), world.item[late[low:high]])


def _quality(model: Model, world: World, asked: list[Question]) -> Scores:
    engine, catalogue = RecommendEngine(model), Catalogue(world.items)
    shown: set[str] = set()
    gain = recall = 0.0
    for start in range(0, len(asked), BATCH):
        batch = asked[start : start + BATCH]
        requests = [ForUser(user_id=one.user_id, n=SHOWN, explain="none") for one in batch]
        contexts = [Context(one.moment, one.history, catalogue) for one in batch]
        prepared = [engine.prepare("for_user", *pair) for pair in zip(requests, contexts, strict=True)]
        for one, found in zip(batch, engine.run("for_user", prepared), strict=True):
            hits = np.isin([model.place[item] for item in found.items], one.wanted)
            gain += _ndcg(hits, len(one.wanted))
            recall += float(hits.sum()) / len(one.wanted)
            shown.update(found.items)
    return {"ndcg@10": gain / len(asked), "recall@10": recall / len(asked), "coverage@10": len(shown) / max(len(model.names), 1)}


def _ndcg(hits: NDArray[np.bool_], wanted: int) -> float:
    """Σ hit(r) / log2(r + 1) over ranks r, against the best possible order."""
    discount = 1.0 / np.log2(np.arange(2, SHOWN + 2))
    return float((hits * discount[: len(hits)]).sum() / discount[: min(wanted, SHOWN)].sum())


def _history(world: World, start: int, stop: int) -> list[PastEvent]:
    """The newest of these events, newest first, as the platform hands them over."""
    rows = slice(max(start, stop - HISTORY), stop)
    columns = (world.item[rows], world.type[rows], world.time[rows], world.value[rows])
    return [
        PastEvent(world.names[item], kind, time, None if value != value else value, None)
        for item, kind, time, value in zip(*(column[::-1].tolist() for column in columns), strict=True)
    ]
