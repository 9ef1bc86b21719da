"""Search by the size of the shop: time to index, memory, and time of an answer, on synthetic catalogues.

    python -m bench.search_scale [--sizes 1000,10000,100000] [--questions 400] [--json]

The catalogues are synthetic: words by Zipf's law from a vocabulary that grows with the shop (Heaps), titles of 8 words,
descriptions of 40, 300 categories, 500 brands, three attributes; item vectors are random and of the starter's length.
Questions are two to four words of an item's title, one in ten with a slip of the finger, each with a vector, facets and
reasons. Times are of the engine (catching up, words, meaning, joining, facets, reasons), one question at a time: by the clock,
and of the processor, which other work on the machine disturbs less (with OMP_NUM_THREADS=1: BLAS threads that wait count as
work). `typing` is `suggest` for the same questions cut after the third letter of their last word. Each size runs in a process of
its own: memory is what it holds after the questions.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from aisle.kit.catalogue import Catalogue
from aisle.kit.vectors import Space
from aisle.task import Context
from aisle.tasks.search.engine import SearchEngine
from aisle.tasks.search.evaluate import slip
from aisle.tasks.search.model import Model
from aisle.tasks.search.schema import Query, Suggest
from aisle.types import Item, Money

DIMENSIONS = 192
LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
COLUMNS = (
    "items",
    "index_cpu_s",
    "rss_mib",
    "p50_ms",
    "p95_ms",
    "p50_cpu_ms",
    "p95_cpu_ms",
    "typing_p95_cpu_ms",
    "change_cpu_ms",
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
                attributes={"colour": known[number % 12], "material": known[12 + number % 20], "size": f"{number % 9} cm"},
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
    rng, numbers = random.Random(1), np.random.default_rng(1)
    vectors = numbers.standard_normal((size, DIMENSIONS), np.float32)
    shop = Catalogue(items)
    spaces = {"text": Space((item.item_id, row.tobytes()) for item, row in zip(items, vectors, strict=True)), "image": Space()}
    engine, context = SearchEngine(Model()), Context(catalogue=shop, spaces=spaces)
    del vectors
    built = ask(engine, context, "suggest", Suggest(query="x"))[1] / 1000
    asked = questions(items, count, rng)
    near = numbers.standard_normal((count, DIMENSIONS)).tolist()
    for text, vector in zip(asked[:20], near, strict=False):
        ask(engine, context, "query", Query(query=text, vector=vector))
    pairs = zip(asked, near, strict=True)
    times = np.array([ask(engine, context, "query", Query(query=text, vector=vector)) for text, vector in pairs])
    typing = np.array([ask(engine, context, "suggest", Suggest(query=begun(text))) for text in asked])
    shop.put([Item(item_id="item-0000000", title="changed words of an item")])
    change = ask(engine, context, "query", Query(query="changed words", vector=near[0]))
    return {
        "items": size,
        "index_cpu_s": built,
        "rss_mib": resident(),
        "p50_ms": float(np.median(times[:, 0])),
        "p95_ms": float(np.quantile(times[:, 0], 0.95)),
        "p50_cpu_ms": float(np.median(times[:, 1])),
        "p95_cpu_ms": float(np.quantile(times[:, 1], 0.95)),
        "typing_p95_cpu_ms": float(np.quantile(typing[:, 1], 0.95)),
        "change_cpu_ms": change[1],
    }


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
    parser.add_argument("--sizes", default="1000,10000,100000")
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
            print("  ".join(f"{name} {rows[-1][name]:,.1f}" for name in COLUMNS), flush=True)
    if given.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
