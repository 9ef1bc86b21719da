"""The demo shop's pictures: every item drawn in its kind, colour, pattern and material, the same for the same item."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from aisle.demo.assortment import COLOURS, KINDS
from aisle.demo.canvas import Canvas, Look, Pose, Rgb, lighter
from aisle.demo.catalogue import kind_of
from aisle.demo.drawn_home import HOME
from aisle.demo.drawn_play import PLAY
from aisle.demo.drawn_wear import WEAR
from aisle.task import Progress
from aisle.types import Item

TONES = 128  # colours of a picture: a third of the bytes, no step to be seen
STEP = 10  # pictures between two words on progress
DRAWN = HOME | WEAR | PLAY
BACKGROUNDS: tuple[Rgb, ...] = ((232, 236, 241), (240, 235, 226), (229, 238, 232), (236, 232, 240), (238, 238, 238))
ACCENTS: tuple[Rgb, ...] = ((250, 248, 240), (44, 52, 84), (232, 108, 84), (250, 206, 96), (92, 170, 160))


def draw(item: Item) -> bytes:
    """The picture of one item as PNG, 320 x 320."""
    attributes = item.attributes or {}
    colour, pattern, material = (str(attributes[name]) for name in ("colour", "pattern", "material"))
    return picture(kind_of(item), colour, pattern, material, zlib.crc32(item.item_id.encode()))


def picture(kind: str, colour: str, pattern: str, material: str, seed: int) -> bytes:
    """A picture of a kind of thing (see assortment.KINDS) as PNG; seeds vary its shade, form, pose, background and accents."""
    rng = np.random.default_rng(seed)
    shade = tuple(int(np.clip(part + rng.integers(-9, 10), 0, 255)) for part in COLOURS[colour])
    background = BACKGROUNDS[int(rng.integers(len(BACKGROUNDS)))]
    pose = Pose(
        angle=float(rng.uniform(-6.0, 6.0)), scale=float(rng.uniform(0.82, 0.94)), mirror=bool(rng.integers(2)),
        right=float(rng.uniform(-2.5, 2.5)), down=float(rng.uniform(-2.5, 1.5)),
    )  # fmt: skip
    tint: Rgb = (shade[0], shade[1], shade[2])
    canvas = Canvas(pose, background)
    DRAWN[kind](canvas, Look(tint, _accent(tint, rng), pattern, material, int(rng.integers(6))))
    file = io.BytesIO()
    few = canvas.finish().quantize(TONES, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(file, "PNG", compress_level=6)
    return file.getvalue()


def write(items: list[Item], folder: Path, progress: Progress) -> int:
    """Draw what is not there yet into `folder`, each under its final name only when whole; the number drawn."""
    folder.mkdir(parents=True, exist_ok=True)
    todo = [item for item in items if not (folder / f"{item.item_id}.png").exists()]
    for done, item in enumerate(todo):
        if done % STEP == 0:
            progress(done, len(todo), "drawing pictures")
        part = folder / f".{item.item_id}.part"
        part.write_bytes(draw(item))
        part.replace(folder / f"{item.item_id}.png")
    return len(todo)


def _accent(colour: Rgb, rng: np.random.Generator) -> Rgb:
    """A second colour that stands out from the first; mostly a pale one, so that the first stays the thing's colour."""
    far = [accent for accent in ACCENTS if sum(abs(a - b) for a, b in zip(accent, colour, strict=True)) > 190]
    if ACCENTS[0] in far and rng.random() < 0.5:
        return ACCENTS[0]
    return far[int(rng.integers(len(far)))] if far else lighter(colour, 0.6)


if missing := {kind.code for kind in KINDS} - set(DRAWN):
    raise LookupError(f"nobody can draw {', '.join(sorted(missing))}")
