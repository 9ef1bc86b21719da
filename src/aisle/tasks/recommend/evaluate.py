"""How good the recommender would have been: hide what shoppers did next, learn from the rest, ask the engine, compare.

Every algorithm is fitted by the same `fit` and asked through the same engine operation as in the shop, on the training part
alone; what is hidden never reaches either. All items of the catalogue are ranked (no sampled negatives).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import msgspec
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from aisle.errors import BadInput
from aisle.kit import metrics
from aisle.kit.catalogue import Catalogue
from aisle.task import Context, Data, Engine, Progress
from aisle.tasks.recommend.engine import load
from aisle.tasks.recommend.fit import fit
from aisle.tasks.recommend.schema import Algorithm, Config, ForUser, Recommendations, Single
from aisle.tasks.recommend.scoring import DENSE
from aisle.types import EVENT_CODE, EVENT_TYPES, EventColumns, Item, PastEvent

TOP = 20  # length of the lists asked for
BATCH = 64
HISTORY = 50  # newest events an answer may look at, as the door hands them over
USERS = 5000  # most users asked; a sample of that many has an interval narrow enough
DEFAULT = "leave_last_out"
TEST_SHARE = 0.2  # of the events, for time_split
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Split:
    """What may be learnt from, and what is asked."""

    train: EventColumns
    users: list[str]  # who is asked
    relevant: list[list[str]]  # the items each of them took next
    now: list[int]  # when each of them is asked, microseconds UTC
    exclude_seen: bool


class Part:
    """The data of a shop as it was before the hidden events."""

    def __init__(self, data: Data, events: EventColumns) -> None:
        self._data, self._events = data, events
        self.samples, self.media, self.picture = data.samples, data.media, data.picture

    def items(self) -> Iterator[Item]:
        return self._data.items()

    def events(self) -> EventColumns:
        return self._events

    def vectors(self, space: str) -> Iterator[tuple[str, bytes]]:
        return self._data.vectors(space)

    def write_vectors(self, space: str, rows: Iterable[tuple[str, bytes]]) -> None:
        """Nothing learnt from a part is left behind."""


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
    return compare(data, split, config, progress, history=history)


def compare(
    data: Data,
    split: Split,
    config: Config,
    progress: Progress,
    *,
    algorithms: Iterable[Algorithm] = get_args(Single),
    history: int = HISTORY,
) -> list[Row]:
    """One row per algorithm on a given split, best nDCG@10 first; `ease` is left out of shops too large for it. Raises BadInput
    where there is nobody to ask."""
    if not split.users:
        raise BadInput("nothing can be held out: no user has both earlier events and a new item afterwards; import more events")
    chosen = [name for name in algorithms if name != "ease" or len(split.train.items) <= DENSE]
    catalogue = Catalogue(_everything(data, split))
    rows = []
    for number, algorithm in enumerate(chosen):
        progress(number, len(chosen), f"{algorithm}: learning")
        rows.append(
            _row(Part(data, split.train), split, catalogue, msgspec.structs.replace(config, algorithm=algorithm), history)
        )
        progress(number + 1, len(chosen), f"{algorithm}: nDCG@10 {rows[-1]['ndcg@10']:.4f}")
    return sorted(rows, key=lambda row: -row["ndcg@10"])


# ---- splits ----------------------------------------------------------------------------------------------------


def leave_last_out(events: EventColumns, config: Config) -> Split:
    """Hide each user's newest first meeting with an item, and all of that user's events from then on."""
    rows = np.flatnonzero(_wanted(events, config))
    pair = events.user[rows].astype(np.int64) * max(len(events.items), 1) + events.item[rows]
    first = rows[np.unique(pair, return_index=True)[1]]  # the first meeting of every user with every item
    first.sort()
    user = events.user[first]
    newest = first[np.append(user[1:] != user[:-1], True)] if len(first) else first
    from_row = np.full(len(events.users), len(events.user), np.int64)
    from_row[events.user[newest]] = newest
    before = np.arange(len(events.user)) < from_row[events.user]
    known = np.bincount(events.user[before & _wanted(events, config)], minlength=len(events.users))[events.user[newest]] > 0
    asked = newest[known]
    keep = before | ~np.isin(events.user, events.user[asked])  # who cannot be asked is learnt from in full
    return Split(
        kept(events, keep),
        [events.users[u] for u in events.user[asked]],
        [[events.items[i]] for i in events.item[asked]],
        events.time[asked].tolist(),
        exclude_seen=True,
    )


def time_split(events: EventColumns, config: Config, *, cut: int | None = None, repeats: bool = False) -> Split:
    """Hide what happened from `cut` on (microseconds UTC; default: the newest fifth of the events). With `repeats` items the
    user had before are right too, and may be shown."""
    if len(events.time) == 0:
        return Split(events, [], [], [], not repeats)
    moment = int(np.quantile(events.time, 1 - TEST_SHARE)) if cut is None else cut
    train, wanted = events.time < moment, _wanted(events, config)
    width = max(len(events.items), 1)
    pairs = events.user.astype(np.int64) * width + events.item
    known = np.unique(events.user[train & wanted])
    later = np.unique(pairs[~train & wanted & np.isin(events.user, known)])
    if not repeats:
        later = later[~np.isin(later, pairs[train])]
    user, starts = np.unique(later // width, return_index=True)
    items = [[events.items[i] for i in part % width] for part in np.split(later, starts[1:])] if len(user) else []
    return Split(kept(events, train), [events.users[u] for u in user], items, [moment] * len(user), not repeats)


PROTOCOLS: dict[str, Callable[[EventColumns, Config], Split]] = {
    "leave_last_out": leave_last_out,
    "time_split": time_split,
    "time_split_all": lambda events, config: time_split(events, config, repeats=True),
}


def sampled(split: Split, users: int, seed: int) -> Split:
    """The same split with at most `users` users asked, drawn by the seed; all are still learnt from."""
    if len(split.users) <= users:
        return split
    some = np.sort(np.random.default_rng(seed).choice(len(split.users), users, replace=False)).tolist()
    return replace(
        split,
        users=[split.users[u] for u in some],
        relevant=[split.relevant[u] for u in some],
        now=[split.now[u] for u in some],
    )


def kept(events: EventColumns, keep: NDArray[np.bool_]) -> EventColumns:
    """Only these events, and only the users and items that have any left."""
    users, user = np.unique(events.user[keep], return_inverse=True)
    items, item = np.unique(events.item[keep], return_inverse=True)
    return replace(
        events,
        users=[events.users[u] for u in users],
        items=[events.items[i] for i in items],
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        type=events.type[keep],
        time=events.time[keep],
        value=events.value[keep],
        quantity=events.quantity[keep],
        session=None if events.session is None else events.session[keep],
    )


def _wanted(events: EventColumns, config: Config) -> NDArray[np.bool_]:
    """(events,) True for the types that the configuration counts as liking."""
    liked = [EVENT_CODE[name] for name in EVENT_TYPES if getattr(config, name) > 0]
    return np.isin(events.type, liked)


# ---- one algorithm ---------------------------------------------------------------------------------------------


def _everything(data: Data, split: Split) -> list[Item]:
    """The catalogue, with what is sold out today as it was then, and items that only the events know."""
    items = {item.item_id: msgspec.structs.replace(item, availability=None) for item in data.items()}
    for item_id in (*split.train.items, *(item_id for items_of in split.relevant for item_id in items_of)):
        if item_id not in items:
            items[item_id] = Item(item_id=item_id, title=item_id)
    return list(items.values())


def _row(part: Part, split: Split, catalogue: Catalogue, config: Config, history: int) -> Row:
    quiet = config if config.algorithm == "auto" else msgspec.structs.replace(config, held_out_users=0)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        fit(part, quiet, Path(folder), lambda done, total, message: None)
        fitted = time.perf_counter()
        engine = load(Path(folder))
        asked = time.perf_counter()
        ranked = _ranked(engine, split, catalogue, history)
    seconds = time.perf_counter() - asked
    return {"model": config.algorithm, **scored(ranked, split, catalogue)} | {
        "users": len(split.users),
        "seconds_fit": round(fitted - started, 3),
        "ms_per_user": round(seconds * 1000 / len(split.users), 3),
    }


def scored(ranked: NDArray[np.int32], split: Split, catalogue: Catalogue) -> Row:
    """The measures of (users, TOP) catalogue positions; the interval is that of nDCG@10 over users."""
    rows = np.repeat(np.arange(len(split.users)), [len(items) for items in split.relevant])
    columns = [catalogue.position[item_id] for items in split.relevant for item_id in items]
    relevant = sp.csr_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(len(split.users), catalogue.size))
    popularity = np.zeros(catalogue.size)
    counts = np.bincount(split.train.item, minlength=len(split.train.items))
    popularity[[catalogue.position[item_id] for item_id in split.train.items]] = counts
    found, wanted, top = metrics.hits(ranked, relevant), metrics.relevant_counts(relevant), ranked[:, :10]
    ndcg = metrics.ndcg(found, wanted, 10)
    low, high = metrics.interval(ndcg)
    return {
        "ndcg@10": float(ndcg.mean()),
        "ci_low": low,
        "ci_high": high,
        "recall@10": float(metrics.recall(found, wanted, 10).mean()),
        "capped_recall@10": float(metrics.capped_recall(found, wanted, 10).mean()),
        "recall@20": float(metrics.recall(found, wanted, 20).mean()),
        "precision@10": float(metrics.precision(found, 10).mean()),
        "hr@10": float(metrics.hit_rate(found, 10).mean()),
        "mrr": float(metrics.reciprocal_rank(found, TOP).mean()),
        "coverage": metrics.coverage(top, catalogue.size),
        "novelty": metrics.novelty(top, popularity),
        "popularity_bias": metrics.popularity_bias(top, popularity),
        "gini": metrics.gini(top, catalogue.size),
    }


def _ranked(engine: Engine, split: Split, catalogue: Catalogue, history: int) -> NDArray[np.int32]:
    """(users, TOP) catalogue positions as the engine ranks them, -1 where a list is shorter."""
    past = _histories(split, history)
    ranked = np.full((len(split.users), TOP), -1, np.int32)
    for start in range(0, len(split.users), BATCH):
        users = range(start, min(start + BATCH, len(split.users)))
        contexts = [Context(now=split.now[u], events=past(split.users[u]), catalogue=catalogue) for u in users]
        requests = [ForUser(user_id=split.users[u], n=TOP, exclude_seen=split.exclude_seen, explain="none") for u in users]
        for user, answer in zip(users, _answers(engine, requests, contexts), strict=True):
            positions = [catalogue.position[item.item_id] for item in answer.items]
            ranked[user, : len(positions)] = positions
    return ranked


def _answers(engine: Engine, requests: list[ForUser], contexts: list[Context]) -> list[Recommendations]:
    prepared = [engine.prepare("for_user", request, context) for request, context in zip(requests, contexts, strict=True)]
    answers = []
    for request, result in zip(requests, engine.run("for_user", prepared), strict=True):
        if isinstance(result, Exception):
            raise result
        answers.append(engine.finish("for_user", request, result))
    return answers  # type: ignore[return-value]  # for_user answers Recommendations


def _histories(split: Split, limit: int) -> Callable[[str], list[PastEvent]]:
    """The newest events of a user in the training part, newest first, as storage hands them over."""
    events = split.train
    bounds = np.searchsorted(events.user, np.arange(len(events.users) + 1)).tolist()
    code = {user_id: number for number, user_id in enumerate(events.users)}

    def newest(user_id: str) -> list[PastEvent]:
        user = code[user_id]
        rows = range(bounds[user + 1] - 1, max(bounds[user], bounds[user + 1] - limit) - 1, -1)
        return [_past(events, row) for row in rows]

    return newest


def _past(events: EventColumns, row: int) -> PastEvent:
    value = float(events.value[row])
    item, kind, moment = events.items[events.item[row]], int(events.type[row]), int(events.time[row])
    return PastEvent(item, kind, moment, None if value != value else value, int(events.quantity[row]))
