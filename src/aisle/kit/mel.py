"""Log-mel spectrograms in named steps, in numpy: samples -> frames -> power -> mel -> log.

`whisper(samples)` equals OpenAI's features (25 ms Hann windows, 10 ms hop, Slaney mel filters, log10, top 8 clipped), and
`Recipe` describes any other. Shapes are (frames, mels), time first; frequencies in Hz, times in seconds.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
HOP = 160  # samples, 10 ms at 16 kHz
WINDOW = 400  # samples, 25 ms
WHISPER_SECONDS = 30
BLOCK = 3000  # frames transformed at once: half a minute


@dataclass(frozen=True, slots=True)
class Recipe:
    """How frames become mel energies."""

    mels: int = 80
    window: int = WINDOW  # samples
    hop: int = HOP  # samples
    size: int = WINDOW  # of the Fourier transform
    lowest: float = 0.0  # Hz
    highest: float = 8000.0
    rate: int = 16_000


WHISPER = Recipe()


def whisper(samples: Floats, mels: int = 80, seconds: int | None = WHISPER_SECONDS) -> Floats:
    """OpenAI Whisper's log-mel features of one recording, (frames, mels), padded or cut to `seconds` (None: as long as it is)."""
    if seconds is not None:
        wanted = seconds * WHISPER.rate
        samples = np.pad(samples[:wanted], (0, max(wanted - len(samples), 0)))
    mel = mel_power(centred(samples, WINDOW, HOP)[:-1], Recipe(mels=mels))  # the last frame is dropped, as there
    logs = np.log10(np.maximum(mel, 1e-10))
    return np.asarray((np.maximum(logs, logs.max(initial=-10.0) - 8.0) + 4.0) / 4.0, np.float32)


def log_mel(samples: Floats, recipe: Recipe, floor: float = 1e-6) -> Floats:
    """Natural logarithm of the mel energies of whole frames, without padding: (frames, mels); frame t begins at t · hop."""
    return np.asarray(np.log(mel_power(frames(samples, recipe.window, recipe.hop), recipe) + floor), np.float32)


def frames(samples: Floats, window: int, hop: int) -> Floats:
    """Overlapping pieces of `window` samples, `hop` apart, as a view: (frames, window). What is left at the end is dropped."""
    if len(samples) < window:
        return np.zeros((0, window), np.float32)
    return np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]


def centred(samples: Floats, window: int, hop: int) -> Floats:
    """Frames whose middles are at 0, hop, 2 hop …: the ends are mirrored, as in torch.stft and librosa."""
    half = window // 2
    return frames(np.pad(samples, half, mode="reflect" if len(samples) > half else "constant"), window, hop)


def power(pieces: Floats, recipe: Recipe) -> Floats:
    """Squared magnitudes of the windowed Fourier transform: (frames, 1 + size / 2)."""
    spectrum = np.fft.rfft(pieces * hann(recipe.window), recipe.size, axis=1)
    return np.asarray(spectrum.real**2 + spectrum.imag**2, np.float32)


def mel_power(pieces: Floats, recipe: Recipe) -> Floats:
    """Energy in every mel band: (frames, mels)."""
    bands = mel_filters(recipe).T
    blocks = [power(pieces[start : start + BLOCK], recipe) @ bands for start in range(0, len(pieces), BLOCK)]
    return np.concatenate(blocks) if blocks else np.zeros((0, recipe.mels), np.float32)


@functools.lru_cache(16)
def hann(size: int) -> Floats:
    """The periodic Hann window (as torch.hann_window)."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size), np.float32)


@functools.lru_cache(16)
def mel_filters(recipe: Recipe) -> Floats:
    """Triangles of equal area on Slaney's mel scale: (mels, 1 + size / 2), the same numbers as librosa.filters.mel."""
    bins = np.linspace(0, recipe.rate / 2, 1 + recipe.size // 2)  # Hz
    edges = to_hertz(np.linspace(to_mel(recipe.lowest), to_mel(recipe.highest), recipe.mels + 2))
    rise = (bins[None] - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - bins[None]) / np.diff(edges)[1:, None]
    area = 2 / (edges[2:] - edges[:-2])
    return np.asarray(np.maximum(0, np.minimum(rise, fall)) * area[:, None], np.float32)


def to_mel(hertz: float) -> float:
    """Slaney's scale: linear to 1 kHz (3 mel in 200 Hz), then logarithmic (27 steps to a factor of 6.4)."""
    return hertz * 3 / 200 if hertz < 1000 else float(15 + np.log(hertz / 1000) * 27 / np.log(6.4))


def to_hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of `to_mel`."""
    return np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))
