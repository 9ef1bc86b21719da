"""The network without heads, at serving time: a picture's features, and the maps whose means they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from PIL import Image

from aisle.kit import images
from aisle.kit.sessions import USUAL, Session, Way, open_session
from aisle.tasks.vision import colours

Floats = NDArray[np.float32]


class TrunkCard(Struct, frozen=True, kw_only=True):
    """How a network wants its pictures, and what comes out; a part of model.json."""

    name: str
    file: str = "trunk.onnx"
    width: int  # features of the last map
    side: int = 224  # pixels of the square it is given
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)  # of 0 … 1, per channel
    spread: tuple[float, float, float] = (0.5, 0.5, 0.5)
    whole: bool = True  # letterboxed; else a square in the middle
    share: float = 1.0  # of the largest square in the middle, in length
    colours: bool = True  # colour features beside the network's
    mirror: bool = False  # a picture's features are the mean of its own and its mirror image's: twice the work
    embedding: bool = False  # the network has an embedding of its own (CLIP): output "embedding"

    @property
    def short(self) -> int:
        """Pixels of a picture's shorter side that are worth decoding."""
        return self.side if self.whole else math.ceil(self.side / self.share)


@dataclass(frozen=True, slots=True)
class View:
    """A picture as the network gets it."""

    pixels: Floats  # (3, side, side)
    square: Image.Image  # the same, before it was normalised
    box: images.Box  # the part of the upright file that the square covers, its padding included


@dataclass(frozen=True, slots=True)
class Trunk:
    """The opened network."""

    card: TrunkCard
    session: Session

    @staticmethod
    def open(card: TrunkCard, folder: Path, way: Way = USUAL) -> Trunk:
        return Trunk(card, open_session(folder / card.file, way))

    @property
    def width(self) -> int:
        """Features of a picture, colours included."""
        return self.card.width + (colours.WIDTH if self.card.colours else 0)

    def view(self, decoded: images.Decoded, box: images.Box | None = None) -> View:
        """The picture, or a box of it in the file's pixels, as the network wants it."""
        scale = decoded.scale
        part = decoded.image if box is None else images.crop(decoded.image, _scaled(box, scale))
        x0, y0 = (0.0, 0.0) if box is None else (max(box[0], 0.0), max(box[1], 0.0))
        width, height = part.width / scale, part.height / scale
        side = max(width, height) if self.card.whole else min(width, height) * self.card.share
        left, top = x0 + (width - side) / 2, y0 + (height - side) / 2
        card = self.card
        square = images.letterbox(part, card.side) if card.whole else images.middle(part, card.side, card.share)
        return View(normalised(square, self.card), square, (left, top, left + side, top + side))

    def features(self, views: Sequence[View]) -> Floats:
        """(pictures, width)"""
        (found,) = self._run(["features"], views)
        return self.with_colours(found, views)

    def maps(self, views: Sequence[View]) -> tuple[Floats, Floats]:
        """Features, and the maps whose means over places they are: (pictures, card.width, height, width)."""
        found, maps = self._run(["features", "map"], views)
        return self.with_colours(found, views), maps

    def _run(self, outputs: Sequence[str], views: Sequence[View]) -> list[Floats]:
        pixels = np.stack([view.pixels for view in views])
        found = self.session.run(outputs, {"pixels": pixels})
        if not self.card.mirror:
            return found
        other = self.session.run(outputs, {"pixels": np.ascontiguousarray(pixels[..., ::-1])})
        back = [value[..., ::-1] if value.ndim == 4 else value for value in other]  # maps are mirrored back
        return [np.asarray((a + b) / 2, np.float32) for a, b in zip(found, back, strict=True)]

    def with_colours(self, found: Floats, views: Sequence[View]) -> Floats:
        """The network's features, (pictures, card.width), with those of the colours where the card says so: (pictures, width)."""
        if not self.card.colours:
            return found
        return np.concatenate([found, np.stack([colours.features(view.square) for view in views])], 1)


def normalised(square: Image.Image, card: TrunkCard) -> Floats:
    """(3, side, side), each channel minus its mean, by its spread."""
    scale = 1 / (255 * np.array(card.spread, np.float32))
    shift = np.array(card.mean, np.float32) / np.array(card.spread, np.float32)
    values = np.asarray(np.asarray(square, np.float32) * scale - shift, np.float32)
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def _scaled(box: images.Box, by: float) -> images.Box:
    return box[0] * by, box[1] * by, box[2] * by, box[3] * by
