"""Nearest vectors by a graph beside comparing all of them: time, recall, memory, on real products' vectors.

    python -m bench search_graph [--questions 200] [--exact 100000,300000]

The titles of chorus-icecat and pricerunner, as the vectors of the text task that comes with Aisle; questions are titles of the
same shop, each vector shaken a little. Recall is of the ten nearest, after those that the graph names were compared exactly, as
it is served. `--exact` adds what comparing all costs at other sizes (random vectors: only the time is asked). Processor time.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from bench.search_quality import DATA
from numpy.typing import NDArray

from aisle.kit.vectors import Space, Vectors
from aisle.tasks import text as text_task
from aisle.tasks.search import graph
from aisle.tasks.search.signals import NEAREST

Floats = NDArray[np.float32]
SHAKEN = 0.03


def titles() -> Iterator[str]:
    """Of every product of both data sets."""
    with gzip.open(DATA / "products.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            yield row.get("title") or row["name"]
    path = DATA.parents[1] / "text" / "pricerunner" / "pricerunner_aggregate.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
        for row in csv.reader(file):  # it has no header
            yield row[1]


def vectors() -> Floats:
    """(titles, dimensions) of length 1; a title that stands twice counts once."""
    engine: Any = text_task.TASK.load(text_task.TASK.starter)  # type: ignore[arg-type]
    texts = [text for text in dict.fromkeys(titles()) if text.strip()]
    blocks = [engine.embedding.embed(texts[start : start + 1000])[0] for start in range(0, len(texts), 1000)]
    return np.concatenate(blocks).astype(np.float32)


def cpu_ms(work: Callable[[Any], Any], over: Any) -> float:
    """Milliseconds of processor time of each."""
    began = time.process_time()
    for one in over:
        work(one)
    return (time.process_time() - began) * 1000 / len(over)


def measure(matrix: Floats, count: int) -> dict[str, float]:
    """One space: comparing all, making a graph, asking it."""
    space: Vectors = Space((str(row), vector.astype("<f4").tobytes()) for row, vector in enumerate(matrix)).now()
    asked = shaken(space.matrix, count)
    began = time.process_time()
    near = graph.Near(graph.build(space))
    built = time.process_time() - began
    near.usable(space)
    exact = [set(np.argsort(-(space.matrix @ vector))[:10].tolist()) for vector in asked]
    found = [set(nearest(space, near, vector).tolist()) for vector in asked]
    return {
        "vectors": len(matrix),
        "compare_all_ms": cpu_ms(lambda vector: space.matrix @ vector, asked),
        "graph_ms": cpu_ms(lambda vector: nearest(space, near, vector), asked),
        "recall_at_10": float(np.mean([len(a & b) / 10 for a, b in zip(exact, found, strict=True)])),
        "build_cpu_s": built,
        "graph_mib": near.graph.index.memory_usage / 2**20 if near.graph else 0.0,
        "vectors_mib": space.matrix.nbytes / 2**20,
    }


def nearest(space: Vectors, near: graph.Near, vector: Floats) -> NDArray[np.int64]:
    """The ten best of what the graph names, compared exactly."""
    rows = near.rows(vector, NEAREST)
    return np.asarray(rows[np.argsort(-(space.matrix[rows] @ vector))[:10]])


def shaken(matrix: Floats, count: int) -> Floats:
    rng = np.random.default_rng(0)
    chosen = matrix[rng.choice(len(matrix), count)]
    found = chosen + SHAKEN * rng.standard_normal(chosen.shape, np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--exact", default="", help="sizes at which only comparing all is timed")
    given = parser.parse_args()
    real = vectors()
    print("  ".join(f"{name} {value:,.4g}" for name, value in measure(real, given.questions).items()), flush=True)
    for size in filter(None, given.exact.split(",")):
        drawn = np.random.default_rng(0).standard_normal((int(size), real.shape[1]), np.float32)
        print(f"vectors {int(size):,}  compare_all_ms {cpu_ms(drawn.dot, drawn[:20]):.3g}", flush=True)


if __name__ == "__main__":
    main()
