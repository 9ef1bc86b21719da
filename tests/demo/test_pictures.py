"""Every item has a picture that is drawn the same each time, shows its colour, and can be told from other kinds."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aisle.demo import Shop, generate
from aisle.demo.assortment import COLOURS, KINDS
from aisle.demo.pictures import DRAWN, draw, picture, write

NOW = 1_795_484_400_000_000  # microseconds


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate(7, NOW)


def _pixels(content: bytes) -> NDArray[np.float64]:
    """(320, 320, 3)"""
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"), float)


def _quiet(done: float, total: float, message: str) -> None:
    """Progress that nobody watches."""


def test_every_kind_can_be_drawn_in_every_colour_it_is_sold_in() -> None:
    assert {kind.code for kind in KINDS} == set(DRAWN)
    for kind in KINDS:
        pixels = _pixels(picture(kind.code, kind.colours[0], kind.patterns[-1], kind.materials[0], 3))
        assert pixels.shape == (320, 320, 3)
        assert 0.03 < (np.abs(pixels - pixels[0, 0]).sum(axis=2) > 60).mean() < 0.7, kind.code


def test_nothing_touches_the_border() -> None:
    for kind in KINDS:
        pixels = _pixels(picture(kind.code, "red", "plain", kind.materials[0], 1))
        edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert np.abs(edge - edge[0]).max() < 40, kind.code


def test_the_same_item_gives_the_same_bytes(shop: Shop) -> None:
    for item in shop.items[::97]:
        assert draw(item) == draw(item)


def test_pictures_are_small(shop: Shop) -> None:
    sample = [len(draw(item)) for item in shop.items[::13]]
    assert np.mean(sample) * len(shop.items) < 4_000_000


@pytest.mark.parametrize("colour", sorted(COLOURS))
def test_the_colour_of_a_thing_is_the_one_most_seen(colour: str) -> None:
    names = list(COLOURS)
    palette = np.array([COLOURS[name] for name in names], float)
    for kind in ("tshirt", "cushion", "trousers"):
        pixels = _pixels(picture(kind, colour, "plain", "cotton", 12))
        middle = pixels[130:190, 130:190].reshape(-1, 3) if kind != "trousers" else pixels[90:120, 130:190].reshape(-1, 3)
        nearest = np.linalg.norm(np.median(middle, axis=0) - palette, axis=1).argmin()
        assert names[nearest] == colour, kind


def test_kinds_look_different_from_one_another() -> None:
    """By shape alone (dark against light, 20 x 20), a picture's nearest other picture is mostly one of its own kind."""
    shapes, labels = [], []
    for label, kind in enumerate(KINDS):
        for seed in range(3):
            pixels = _pixels(picture(kind.code, kind.colours[seed % len(kind.colours)], "plain", kind.materials[0], 100 + seed))
            inside = (np.abs(pixels - pixels[0, 0]).sum(axis=2) > 40).astype(float)
            shape = inside.reshape(20, 16, 20, 16).mean(axis=(1, 3))
            shapes += [shape.ravel(), shape[:, ::-1].ravel()]
            labels += [label, label]
    vectors, known = np.array(shapes), np.array(labels)
    square = (vectors**2).sum(axis=1)
    apart = square[:, None] + square[None] - 2 * vectors @ vectors.T
    pair = np.arange(len(known)) ^ 1
    apart[np.arange(len(known)), np.arange(len(known))] = np.inf
    apart[np.arange(len(known)), pair] = np.inf
    right = (known[apart.argmin(axis=1)] == known).mean()
    assert right > 0.6


def test_writing_goes_on_where_it_was_stopped(shop: Shop, tmp_path: Path) -> None:
    few = shop.items[:5]
    assert write(few[:2], tmp_path, _quiet) == 2
    before = (tmp_path / "item-0001.png").stat().st_mtime_ns
    assert write(few, tmp_path, _quiet) == 3
    assert (tmp_path / "item-0001.png").stat().st_mtime_ns == before
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"{item.item_id}.png" for item in few]
    assert (tmp_path / "item-0004.png").read_bytes() == draw(few[3])
