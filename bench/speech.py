"""Speech: processor time by step, false words in noise, what the catalogue's language changes, live streams.

python -m bench speech speed      seconds of processor time per second of sound, by step
python -m bench speech noise      false words and false orders per hour of made and of real kitchen noise
python -m bench speech shop       word error rate on sentences with and without product words (needs espeak-ng)
python -m bench speech voices     word error rate of voices that were not trained on, by pitch, speed, room and noise (espeak-ng)
python -m bench speech streams    what a live stream costs, and when its first words are there (needs espeak-ng)
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from bench.barista import GRAMMAR
from bench.shared_data import REC
from bench.voice_sound import spoken_by
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from aisle.demo.catalogue import make_items
from aisle.kit import audio
from aisle.kit.tiny_data import TinyData
from aisle.tasks.speech import TASK, ctc, shopwords
from aisle.tasks.speech.augment import clatter, coloured, hum
from aisle.tasks.speech.recordings import error_rate
from aisle.tasks.speech.spoken import spoken

STARTER = TASK.starter
SPEECH = REC.parent / "speech"
VOICES = (
    "en-us+Andy",
    "en-us+Linda",
    "en-gb+Mario",
    "en-us+steph2",
    "en-gb+m3",
    "en-us+f4",
)  # the starter was not trained on them
WITH = ("show me the {}", "add two {} to my cart", "i am looking for a {}", "do you have the {}", "how much is the {}")
WITHOUT = """where is my order|i want to return it|what are your opening hours|cancel my order please|pay with my card
|send it to my home address|can i pick it up tomorrow|show me something cheaper
|the second one please|go to my cart and check out|i would like a refund
|is it available in a larger size|call me back in the morning|how long does delivery take|sort by price please"""
Sound = NDArray[np.float32]


def starter() -> ctc.CTC:
    assert STARTER is not None
    return ctc.load(STARTER)


def sentences(count: int, seed: int) -> tuple[list[str], list[str]]:
    """With product words of the demo shop, and without."""
    draw, items = random.Random(seed), make_items(np.random.default_rng(seed), 0)
    named = [spoken(draw.choice(WITH).format(draw.choice(items).title)) for _ in range(count)]
    return named, [draw.choice(WITHOUT.replace("\n", "").split("|")) for _ in range(count)]


def speed() -> None:
    """Nine seconds of four voices, product words among them: the network, texts, and commands of the demo shop's grammar."""
    said = zip(VOICES, sentences(4, 3)[0], strict=False)
    model, sound = starter(), np.concatenate([spoken_by(voice, text) for voice, text in said])[: 9 * audio.RATE]
    grammar = shopwords.of(make_items(np.random.default_rng(1), 0)).grammar
    assert grammar is not None
    file = audio.to_wav(sound)
    logs = model.acoustic.logs(sound)
    draw = np.random.default_rng(2)
    busy = np.log(draw.dirichlet(np.full(logs.shape[1], 0.15), len(logs))).astype(np.float32)  # every frame is a riddle
    steps: dict[str, Callable[[], object]] = {
        "decode the file": lambda: audio.decode(file),
        "network": lambda: model.acoustic.logs(sound),
        "beam search, hardest case": lambda: model.decoder((), None)(busy),
        "transcribe": lambda: model.hear([sound], language=None, hints=None),
        "command, whole demo catalogue": lambda: model.understand([sound], grammar),
    }
    for name, step in steps.items():
        step()
        began = time.process_time()
        for _ in range(3):
            step()
        print(f"{name:>32}: {(time.process_time() - began) / 3 / audio.seconds(sound):.4f} s a second of sound", flush=True)


def noise() -> None:
    """Words heard where nobody spoke."""
    model, draw = starter(), np.random.default_rng(4)
    size = 60 * audio.RATE
    made = {
        "white": coloured(size, 0, draw),
        "pink": coloured(size, 1, draw),
        "brown": coloured(size, 2, draw),
        "hum": hum(size, 60.0, draw),
        "clatter": clatter(size, 3.0, draw),
    }
    kitchen = SPEECH / "picovoice-barista" / "noise-kitchen.flac"
    if kitchen.exists():
        made["kitchen (real)"] = audio.decode(kitchen.read_bytes())
    for name, wave in made.items():
        loud = [np.asarray(wave / np.abs(wave).max() * level, np.float32) for level in (0.02, 0.3)]
        heard = model.hear(cut(loud, 10), language=None, hints=None)
        orders = [one for one in model.understand(cut(loud, 4), GRAMMAR) if one.meanings]
        minutes, words = sum(map(audio.seconds, loud)) / 60, sum(len(one.words) for one in heard)
        sure = max((one.probability for one in orders), default=0.0)
        print(
            f"{name:>16}: {60 * words / minutes:8.1f} false words an hour ({words} in {minutes:.1f} minutes), "
            f"{len(orders)} coffee orders in {len(cut(loud, 4))} pieces of 4 s (the surest {sure:.2f})",
            flush=True,
        )


def cut(waves: Sequence[Sound], seconds: int) -> list[Sound]:
    """Whole pieces of so many seconds."""
    size = seconds * audio.RATE
    return [wave[start : start + size] for wave in waves for start in range(0, len(wave) - size + 1, size)]


def shop(count: int) -> None:
    """The demo shop's language against the starter's own, on voices that were not trained on."""
    model, items = starter(), make_items(np.random.default_rng(1), 0)
    folder = Path(tempfile.mkdtemp())
    began = time.process_time()
    TASK.fit(TinyData(catalogue=items), TASK.config(), folder, lambda done, total, message: None)
    print(f"learning the shop's language: {time.process_time() - began:.1f} s")
    ours = ctc.load(folder)
    for name, texts in zip(("with product words", "without"), sentences(count, 1), strict=True):
        sounds = [spoken_by(VOICES[k % len(VOICES)], text) for k, text in enumerate(texts)]
        found = [[heard.text for heard in one.hear(sounds, language=None, hints=None)] for one in (model, ours)]
        rates = [error_rate(said, texts) for said in found]
        print(
            f"{name:>20}: word error rate {rates[0]:.3f} with the starter's language, {rates[1]:.3f} with the shop's", flush=True
        )


def in_room(sound: Sound, seconds: float, draw: np.random.Generator) -> Sound:
    """With the echo of a room: noise that falls by 60 dB in so many seconds, 3 dB below the direct sound."""
    tail = draw.standard_normal(round(seconds * audio.RATE)) * 10 ** (-3 * np.linspace(0, 1, round(seconds * audio.RATE)))
    tail *= 10 ** (-3 / 20) / np.sqrt(np.square(tail).sum())
    return np.asarray(sound + fftconvolve(sound, tail)[: len(sound)], np.float32)


def in_noise(sound: Sound, decibels: float, draw: np.random.Generator) -> Sound:
    """In pink noise, against the mean energy of the loudest third."""
    noise = coloured(len(sound), 1.0, draw)
    loud = np.sort(np.square(sound))[-len(sound) // 3 :].mean()
    return np.asarray(sound + noise * np.sqrt(loud / 10 ** (decibels / 10) / np.square(noise).mean()), np.float32)


def voices(count: int) -> None:
    """Synthetic voices that the starter never heard: a control, which says nothing of people."""
    model, draw = starter(), np.random.default_rng(6)
    texts = [text for pair in zip(*sentences(count, 9), strict=True) for text in pair][:count]
    clean: Callable[[Sound], Sound] = lambda sound: sound  # noqa: E731 (one of a table)
    conditions: dict[str, tuple[dict[str, int], Callable[[Sound], Sound]]] = {
        "as it is": ({}, clean),
        "low": ({"pitch": 15}, clean),
        "high": ({"pitch": 85}, clean),
        "slow": ({"speed": 110}, clean),
        "fast": ({"speed": 210}, clean),
        "in a room, 0.4 s": ({}, lambda sound: in_room(sound, 0.4, draw)),
        "pink noise, 20 dB": ({}, lambda sound: in_noise(sound, 20, draw)),
        "pink noise, 10 dB": ({}, lambda sound: in_noise(sound, 10, draw)),
    }
    for name, (how, change) in conditions.items():
        sounds = [change(spoken_by(VOICES[k % len(VOICES)], text, **how)) for k, text in enumerate(texts)]
        found = [heard.text for heard in model.hear(sounds, language=None, hints=None)]
        print(f"{name:>20}: word error rate {error_rate(found, texts):.3f}", flush=True)


def streams() -> None:
    """Parts of 100 ms, one stream after another on one thread."""
    model, waits, spent, heard = starter(), [], 0.0, 0.0
    for k, text in enumerate(sentences(12, 3)[1]):
        sound = spoken_by(VOICES[k % len(VOICES)], text)
        begins = int(np.flatnonzero(np.abs(sound) > 0.02)[0]) / audio.RATE
        stream, first = model.stream(None), None
        began = time.process_time()
        for start in range(0, len(sound), 1600):
            partial = stream.push(sound[start : start + 1600])
            if first is None and partial is not None and partial.text:
                first = (start + 1600) / audio.RATE - begins
        stream.finish()
        spent += time.process_time() - began
        heard += audio.seconds(sound)
        waits += [first] if first is not None else []
    print(f"a stream costs {spent / heard:.4f} s a second of sound: {heard / spent:.0f} streams a core")
    if waits:
        print(
            f"first words {1000 * float(np.median(waits)):.0f} ms after speech starts (median; most {1000 * max(waits):.0f} ms)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "noise", "shop", "voices", "streams"], nargs="?", default="speed")
    parser.add_argument("--sentences", type=int, default=40)
    args = parser.parse_args()
    known: dict[str, Callable[[], None]] = {
        "speed": speed, "noise": noise, "shop": lambda: shop(args.sentences), "voices": lambda: voices(args.sentences),
        "streams": streams,
    }  # fmt: skip
    known[args.what]()


if __name__ == "__main__":
    main()
