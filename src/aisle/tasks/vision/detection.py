"""Teaching the detector a shop's own labels, from pictures with boxes: a softmax on the features of proposed places (R-CNN)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from aisle.errors import AisleError
from aisle.kit import images
from aisle.kit import softmax as sm
from aisle.kit.softmax import Floats, Ints
from aisle.task import Scores
from aisle.tasks.vision import model as models
from aisle.tasks.vision.detector import Detector, Found, shared
from aisle.tasks.vision.engine import crops
from aisle.tasks.vision.model import Model
from aisle.tasks.vision.pictures import Source
from aisle.types import Box

HIT = 0.5  # overlap from which a place is an example of the thing, and a finding counts as right
MISS = 0.3  # overlap below which a place is an example of nothing
DECAY = 1e-2
LEAST = 0.05  # probability from which findings are ranked
Step = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture with boxes, and the features of places in it."""

    boxes: list[Box]
    places: Floats  # (places, 4): the true boxes first, then what the network proposes
    features: Floats  # (places, features)
    held_out: bool


def learn(model: Model, starter: Model, found: Sequence[Source], folder: Path, step: Step) -> Scores:
    """The starter's detector goes into `folder` and `model`; with boxes to learn from it learns to say the shop's labels."""
    if starter.card.detector is None:
        return {}
    shutil.copyfile(models.STARTER / starter.card.detector.file, folder / starter.card.detector.file)
    model.detector = Detector.open(starter.card.detector, folder)
    model.card = replace(model.card, detector=starter.card.detector)
    boxed = [one for one in found if one.boxes]
    if not boxed:
        return {}
    shown = list[Shown]()
    for number, source in enumerate(boxed):
        step(90 * number / len(boxed), f"boxes of picture {number + 1:,} of {len(boxed):,}")
        try:
            shown.append(look(model, source))
        except AisleError:
            continue  # said already, among the unreadable ones
    train = [one for one in shown if not one.held_out]
    labels = sorted({box.label for one in train for box in one.boxes})
    if len(labels) < 1:
        return {}
    model.card = replace(model.card, detector=replace(starter.card.detector, shop=labels))
    model.detector.card = replace(starter.card.detector, shop=labels)
    model.detector.regions = taught(train, labels)
    held_out = [one for one in shown if one.held_out]
    scores = {
        "boxes": float(sum(len(one.boxes) for one in shown)),
        "boxes_tested_on": float(sum(len(one.boxes) for one in held_out)),
    }
    if held_out:
        scores["detect_ap50"] = float(np.mean(list(average_precision(model.detector, held_out).values())))
        scores["detect_proposed"] = recall(held_out)
    step(100, f"boxes of {len(labels)} labels")
    return scores


def look(model: Model, source: Source) -> Shown:
    """Decode a picture with boxes, and look at the true boxes and at what the network proposes."""
    assert model.detector is not None and source.boxes is not None
    decoded = images.decode(source.read() or b"")
    proposed = model.detector.propose(model.detector.prepare(decoded.image), decoded.width, decoded.height)
    true = np.array([(b.x0, b.y0, b.x1, b.y1) for b in source.boxes], np.float32)
    places = np.concatenate([true, proposed])
    return Shown(source.boxes, places, crops(model, decoded, places), source.split in ("test", "validation"))


def taught(train: Sequence[Shown], labels: Sequence[str]) -> sm.Heads:
    """The head on crops: the shop's labels, and nothing as the last class."""
    features, codes = [], []
    for one in train:
        code = code_of(one, labels)
        keep = code != sm.MISSING
        features.append(one.features[keep])
        codes.append(code[keep])
    return sm.learn(np.concatenate(features), np.concatenate(codes)[:, None], [len(labels) + 1], decay=DECAY)


def code_of(one: Shown, labels: Sequence[str]) -> Ints:
    """For every place the label of the true box it hits, the number after the last for nothing, MISSING between the two."""
    true = one.places[: len(one.boxes)]
    overlap = np.stack([shared(place, true) for place in one.places])  # (places, boxes)
    best, best_overlap = overlap.argmax(1), overlap.max(1)
    named = np.array([labels.index(box.label) if box.label in labels else sm.MISSING for box in one.boxes], np.int64)
    return np.where(best_overlap >= HIT, named[best], np.where(best_overlap < MISS, len(labels), sm.MISSING))


def average_precision(detector: Detector, shown: Sequence[Shown]) -> dict[str, float]:
    """AP50 by label (area under precision over recall, as in COCO at one overlap) on pictures that were not trained on."""
    rows: list[tuple[str, float, int, Found]] = []
    for number, one in enumerate(shown):
        start = len(one.boxes)  # the proposals alone: at serving time nobody knows the true boxes
        hits = detector.name(one.places[start:], one.features[start:], threshold=LEAST, most=100)
        rows.extend((hit.label, hit.probability, number, hit) for hit in hits)
    return {label: _area(label, rows, shown) for label in sorted({box.label for one in shown for box in one.boxes})}


def recall(shown: Sequence[Shown]) -> float:
    """The share of true boxes that some proposal hits: what the head could find at best."""
    hits = [
        bool(len(one.places) > len(one.boxes) and shared(one.places[k], one.places[len(one.boxes) :]).max() >= HIT)
        for one in shown
        for k in range(len(one.boxes))
    ]
    return float(np.mean(hits)) if hits else 0.0


def _area(label: str, rows: Sequence[tuple[str, float, int, Found]], shown: Sequence[Shown]) -> float:
    ranked = sorted((row for row in rows if row[0] == label), key=lambda row: -row[1])
    taken: set[tuple[int, int]] = set()
    right = np.array([_claims(row, shown, taken) for row in ranked], float)
    total = sum(box.label == label for one in shown for box in one.boxes)
    if not len(right):
        return 0.0
    precision = right.cumsum() / np.arange(1, len(right) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]  # the envelope, as VOC and COCO take it
    return float((best * right).sum() / total)


def _claims(row: tuple[str, float, int, Found], shown: Sequence[Shown], taken: set[tuple[int, int]]) -> bool:
    """Whether a finding hits a true box of its label that no surer one has taken."""
    label, _, number, hit = row
    one = shown[number]
    overlap = shared(np.array(hit.box, np.float32), one.places[: len(one.boxes)])
    for k in np.argsort(-overlap):
        if overlap[k] < HIT:
            return False
        if one.boxes[k].label == label and (number, int(k)) not in taken:
            taken.add((number, int(k)))
            return True
    return False
