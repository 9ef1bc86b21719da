"""New items: a tenth of the catalogue is hidden from training; who is each of them for? Beside chance and "newest first".

    python -m bench.cold [beauty|sports] [--questions 2000] [--algorithm item_neighbours]

Every event of a hidden item is a question: the user as of then, with what they had of the rest; right is that item. Twenty are
asked for, of the hidden items alone (recall of chance: 20 by their number), and of the whole catalogue. Twice: the items are in
the catalogue when the model learns ("known"), or come after it ("later"). Amazon's ids rise with the time a product was listed,
so the highest are the newest.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np
from bench.shared_data import DATASETS, REC, RealData, lines
from numpy.typing import NDArray

from aisle.kit import metrics
from aisle.kit.catalogue import Catalogue
from aisle.task import Context
from aisle.tasks.recommend import content
from aisle.tasks.recommend.engine import RecommendEngine
from aisle.tasks.recommend.fit import learn
from aisle.tasks.recommend.questions import Question, history
from aisle.tasks.recommend.schema import Config, ForUser
from aisle.tasks.recommend.world import World, arrange
from aisle.types import Filter, Item

TOP = 20
BATCH = 64
FOLDERS = {"beauty": "Beauty", "sports": "Sports_and_Outdoors"}


def questions(world: World, cold: NDArray[np.bool_], most: int, rng: np.random.Generator) -> list[Question]:
    """Events of hidden items whose users had something of the rest before."""
    rest = world.part(~cold[world.item])
    start = np.searchsorted(rest.user, np.arange(len(world.users) + 1))
    found = []
    for row in rng.permutation(np.flatnonzero(cold[world.item])).tolist():
        user, moment = int(world.user[row]), int(world.time[row])
        stop = start[user] + int(np.searchsorted(rest.time[start[user] : start[user + 1]], moment))
        if stop > start[user]:
            found.append(Question(world.users[user], moment, history(rest, int(start[user]), int(stop)), world.item[[row]]))
        if len(found) == most:
            break
    return found


def recall(
    engine: RecommendEngine, catalogue: Catalogue, asked: list[Question], names: list[str], only: list[str] | None
) -> NDArray[np.float64]:
    """(questions,) 1 where the item is among TOP."""
    hits = []
    for start in range(0, len(asked), BATCH):
        batch = asked[start : start + BATCH]
        wanted = Filter(include=only) if only else None
        requests = [ForUser(user_id=one.user_id, n=TOP, explain="none", filter=wanted) for one in batch]
        contexts = [Context(one.moment, one.history, catalogue) for one in batch]
        prepared = [engine.prepare("for_user", *pair) for pair in zip(requests, contexts, strict=True)]
        answers = engine.run("for_user", prepared)
        hits += [names[one.wanted[0]] in found.items for one, found in zip(batch, answers, strict=True)]
    return np.array(hits, np.float64)


def newest(items: list[Item], name: str, cold: NDArray[np.bool_]) -> set[str]:
    """The TOP hidden items with the highest ids of the shop."""
    asin = dict(line.split("\t")[:2] for line in lines(REC / "amazon-2014-5core" / FOLDERS[name] / "items.tsv.gz"))
    hidden = [item.item_id for item, gone in zip(items, cold, strict=False) if gone]
    return set(sorted(hidden, key=lambda item_id: asin[item_id])[-TOP:])


def measured(name: str, most: int, algorithm: str) -> Iterator[tuple[str, NDArray[np.float64]]]:
    data: RealData = DATASETS[name]()
    items = list(data.items())
    world = arrange(items, data.events())
    rng = np.random.default_rng(0)
    cold = np.zeros(len(world.names), bool)
    cold[rng.choice(world.known, world.known // 10, replace=False)] = True
    asked = questions(world, cold, most, rng)
    hidden = [world.names[place] for place in np.flatnonzero(cold)]
    print(f"{name}: {len(hidden):,} of {world.known:,} items hidden, {len(asked):,} questions; chance {TOP / len(hidden):.4f} of")
    print(f"the hidden, {TOP / world.known:.4f} of all\n")
    yield (
        "newest first, of the hidden",
        np.array([world.names[one.wanted[0]] in newest(items, name, cold) for one in asked], np.float64),
    )
    config = Config(algorithm=algorithm)  # type: ignore[arg-type]
    for kind, known in (("known", items), ("later", [item for item, gone in zip(items, cold, strict=False) if not gone])):
        past = arrange(known, data.events())
        past = past.part(~np.isin(past.item, [place for place, one in enumerate(past.names) if one in set(hidden)]))
        texts = content.read(known)
        near = content.learn(texts, config.content_neighbours, lambda done, total: None)
        started = time.process_time()
        engine, catalogue = RecommendEngine(learn(past, config, texts, near, lambda done, said: None)), Catalogue(items)
        print(f"{kind}: learnt in {time.process_time() - started:.1f} s of CPU", flush=True)
        yield f"{algorithm}, {kind}, of the hidden", recall(engine, catalogue, asked, world.names, hidden)
        yield f"{algorithm}, {kind}, of all", recall(engine, catalogue, asked, world.names, None)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("dataset", choices=sorted(FOLDERS))
    options.add_argument("--questions", type=int, default=2000)
    options.add_argument("--algorithm", default="item_neighbours")
    given = options.parse_args()
    rows = list(measured(given.dataset, given.questions, given.algorithm))
    print("\n| | recall@20 | 95 % |\n|---|---|---|")
    for label, hits in rows:
        low, high = metrics.interval(hits)
        print(f"| {label} | {hits.mean():.4f} | {low:.4f} to {high:.4f} |")


if __name__ == "__main__":
    main()
