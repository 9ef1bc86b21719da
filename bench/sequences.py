"""Sequence neighbours, EASE, the next-event regression and iALS on the public sequence sets, beside published figures.

    python -m bench.sequences [ml-1m|beauty|sports|online-retail|diginetica] [--validate] [--models NAME ...]

Leave-last-one-out sets: the last item is the test, the second-last the validation (`--validate`); learnt from what is before the
asked item, all items ranked, seen ones left out. Settings were chosen on validation. Seconds are wall time of learning, one core.

The Amazon sets know days only, and items of one day stand in the order of their ids (69% of neighbouring pairs rise): any model
that knows direction gains from that, ours with a small `backward` too. So users whose last step rises and falls are told apart.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from bench.shared_data import DATASETS, HOUR, REC, lines
from numpy.typing import NDArray

from aisle.kit import metrics
from aisle.tasks.recommend import als, ease
from aisle.tasks.recommend import sequence_neighbours as sn
from aisle.tasks.recommend import session_neighbours as sessions

Floats = NDArray[np.float64]
Scores = Callable[[NDArray[np.int64]], NDArray[Any]]  # users -> (users, items)
BLOCK = 1000
SHOP: dict[str, Any] = {"decay": 0.8, "damping": 50.0, "backward": 0.1, "fade": 0.7}
FILMS: dict[str, Any] = {"decay": 0.8, "damping": 200.0, "backward": 0.05, "popularity": 0.3, "fade": 0.7}
CLICKS: dict[str, Any] = {
    "decay": 0.6, "damping": 1.0, "backward": 0.7, "popularity": 0.3, "walk": 0.87, "repeats": True, "fade": 0.55,
}  # fmt: skip
SESSION_FADE, LAST = 0.6, 30  # of session neighbours
LISTS = 0.2  # of sequence neighbours beside session neighbours, each as part of the best
PUBLISHED = {
    "ml-1m": "SASRec .2500 / .1341; gSASRec .3003 / .1726; SASRec full softmax .3152 / .1821; HSTU-large .3294 / .1893",
    "beauty": "SASRec .0605 / .0318; HSTU .0708 / .0412; LCRec .0791 / .0438",
    "sports": "SASRec .0350 / .0192; HSTU .0365 / .0207; LCRec .0422 / .0226",
    "diginetica": "P@20 / MRR@20: SR-GNN .5126 / .1778; GCE-GNN .5422 / .1904 (from memory)",
    "online-retail": "EASE nDCG@10 .1001 new, .2633 all; own repeats and item neighbours .2694 all",
}


# ---- leave-last-one-out ----------------------------------------------------------------------------------------


def split(name: str, left: int) -> tuple[sn.Sequences, NDArray[np.int64], int]:
    """Histories without their last `left` items, the item asked for, and how many items there are."""
    events = DATASETS[name]().events()
    ends = np.searchsorted(events.user, np.arange(len(events.users)), side="right")
    from_end = ends[events.user] - np.arange(len(events.user))
    keep = from_end > left
    return (
        sn.Sequences.of(events.user[keep], events.item[keep]),
        events.item[from_end == left].astype(np.int64),
        len(events.items),
    )


def faded(sequences: sn.Sequences, items: int, fade: float, last: int = 50) -> Any:
    """(users, items) csr: the newest `last` events of every history, the newest counting most."""
    age = sequences.start[1:][sequences.user] - 1 - np.arange(len(sequences.item))
    keep = age < last
    shape = (len(sequences.start) - 1, items)
    return sp.csr_array((fade ** age[keep], (sequences.user[keep], sequences.item[keep])), shape=shape)


def ones(sequences: sn.Sequences, items: int) -> Any:
    found = faded(sequences, items, 1.0, 1 << 30)
    found.sum_duplicates()
    found.data[:] = 1.0
    return found


def neighbours(sequences: sn.Sequences, items: int, name: str) -> Scores:
    given = FILMS if name == "ml-1m" else SHOP
    model = sn.learn(sequences, items, **given)
    query = faded(sequences, items, model.fade)
    return lambda users: sn.score_all(model.lists, query[users]).toarray()


def default(sequences: sn.Sequences, items: int, name: str) -> Scores:
    model = sn.learn(sequences, items)
    query = faded(sequences, items, model.fade)
    return lambda users: sn.score_all(model.lists, query[users]).toarray()


def next_event(sequences: sn.Sequences, items: int, name: str) -> Scores:
    model = ease.learn_next(sequences, items)
    query = faded(sequences, items, model.fade)
    return lambda users: ease.score_all(model, query[users])


def set_ease(sequences: sn.Sequences, items: int, name: str) -> Scores:
    model = ease.learn(ones(sequences, items), regularisation=1000.0 if name == "ml-1m" else 200.0)
    query = faded(sequences, items, 0.75)
    return lambda users: ease.score_all(model, query[users])


def factors(sequences: sn.Sequences, items: int, name: str) -> Scores:
    model = als.learn(ones(sequences, items), factors=64)
    return lambda users: als.score_all(model, model.users[users])


def popular(sequences: sn.Sequences, items: int, name: str) -> Scores:
    counts = np.bincount(sequences.item, minlength=items).astype(np.float64)
    return lambda users: np.tile(counts, (len(users), 1))


MODELS = {
    "popular": popular,
    "sequence_neighbours": neighbours,
    "sequence_neighbours (defaults)": default,
    "ease, faded history": set_ease,
    "ease.learn_next": next_event,
    "als-64": factors,
}
DENSE = ("ease, faded history", "ease.learn_next")  # a full inverse: minutes above 10,000 items


def leave_last_out(name: str, left: int, chosen: list[str]) -> Iterator[tuple[str, Floats, Floats, float]]:
    sequences, target, items = split(name, left)
    seen = ones(sequences, items)
    for model in chosen or [model for model in MODELS if model not in DENSE or items < 10_000]:
        started = time.perf_counter()
        scores = MODELS[model](sequences, items, name)
        seconds = time.perf_counter() - started
        rank = np.concatenate([_ranks(scores, seen, target, start) for start in range(0, len(target), BLOCK)])
        yield model, *_gains(rank), seconds
        if name in ("beauty", "sports"):
            rising = _rises(name, sequences, target)
            yield f"{model}, last step rises", *_gains(rank[rising]), seconds
            yield f"{model}, last step falls", *_gains(rank[~rising]), seconds


def _gains(rank: Floats) -> tuple[Floats, Floats]:
    """(users,) hit and discounted gain among the first ten."""
    hit = (rank < 10).astype(np.float64)
    return hit, hit / np.log2(rank + 2)


def _rises(name: str, sequences: sn.Sequences, target: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(users,) whether the asked item's ASIN stands after the newest one's of the history."""
    folder = REC / "amazon-2014-5core" / ("Beauty" if name == "beauty" else "Sports_and_Outdoors")
    asin = dict(line.split("\t")[:2] for line in lines(folder / "items.tsv.gz"))
    codes = np.array([asin[item] for item in DATASETS[name]().events().items])
    return np.asarray(codes[sequences.item[sequences.start[1:] - 1]] < codes[target])


def _ranks(scores: Scores, seen: Any, target: NDArray[np.int64], start: int) -> Floats:
    """How many items stand above each user's target; of equals half."""
    users = np.arange(start, min(start + BLOCK, len(target)))
    found = np.array(scores(users), np.float64)
    own = found[np.arange(len(users)), target[users]].copy()
    rows, columns = seen[users].nonzero()
    found[rows, columns] = -np.inf
    equal = (found == own[:, None]).sum(axis=1) - 1
    return np.asarray((found > own[:, None]).sum(axis=1) + np.maximum(equal, 0) / 2.0, np.float64)


# ---- sessions --------------------------------------------------------------------------------------------------


def diginetica(left: int) -> Iterator[tuple[str, Floats, Floats, float]]:
    """Clicks in sessions: what comes next, seen items allowed; validation is the last twentieth of the training sessions."""
    folder = REC / "sessions-diginetica"
    train = [[int(word) for word in line.split()] for line in lines(folder / "train_sessions.txt.gz")]
    pairs = [line.split("\t") for line in lines(folder / "test.txt.gz")]
    asked = [([int(word) for word in prefix.split()], int(item)) for prefix, item in pairs]
    items = 1 + max(max(map(max, train)), max(max(*prefix, item) for prefix, item in asked))
    if left == 2:
        train, rest = train[: len(train) * 19 // 20], train[len(train) * 19 // 20 :]
        asked = [(session[:at], session[at]) for session in rest for at in range(1, len(session))]
    target = np.array([item for _, item in asked])
    sequences, histories = _flat(train), _flat([prefix for prefix, _ in asked])
    started = time.perf_counter()
    model = sn.learn(sequences, items, **CLICKS)
    seconds = time.perf_counter() - started
    query, known = faded(histories, items, model.fade), _known(sequences, items)
    ranks: dict[str, list[Floats]] = {"sequence_neighbours": [], "session_neighbours": [], "both": []}
    for start in range(0, len(target), BLOCK):
        block = slice(start, start + BLOCK)
        direct, near = sn.score_all(model.lists, query[block]), _alike(known, [prefix for prefix, _ in asked[block]], items)
        for name, scores in zip(ranks, (direct, near, (_unit(near) + LISTS * _unit(direct)).tocsr()), strict=True):
            ranks[name].append(_sparse_ranks(scores, target[block]))
    for name, parts in ranks.items():
        rank = np.concatenate(parts)
        hit = (rank < 20).astype(np.float64)
        yield name, hit, hit / (rank + 1), seconds if name != "session_neighbours" else 0.0


def _alike(known: sessions.Visits, visits: list[list[int]], items: int) -> Any:
    """(visits, items) csr of what visits like these held."""
    given = sessions.Nearness()
    found = [sessions.ask(known, *_weighed(visit), given).scores(items) for visit in visits]
    return sp.vstack([sp.csr_array(one[None]) for one in found]).tocsr()


def _weighed(visit: list[int]) -> tuple[NDArray[np.int64], Floats]:
    """The items of a visit and what each counts, as the engine has them: γ for every step back."""
    newest = np.array(visit[::-1])[:LAST]
    items, inverse = np.unique(newest, return_inverse=True)
    return items, np.bincount(inverse, SESSION_FADE ** np.arange(len(newest), dtype=np.float64)).astype(np.float64)


def _known(sequences: sn.Sequences, items: int) -> sessions.Visits:
    return sessions.Visits.of(sequences.user, sequences.item, sequences.user, items)


def _flat(sessions: list[list[int]]) -> sn.Sequences:
    user = np.repeat(np.arange(len(sessions)), [len(session) for session in sessions])
    return sn.Sequences.of(user, np.concatenate([np.array(session) for session in sessions]))


def _unit(scores: Any) -> Any:
    best = np.maximum(np.asarray(scores.max(axis=1).todense()).ravel(), 1e-12)
    return sp.diags_array(1 / best) @ scores


def _sparse_ranks(scores: Any, target: NDArray[Any]) -> Floats:
    rank = np.full(len(target), np.inf)
    for row in range(len(target)):
        span = slice(scores.indptr[row], scores.indptr[row + 1])
        values = scores.data[span]
        own = values[scores.indices[span] == target[row]]
        if len(own) and own[0] > 0:
            rank[row] = (values > own[0]).sum() + ((values == own[0]).sum() - 1) / 2
    return rank


# ---- baskets ---------------------------------------------------------------------------------------------------


def online_retail(left: int) -> Iterator[tuple[str, Floats, Floats, float]]:
    """What customers buy in the last month: items never bought before (rows "new"), and all (rows "all")."""
    events = DATASETS["online-retail"]().events()
    cut, end = (_day("2011-10-10"), _day("2011-11-10")) if left == 2 else (_day("2011-11-10"), 1 << 62)
    before, after = events.time < cut, (events.time >= cut) & (events.time < end)
    shape = len(events.users), len(events.items)
    user, item, days = events.user[before], events.item[before], (cut - events.time[before]) / (24 * HOUR)
    had = _marks(user, item, shape)
    later = _marks(events.user[after], events.item[after], shape)
    for name, scores, own, seconds in _retail_models(user, item, events.time[before], days, had):
        for kind, wanted in (("new", later - later.multiply(had)), ("all", later)):
            yield f"{name}, {kind}", *_lists(scores, own, had, wanted, kind), seconds


def _retail_models(user: Any, item: Any, times: Any, days: Any, had: Any) -> Iterator[tuple[str, Scores, Any, float]]:
    started = time.perf_counter()
    plain = ease.learn(had)
    yield "ease", lambda users: ease.score_all(plain, had[users]), None, time.perf_counter() - started
    query = sp.csr_array((0.5 ** (days / 60), (user, item)), shape=had.shape)
    query.sum_duplicates()
    query.data = np.log1p(5 * query.data)
    started = time.perf_counter()
    entries = sp.csr_array((np.sqrt(0.5 ** (days / 60)), (user, item)), shape=had.shape)
    entries.sum_duplicates()
    entries.data = np.minimum(entries.data, 1.0)
    model = ease.learn(entries)
    recent = days < 14
    trend = (_buyers(user[recent], item[recent], had.shape) + 1) / np.sqrt(_buyers(user, item, had.shape) + 1)
    seconds = time.perf_counter() - started
    yield (
        "ease, faded, trend, own repeats",
        lambda users: np.maximum(ease.score_all(model, query[users]), 0) * trend**0.75,
        query,
        seconds,
    )
    started = time.perf_counter()
    near = sn.learn(
        sn.Sequences.of(user, item, times), had.shape[1], window=60, together=1.0, backward=1.0, popularity=0.3, damping=20.0
    )
    seconds = time.perf_counter() - started
    yield "sequence_neighbours", lambda users: sn.score_all(near.lists, query[users]).toarray(), None, seconds


def _lists(scores: Scores, own: Any, had: Any, wanted: Any, kind: str) -> tuple[Floats, Floats]:
    """Capped recall and nDCG of the first ten, per user with something to find and a history."""
    wanted = wanted.tocsr()
    wanted.eliminate_zeros()
    users = np.flatnonzero((np.diff(wanted.indptr) > 0) & (np.diff(had.indptr) > 0))
    found = np.array(scores(users), np.float64)
    if kind == "new":
        found[had[users].nonzero()] = -np.inf
    elif own is not None:
        found = ease.with_repeats(found, own[users], 2.0)
    ranked = np.argsort(-found, axis=1, kind="stable")[:, :10]
    hits, counts = metrics.hits(ranked, wanted[users]), metrics.relevant_counts(wanted[users])
    return metrics.capped_recall(hits, counts, 10), metrics.ndcg(hits, counts, 10)


def _marks(user: Any, item: Any, shape: tuple[int, int]) -> Any:
    found: Any = sp.csr_array((np.ones(len(user)), (user, item)), shape=shape)
    found.sum_duplicates()
    found.data[:] = 1.0
    return found


def _buyers(user: Any, item: Any, shape: tuple[int, int]) -> Floats:
    return np.asarray(_marks(user, item, shape).sum(axis=0), np.float64).ravel()


def _day(day: str) -> int:
    return int(np.datetime64(day, "us").astype(np.int64))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("dataset", choices=sorted(PUBLISHED))
    options.add_argument("--validate", action="store_true", help="the validation part instead of the test")
    options.add_argument("--models", nargs="*", default=[], choices=sorted(MODELS))
    given = options.parse_args()
    left = 2 if given.validate else 1
    other = {"diginetica": diginetica, "online-retail": online_retail}.get(given.dataset)
    rows = other(left) if other else leave_last_out(given.dataset, left, given.models)
    first, second = {"diginetica": ("P@20", "MRR@20"), "online-retail": ("capped recall@10", "nDCG@10")}.get(
        given.dataset, ("HR@10", "nDCG@10")
    )
    print(f"{given.dataset}, {'validation' if given.validate else 'test'}\n\n| model | {first} | {second} | seconds to learn |")
    print("|---|---|---|---|")
    for name, one, two, seconds in rows:
        print(f"| {name} | {_said(one)} | {_said(two)} | {seconds:.1f} |", flush=True)
    print(f"\nPublished: {PUBLISHED[given.dataset]}")


def _said(values: Any) -> str:
    low, high = metrics.interval(np.asarray(values, np.float64))
    return f"{np.mean(values):.4f} ({low:.4f} to {high:.4f})"


if __name__ == "__main__":
    main()
