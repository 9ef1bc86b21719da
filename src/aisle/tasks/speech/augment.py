"""Recordings made harder, in the domain of mel energies: tempo, voice, room, microphone, noise, level, and holes (SpecAugment).

Working on energies instead of samples makes a new version of a clip cost a millisecond. Energies of independent sounds add up
but for a cross term of random phase, which `mixed` draws; late reverberation is an exponential decay of the energy in each
band. Tempo and noise: Ko et al. 2015 and 2017; voice (vocal tract length): Jaitly and Hinton 2013; holes: Park et al. 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from aisle.kit import mel
from aisle.kit.audio import RATE
from aisle.tasks.speech.features import FLOOR, RECIPE, retuned

Floats = NDArray[np.float32]
Draw = np.random.Generator
BINS = np.maximum((mel.mel_filters(RECIPE) > 0).sum(1) / 1.5, 1.0)  # independent Fourier bins in each band


@dataclass(frozen=True, slots=True)
class Hardships:
    """How far each change may go; times in seconds, levels in dB."""

    tempo: float = 0.15
    voice: float = 0.08
    reverberated: float = 0.6  # share of clips
    noisy: float = 0.75  # share of clips
    quietest: float = 2.0  # signal to noise ratio of the noisiest
    clearest: float = 32.0
    level: tuple[float, float] = (-22.0, 8.0)
    microphone: float = 6.0
    before: float = 0.6  # of silence or noise
    after: float = 1.2
    digital: float = 0.3  # share of clips whose added silence is digital; the others' is their own quietest sound
    holes: int = 2


def harder(energy: Floats, noises: Sequence[Floats], how: Hardships, draw: Draw) -> Floats:
    """Another version of a clip: mel energies (frames, mels) in and out."""
    energy = warped(energy, draw.uniform(1 - how.tempo, 1 + how.tempo), draw.uniform(1 - how.voice, 1 + how.voice))
    quiet = np.zeros(RECIPE.mels, np.float32) if draw.random() < how.digital else quietest(energy)
    energy = padded(energy, draw.uniform(0, how.before), draw.uniform(0.1, max(how.after, 0.1)), quiet)
    if draw.random() < how.reverberated:
        energy = room(energy, draw.uniform(0.08, 0.6), draw.uniform(-4, 12))
    energy = energy * microphone(how.microphone, draw)
    if draw.random() < how.noisy:
        energy = mixed(energy, background(noises, len(energy), draw), draw.uniform(how.quietest, how.clearest), draw)
    return np.asarray(energy * 10 ** (draw.uniform(*how.level) / 10), np.float32)


def warped(energy: Floats, tempo: float, voice: float) -> Floats:
    """Played `tempo` times as fast, and every frequency moved by the factor `voice`: linear interpolation of log energies."""
    logs = np.log(energy + FLOOR)
    times = np.arange(0, len(logs) - 1, tempo) if len(logs) > 1 else np.zeros(1)
    early = times.astype(int)
    part = (times - early)[:, None]
    logs = logs[early] * (1 - part) + logs[np.minimum(early + 1, len(logs) - 1)] * part
    return np.asarray(np.exp(retuned(logs, voice)), np.float32)


def quietest(energy: Floats) -> Floats:
    """The bands of a clip where nobody speaks: (mels,)."""
    order = np.argsort(energy.sum(1))
    return np.asarray(energy[order[: max(len(energy) // 20, 1)]].mean(0), np.float32)


def padded(energy: Floats, before: float, after: float, quiet: Floats) -> Floats:
    """More silence at both ends, in seconds: frames of the bands `quiet`."""
    start, end = (np.broadcast_to(quiet, (round(seconds * RATE / RECIPE.hop), len(quiet))) for seconds in (before, after))
    return np.concatenate([start, energy, end])


def room(energy: Floats, decay: float, direct: float) -> Floats:
    """Late reverberation: falls by 60 dB in `decay` seconds; the direct sound is `direct` dB stronger than all of it."""
    keep = 10 ** (-6 * RECIPE.hop / RATE / decay)
    late = lfilter([0.0, 1 - keep], [1.0, -keep], energy, axis=0)
    return np.asarray(energy + late * 10 ** (-direct / 10), np.float32)


def microphone(most: float, draw: Draw) -> Floats:
    """A smooth frequency response, (mels,) factors of energy, within about `most` dB."""
    places = np.linspace(0, np.pi, RECIPE.mels)
    curve = sum(draw.normal(0, most / 2 / order) * np.cos(order * places) for order in (1, 2, 3, 4))
    return np.asarray(10 ** (curve / 10), np.float32)


def mixed(energy: Floats, noise: Floats, ratio: float, draw: Draw) -> Floats:
    """Speech and noise together at `ratio` dB, with the cross term of their random phases."""
    speech = float(np.sort(energy.sum(1))[-max(len(energy) // 3, 1) :].mean())  # of its louder third
    noise = noise * (speech * 10 ** (-ratio / 10) / max(float(noise.sum(1).mean()), 1e-12))
    cross = 2 * np.sqrt(energy * noise) * np.cos(draw.uniform(0, 2 * np.pi, energy.shape)) / np.sqrt(BINS)
    return np.asarray(np.maximum(energy + noise + cross, 0), np.float32)


def background(noises: Sequence[Floats], frames: int, draw: Draw) -> Floats:
    """One or two pieces of noise, as long as needed."""
    found = np.zeros((frames, RECIPE.mels), np.float32)
    for _ in range(draw.integers(1, 3)):
        noise = noises[int(draw.integers(len(noises)))]
        start = draw.integers(len(noise))
        piece = noise[(start + np.arange(frames)) % len(noise)]
        found += piece / max(float(piece.mean()), 1e-12) * draw.uniform(0.2, 1) * microphone(6.0, draw)
    return found


def with_holes(features: Floats, how: Hardships, draw: Draw) -> Floats:
    """SpecAugment: bands and stretches of time set to the mean."""
    features, most = features.copy(), max(min(20, len(features) // 10), 1)
    for _ in range(how.holes):
        width, long = int(draw.integers(0, 7)), int(draw.integers(0, most))
        low, start = draw.integers(0, features.shape[1] - width), draw.integers(0, max(len(features) - long, 1))
        features[:, low : low + width] = 0
        features[start : start + long] = 0
    return features


def made_noises(draw: Draw, seconds: float = 15.0) -> list[Floats]:
    """Mel energies of invented noises: coloured noise, hum, fans, clatter of dishes, footsteps."""
    size = round(seconds * RATE)
    waves = [coloured(size, slope, draw) for slope in (0.0, 0.5, 1.0, 1.5, 2.0)]
    waves += [hum(size, hertz, draw) for hertz in (50.0, 120.0)]
    waves += [clatter(size, rate, draw) for rate in (1.0, 3.0, 8.0, 3.0)]
    waves += [waves[2] * swell(size, draw), waves[1] * swell(size, draw)]
    return [energies(wave / np.abs(wave).max() * 0.3) for wave in waves]


def energies(samples: Floats) -> Floats:
    """Mel energies of a recording: (frames, mels)."""
    return mel.mel_power(mel.frames(samples.astype(np.float32), RECIPE.window, RECIPE.hop), RECIPE)


def coloured(size: int, slope: float, draw: Draw) -> Floats:
    """Noise whose energy falls with frequency to the power of `slope`: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(draw.standard_normal(size))
    return np.asarray(np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 20.0) ** (slope / 2), size), np.float32)


def hum(size: int, hertz: float, draw: Draw) -> Floats:
    times = np.arange(size) / RATE
    tones = sum(np.sin(2 * np.pi * hertz * k * times + draw.uniform(0, 6)) / k for k in range(1, 12))
    return np.asarray(tones / 3 + 0.02 * draw.standard_normal(size), np.float32)


def swell(size: int, draw: Draw) -> Floats:
    """A level that comes and goes."""
    knots = draw.uniform(0.05, 1, max(size // (RATE // 2), 2))
    return np.asarray(np.interp(np.linspace(0, len(knots) - 1, size), np.arange(len(knots)), knots), np.float32)


def clatter(size: int, rate: float, draw: Draw) -> Floats:
    """Things that hit each other, `rate` times a second: decaying sums of resonances over a soft noise."""
    wave = 0.01 * coloured(size, 1.0, draw)
    for start in np.flatnonzero(draw.random(size) < rate / RATE).tolist():
        times = np.arange(min(RATE // 3, size - start)) / RATE
        pitches = draw.uniform(400, 7000, draw.integers(2, 7))
        ring = sum(np.sin(2 * np.pi * p * times + draw.uniform(0, 6)) for p in pitches)
        burst = ring + 2 * draw.standard_normal(len(times)) * np.exp(-times * 200)
        wave[start : start + len(times)] += draw.uniform(0.05, 1) * burst * np.exp(-times * draw.uniform(10, 80))
    return wave
