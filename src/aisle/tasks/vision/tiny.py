"""The world of this task's contract tests: squares, discs and crosses in three colours, each the picture of an item."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from aisle.kit.tiny_data import TinyData
from aisle.types import Item

COLOURS = {"red": (200, 40, 40), "green": (40, 160, 60), "blue": (40, 70, 200)}
SHAPES = ("square", "disc", "cross")
ITEMS = 72
SIDE = 96


class Squares(TinyData):
    """Items and their pictures."""


def data() -> Squares:
    """Items 0001 … with a category by shape and a colour."""
    shop = Squares()
    for number in range(1, ITEMS + 1):
        shape, colour = SHAPES[number % 3], list(COLOURS)[number // 3 % 3]
        name = f"item-{number:04d}"
        url = f"/pictures/{name}.png"
        shop.catalogue.append(
            Item(
                item_id=name,
                title=f"{colour} {shape}",
                category=f"Shapes > {shape}",
                attributes={"colour": colour},
                image_urls=[url],
            )
        )
        shop.files[url] = picture(shape, colour, number)
    return shop


def settings() -> Mapping[str, Any]:
    return {"side": SIDE}


def picture(shape: str, colour: str, seed: int) -> bytes:
    """One shape somewhere on white, as PNG."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(34, 60))
    x, y = (int(v) for v in rng.integers(4, SIDE - size - 4, 2))
    image = Image.new("RGB", (SIDE, SIDE), (250, 250, 248))
    draw, fill = ImageDraw.Draw(image), COLOURS[colour]
    if shape == "square":
        draw.rectangle((x, y, x + size, y + size), fill=fill)
    elif shape == "disc":
        draw.ellipse((x, y, x + size, y + size), fill=fill)
    else:
        third = size // 3
        draw.rectangle((x + third, y, x + 2 * third, y + size), fill=fill)
        draw.rectangle((x, y + third, x + size, y + 2 * third), fill=fill)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
