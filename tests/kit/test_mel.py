"""Log-mel features: equal to the slow obvious version and to torch's."""

from __future__ import annotations

import numpy as np
import pytest

from aisle.kit import mel

RNG = np.random.default_rng(3)
NOISE = (0.1 * RNG.standard_normal(16_000)).astype(np.float32)


def slow_filters(mels: int, size: int, rate: int) -> np.ndarray:
    """Slaney's filters, triangle by triangle, with his table written out."""
    step = np.log(6.4) / 27

    def hertz(m: float) -> float:
        return m * 200 / 3 if m < 15 else 1000 * np.exp((m - 15) * step)

    top = 15 + np.log(rate / 2 / 1000) / step
    edges = [hertz(top * k / (mels + 1)) for k in range(mels + 2)]
    made = np.zeros((mels, size // 2 + 1))
    for k in range(mels):
        low, middle, high = edges[k : k + 3]
        for b in range(size // 2 + 1):
            f = b * rate / size
            height = min((f - low) / (middle - low), (high - f) / (high - middle))
            made[k, b] = max(height, 0) * 2 / (high - low)
    return made


def slow_log_mel(samples: np.ndarray, recipe: mel.Recipe) -> np.ndarray:
    """A discrete Fourier transform by its definition, frame by frame."""
    turns = np.exp(-2j * np.pi * np.outer(np.arange(recipe.size // 2 + 1), np.arange(recipe.window)) / recipe.size)
    window = np.array([0.5 - 0.5 * np.cos(2 * np.pi * n / recipe.window) for n in range(recipe.window)])
    bands, rows = slow_filters(recipe.mels, recipe.size, recipe.rate), []
    for start in range(0, len(samples) - recipe.window + 1, recipe.hop):
        spectrum = turns @ (samples[start : start + recipe.window].astype(np.float64) * window)
        rows.append(np.log(bands @ (np.abs(spectrum) ** 2) + 1e-6))
    return np.array(rows)


@pytest.mark.parametrize("recipe", [mel.WHISPER, mel.Recipe(mels=40, size=512), mel.Recipe(mels=128)])
def test_equal_to_the_slow_obvious_version(recipe: mel.Recipe) -> None:
    assert np.abs(mel.log_mel(NOISE, recipe) - slow_log_mel(NOISE, recipe)).max() < 1e-4


@pytest.mark.parametrize("mels", [80, 128])
def test_whisper_equals_torch(mels: int) -> None:
    torch = pytest.importorskip("torch")
    padded = torch.nn.functional.pad(torch.from_numpy(NOISE), (0, 30 * 16_000 - len(NOISE)))
    stft = torch.stft(padded, 400, 160, window=torch.hann_window(400), return_complex=True)
    power = torch.from_numpy(slow_filters(mels, 400, 16_000)).float() @ (stft[..., :-1].abs() ** 2)
    logs = torch.clamp(power, min=1e-10).log10()
    wanted = ((torch.maximum(logs, logs.max() - 8.0) + 4.0) / 4.0).T.numpy()
    found = mel.whisper(NOISE, mels)
    assert found.shape == wanted.shape == (3000, mels)
    assert np.abs(found - wanted).max() < 1e-4


def test_whisper_without_padding_is_as_long_as_the_sound() -> None:
    assert mel.whisper(NOISE, seconds=None).shape == (100, 80)
    assert mel.whisper(np.zeros(0, np.float32)).shape == (3000, 80)


def test_short_sounds_have_no_frames() -> None:
    assert mel.log_mel(NOISE[:399], mel.WHISPER).shape == (0, 80)
    assert mel.log_mel(NOISE[:400], mel.WHISPER).shape == (1, 80)
