"""Spoken coffee orders: command acceptance (intent and every slot right), clean and in kitchen noise, as the data set defines.

python -m bench barista [--every 4] [--decibels 24 15 6] [--model FOLDER]
"""

from __future__ import annotations

import argparse
import json
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench.shared_data import REC
from numpy.typing import NDArray

from aisle.kit import audio
from aisle.tasks.speech import TASK
from aisle.tasks.speech.phrasing import Grammar
from aisle.tasks.speech.recogniser import Recogniser, open_folder

STARTER = TASK.starter
SPEECH = REC.parent / "speech"

FRAME = 2048  # samples; the data set measures level by the loudest frame
ASK = "brew|can i get|can i have|i want|get me|give me|i'd like|make me|may i have"
AMOUNTS = ("", "a little bit of ", "a bit of ", "some ", "a lot of ", "lots of ")
MILKS = ("milk", "skim milk", "whole milk", "soy milk", "almond milk", "cream")
SUGARS = ("sugar", "brown sugar", "sweetener")
GRAMMAR = Grammar(
    {
        "orderDrink": [
            f"[{ASK}] [a|an] <{{size}} {{roast}} {{numberOfShots}}> {{coffeeDrink}} "
            "[with ({milkAmount} [and {sugarAmount}]|{sugarAmount} [and {milkAmount}])]"
        ]
    },
    {
        "size": ["small", "medium", "large", "eight ounce", "twelve ounce", "sixteen ounce", "twenty ounce"],
        "roast": ["light roast", "medium roast", "dark roast"],
        "numberOfShots": ["single shot", "double shot", "triple shot"],
        "coffeeDrink": [
            "americano", "cappuccino", "espresso", "iced mocha", "latte", "mocha",
            "coffee", "drip coffee", "house coffee", "iced coffee",
        ],
        "milkAmount": [amount + milk for milk in MILKS for amount in AMOUNTS],
        "sugarAmount": [amount + sugar for sugar in SUGARS for amount in AMOUNTS],
    },
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """One real recording, and what was ordered."""

    name: str
    samples: NDArray[np.float32]
    slots: dict[str, str]


def orders(folder: Path, every: int = 1) -> Iterator[Order]:
    """Recordings in the order of their names; `every` n-th of them."""
    labels = json.loads((folder / "label.json").read_text())
    with zipfile.ZipFile(folder / "clean-opus.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".opus"))
        for name in names[::every]:
            label = labels[f"{Path(name).stem}.wav"]
            slots = {slot: " ".join(value.split()) for slot, value in label["slots"].items()}
            yield Order(name, audio.decode(archive.read(name)), slots)


def loudest(samples: NDArray[np.float32]) -> float:
    """The largest energy of a frame."""
    whole = len(samples) // FRAME * FRAME
    return float(np.square(samples[:whole].reshape(-1, FRAME), dtype=np.float64).sum(1).max())


def mixed(speech: NDArray[np.float32], noise: NDArray[np.float32], decibels: float, seed: int) -> NDArray[np.float32]:
    """Speech in noise at a ratio of loudest frames, then divided by twice the peak."""
    start = int(np.random.default_rng(seed).integers(0, max(len(noise) - len(speech), 1)))
    piece = np.resize(noise[start : start + len(speech)], len(speech))
    factor = np.sqrt(loudest(speech) / max(loudest(piece), 1e-9) / 10 ** (decibels / 10))
    together = speech + factor * piece
    return np.asarray(together / (2 * np.abs(together).max()), np.float32)


def accepted(model: Recogniser, heard: list[tuple[NDArray[np.float32], dict[str, str]]]) -> tuple[int, int]:
    """How many orders are right in intent and every slot, and how many slots are."""
    whole = slots = 0
    for sound, wanted in heard:
        (found,) = model.understand([sound], GRAMMAR)
        said = found.meanings[0].slots if found.meanings else {}
        whole += said == wanted
        slots += sum(said.get(name) == value for name, value in wanted.items())
    return whole, slots


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=STARTER, help="a model folder of speech")
    parser.add_argument("--data", type=Path, default=SPEECH / "picovoice-barista")
    parser.add_argument("--every", type=int, default=1, help="hear every n-th recording only")
    parser.add_argument("--decibels", type=float, nargs="*", default=[24, 15, 6], help="ratios of speech to kitchen noise")
    args = parser.parse_args()
    model = open_folder(args.model)
    clips = list(orders(args.data, args.every))
    noise = audio.decode((args.data / "noise-kitchen.flac").read_bytes())
    slots = sum(len(one.slots) for one in clips)
    for decibels in [None, *args.decibels]:
        began = time.process_time()
        heard = [
            (loud(one.samples) if decibels is None else mixed(one.samples, noise, decibels, k), one.slots)
            for k, one in enumerate(clips)
        ]
        whole, right = accepted(model, heard)
        spent = (time.process_time() - began) / sum(audio.seconds(sound) for sound, _ in heard)
        name = "clean" if decibels is None else f"{decibels:g} dB"
        print(
            f"{name:>8}: accepted {whole / len(clips):.3f} of {len(clips)}, slots {right / slots:.3f}, {spent:.4f} s a second",
            flush=True,
        )


def loud(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """As loud as the mixtures are made."""
    return np.asarray(samples / (2 * np.abs(samples).max()), np.float32)


if __name__ == "__main__":
    main()
