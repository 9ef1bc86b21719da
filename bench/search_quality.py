"""Search on real products with human judgements (chorus-icecat): words, meaning, both, and tuned, by nDCG@10.

    python -m bench.search_quality [--json]

19,406 electronics products, 116 questions with a product that answers them, 3,668 judgements 0 to 3, gain 2^r − 1. Most products
were never judged (the pool was another engine's first page), and count as 0 in nDCG@10: `unjudged` says how many of the ten, and
`condensed` is the nDCG of the ranking with the unjudged left out. "cross-validated" chooses the settings on four fifths of the
questions and measures on the last, twenty times over; the interval is of the difference per question (paired bootstrap, 95%).
Vectors are those of the text task that comes with Aisle. Everything is asked through the engine, as it is served.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import itertools
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from aisle.kit.catalogue import Catalogue
from aisle.kit.vectors import Space
from aisle.kit.words import item_text
from aisle.task import Context
from aisle.tasks import text as text_task
from aisle.tasks.search.engine import SearchEngine
from aisle.tasks.search.model import Learnt, Model
from aisle.tasks.search.schema import Config, Query, Weights
from aisle.types import Item

DATA = Path(os.environ.get("AISLE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data")) / "search" / "chorus-icecat"
K = 10
DEEP = 300  # places that are looked at: the condensed ranking needs more than ten
FIELDS: tuple[dict[str, float], ...] = ({}, {"title": 2.0, "brand": 1.0}, {"description": 0.5})
WEIGHTS = tuple({"coverage": c, "meaning": m} for c, m in itertools.product((0.4, 0.6, 0.9), (0.35, 0.5, 0.8)))
FEEDBACK = (1.0, 2.0, 4.0)
FOLDS, REPEATS, DRAWS = 5, 20, 10_000
Judged = Mapping[str, Mapping[str, int]]
Row = NDArray[np.float64]  # (questions, 3) nDCG, condensed nDCG, unjudged


def products() -> Iterator[Item]:
    """Title, brand, short description and the attributes in words."""
    with gzip.open(DATA / "products.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            told = {name[7:]: value for name, value in row.items() if name.startswith("attr_t_") and isinstance(value, str)}
            yield Item(
                item_id=row["id"],
                title=(row.get("title") or row["name"])[:1000],
                description=row.get("short_description") or None,
                brand=row.get("supplier"),
                attributes=dict(list(told.items())[:200]),
            )


def judgements() -> Judged:
    """Of every question that has an answer, the rating of each judged product."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    with (DATA / "judgments.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found[row["query"]][row["docid"]] = int(row["rating"])
    return {query: rated for query, rated in found.items() if max(rated.values()) > 0}


class Shop:
    """The products as the engine sees them, and the questions' vectors."""

    def __init__(self, items: list[Item], judged: Judged) -> None:
        engine: Any = text_task.TASK.load(text_task.TASK.starter)  # type: ignore[arg-type]
        blocks = [items[start : start + 1000] for start in range(0, len(items), 1000)]
        vectors = np.concatenate([engine.embedding.embed([item_text(item) for item in block])[0] for block in blocks])
        spaces = {
            "text": Space((item.item_id, row.astype("<f4").tobytes()) for item, row in zip(items, vectors, strict=True)),
            "image": Space(),
        }
        self.context = Context(catalogue=Catalogue(items), spaces=spaces)
        self.judged = judged
        self.vector = {query: engine.embedding.embed([query])[0][0].tolist() for query in judged}

    def measure(self, engine: SearchEngine, weights: Weights | None = None, meaning: bool = True) -> Row:
        """Every question, asked and judged."""
        return np.array([self._one(engine, query, weights, meaning) for query in self.judged])

    def _one(self, engine: SearchEngine, query: str, weights: Weights | None, meaning: bool) -> tuple[float, float, float]:
        vector = self.vector[query] if meaning else None
        asked = Query(query=query, n=DEEP, vector=vector, weights=weights, explain="none", facets=False)
        (found,) = engine.run("query", [engine.prepare("query", asked, self.context)])
        return judge([hit.item_id for hit in found.items], self.judged[query])


def judge(ranked: list[str], rated: Mapping[str, int]) -> tuple[float, float, float]:
    """nDCG@10, condensed nDCG@10, share of unjudged among the first ten."""
    ideal = gain(sorted(rated.values(), reverse=True))
    full = gain(rated.get(item_id, 0) for item_id in ranked)
    condensed = gain(rated[item_id] for item_id in ranked if item_id in rated)
    first = ranked[:K]
    return full / ideal, condensed / ideal, sum(item_id not in rated for item_id in first) / max(len(first), 1)


def gain(ratings: Iterable[int]) -> float:
    """Discounted cumulative gain of the first ten."""
    return float(sum((2**rating - 1) / np.log2(place + 2) for place, rating in enumerate(itertools.islice(ratings, K))))


def tried(shop: Shop) -> NDArray[np.float64]:
    """(settings, questions) nDCG of every combination of fields, weights and feedback."""
    rows = []
    for fields, feedback in itertools.product(FIELDS, FEEDBACK):
        engine = SearchEngine(Model(Learnt(config=replace(Config(), **fields, feedback=feedback))))
        rows += [shop.measure(engine, Weights(**weights))[:, 0] for weights in WEIGHTS]
    return np.array(rows)


def cross_validated(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """(questions,) the nDCG of the setting that was best on the other folds, over the repeats."""
    rng = np.random.default_rng(0)
    found = np.zeros(scores.shape[1])
    for _ in range(REPEATS):
        fold = rng.permutation(scores.shape[1]) % FOLDS
        for number in range(FOLDS):
            best = int(scores[:, fold != number].mean(axis=1).argmax())
            found[fold == number] += scores[best, fold == number] / REPEATS
    return found


def interval(difference: NDArray[np.float64]) -> tuple[float, float]:
    """95% of the mean of a paired difference, by bootstrap over questions."""
    rng = np.random.default_rng(0)
    drawn = difference[rng.integers(0, len(difference), (DRAWS, len(difference)))].mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="without the cross-validation (a minute less)")
    given = parser.parse_args()
    shop = Shop(list(products()), judgements())
    plain = SearchEngine(Model(Learnt(config=Config(attributes=0.0, title=1.0, brand=1.0, feedback=0.0))))
    served = SearchEngine(Model())
    only = {"words": 0.0, "coverage": 0.0, "meaning": 0.0}
    rows = {
        "BM25F, equal fields, title + description + brand": shop.measure(plain, Weights(coverage=0.0), meaning=False),
        "BM25F, all fields": shop.measure(served, Weights(coverage=0.0), meaning=False),
        "words (BM25F and coverage)": shop.measure(served, meaning=False),
        "meaning alone": shop.measure(
            SearchEngine(Model(Learnt(config=Config(feedback=0.0)))), Weights(**{**only, "meaning": 1.0})
        ),
        "fused, BM25F + 0.2 meaning": shop.measure(
            SearchEngine(Model(Learnt(config=Config(feedback=0.0)))), Weights(coverage=0.0, meaning=0.2)
        ),
        "fused, as it comes": shop.measure(served),
    }
    found: list[dict[str, Any]] = [
        {"search": name, "ndcg": row[:, 0].mean(), "condensed": row[:, 1].mean(), "unjudged": row[:, 2].mean()}
        for name, row in rows.items()
    ]
    if not given.quick:
        tuned = cross_validated(tried(shop))
        found.append({"search": f"fused, tuned, {FOLDS}-fold cross-validated", "ndcg": tuned.mean()})
        for name in list(rows)[:1] + list(rows)[3:5]:
            low, high = interval(tuned - rows[name][:, 0])
            found.append({"search": f"  more than {name}", "ndcg": (tuned - rows[name][:, 0]).mean(), "low": low, "high": high})
    if given.json:
        print(json.dumps(found))
        return
    for one in found:
        print(f"{one['search']:55}" + "  ".join(f"{name} {value:.4f}" for name, value in one.items() if name != "search"))


if __name__ == "__main__":
    main()
