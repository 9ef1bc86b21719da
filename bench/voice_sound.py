"""Voices for benches and tests: of pulses and resonances (no words, but a detector takes them for speech), and of espeak-ng."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from aisle.kit import audio

RATE = 16_000
VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))  # Peterson and Barney, Hz


def syllable(vowel: int, seconds: float = 0.18, pitch: float = 120.0) -> NDArray[np.float32]:
    """One open vowel, rising and falling."""
    count = round(seconds * RATE)
    glide = pitch * (1 + 0.15 * np.sin(np.linspace(0, np.pi, count)))
    sound = (np.diff(np.floor(np.cumsum(glide) / RATE), prepend=0) > 0).astype(float)
    for formant, width in zip(VOWELS[vowel % len(VOWELS)], (80, 90, 120), strict=True):
        radius, angle = np.exp(-np.pi * width / RATE), 2 * np.pi * formant / RATE
        sound = lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], sound)
    sound *= np.sin(np.linspace(0, np.pi, count)) ** 0.5
    return np.asarray(0.3 * sound / np.abs(sound).max(), np.float32)


def babble(seconds: float, seed: int = 0, pitch: float = 120.0) -> NDArray[np.float32]:
    """Syllables one after the other, in threes with short breaks."""
    draw = np.random.default_rng(seed)
    parts: list[NDArray[np.float32]] = []
    while sum(map(len, parts)) < seconds * RATE:
        parts += [syllable(int(draw.integers(5)), float(draw.uniform(0.12, 0.25)), pitch) for _ in range(3)]
        parts.append(np.zeros(round(0.06 * RATE), np.float32))
    sound = np.concatenate(parts)[: round(seconds * RATE)]
    return (sound + draw.normal(0, 0.001, len(sound))).astype(np.float32)


def silence(seconds: float, noise: float = 0.0, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, noise, round(seconds * RATE)).astype(np.float32)


def spoken_by(voice: str, text: str, speed: int = 150, pitch: int = 50) -> NDArray[np.float32]:
    """A sentence by espeak-ng, with silence around. By a file: on standard output its warnings may stand in front."""
    how = ["-v", voice, "-s", str(speed), "-p", str(pitch)]
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["espeak-ng", *how, "-w", file.name, text], capture_output=True, check=True)
        return np.pad(audio.decode(Path(file.name).read_bytes()), (4800, 8000))
