"""The world of this task's contract tests: squares, discs and crosses in three colours, each the picture of an item."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from aisle.errors import NotFound
from aisle.types import EventColumns, Item, Sample, SampleKind

COLOURS = {"red": (200, 40, 40), "green": (40, 160, 60), "blue": (40, 70, 200)}
SHAPES = ("square", "disc", "cross")
ITEMS = 72
SIDE = 96


@dataclass
class Squares:
    """Items and their pictures in memory, as a task reads them (`task.Data`)."""

    catalogue: list[Item] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)  # by an item's first image_url, or a sample's address
    labelled: list[Sample] = field(default_factory=list)
    spaces: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def items(self) -> Iterator[Item]:
        return iter(self.catalogue)

    def events(self) -> EventColumns:
        none = np.zeros(0, np.int32)
        return EventColumns([], [], none, none, none.astype(np.int8), none.astype(np.int64), none.astype(np.float32), none)

    def vectors(self, space: str) -> Iterator[tuple[str, bytes]]:
        return iter(self.spaces.get(space, {}).items())

    def write_vectors(self, space: str, rows: Iterable[tuple[str, bytes]]) -> None:
        self.spaces.setdefault(space, {}).update(rows)

    def samples(self, kind: SampleKind) -> Iterator[Sample]:
        return iter([one for one in self.labelled if one.kind == kind])

    def media(self, address: str) -> bytes:
        if address not in self.files:
            raise NotFound(f"there is no file {address}")
        return self.files[address]

    def picture(self, item: Item) -> bytes | None:
        return self.files.get((item.image_urls or [""])[0])


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
