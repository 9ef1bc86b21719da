"""What the acoustic network sees: 40 log-mel bands every 7.5 ms, minus their mean so far, over their spread.

The mean is a running one (never the whole recording's), so that a stream and a file are seen alike, sample for sample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aisle.kit import mel

Floats = NDArray[np.float32]
RECIPE = mel.Recipe(mels=40, size=512, hop=120, lowest=60.0, highest=7600.0)
FLOOR = 1e-7  # of a band's energy, about the noise of a 16-bit recording
PRIOR = 50.0  # frames' worth of the usual mean before anything was heard


class Spread:
    """The usual mean and spread of each band, from training: (mels,) each."""

    def __init__(self, mean: Floats, deviation: Floats) -> None:
        self.mean = mean
        self.deviation = deviation

    @staticmethod
    def of(logs: Floats) -> Spread:
        return Spread(logs.mean(0), np.maximum(logs.std(0), 1e-3))


class Running:
    """Normalises frames as they come; the mean of a band is over all frames up to this one, and `PRIOR` usual ones."""

    def __init__(self, spread: Spread) -> None:
        self._spread = spread
        self._sum = spread.mean.astype(np.float64) * PRIOR
        self._count = PRIOR

    def __call__(self, logs: Floats) -> Floats:
        """(frames, mels) -> (frames, mels), about zero mean and unit spread."""
        if not len(logs):
            return logs
        sums = self._sum + np.cumsum(logs, 0, dtype=np.float64)
        counts = self._count + np.arange(1, len(logs) + 1)
        self._sum, self._count = sums[-1], float(counts[-1])
        return np.asarray((logs - sums / counts[:, None]) / self._spread.deviation, np.float32)


def log_mel(samples: Floats) -> Floats:
    """(samples,) -> (frames, mels); frame t covers 25 ms from t · 7.5 ms."""
    return mel.log_mel(samples, RECIPE, FLOOR)


def retuned(logs: Floats, factor: float) -> Floats:
    """(frames, mels) as another vocal tract would say it: what was at `factor` times a band's place moves to it, in between by a
    straight line."""
    bands = np.clip(np.arange(logs.shape[1]) * factor, 0, logs.shape[1] - 1)
    low = bands.astype(int)
    share = (bands - low).astype(np.float32)
    return np.asarray(logs[:, low] * (1 - share) + logs[:, np.minimum(low + 1, logs.shape[1] - 1)] * share, np.float32)


def features(samples: Floats, spread: Spread, tract: float = 1.0) -> Floats:
    """What the network sees of a whole recording, retuned by `tract`: (frames, mels)."""
    logs = log_mel(samples)
    return Running(spread)(logs if tract == 1.0 else retuned(logs, tract))
