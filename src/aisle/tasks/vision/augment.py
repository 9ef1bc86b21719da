"""Random views of a picture for training: a crop, perhaps mirrored, a little lighter or greyer.

The crop is Inception's (Szegedy et al., 2015): any part of 35–100 % of the area at 3:4 to 4:3. Hues are never changed: colour is
one of the things to be learnt.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

AREA = (0.35, 1.0)
RATIO = (3 / 4, 4 / 3)
LIGHT = 0.2  # most change of brightness, contrast and saturation


def view(image: Image.Image, rng: np.random.Generator, side: int) -> NDArray[np.uint8]:
    """One random view, (side, side, 3)."""
    pixels = np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, box=random_box(image, rng), reducing_gap=2.0))
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
    bright, contrast, colourful = rng.uniform(1 - LIGHT, 1 + LIGHT, 3)
    x = pixels.astype(np.float32) * bright
    mean = float(x.mean())
    x = (x - mean) * contrast + mean
    grey = x.mean(-1, keepdims=True)
    x = grey + (x - grey) * colourful
    found: NDArray[np.uint8] = np.clip(x, 0, 255).astype(np.uint8)
    return found
