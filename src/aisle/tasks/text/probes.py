"""What ways of running text networks are measured with: the shop's own texts, and how many answers would differ."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aisle.kit.words import item_text, plain
from aisle.task import Data, Probe
from aisle.tasks.text import encoder, tiny
from aisle.tasks.text.inherit import SENTENCES

CALIBRATION, JUDGED = 32, 128  # texts from which int8 learns its ranges; others, on which answers are compared
Outputs = Sequence[Sequence[Any]]


def probes(folder: Path, data: Data) -> list[Probe]:
    """Every network of the model."""
    texts, own = some(data, CALIBRATION + JUDGED), CALIBRATION
    if len(texts) < CALIBRATION + JUDGED // 8:
        texts, own = [one.text or "" for one in tiny.data().samples("text")], 0
    found = []
    for file in sorted([*(folder / "classifiers").glob(f"*/{encoder.MODEL}"), *(folder / SENTENCES).glob(encoder.MODEL)]):
        network = encoder.load(file.parent)
        ids = [one.ids for one in network.tokenizer.encode_batch_fast(texts)]
        inputs = [network.inputs([row], len(row)) for row in ids]
        differ = vectors_differ if file.parent.name == SENTENCES else labels_differ
        found.append(Probe(str(file.relative_to(folder)), encoder.OUTPUTS, inputs[:own], inputs[own:], differ))
    return found


def some(data: Data, most: int) -> list[str]:
    """At most so many of the shop's texts, of its samples first and then of its items."""
    found: list[str] = []
    for text in (*(one.text for one in data.samples("text")), *map(item_text, data.items())):
        if len(found) == most:
            break
        if text and plain(text).strip():
            found.append(plain(text))
    return found


def labels_differ(true: Outputs, other: Outputs) -> float:
    """The share of texts whose first label is another one."""
    return float(np.mean([a[0].argmax() != b[0].argmax() for a, b in zip(true, other, strict=True)]))


def vectors_differ(true: Outputs, other: Outputs) -> float:
    """1 - the mean cosine."""
    a, b = (np.concatenate([one[0] for one in side]) for side in (true, other))  # (texts, dimensions)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(1 - ((a * b).sum(1) / np.maximum(lengths, 1e-12)).mean())
