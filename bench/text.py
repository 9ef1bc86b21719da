"""Classification of text on public data by the linear model (`--set algorithm=static`: by the static embedding fine-tuned):
quality, time to train, processor time of a thousand texts.

python -m bench text DATASET [--encoder FOLDER] [--keep FOLDER] [--set NAME=VALUE]

DATASET is all, pricerunner, women-recommended, women-stars, zh-sentiment, zh-category or clinc150.

Splits are those of the data sets' READMEs (80/20 by seed 0; clinc150's own, with its out-of-scope texts to learn from).
`--encoder` fine-tunes a BERT-type network as well and prints what `algorithm=auto` would take (hours without many cores).
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from aisle.kit.words import plain
from aisle.tasks.text import calibration, choice, encoder, linear, static, trained
from aisle.tasks.text.datasets import Dataset
from aisle.tasks.text.faithful import faithfulness
from aisle.tasks.text.features import Features
from aisle.tasks.text.fit import STARTER
from aisle.tasks.text.schema import Config

TEXT = Path(os.environ.get("AISLE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data")) / "text"
Rows = list[tuple[str, str]]
OUT_OF_SCOPE = "oos"
REASONED = 100  # texts whose words are masked one by one


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
        parts = [found[part] + found[f"oos_{part}"] for part in ("train", "val", "test")]
        rows = [tuple(row) for part in parts for row in part]
        which = np.repeat(np.arange(3), [len(part) for part in parts])
        held_out, checked = which == 2, which == 1
    else:
        read, arguments = READERS[name]
        rows = read(*arguments)
        order = np.random.default_rng(0).permutation(len(rows))
        held_out = np.zeros(len(rows), bool)
        held_out[order[int(len(rows) * 0.8) :]] = True
        checked = np.zeros(len(rows), bool)
    labels, codes = np.unique([label for _, label in rows], return_inverse=True)
    targets = np.eye(len(labels), dtype=np.float32)[codes]
    return Dataset(name, labels.tolist(), [plain(text) for text, _ in rows], targets, held_out, checked, True, False)


def measure(one: Dataset, config: Config) -> None:
    embedding = static.load(STARTER / "embedding")
    began = time.process_time()
    found = trained.measure(one, embedding, config, lambda share, message: None)
    tried = time.process_time() - began
    model = trained.final(one, embedding, found, lambda share, message: None)
    learnt = time.process_time() - began - tried
    kind = "static" if config.algorithm == "static" else "linear"
    print(f"{one.name}: {kind} {found.settings}: {said(found.scores)}")
    print(f"  CPU: {tried:.1f} s to choose and measure, {learnt:.1f} s to learn; {choice.cost(model, one):.1f} ms a 1,000 texts")
    reasons = faithfulness(found.model, one.part(one.held_out)[0], one.multi)
    print("  reasons: " + " ".join(f"{name} {value:.3f}" for name, value in reasons.items()))
    if kind == "static":
        print(f"  {strangers(one, found.logits)}", flush=True)
        return
    alone = static_only(embedding, one)
    share = calibration.quality(alone, one.part(one.held_out)[1], multi=False)
    print(f"  {strangers(one, found.logits)}static embedding alone: {said(share)} {strangers(one, alone)}", flush=True)


def said(scores: dict[str, float]) -> str:
    names = ("accuracy", "macro_f1", "loss", "calibration_error", "known_accuracy", "strangers_found", "answered_accuracy")
    return " ".join(f"{name} {scores[name]:.4f}" for name in names if name in scores)


def strangers(one: Dataset, logits: Any) -> str:
    """Where there are texts out of scope: how the published figures count, without a threshold."""
    if OUT_OF_SCOPE not in one.labels:
        return ""
    wanted, named, out = one.part(one.held_out)[1].argmax(axis=1), logits.argmax(axis=1), one.labels.index(OUT_OF_SCOPE)
    inside = wanted != out
    share, found = (wanted == named)[inside].mean(), (named == out)[~inside].mean()
    return f"by the likeliest label: in scope {share:.4f}, out-of-scope recall {found:.4f}; "


def static_only(embedding: static.StaticEmbedding, one: Dataset) -> Any:
    """The logits of logistic regression on the sentence vectors and nothing else."""
    nothing = Features(np.zeros(0, np.uint64), np.zeros(0, np.float32), 0.0, 1.0)
    texts, targets = one.part(~one.held_out)
    model = linear.learn(texts, targets, nothing, embedding, multi=False, strength=300.0)
    return model.logits(one.part(one.held_out)[0])


def compare(one: Dataset, config: Config, keep: Path) -> None:
    """What training says; or, where `keep` has a network that was fine-tuned before, its quality, cost and reasons."""
    embedding = static.load(STARTER / "embedding")
    if not (keep / "classifiers" / one.name / encoder.MODEL).exists():
        made = choice.learn(one, config, keep, embedding, _told)
        print(f"{one.name}: {config.algorithm}: {made.about}\n  taken: {made.scores}\n  others: {made.others}", flush=True)
        return
    model = encoder.load(keep / "classifiers" / one.name)
    (texts, wanted), (held, targets) = one.part(one.divided(0.1, 1000, config.seed)[1]), one.part(one.held_out)
    raw = model.logits(texts)
    found = calibration.Calibrated.of(raw, wanted, one, config)
    logits = model.logits(held)
    print(f"  encoder: {said(found.quality(logits, targets))}; {choice.cost(model, one):.0f} CPU ms a 1,000 texts")
    reasons = faithfulness(model, held[:REASONED], one.multi)
    print("  reasons: " + " ".join(f"{name} {value:.3f}" for name, value in reasons.items()))
    print(f"  {strangers(one, logits)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=[*READERS, "clinc150", "all"], help="all: one after the other")
    parser.add_argument("--encoder", help="a folder or a hub's name: fine-tune it too")
    parser.add_argument("--keep", type=Path, help="where the network is written; one that is there is measured instead")
    parser.add_argument("--linear", action="store_true", help="with --encoder: the linear model's reasons and the embedding too")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the task")
    given = parser.parse_args()
    settings = dict(one.split("=", 1) for one in given.set)
    config = msgspec.convert({"algorithm": "auto", "encoder": given.encoder or ""} | settings, Config, strict=False)
    for name in [*READERS, "clinc150"] if given.dataset == "all" else [given.dataset]:
        one = dataset(name)
        if not given.encoder or given.linear:
            measure(one, config)
        if given.encoder:
            with tempfile.TemporaryDirectory() as folder:
                compare(one, config, given.keep or Path(folder))


def _told(share: float, message: str) -> None:
    """Now and then how far it is, beside the figures."""
    if (found := re.search(r"step (\d+) of \d+, loss", message)) and int(found[1]) % 50 == 0:
        print(f"  {message}", file=sys.stderr, flush=True)


def _open(name: str) -> Any:
    return gzip.open(TEXT / name, "rt", encoding="utf-8")


if __name__ == "__main__":
    main()
