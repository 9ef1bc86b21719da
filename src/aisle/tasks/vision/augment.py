"""Random views of a picture for training: a crop, perhaps mirrored, turned a little, lighter or greyer; and two pictures in one.

The crop is Inception's (Szegedy et al., 2015): any part of 25–100 % of the area at 3:4 to 4:3. Hues are never changed: colour is
one of the things to be learnt. Two in one: mixup (Zhang et al., 2018) and CutMix (Yun et al., 2019).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

AREA = (0.25, 1.0)
RATIO = (3 / 4, 4 / 3)
LIGHT = 0.3  # most change of brightness, contrast and saturation
TURN = 15.0  # degrees, at most
GREY = (127, 127, 127)  # what a turned picture's corners are filled with

Pixels = NDArray[np.float32]  # (batch, 3, height, width)


def view(image: Image.Image, rng: np.random.Generator, side: int) -> NDArray[np.uint8]:
    """One random view, (side, side, 3)."""
    part = image.resize((side, side), Image.Resampling.BILINEAR, box=random_box(image, rng), reducing_gap=2.0)
    if rng.random() < 0.5:
        part = part.rotate(rng.uniform(-TURN, TURN), Image.Resampling.BILINEAR, fillcolor=GREY)
    pixels = np.asarray(part)
    if rng.random() < 0.5:
        pixels = pixels[:, ::-1]
    return jittered(pixels, rng)


def random_box(image: Image.Image, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """A part of the picture by area and proportions; the whole picture where none fits."""
    whole = image.width * image.height
    for _ in range(10):
        area = whole * rng.uniform(*AREA)
        ratio = math.exp(rng.uniform(math.log(RATIO[0]), math.log(RATIO[1])))
        width, height = math.sqrt(area * ratio), math.sqrt(area / ratio)
        if width <= image.width and height <= image.height:
            x, y = rng.uniform(0, image.width - width), rng.uniform(0, image.height - height)
            return x, y, x + width, y + height
    return 0.0, 0.0, float(image.width), float(image.height)


def jittered(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Brightness, contrast and saturation changed by up to LIGHT, each by a factor of its own."""
    bright, contrast, colourful = rng.uniform(1 - LIGHT, 1 + LIGHT, 3).astype(np.float32)
    x = pixels.astype(np.float32) * bright
    mean = x.mean()
    x = (x - mean) * contrast + mean
    grey = x.mean(-1, keepdims=True)
    x = grey + (x - grey) * colourful
    found: NDArray[np.uint8] = np.clip(x, 0, 255).astype(np.uint8)
    return found


def mixed(x: Pixels, alpha: float, rng: np.random.Generator) -> tuple[Pixels, NDArray[np.int64], float]:
    """A third of batches as they are, a third blended with a partner (mixup, Beta(alpha, alpha)), a third with a rectangle of the
    partner pasted in (CutMix, Beta(1, 1)): the pictures, each one's partner, and how much of a picture is still itself."""
    partner = rng.permutation(len(x))
    way = rng.integers(3) if alpha > 0 and len(x) > 1 else 0
    if way == 0:
        return x, partner, 1.0
    if way == 1:
        share = float(rng.beta(alpha, alpha))
        share = max(share, 1 - share)
        return np.float32(share) * x + np.float32(1 - share) * x[partner], partner, share
    height, width = x.shape[2:]
    side = math.sqrt(rng.random())  # of the rectangle, as a share of the picture's
    y, left = rng.integers(height), rng.integers(width)
    rows = slice(max(round(y - side * height / 2), 0), min(round(y + side * height / 2), height))
    columns = slice(max(round(left - side * width / 2), 0), min(round(left + side * width / 2), width))
    pasted = x.copy()
    pasted[:, :, rows, columns] = x[partner][:, :, rows, columns]
    return pasted, partner, 1 - (rows.stop - rows.start) * (columns.stop - columns.start) / (height * width)
