"""Search by the size of the shop: time to index, memory, and time of an answer, on synthetic catalogues.

    python -m bench.search_scale [--sizes 1000,10000,100000,1000000] [--questions 400] [--json] [--plot FILE.svg]

The catalogues are synthetic: words by Zipf's law from a vocabulary that grows with the shop (Heaps), titles of 8 words,
descriptions of 40, 300 categories, 500 brands, three attributes; item vectors are the means of random vectors of the title's
words, as a static embedding makes them, with the starter's 192 dimensions. Questions are two to four words of an item's
title, one in ten with a slip of the finger, each with its vector, facets and reasons. Where there are more items than
`compare_all`, a graph of the vectors is made, written and opened as training and serving do; then the same questions are
asked without it: `recall` is the share of the ten nearest vectors that the graph brings, `same` of the ten answers. Times are
of the engine (catching up, words, meaning, joining, facets, reasons), one question at a time: by the clock, and of the
processor, which other work on the machine disturbs less (OMP_NUM_THREADS=1: BLAS threads that wait count as work). `typing`
is `suggest` for the same questions cut after the third letter of their last word. Each size runs in a process of its own:
memory is what it holds after the questions.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from bench.growth import growth
from numpy.typing import NDArray

from aisle.kit.catalogue import Catalogue
from aisle.kit.vectors import Space, Vectors
from aisle.task import Context
from aisle.tasks.search import graph
from aisle.tasks.search.engine import SearchEngine
from aisle.tasks.search.evaluate import slip
from aisle.tasks.search.model import Model
from aisle.tasks.search.schema import Config, Query, Suggest
from aisle.tasks.search.signals import NEAREST
from aisle.types import Item, Money

DIMENSIONS = 192
COMPARED = 100  # questions that are asked with the graph and without
PANELS = {
    "an answer, p95, ms of processor time": {
        "with reasons": "p95_cpu_ms",
        "while typing": "typing_p95_cpu_ms",
        "all vectors compared": "all_p95_cpu_ms",
    },
    "processor seconds to build": {"index of words": "index_cpu_s", "graph of vectors": "graph_cpu_s"},
    "memory of the process, MiB": {"": "rss_mib"},
}
LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
COLUMNS = (
    "items",
    "index_cpu_s",
    "graph_cpu_s",
    "graph_mib",
    "rss_mib",
    "p50_ms",
    "p95_ms",
    "p50_cpu_ms",
    "p95_cpu_ms",
    "typing_p95_cpu_ms",
    "change_cpu_ms",
    "all_p95_cpu_ms",
    "recall",
    "same",
)


def vocabulary(size: int, rng: random.Random) -> list[str]:
    """Different pronounceable words, short ones first."""
    found: dict[str, None] = {}
    while len(found) < size:
        found["".join(rng.choices(LETTERS[:20], k=rng.choice((3, 4, 5, 6, 7, 8, 9, 10))))] = None
    return list(found)


def catalogue(size: int, seed: int = 7) -> Iterator[Item]:
    """Items whose words follow Zipf's law."""
    rng, numbers = random.Random(seed), np.random.default_rng(seed)
    known = np.array(vocabulary(min(2000 + int(60 * size**0.5), 150_000), rng))
    weight = 1 / np.arange(1, len(known) + 1)
    for start in range(0, size, 1000):
        drawn = known[numbers.choice(len(known), (1000, 48), p=weight / weight.sum())]
        for number in range(start, min(start + 1000, size)):
            words = drawn[number - start].tolist()
            yield Item(
                item_id=f"item-{number:07d}",
                title=" ".join(words[:8]),
                description=" ".join(words[8:]),
                brand=f"brand{number % 500}",
                category=f"Part {number % 12} > Shelf {number % 300}",
                price=Money(amount=100 + number % 9000, currency="EUR"),
                attributes={
                    "colour": str(known[number % 12]),
                    "material": str(known[12 + number % 20]),
                    "size": f"{number % 9} cm",
                },
            )


def questions(items: list[Item], count: int, rng: random.Random) -> list[str]:
    """Words that somebody who wants an item would type."""
    found = []
    for item in rng.choices(items, k=count):
        words = rng.sample(item.title.split(), rng.randint(2, 4))
        found.append(slip(" ".join(words), rng) if rng.random() < 0.1 else " ".join(words))
    return found


def measure(size: int, count: int) -> dict[str, float]:
    """One size, in this process."""
    items = list(catalogue(size))
    spaces = {"text": Space(named_vectors(items)), "image": Space()}
    shop = Catalogue(items)
    graphs, graph_cpu_s, graph_mib = graph_of(spaces["text"].now())
    engine, context = SearchEngine(Model(graphs=graphs)), Context(catalogue=shop, spaces=spaces)
    built = ask(engine, context, "suggest", Suggest(query="x"))[1] / 1000
    asked = questions(items, count, random.Random(1))
    near = embed(asked)
    wanted = [Query(query=text, vector=vector) for text, vector in zip(asked, near.tolist(), strict=True)]
    for query in wanted[:20]:
        ask(engine, context, "query", query)
    times = np.array([ask(engine, context, "query", query) for query in wanted])
    typing = np.array([ask(engine, context, "suggest", Suggest(query=begun(text))) for text in asked])
    memory = resident()
    beside = compared(engine, context, wanted[:COMPARED], near) if graphs else {}
    shop.put([Item(item_id="item-0000000", title="changed words of an item")])
    change = ask(engine, context, "query", Query(query="changed words", vector=near[0].tolist()))
    return beside | {
        "items": size,
        "index_cpu_s": built,
        "graph_cpu_s": graph_cpu_s,
        "graph_mib": graph_mib,
        "rss_mib": memory,
        "p50_ms": float(np.median(times[:, 0])),
        "p95_ms": float(np.quantile(times[:, 0], 0.95)),
        "p50_cpu_ms": float(np.median(times[:, 1])),
        "p95_cpu_ms": float(np.quantile(times[:, 1], 0.95)),
        "typing_p95_cpu_ms": float(np.quantile(typing[:, 1], 0.95)),
        "change_cpu_ms": change[1],
    }


def embed(texts: list[str]) -> NDArray[np.float32]:
    """(texts, DIMENSIONS) of length 1: means of the words' random vectors, frequent words less (as smooth inverse frequency)."""
    found = np.array([sum(map(word_vector, text.split())) for text in texts], np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


@lru_cache(maxsize=200_000)
def word_vector(word: str) -> NDArray[np.float32]:
    """Short words are the frequent ones here; the same word has the same vector in every run."""
    drawn = np.random.default_rng(zlib.crc32(word.encode())).standard_normal(DIMENSIONS, np.float32)
    return np.asarray(drawn * np.float32(min(len(word), 8) / 8), np.float32)


def named_vectors(items: list[Item]) -> Iterator[tuple[str, bytes]]:
    """(item_id, vector of the title) of every item."""
    for start in range(0, len(items), 1000):
        block = items[start : start + 1000]
        rows = embed([item.title for item in block]).astype("<f4")
        yield from zip([item.item_id for item in block], (row.tobytes() for row in rows), strict=True)


def graph_of(space: Vectors) -> tuple[dict[str, graph.Graph], float, float]:
    """A graph where one is needed, opened from its files as a server does; processor seconds to make it, MiB of its file."""
    if len(space.matrix) <= Config().compare_all or not graph.installed():
        return {}, 0.0, 0.0
    began = time.process_time()
    folder = Path(tempfile.mkdtemp())
    graph.save(graph.build(space), folder, "text")
    took = time.process_time() - began
    opened = graph.load(folder, "text")
    assert opened is not None
    return {"text": opened}, took, (folder / "text.usearch").stat().st_size / 2**20


def compared(engine: SearchEngine, context: Context, wanted: list[Query], near: Any) -> dict[str, float]:
    """The same questions with the graph and by comparing all vectors."""
    space, beside = context.spaces["text"].now(), engine._near["text"]
    recalled = []
    for vector in near[: len(wanted)]:
        rows = beside.rows(vector, NEAREST)
        best = rows[np.argsort(-(space.matrix[rows] @ vector))[:10]]
        recalled.append(len(set(best.tolist()) & set(np.argsort(-(space.matrix @ vector))[:10].tolist())) / 10)
    times: dict[bool, list[float]] = {True: [], False: []}
    same = []
    for number, query in enumerate(wanted):
        answers = []
        for way in (True, False) if number % 2 else (False, True):  # in turns: what was just asked is warm
            engine._near["text"] = beside if way else graph.Near()
            times[way].append(ask(engine, context, "query", query)[1])
            answers.append(ids(engine, context, query))
        same.append(len(answers[0] & answers[1]) / max(len(answers[1]), 1))
    engine._near["text"] = beside
    return {
        "graph_p50_cpu_ms": float(np.median(times[True])), "graph_p95_cpu_ms": float(np.quantile(times[True], 0.95)),
        "all_p50_cpu_ms": float(np.median(times[False])), "all_p95_cpu_ms": float(np.quantile(times[False], 0.95)),
        "recall": float(np.mean(recalled)), "same": float(np.mean(same)),
    }  # fmt: skip


def ids(engine: SearchEngine, context: Context, query: Query) -> set[str]:
    """The ten answers."""
    (found,) = engine.run("query", [engine.prepare("query", query, context)])
    return {hit.item_id for hit in found.items}


def ask(engine: SearchEngine, context: Context, op: str, request: Any) -> tuple[float, float]:
    """Milliseconds of one answer: by the clock, and of processor time."""
    began, cpu = time.perf_counter(), time.process_time()
    engine.run(op, [engine.prepare(op, request, context)])
    return (time.perf_counter() - began) * 1000, (time.process_time() - cpu) * 1000


def begun(text: str) -> str:
    """The question as it stands when its last word has three letters."""
    *before, last = text.split()
    return " ".join([*before, last[:3]])


def resident() -> float:
    """MiB that this process holds now; its peak where the system does not say."""
    try:
        with open("/proc/self/statm") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * resource.getpagesize() / 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,10000,100000,1000000")
    parser.add_argument("--plot", type=Path, help="write the growth as a picture (SVG)")
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.one, given.questions)))
        return
    rows = []
    for size in given.sizes.split(","):
        command = [sys.executable, "-m", "bench.search_scale", "--one", size, "--questions", str(given.questions)]
        rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        if not given.json:
            print("  ".join(f"{name} {rows[-1][name]:,.3g}" for name in COLUMNS if name in rows[-1]), flush=True)
    if given.plot:
        given.plot.write_text(growth(rows, PANELS), encoding="utf-8")
    if given.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
