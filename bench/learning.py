"""Item neighbours and ALS beside their fastest peers: similaripy and implicit, one thread, alternating rounds.

    OMP_NUM_THREADS=1 python -m bench.learning [ml-1m|beauty|sports|online-retail|ml-100k] [--rounds 2] [--epochs 2]

Processor seconds, the least of the rounds: 100 nearest items by cosine; one epoch of 64 factors (the difference between
`epochs` + 1 and one, so that neither side pays for setting up); the ten best of every user from factors, seen items left out.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from bench.shared_data import DATASETS, matrix
from threadpoolctl import threadpool_limits

from aisle.kit.nearest import top_k_neighbours
from aisle.tasks.recommend import als

K, FACTORS, SHOWN, BLOCK = 100, 64, 10, 1000
Run = Callable[[], Any]


def neighbours(data: Any) -> dict[str, Run]:
    import similaripy

    columns, ready = data.T.tocsr(), sp.csr_matrix(data.T)
    return {
        "aisle": lambda: top_k_neighbours(columns, "cosine", K, threads=1),
        "similaripy": lambda: similaripy.cosine(ready, k=K + 1, num_threads=1, verbose=False),
    }


def factors(data: Any, epochs: int) -> dict[str, Run]:
    from implicit.als import AlternatingLeastSquares

    ready = sp.csr_matrix(data)

    def peer() -> Any:
        model = AlternatingLeastSquares(factors=FACTORS, iterations=epochs, num_threads=1, calculate_training_loss=False)
        model.fit(ready, show_progress=False)
        return model

    return {"aisle": lambda: als.learn(data, factors=FACTORS, epochs=epochs), "implicit": peer}


def lists(data: Any) -> dict[str, Run]:
    ours, ready = als.learn(data, factors=FACTORS, epochs=1), sp.csr_matrix(data)
    theirs, users = factors(data, 1)["implicit"](), np.arange(data.shape[0])

    def best() -> None:
        for start in range(0, data.shape[0], BLOCK):
            scores = als.score_all(ours, ours.users[start : start + BLOCK])
            scores[data[start : start + BLOCK].nonzero()] = -np.inf
            top = np.argpartition(-scores, SHOWN, axis=1)[:, :SHOWN]
            np.take_along_axis(top, np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1), axis=1)

    return {"aisle": best, "implicit": lambda: theirs.recommend(users, ready, N=SHOWN)}


def measured(runs: dict[str, Run], rounds: int) -> dict[str, float]:
    least = dict.fromkeys(runs, np.inf)
    for _ in range(rounds):
        for name, run in runs.items():
            started = time.process_time()
            run()
            least[name] = min(least[name], time.process_time() - started)
    return least


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("dataset", choices=sorted(DATASETS))
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--epochs", type=int, default=2)
    given = options.parse_args()
    warnings.simplefilter("ignore")
    data = matrix(DATASETS[given.dataset]().events()).tocsr()
    rows, columns = data.shape
    print(f"{given.dataset}: {rows:,} x {columns:,}, {data.nnz:,} entries\n")
    print("| | aisle | peer | ratio |\n|---|---|---|---|")
    with threadpool_limits(1):
        _say(f"{K} item neighbours, similaripy", *measured(neighbours(data), given.rounds).values())
        one, more = (measured(factors(data, epochs), given.rounds) for epochs in (1, given.epochs + 1))
        _say(f"ALS-{FACTORS}, one epoch, implicit", *((more[name] - one[name]) / given.epochs for name in one))
        _say("ten best of all users, implicit", *measured(lists(data), given.rounds).values())


def _say(what: str, ours: float, theirs: float) -> None:
    print(f"| {what} | {ours:.3f} s | {theirs:.3f} s | {ours / theirs:.2f} |", flush=True)


if __name__ == "__main__":
    main()
