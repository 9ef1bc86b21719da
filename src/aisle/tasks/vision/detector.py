"""Where things are: boxes from a detection network, named by it or by the shop's own labels; and what stands out from nothing.

YOLOX (Ge et al., 2021): every place of three grids says a box, how sure it is that something is there, and of which class.
DETR (Carion et al., 2020): a hundred questions, each answered with a box and a class. A shop's own labels are learnt as in R-CNN
(Girshick et al., 2014): the network only proposes places, a softmax on the features of each crop says what is there, if anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from PIL import Image

from aisle.kit import images
from aisle.kit.sessions import USUAL, Session, Way, open_session
from aisle.kit.softmax import Heads, probabilities

Floats = NDArray[np.float32]
STRIDES = (8, 16, 32)
GREY = (114, 114, 114)  # what YOLOX pads with
OVERLAP = 0.45  # intersection over union above which the less sure of two boxes is dropped
PLAIN = 0.85  # share of the border that must be of one colour to speak of a plain background
STANDS_OUT = 24  # levels of 255 by which a pixel differs from the background
THUMBNAIL = 160
BACKGROUND = "product"


class DetectorCard(Struct, frozen=True, kw_only=True):
    """Which network, and how to read it; a part of model.json."""

    name: str
    kind: Literal["yolox", "detr"]
    side: int
    labels: list[str]
    file: str = "detector.onnx"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    spread: tuple[float, float, float] = (1.0, 1.0, 1.0)
    background: bool = True  # detr: the last class is "nothing" (else each class has a probability of its own)
    shop: list[str] = []  # the shop's own labels, where it taught some
    proposals: int = 80  # places that are looked at for the shop's own labels


class Found(NamedTuple):
    """One box in the file's pixels."""

    label: str
    probability: float
    box: images.Box
    by: str = "detector"


@dataclass(slots=True)
class Detector:
    """The opened network, and the shop's head on crops where it has one (its last class is "nothing")."""

    card: DetectorCard
    session: Session
    regions: Heads | None = None

    @staticmethod
    def open(card: DetectorCard, folder: Path, way: Way = USUAL) -> Detector:
        return Detector(card, open_session(folder / card.file, way))

    def prepare(self, image: Image.Image) -> Floats:
        """The picture as the network wants it: (3, side, side)."""
        if self.card.kind == "yolox":
            return letterboxed(image, self.card.side)
        square = image.resize((self.card.side, self.card.side), Image.Resampling.BILINEAR)
        scaled = (np.asarray(square, np.float32) / 255 - np.array(self.card.mean, np.float32)) / np.array(
            self.card.spread, np.float32
        )
        return np.ascontiguousarray(scaled.transpose(2, 0, 1).astype(np.float32))

    def look(self, prepared: Floats, width: int, height: int) -> tuple[Floats, Floats, Floats]:
        """(boxes (n, 4) in the pixels of a width x height picture, objectness (n,), class scores (n, classes))."""
        return self.decode(self.session.run(self.outputs, {self.input: prepared[None]}), width, height)

    @property
    def input(self) -> str:
        return "images" if self.card.kind == "yolox" else "pixels"

    @property
    def outputs(self) -> tuple[str, ...]:
        return ("output",) if self.card.kind == "yolox" else ("logits", "boxes")

    def decode(self, outputs: Sequence[Floats], width: int, height: int) -> tuple[Floats, Floats, Floats]:
        """What `look` answers, from the network's outputs for one picture."""
        if self.card.kind == "yolox":
            return yolox_boxes(outputs[0][0], self.card.side, width, height)
        return detr_boxes(outputs[0][0], outputs[1][0], width, height, background=self.card.background)

    def find(self, prepared: Floats, width: int, height: int, *, threshold: float, most: int) -> list[Found]:
        """What the network itself knows, surest first."""
        return self.named(self.look(prepared, width, height), width, height, threshold=threshold, most=most)

    def named(self, seen: tuple[Floats, Floats, Floats], width: int, height: int, *, threshold: float, most: int) -> list[Found]:
        """What `look` answers as boxes with labels, surest first."""
        boxes, there, classes = seen
        best = classes.argmax(1)
        score = there * classes[np.arange(len(classes)), best]
        keep = distinct(boxes, score, best, threshold, most)
        return [Found(self.card.labels[best[k]], float(score[k]), _box(boxes[k], width, height)) for k in keep]

    def propose(self, prepared: Floats, width: int, height: int) -> Floats:
        """Places where something may be, whatever it is, surest first: (≤ proposals, 4)."""
        boxes, there, classes = self.look(prepared, width, height)
        score = there * np.sqrt(classes.max(1))
        sides = boxes[:, 2:] - boxes[:, :2]
        score = np.where((sides > 4).all(1), score, 0)
        keep = distinct(boxes, score, np.zeros(len(score), np.int64), 1e-4, self.card.proposals, overlap=0.7)
        found: Floats = np.array([_box(boxes[k], width, height) for k in keep], np.float32).reshape(-1, 4)
        return found

    def name(self, boxes: Floats, features: Floats, *, threshold: float, most: int) -> list[Found]:
        """The proposals as the shop's own labels see them."""
        if self.regions is None or not len(boxes):
            return []
        sure = probabilities(self.regions.logits(features))[:, :-1]  # (boxes, labels); the last class is "nothing"
        best = sure.argmax(1)
        score: Floats = sure.max(1)
        keep = distinct(boxes, score, best, threshold, most)
        return [Found(self.card.shop[best[k]], float(score[k]), _tuple(boxes[k])) for k in keep]


def letterboxed(image: Image.Image, side: int) -> Floats:
    """YOLOX's own: in the upper left corner of a grey square, blue first, 0 … 255. (3, side, side)"""
    by = side / max(image.size)
    small = image.resize((max(round(image.width * by), 1), max(round(image.height * by), 1)), Image.Resampling.BILINEAR)
    square = Image.new("RGB", (side, side), GREY)
    square.paste(small)
    return np.ascontiguousarray(np.asarray(square, np.float32)[:, :, ::-1].transpose(2, 0, 1))


def yolox_boxes(out: Floats, side: int, width: int, height: int) -> tuple[Floats, Floats, Floats]:
    """Raw rows (places, 5 + classes) as boxes in pixels, objectness, class scores."""
    places, steps = _grid(side)
    centre = (out[:, :2] + places) * steps
    size = np.exp(np.minimum(out[:, 2:4], 12)) * steps
    boxes = np.concatenate([centre - size / 2, centre + size / 2], 1) * (max(width, height) / side)
    return np.nan_to_num(boxes).astype(np.float32), np.nan_to_num(out[:, 4]), np.nan_to_num(out[:, 5:])


def detr_boxes(logits: Floats, boxes: Floats, width: int, height: int, *, background: bool) -> tuple[Floats, Floats, Floats]:
    """Answers (questions, classes + 1) and (questions, 4: centre and size as shares) as boxes, certainty, class scores."""
    p: Floats = probabilities(logits)[:, :-1] if background else np.asarray(1 / (1 + np.exp(-logits)), np.float32)
    half = boxes[:, 2:] / 2
    corners = np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], 1) * np.array([width, height, width, height], np.float32)
    return corners.astype(np.float32), np.ones(len(p), np.float32), p


def distinct(
    boxes: Floats, score: Floats, kind: NDArray[np.int64], threshold: float, most: int, *, overlap: float = OVERLAP
) -> list[int]:
    """Non-maximum suppression: rows by falling score, without those that overlap a surer one of their kind."""
    order = [int(k) for k in np.argsort(-score, kind="stable")[:1000] if score[k] >= threshold]
    kept: list[int] = []
    for k in order:
        rivals = [j for j in kept if kind[j] == kind[k]]
        if not rivals or float(shared(boxes[k], boxes[rivals]).max()) <= overlap:
            kept.append(k)
        if len(kept) == most:
            break
    return kept


def shared(box: Floats, others: Floats) -> Floats:
    """Intersection over union of a box with each of (n, 4): (n,)"""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    inside = np.maximum(high - low, 0).prod(1)
    both = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(1) - inside
    found: Floats = inside / np.maximum(both, 1e-9)
    return found


def standing_out(image: Image.Image, width: int, height: int) -> Found | None:
    """The thing before a plain background: the box of what is not of the border's colour. None without such a background."""
    small = image.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    pixels = np.asarray(small, np.int16)
    ground = np.array(images.border_colour(small), np.int16)
    other = np.abs(pixels - ground).max(-1) > STANDS_OUT  # (height, width)
    edge = np.concatenate([other[0], other[-1], other[:, 0], other[:, -1]])
    plain = float(1 - edge.mean())
    if plain < PLAIN or not other.any():
        return None
    rows, columns = _extent(other.mean(1)), _extent(other.mean(0))
    right, down = width / small.width, height / small.height
    return Found(BACKGROUND, plain, (columns[0] * right, rows[0] * down, columns[1] * right, rows[1] * down), "background")


def _extent(share: NDArray[np.float64]) -> tuple[int, int]:
    """First and last place where more than a speck stands out."""
    places = np.flatnonzero(share > 0.1 * share.max())
    return int(places[0]), int(places[-1]) + 1


def _grid(side: int) -> tuple[Floats, Floats]:
    """The places of the three grids, and the pixels between them: (places, 2), (places, 1)."""
    places, steps = [], []
    for stride in STRIDES:
        n = side // stride
        y, x = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
        places.append(np.stack([x, y], -1).reshape(-1, 2))
        steps.append(np.full((n * n, 1), stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(steps).astype(np.float32)


def _box(box: Floats, width: int, height: int) -> images.Box:
    x0, y0, x1, y1 = (float(v) for v in box)
    return min(max(x0, 0.0), width), min(max(y0, 0.0), height), min(max(x1, 0.0), width), min(max(y1, 0.0), height)


def _tuple(box: Floats) -> images.Box:
    return float(box[0]), float(box[1]), float(box[2]), float(box[3])
