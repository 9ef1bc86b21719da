"""How good heads are on pictures that were held out, beside simpler ways: `aisle evaluate vision`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace

from aisle.errors import BadInput
from aisle.kit import softmax as sm
from aisle.kit.softmax import MISSING, Floats, Ints
from aisle.task import Data, Progress
from aisle.tasks.vision import model as models
from aisle.tasks.vision.fit import choose, read
from aisle.tasks.vision.pictures import Division, Vocabulary, divide, sources
from aisle.tasks.vision.schema import Config
from aisle.tasks.vision.trunk import Trunk

PROTOCOLS = ("held_out",)
Way = Callable[[Floats, Ints, Division, Sequence[int], Config], list[Ints]]  # predictions by head, on the test pictures


def evaluate(data: Data, config: Config, protocol: str, progress: Progress) -> list[dict[str, Any]]:
    """One row a way: softmax heads as they are trained, the nearest picture, always the commonest label. Raises BadInput."""
    if protocol not in ("", *PROTOCOLS):
        raise BadInput(f"vision has no protocol {protocol!r}: choose {', '.join(PROTOCOLS)}")
    starter = models.load(models.STARTER)
    trunk = Trunk.open(replace(starter.card.trunk, side=config.side), models.STARTER)
    gallery = read(list(sources(data)), trunk, lambda done, what: progress(0.8 * done, 100.0, what))
    if not gallery.sources:
        raise BadInput(
            "there are no pictures to evaluate on: put items' pictures into the shop's folder, or run `aisle import pictures`"
        )
    split = divide([s.name for s in gallery.sources], [s.split for s in gallery.sources], gallery.prints, gallery.features)
    words = Vocabulary.of(gallery.labels, config.least_pictures, config.most_labels)
    codes = words.codes(gallery.labels)
    if not words.names or not len(split.test):
        raise BadInput("too few pictures with labels to hold some out: import more, or name the test pictures by a split")
    ways: dict[str, Way] = {"softmax heads": heads, "nearest picture": nearest, "commonest label": commonest}
    rows = [
        {"model": name, **row(way(gallery.features, codes, split, words.sizes, config), codes[split.test], words)}
        for name, way in ways.items()
    ]
    progress(100.0, 100.0, "done")
    return sorted(rows, key=lambda one: -float(one["top1"]))


def heads(features: Floats, codes: Ints, split: Division, sizes: Sequence[int], config: Config) -> list[Ints]:
    found = choose(features, codes, sizes, split, config, lambda done, what: None)
    logits = found.logits(features[split.test])
    return [found.part(logits, k).argmax(1) for k in range(len(sizes))]


def nearest(features: Floats, codes: Ints, split: Division, sizes: Sequence[int], config: Config) -> list[Ints]:
    length = np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    unit = features / length
    return [_nearest(unit, codes[:, k], split) for k in range(len(sizes))]


def commonest(features: Floats, codes: Ints, split: Division, sizes: Sequence[int], config: Config) -> list[Ints]:
    found = []
    for k, size in enumerate(sizes):
        seen = codes[split.train, k]
        found.append(np.full(len(split.test), np.bincount(seen[seen != MISSING], minlength=size).argmax(), np.int64))
    return found


def row(predicted: Sequence[Ints], truth: Ints, words: Vocabulary) -> dict[str, float]:
    """Top-1 and macro F1 of each head, and their mean."""
    found: dict[str, float] = {}
    for k, name in enumerate(words.names):
        known = truth[:, k] != MISSING
        if known.any():
            found[f"{name}_top1"] = float((predicted[k][known] == truth[known, k]).mean())
            found[f"{name}_macro_f1"] = sm.macro_f1(predicted[k], truth[:, k])
    tops = [value for name, value in found.items() if name.endswith("_top1")]
    return {"top1": float(np.mean(tops)) if tops else 0.0, **found}


def _nearest(unit: Floats, codes: Ints, split: Division) -> Ints:
    known = split.train[codes[split.train] != MISSING]
    if not len(known):
        return np.zeros(len(split.test), np.int64)
    found: Ints = codes[known[(unit[split.test] @ unit[known].T).argmax(1)]]
    return found
