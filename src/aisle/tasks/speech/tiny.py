"""The tiny world of speech: sung notes. Each syllable is a tone of its own height, and a recording is a few of them in a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aisle.kit import audio
from aisle.kit.tiny_data import TinyData
from aisle.types import Item, Sample

NOTES = {"do": 300.0, "mi": 700.0, "sol": 1600.0, "ti": 3600.0}  # Hz
RECORDINGS = 48


class Songs(TinyData):
    """Recordings and items."""


def sung(text: str, seed: int = 0) -> NDArray[np.float32]:
    """The samples of a text of notes, with a little noise."""
    draw = np.random.default_rng(seed)
    parts: list[NDArray[np.float64]] = [np.zeros(1600)]
    for note in text.split():
        size = int(draw.integers(3600, 4800))
        envelope = np.minimum(1, np.minimum(np.arange(size), np.arange(size)[::-1]) / 400)
        parts += [0.3 * envelope * np.sin(2 * np.pi * NOTES[note] * np.arange(size) / audio.RATE), np.zeros(1200)]
    samples = np.concatenate([*parts, np.zeros(2400)])
    return np.asarray(samples + 0.0005 * draw.standard_normal(len(samples)), np.float32)


def texts(count: int, seed: int = 1) -> list[str]:
    draw = np.random.default_rng(seed)
    return [" ".join(str(note) for note in draw.choice(list(NOTES), draw.integers(1, 5))) for _ in range(count)]


def data() -> Songs:
    """Recordings of songs, a quarter of them kept aside, and a catalogue of two tunes."""
    world = Songs(catalogue=[Item(item_id="item-0001", title="do mi"), Item(item_id="item-0002", title="sol ti")])
    for number, text in enumerate(texts(RECORDINGS)):
        address = f"note-{number:03d}.wav"
        world.files[address] = audio.to_wav(sung(text, number))
        split = "test" if number % 4 == 3 else "train"
        world.labelled.append(Sample(sample_id=f"note-{number:03d}", kind="recording", text=text, media=address, split=split))  # type: ignore[arg-type]
    return world


def settings() -> Mapping[str, Any]:
    return {"network": "new", "width": 32, "blocks": 2, "steps": 300, "rate": 5e-3, "hardship": 0.1}
