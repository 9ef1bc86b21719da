"""Writes the everyday sentences that the starter's synthetic voices say, one a line, of two published data sets.

    python scripts/speech_starter_sentences.py data_full.json.gz reviews.csv.gz --out written.txt

CLINC150 (Larson et al. 2019, CC BY 3.0): every question it gives for training. Women's E-Commerce Clothing Reviews (CC0):
sentences of 16 to 89 letters, drawn with a seed.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

_END = re.compile(r"[.!?\n]+")


def questions(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        stored = json.load(file)
    return [text for part in ("train", "oos_train") for text, _ in stored[part]]


def reviewed(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield from (part.strip() for part in _END.split(row["Review Text"] or "") if 16 <= len(part.strip()) <= 89)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", type=Path, help="data_full.json.gz of CLINC150")
    parser.add_argument("reviews", type=Path, help="reviews.csv.gz")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--of-reviews", type=int, default=15_100)
    args = parser.parse_args()
    sentences = sorted(set(reviewed(args.reviews)))
    drawn = random.Random(1).sample(sentences, min(args.of_reviews, len(sentences)))
    args.out.write_text("\n".join([*questions(args.questions), *drawn]) + "\n", "utf-8")


if __name__ == "__main__":
    main()
