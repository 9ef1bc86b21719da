"""Classification of text on public data by the linear model: quality, time to train, processor time of a thousand texts.

python -m bench text DATASET [--encoder FOLDER]   pricerunner, women-recommended, women-stars, zh-sentiment, zh-category, clinc150

Splits are those of the data sets' READMEs (80/20 by seed 0; clinc150's own, with its out-of-scope texts to learn from).
`--encoder` fine-tunes a BERT-type network as well and prints what `algorithm=auto` would take (hours without many cores).
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from aisle.kit.words import plain
from aisle.tasks.text import calibration, choice, classifiers, linear, static, trained
from aisle.tasks.text.datasets import Dataset
from aisle.tasks.text.features import Features
from aisle.tasks.text.fit import STARTER
from aisle.tasks.text.schema import Config

TEXT = Path(os.environ.get("AISLE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data")) / "text"
Rows = list[tuple[str, str]]
OUT_OF_SCOPE = "oos"


def pricerunner() -> Rows:
    return [(row[1], row[6]) for row in csv.reader(_open("pricerunner/pricerunner_aggregate.csv.gz"))]


def women(column: str) -> Rows:
    rows = csv.DictReader(_open("womens-clothing-reviews/reviews.csv.gz"))
    return [(f"{row['Title']} {row['Review Text']}".strip(), row[column]) for row in rows if row["Review Text"]]


def chinese(column: str) -> Rows:
    rows = csv.DictReader(_open("zh-online-shopping-reviews/online_shopping_10_cats.csv.gz"))
    return list({row["review"]: (row["review"], row[column]) for row in rows if row["review"]}.values())


READERS: dict[str, tuple[Callable[..., Rows], tuple[str, ...]]] = {
    "pricerunner": (pricerunner, ()),
    "women-recommended": (women, ("Recommended IND",)),
    "women-stars": (women, ("Rating",)),
    "zh-sentiment": (chinese, ("label",)),
    "zh-category": (chinese, ("cat",)),
}


def dataset(name: str) -> Dataset:
    """A data set with the test part of its protocol held out."""
    if name == "clinc150":
        found = json.load(_open("intents-clinc150/data_full.json.gz"))
        train, test = found["train"] + found["oos_train"], found["test"] + found["oos_test"]
        rows, held_out = [*map(tuple, train), *map(tuple, test)], np.arange(len(train) + len(test)) >= len(train)
    else:
        read, arguments = READERS[name]
        rows = read(*arguments)
        order = np.random.default_rng(0).permutation(len(rows))
        held_out = np.zeros(len(rows), bool)
        held_out[order[int(len(rows) * 0.8) :]] = True
    labels, codes = np.unique([label for _, label in rows], return_inverse=True)
    targets = np.eye(len(labels), dtype=np.float32)[codes]
    return Dataset(name, labels.tolist(), [plain(text) for text, _ in rows], targets, held_out, True, False)


def measure(one: Dataset) -> None:
    embedding = static.load(STARTER / "embedding")
    began = time.process_time()
    found = trained.measure(one, embedding, 0.0, lambda share, message: None)
    tried = time.process_time() - began
    model = trained.final(one, embedding, found, lambda share, message: None)
    learnt = time.process_time() - began - tried
    line = " ".join(f"{name} {found.scores[name]:.4f}" for name in ("accuracy", "macro_f1", "loss", "calibration_error"))
    print(f"{one.name}: linear (inside {found.inside}, C {found.strength}): {line}")
    print(f"  CPU: {tried:.1f} s to choose and measure, {learnt:.1f} s to learn; {choice.cost(model, one):.1f} ms a 1,000 texts")
    if OUT_OF_SCOPE in one.labels:
        _, targets = one.part(one.held_out)
        wanted, said, out = targets.argmax(axis=1), found.logits.argmax(axis=1), one.labels.index(OUT_OF_SCOPE)
        inside = wanted != out
        right = (wanted == said)[inside].mean()
        print(f"  in scope {right:.4f}, out-of-scope recall {(said == out)[~inside].mean():.4f}")
    print(f"  static embedding alone: accuracy {static_only(embedding, one):.4f}")


def static_only(embedding: static.StaticEmbedding, one: Dataset) -> float:
    """The accuracy of logistic regression on the sentence vectors and nothing else."""
    nothing = Features(np.zeros(0, np.uint64), np.zeros(0, np.float32), 0.0, 1.0)
    texts, targets = one.part(~one.held_out)
    model = linear.learn(texts, targets, nothing, embedding, multi=False, strength=300.0)
    held, wanted = one.part(one.held_out)
    return calibration.quality(model.logits(held), wanted, multi=False)["accuracy"]


def compare(one: Dataset, encoder: str) -> None:
    """What `algorithm=auto` says."""
    config = Config(algorithm="auto", encoder=encoder)
    with tempfile.TemporaryDirectory() as folder:
        embedding = static.load(STARTER / "embedding")
        made = choice.learn(one, config, Path(folder), embedding, lambda share, message: None)
        print(f"  auto: {made.about}\n  {made.scores}")
        assert classifiers.load(Path(folder), embedding)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=[*READERS, "clinc150"])
    parser.add_argument("--encoder", help="a folder or a hub's name: fine-tune it too")
    given = parser.parse_args()
    one = dataset(given.dataset)
    measure(one)
    if given.encoder:
        compare(one, given.encoder)


def _open(name: str) -> Any:
    return gzip.open(TEXT / name, "rt", encoding="utf-8")


if __name__ == "__main__":
    main()
