"""User neighbours, top-k cosine: ours beside implicit, similaripy and sparse_dot_topn, same cores, alternating rounds.

    python -m bench.neighbours [ml-1m|beauty|sports|online-retail|ml-100k] [--k 100] [--threads 1] [--rounds 5]

CPU-seconds and wall are the minimum of the rounds. Peers get their inputs ready-made (normalised, transposed, of their matrix
class); ours is timed from the raw matrix. BLAS is held to the same number of threads: waiting threads count as CPU.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from bench.shared_data import DATASETS, RealData, matrix
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from aisle.kit.nearest import top_k_neighbours

Values = NDArray[np.float32]  # (users, k) similarities, best first
Run = Callable[[], Any]
AGREE = 2e-5  # sparse_dot_topn adds up rounded float32 values


def ours(data: Any, k: int, threads: int) -> tuple[Run, Callable[[Any], Values]]:
    return lambda: top_k_neighbours(data, "cosine", k, threads=threads), lambda found: np.asarray(found[1])


def similaripy(data: Any, k: int, threads: int) -> tuple[Run, Callable[[Any], Values]]:
    import similaripy

    ready = sp.csr_matrix(data)
    run = lambda: similaripy.cosine(ready, k=k + 1, num_threads=threads, verbose=False)  # noqa: E731
    return run, lambda found: best_of(sp.csr_matrix(found), k)


def sparse_dot_topn(data: Any, k: int, threads: int) -> tuple[Run, Callable[[Any], Values]]:
    from sparse_dot_topn import sp_matmul_topn

    ready = normalised(data)
    turned = sp.csr_matrix(ready.T)
    run = lambda: sp_matmul_topn(ready, turned, top_n=k + 1, n_threads=threads, sort=True)  # noqa: E731
    return run, lambda found: best_of(found, k)


def implicit(data: Any, k: int, threads: int) -> tuple[Run, Callable[[Any], Values]]:
    from implicit.nearest_neighbours import CosineRecommender

    turned = sp.csr_matrix(data.T)

    def run() -> Any:
        model = CosineRecommender(K=k + 1, num_threads=threads)
        model.fit(turned, show_progress=False)
        return model.similarity

    return run, lambda found: best_of(sp.csr_matrix(found), k)


RIVALS = {"aisle": ours, "similaripy": similaripy, "sparse_dot_topn": sparse_dot_topn, "implicit": implicit}


def normalised(data: Any) -> Any:
    lengths = np.sqrt(np.asarray(data.multiply(data).sum(axis=1)).ravel())
    return sp.csr_matrix(sp.diags_array(1 / np.maximum(lengths, 1e-12)) @ data).astype(np.float32)


def best_of(found: Any, k: int) -> Values:
    """(rows, k) the values of each row but its own, best first."""
    rows = found.shape[0]
    out = np.zeros((rows, k), np.float32)
    for row in range(rows):
        span = slice(found.indptr[row], found.indptr[row + 1])
        values = np.sort(found.data[span][found.indices[span] != row])[::-1][:k]
        out[row, : len(values)] = values
    return out


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("dataset", nargs="?", default="ml-1m", choices=sorted(DATASETS))
    options.add_argument("--k", type=int, default=100)
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    warnings.simplefilter("ignore")
    shop: RealData = DATASETS[given.dataset]()
    data = matrix(shop.events())
    runs = {name: make(data, given.k, given.threads) for name, make in RIVALS.items()}
    cpu, wall, found = measure(runs, given.rounds, given.threads)
    print(f"{given.dataset}: {data.shape[0]} rows, {data.shape[1]} columns, {data.nnz} entries; top {given.k} cosine, ", end="")
    print(f"{given.threads} thread(s), best of {given.rounds} rounds\n")
    print_table(cpu, wall, found)


def measure(runs: dict[str, Any], rounds: int, threads: int) -> tuple[dict[str, float], dict[str, float], dict[str, Values]]:
    """The least CPU-seconds and wall seconds of each, and the similarities each found."""
    cpu, wall, found = dict.fromkeys(runs, np.inf), dict.fromkeys(runs, np.inf), {}
    with threadpool_limits(threads):
        for number in range(rounds):
            for name in [*runs][number % len(runs) :] + [*runs][: number % len(runs)]:
                run, values = runs[name]
                cpu_start, wall_start = time.process_time(), time.perf_counter()
                result = run()
                cpu[name] = min(cpu[name], time.process_time() - cpu_start)
                wall[name] = min(wall[name], time.perf_counter() - wall_start)
                if name not in found:
                    found[name] = values(result)
    return cpu, wall, found


def print_table(cpu: dict[str, float], wall: dict[str, float], found: dict[str, Values]) -> None:
    fastest_cpu, fastest_wall = (min(seconds[name] for name in cpu if name != "aisle") for seconds in (cpu, wall))
    print("| method | CPU-s | ÷ fastest peer | wall s | ÷ fastest peer | largest difference to ours |\n|---|---|---|---|---|---|")
    for name in sorted(cpu, key=lambda name: cpu[name]):
        apart = float(np.abs(found[name] - found["aisle"]).max())
        print(f"| {name} | {cpu[name]:.2f} | {cpu[name] / fastest_cpu:.2f} | ", end="")
        print(f"{wall[name]:.2f} | {wall[name] / fastest_wall:.2f} | {apart:.1e} |")
    for name, values in found.items():
        if np.abs(values - found["aisle"]).max() > AGREE:
            raise SystemExit(f"{name} finds other similarities than ours")


if __name__ == "__main__":
    main()
