"""The ranker of the blend: our linear one beside LambdaMART (LightGBM) over the same candidates and features.

    python -m bench.ranker DATASET [--aim next|later] [--users 1000]                   needs: pip install lightgbm==4.7.0

All algorithms as set learn from the past of the exam (`questions`); each user is ranked by a ranker that the other half of the
users taught. Beside it the best single model, by the order of its own scores, and what one answer costs to rank.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from bench.shared_data import DATASETS
from numpy.typing import NDArray

from aisle.kit import metrics
from aisle.tasks.recommend import content
from aisle.tasks.recommend.blend import FOLDS, Lessons, fit, lessons, marks
from aisle.tasks.recommend.choosing import DEFAULT, blended_of
from aisle.tasks.recommend.questions import exam
from aisle.tasks.recommend.schema import Config
from aisle.tasks.recommend.trial import Trial
from aisle.tasks.recommend.weights import Weights
from aisle.tasks.recommend.world import read

Floats = NDArray[np.float64]
Rank = Callable[[Floats], Floats]


def linear(found: Lessons) -> Rank:
    weights = fit(found)
    return lambda features: features @ weights


def lambdamart(found: Lessons) -> Rank:
    import lightgbm

    _, sizes = np.unique(found.owner, return_counts=True)
    told = lightgbm.Dataset(found.features, found.taken.astype(int), group=sizes)
    settings = {
        "objective": "lambdarank", "num_leaves": 15, "learning_rate": 0.05, "min_data_in_leaf": 20,
        "lambdarank_truncation_level": 20, "seed": 0, "num_threads": 1, "verbose": -1,
    }  # fmt: skip
    trees = lightgbm.train(settings, told, num_boost_round=100)
    return lambda features: np.asarray(trees.predict(features, num_threads=1), np.float64)


def shares(found: Lessons, rank: Rank) -> float:
    """Milliseconds of CPU to rank one user's candidates."""
    started, users = time.process_time(), np.unique(found.owner)[:100]
    for user in users:
        rank(found.features[found.owner == user])
    return 1000 * (time.process_time() - started) / max(len(users), 1)


def crossed(found: Lessons, learn: Callable[[Lessons], Rank]) -> tuple[Floats, float, float]:
    """(questions,) nDCG@10, CPU seconds to learn, and milliseconds to rank."""
    fold, score, seconds, cost = np.arange(len(found.wanted)) % FOLDS, np.zeros(len(found.owner)), 0.0, 0.0
    for number in range(FOLDS):
        started = time.process_time()
        rank = learn(found.only(fold != number))
        seconds += time.process_time() - started
        mine = (fold == number)[found.owner]
        score[mine] = rank(found.features[mine])
        cost = shares(found, rank)
    return marks(found, score, 1).ndcg, seconds / FOLDS, cost


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("dataset", choices=sorted(DATASETS))
    options.add_argument("--aim", default="next", choices=["next", "later", "again"])
    options.add_argument("--users", type=int, default=1000)
    given = options.parse_args()
    world = read(DATASETS[given.dataset]())
    config = Config(aim=given.aim, held_out_users=given.users)
    texts = content.read(world.items)
    near = content.learn(texts, config.content_neighbours, lambda done, total: None)
    asked = exam(world, Weights.of(config), config.aim, given.users)
    base = Config(algorithm=DEFAULT, aim=given.aim)
    trial = Trial.of(asked, base, texts, near, lambda done, said: None)
    names = blended_of(asked.past, config)
    found = lessons(trial, [trial.learnt(one) for one in names])
    print(
        f"{given.dataset}, {asked.kind}: {len(found.wanted)} users, {len(found.owner) / len(found.wanted):.0f} candidates each\n"
    )
    print("| ranker | nDCG@10 | 95 % | CPU s to learn | ms to rank |\n|---|---|---|---|---|")
    singles = [(marks(found, found.features[:, k], 1).ndcg, one.algorithm) for k, one in enumerate(names)]
    ndcg, best = max(singles, key=lambda single: single[0].mean())
    rows: list[tuple[str, tuple[Floats, float, float]]] = [(f"best single: {best}", (ndcg, 0.0, 0.0))]
    rows += [("linear", crossed(found, linear)), ("LambdaMART", crossed(found, lambdamart))]
    for name, (ndcg, seconds, cost) in rows:
        low, high = metrics.interval(ndcg)
        print(f"| {name} | {ndcg.mean():.4f} | {low:.4f} to {high:.4f} | {seconds:.2f} | {cost:.3f} |")


if __name__ == "__main__":
    main()
