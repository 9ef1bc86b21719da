"""What ways of running the networks are measured with: the shop's own pictures, and how much worse answers would be.

A shop that has no pictures yet is measured with drawn ones, and without int8, which learns its ranges from pictures of the kind
that it will meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aisle.errors import AisleError
from aisle.kit import images
from aisle.kit.softmax import Floats, probabilities
from aisle.task import Data, Probe
from aisle.tasks.vision import model as models
from aisle.tasks.vision import tiny
from aisle.tasks.vision.detector import Detector, Found, shared
from aisle.tasks.vision.model import Model
from aisle.tasks.vision.pictures import sources
from aisle.tasks.vision.trunk import View

CALIBRATION = 32  # pictures from which int8 learns its ranges
JUDGED = 128  # others, on which answers are compared
LEAST = 16  # of them, or drawn ones are taken
THRESHOLD = 0.3  # of a box that counts, as `detect` has it
SAME = 0.8  # overlap of a box with the same one in another way
Outputs = Sequence[Sequence[Any]]


def probes(folder: Path, data: Data) -> list[Probe]:
    """The trunk, and the detector where there is one."""
    model, pictures, own = models.load(folder), some(data, CALIBRATION + JUDGED), CALIBRATION
    if len(pictures) < CALIBRATION + LEAST:
        drawn = tiny.data()
        pictures, own = [images.decode(drawn.files[name]) for name in sorted(drawn.files)], 0
    views = [model.trunk.view(picture) for picture in pictures]
    pixels = [{"pixels": view.pixels[None]} for view in views]
    found = [
        Probe(
            model.trunk.card.file, ("features",), pixels[:own], pixels[own:],
            lambda true, other: accuracy_lost(model, views[own:], true, other),
        )
    ]  # fmt: skip
    if (detector := model.detector) is not None:
        scenes = [{detector.input: detector.prepare(picture.image)[None]} for picture in pictures]
        found.append(
            Probe(
                detector.card.file, detector.outputs, scenes[:own], scenes[own:],
                lambda true, other: boxes_differ(detector, true, other),
            )
        )  # fmt: skip
    return found


def some(data: Data, most: int) -> list[images.Decoded]:
    """At most so many of the shop's pictures, spread evenly over those there are; what cannot be read is passed over."""
    there = list(sources(data))
    found = list[images.Decoded]()
    for place in dict.fromkeys(np.linspace(0, len(there) - 1, min(2 * most, len(there))).astype(int).tolist() if there else []):
        try:
            content = there[place].read()
            if content is not None and len(found) < most:
                found.append(images.decode(content))
        except AisleError:
            continue
    return found


def accuracy_lost(model: Model, views: Sequence[View], true: Outputs, other: Outputs) -> float:
    """How much less often first labels are right, relatively, as the calibrated probabilities have it, over pictures and heads.

    A label that another way prefers is right as often as its probability says: where two were equally likely nothing is lost.
    Without heads: 1 − the mean cosine of the features.
    """
    a, b = (np.concatenate([one[0] for one in side]) for side in (true, other))  # (pictures, width)
    if not model.card.heads:
        lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        return float(1 - ((a * b).sum(1) / np.maximum(lengths, 1e-12)).mean())
    logits, others = (model.heads.logits(model.trunk.with_colours(side, views)) for side in (a, b))
    right = still = 0.0
    for place, head in enumerate(model.card.heads):
        p = probabilities(model.heads.part(logits, place), head.temperature)
        right += float(p.max(1).sum())
        still += float(p[np.arange(len(p)), model.heads.part(others, place).argmax(1)].sum())
    return 1 - still / right


def boxes_differ(detector: Detector, true: Outputs, other: Outputs) -> float:
    """The share of boxes of either side that the other side does not have: 1 − 2 · common / (boxes of both)."""
    common = boxes = 0
    for a, b in zip(true, other, strict=True):
        left, right = (found(detector, side) for side in (a, b))
        common += sum(any(alike(one, two) for two in right) for one in left)
        boxes += len(left) + len(right)
    return max(1 - 2 * common / boxes, 0.0) if boxes else 0.0


def found(detector: Detector, outputs: Sequence[Floats]) -> list[Found]:
    """The boxes of one picture, taken as a square of 100 x 100: only overlaps are asked for."""
    return detector.named(detector.decode(outputs, 100, 100), 100, 100, threshold=THRESHOLD, most=100)


def alike(one: Found, other: Found) -> bool:
    return one.label == other.label and float(shared(np.array(one.box), np.array([other.box]))[0]) >= SAME
