"""How good the recommender would have been: hide what shoppers did next, learn from the rest, ask the engine, compare.

Every algorithm is learnt as in the shop and asked through the engine that serves, on the training part alone; what is hidden
never reaches either. All items of the catalogue are ranked (no sampled negatives).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple, get_args

import numpy as np
import scipy.sparse as sp
from msgspec.structs import replace as changed
from numpy.typing import NDArray

from aisle.errors import BadInput
from aisle.kit import metrics
from aisle.kit.catalogue import Catalogue
from aisle.task import Context, Data, Engine, Progress
from aisle.tasks.recommend import content
from aisle.tasks.recommend.content import Content
from aisle.tasks.recommend.engine import RecommendEngine
from aisle.tasks.recommend.fit import learn, learnt
from aisle.tasks.recommend.held_out import Found, measure
from aisle.tasks.recommend.lists import Lists
from aisle.tasks.recommend.model import Model
from aisle.tasks.recommend.schema import Algorithm, Config, ForUser, Recommendations, Single
from aisle.tasks.recommend.scoring import DENSE, limited, scored_by
from aisle.tasks.recommend.sequence import learn as network
from aisle.tasks.recommend.splits import PROTOCOLS, Part, Split, everything, histories, sampled
from aisle.tasks.recommend.world import World, read

TOP = 20  # length of the lists asked for
BATCH = 64
HISTORY = 50  # newest events an answer may look at, as the door hands them over
USERS = 5000  # most users asked; a sample of that many has an interval narrow enough
FEW_EVENTS = (1, 2, 5)  # histories as short as a new customer's
SLICED = 1000  # most users asked again with short histories
SELDOM = ((0, 0), (1, 4), (5, 19), (20, 1 << 62))  # items by how often training saw them
STRANGER = "\x00"  # a user id that training does not know
DEFAULT = "leave_last_out"
Row = dict[str, Any]
Ranked = NDArray[np.int32]


def evaluate(
    data: Data, config: Config, protocol: str, progress: Progress, *, users: int = USERS, seed: int = 0, history: int = HISTORY
) -> list[Row]:
    """One row per algorithm, best nDCG@10 first. Protocols:

    leave_last_out   each user's newest first meeting with an item is hidden, with all that came after it; seen items are
                     left out of the lists (He et al., 2017, but ranking all items: Krichene & Rendle, 2020)
    time_split       the newest fifth of the events is hidden; right are items the user takes then and never had before
    time_split_all   the same, but right are all items the user takes then, and bought ones may be shown again

    `users` are drawn with `seed` where there are more. Raises BadInput for an unknown protocol or nothing to hide.
    """
    way = PROTOCOLS.get(protocol or DEFAULT)
    if way is None:
        raise BadInput(f"there is no protocol {protocol!r}: choose one of {', '.join(PROTOCOLS)}", param="protocol")
    split = sampled(way(data.events(), config), users, seed)
    rows = compare(data, split, config, progress, history=history)
    return [{**row, "protocol": protocol or DEFAULT} for row in rows]


def compare(
    data: Data,
    split: Split,
    config: Config,
    progress: Progress,
    *,
    algorithms: Iterable[Algorithm] = (*get_args(Single), "blend"),
    history: int = HISTORY,
) -> list[Row]:
    """One row per algorithm on a given split, best nDCG@10 first; `ease` is left out of shops too large for it, `sequence` where
    torch is not installed or there are few events; it learns for `auto_seconds`; unless it is the algorithm set. Raises
    BadInput where there is nobody to ask."""
    if not split.users:
        raise BadInput("nothing can be held out: no user has both earlier events and a new item afterwards; import more events")
    left_out = {"ease"} if len(split.train.items) > DENSE else set()
    left_out |= set() if config.algorithm == "sequence" or network.pays(len(split.train.time)) else {"sequence"}
    chosen = [name for name in algorithms if name not in left_out]
    progress(0, len(chosen), "what all algorithms share")
    shared = Shared.of(Part(data, split.train), config)
    catalogue = Catalogue(everything(data, split))
    rows = []
    for number, algorithm in enumerate(chosen):
        progress(number, len(chosen), f"{algorithm}: learning")
        own = config if algorithm == config.algorithm else limited(config, algorithm, config.auto_seconds)
        rows.append(_row(shared, split, catalogue, changed(own, aim=split.aim), history))
        progress(number + 1, len(chosen), f"{algorithm}: nDCG@10 {rows[-1]['ndcg@10']:.4f}")
    return sorted(rows, key=lambda row: -row["ndcg@10"])


class Shared(NamedTuple):
    """What does not depend on the algorithm."""

    world: World
    texts: Content
    near: Lists
    base: Model
    seconds: float  # of processor time to learn all this

    @staticmethod
    def of(part: Data, config: Config) -> Shared:
        started = time.process_time()
        world = read(part)
        texts = content.read(world.items)
        near = content.learn(texts, config.content_neighbours, lambda done, total: None)
        base = learn(world, changed(config, algorithm="item_neighbours"), texts, near, lambda done, message: None)
        return Shared(world, texts, near, base, time.process_time() - started)

    def learnt(self, config: Config) -> tuple[Model, str]:
        """A model of this configuration, and why it is as it is where it was chosen."""
        if config.algorithm != "auto" and config.algorithm != "blend":
            name: Single = config.algorithm
            return scored_by(name, replace(self.base, config=config), self.world, lambda *said: None), ""
        found: Found = measure(self.world, config, self.texts, self.near, lambda done, message: None)
        return learnt(self.world, found, self.texts, self.near, lambda done, message: None), found.why


# ---- one algorithm ---------------------------------------------------------------------------------------------


def _row(shared: Shared, split: Split, catalogue: Catalogue, config: Config, history: int) -> Row:
    started = time.process_time()
    model, why = shared.learnt(config)
    fitted = time.process_time()
    engine = RecommendEngine(model)
    ranked = _ranked(engine, split, catalogue, history)
    seconds = time.process_time() - fitted
    again = sampled(split, SLICED, 0)
    short = {str(n): _ndcg(_ranked(engine, again, catalogue, n, STRANGER), again, catalogue) for n in FEW_EVENTS}
    return {
        "model": config.algorithm,
        **scored(ranked, split, catalogue),
        "users": len(split.users),
        "seconds_fit": round(fitted - started + (0 if config.algorithm == "auto" else shared.seconds), 3),
        "ms_per_user": round(seconds * 1000 / len(split.users), 3),
        "short_histories": short,
        "seldom_seen": _by_frequency(ranked, split, catalogue),
        **({"chosen": model.config.algorithm, "why": why} if why else {}),
    }


def scored(ranked: Ranked, split: Split, catalogue: Catalogue) -> Row:
    """The measures of (users, TOP) catalogue positions, each accuracy with its 95 % interval over users (bootstrap)."""
    relevant = _relevant(split, catalogue)
    popularity, top = _popularity(split, catalogue), ranked[:, :10]
    found, wanted = metrics.hits(ranked, relevant), metrics.relevant_counts(relevant)
    per_user = {
        "ndcg@10": metrics.ndcg(found, wanted, 10),
        "recall@10": metrics.recall(found, wanted, 10),
        "capped_recall@10": metrics.capped_recall(found, wanted, 10),
        "recall@20": metrics.recall(found, wanted, 20),
        "precision@10": metrics.precision(found, 10),
        "hr@10": metrics.hit_rate(found, 10),
        "mrr": metrics.reciprocal_rank(found, TOP),
    }
    sure = {name: metrics.interval(per_user[name]) for name in ("ndcg@10", "recall@10", "mrr")}
    return {
        **{name: float(values.mean()) for name, values in per_user.items()},
        "ci_low": sure["ndcg@10"][0],
        "ci_high": sure["ndcg@10"][1],
        "intervals": {name: list(bounds) for name, bounds in sure.items()},
        "coverage": metrics.coverage(top, catalogue.size),
        "novelty": metrics.novelty(top, popularity),
        "popularity_bias": metrics.popularity_bias(top, popularity),
        "gini": metrics.gini(top, catalogue.size),
    }


def _relevant(split: Split, catalogue: Catalogue) -> Any:
    """(users, items) csr of what each user took."""
    rows = np.repeat(np.arange(len(split.users)), [len(items) for items in split.relevant])
    columns = [catalogue.position[item_id] for items in split.relevant for item_id in items]
    return sp.csr_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(len(split.users), catalogue.size))


def _popularity(split: Split, catalogue: Catalogue) -> NDArray[np.float64]:
    """(items,) events of each in the training part."""
    found = np.zeros(catalogue.size)
    counts = np.bincount(split.train.item, minlength=len(split.train.items))
    found[[catalogue.position[item_id] for item_id in split.train.items]] = counts
    return found


def _ndcg(ranked: Ranked, split: Split, catalogue: Catalogue) -> dict[str, float]:
    """Mean nDCG@10 with its interval."""
    relevant = _relevant(split, catalogue)
    values = metrics.ndcg(metrics.hits(ranked, relevant), metrics.relevant_counts(relevant), 10)
    low, high = metrics.interval(values)
    return {"ndcg@10": float(values.mean()), "low": low, "high": high}


def _by_frequency(ranked: Ranked, split: Split, catalogue: Catalogue) -> list[dict[str, float]]:
    """Recall@20 of what was taken, by how often training saw the item."""
    relevant = _relevant(split, catalogue)
    seen = _popularity(split, catalogue)[relevant.indices]
    owner = np.repeat(np.arange(relevant.shape[0]), np.diff(relevant.indptr))
    hit = (ranked[owner] == relevant.indices[:, None]).any(axis=1)
    rows = []
    for low, high in SELDOM:
        inside = (seen >= low) & (seen <= high)
        recall = float(hit[inside].mean()) if inside.any() else 0.0
        rows.append({"from": low, "to": min(high, int(seen.max(initial=0))), "wanted": int(inside.sum()), "recall@20": recall})
    return rows


# ---- asking ----------------------------------------------------------------------------------------------------


def _ranked(engine: Engine, split: Split, catalogue: Catalogue, history: int, name: str = "") -> Ranked:
    """(users, TOP) catalogue positions as the engine ranks them, -1 where a list is shorter; with `name` all go by that name."""
    past = histories(split, history)
    ranked = np.full((len(split.users), TOP), -1, np.int32)
    for user, answer in _answers(engine, split, catalogue, past, name):
        positions = [catalogue.position[item.item_id] for item in answer.items]
        ranked[user, : len(positions)] = positions
    return ranked


def _answers(
    engine: Engine, split: Split, catalogue: Catalogue, past: Callable[[str], list[Any]], name: str
) -> Iterator[tuple[int, Recommendations]]:
    for start in range(0, len(split.users), BATCH):
        users = range(start, min(start + BATCH, len(split.users)))
        contexts = [Context(now=split.now[u], events=past(split.users[u]), catalogue=catalogue) for u in users]
        requests = [
            ForUser(user_id=name or split.users[u], n=TOP, exclude_seen=split.exclude_seen, explain="none") for u in users
        ]
        prepared = [engine.prepare("for_user", *pair) for pair in zip(requests, contexts, strict=True)]
        for user, request, result in zip(users, requests, engine.run("for_user", prepared), strict=True):
            if isinstance(result, Exception):
                raise result
            yield user, engine.finish("for_user", request, result)  # type: ignore[misc]  # for_user answers Recommendations
