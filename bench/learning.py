"""Item neighbours and ALS beside their fastest peers: similaripy and implicit, one thread, alternating rounds.

    OMP_NUM_THREADS=1 python -m bench.learning [ml-1m|beauty|sports|online-retail|ml-100k] [--rounds 2] [--epochs 2]
    OMP_NUM_THREADS=1 python -m bench.learning ml-1m --quality      the last item of everybody hidden, 12 epochs of either

Processor seconds, the least of the rounds: 100 nearest items by cosine; one epoch of 64 factors (the difference between
`epochs` + 1 and one, so that neither side pays for setting up); the ten best of every user from factors, seen items left out.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from bench.shared_data import DATASETS, matrix
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from aisle.kit.nearest import top_k_neighbours
from aisle.tasks.recommend import als
from aisle.types import EventColumns

K, FACTORS, SHOWN = 100, 64, 10
OUR_REGULARISERS, REGULARISERS, QUALITY_EPOCHS = (0.001, 0.003, 0.01), (1, 5, 20), 12
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

    return {"aisle": lambda: als.best_items(ours, data, SHOWN), "implicit": lambda: theirs.recommend(users, ready, N=SHOWN)}


def quality(events: EventColumns, epochs: int) -> None:
    """HR@10 and nDCG@10 of the last item of every user, all items ranked, those met left out: some regularisers of
    ours (0.003 is the default) and of implicit's, with the weight of what was not met the same (1 / its α)."""
    from implicit.als import AlternatingLeastSquares

    last = np.flatnonzero(np.append(events.user[1:] != events.user[:-1], True))
    kept = np.delete(np.arange(len(events.user)), last)
    met = matrix(replace(events, user=events.user[kept], item=events.item[kept])).tocsr()
    for regularisation in OUR_REGULARISERS:
        ours = als.learn(met, factors=FACTORS, epochs=epochs, regularisation=regularisation)
        _say_quality(f"aisle, λ {regularisation}", met, ours, events.item[last])
    for regularisation in REGULARISERS:
        peer = AlternatingLeastSquares(
            factors=FACTORS, iterations=epochs, alpha=10, regularization=regularisation, num_threads=1, random_state=0
        )
        peer.fit(sp.csr_matrix(met), show_progress=False)
        theirs = replace(ours, users=peer.user_factors, items=peer.item_factors)
        _say_quality(f"implicit, α 10, λ {regularisation}", met, theirs, events.item[last])


def _say_quality(name: str, met: Any, model: als.Factors, wanted: NDArray[Any]) -> None:
    rows, places = np.nonzero(als.best_items(model, met, SHOWN)[0] == wanted[:, None])
    gain = np.zeros(len(wanted))
    gain[rows] = 1 / np.log2(places + 2)
    print(f"| {name} | {(gain > 0).mean():.4f} | {gain.mean():.4f} ± {1.96 * gain.std() / np.sqrt(len(gain)):.4f} |", flush=True)


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
    options.add_argument("--quality", action="store_true")
    given = options.parse_args()
    warnings.simplefilter("ignore")
    events = DATASETS[given.dataset]().events()
    data = matrix(events).tocsr()
    rows, columns = data.shape
    print(f"{given.dataset}: {rows:,} x {columns:,}, {data.nnz:,} entries\n")
    if given.quality:
        print("| | HR@10 | nDCG@10 |\n|---|---|---|")
        with threadpool_limits(1):
            quality(events, QUALITY_EPOCHS)
        return
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
