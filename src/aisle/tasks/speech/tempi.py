"""A recording heard at several tempi at once: what every one of them agrees on is right more often than what one hears.

A network learns from voices of some tempi; people also speak slower and faster. The log-mel bands are stretched in time, the
network hears each version, and candidate texts are scored in all of them: a product of experts, each with the same weight a
frame. Perturbing tempo while learning is Ko et al. 2015; here it is done while hearing, for commands alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.speech.features import Floats
from aisle.tasks.speech.lattice import Path, Scorer
from aisle.tasks.speech.recogniser import Meaning
from aisle.tasks.speech.spoken import ALPHABET

Chances = NDArray[np.float64]
TINY = 1e-300


def stretched(logs: Floats, tempo: float) -> Floats:
    """Log-mel bands (frames, mels) of the same words `tempo` times as fast, by linear interpolation."""
    if tempo == 1.0 or len(logs) < 2:
        return logs
    times = np.arange(0, len(logs) - 1, tempo)
    early = times.astype(int)
    part = (times - early)[:, None].astype(np.float32)
    return np.asarray(logs[early] * (1 - part) + logs[early + 1] * part, np.float32)


def spelt(chances: Chances, texts: Sequence[str]) -> Chances:
    """log of the probability of each text, spread in every way over the frames: CTC's forward sums, all texts at once.

    `chances` (frames, 1 + letters), the blank first. -inf for a text that the frames are too few for.
    """
    longest = max(map(len, texts))
    letters = np.zeros((len(texts), 2 * longest + 1), int)
    for row, text in enumerate(texts):
        letters[row, 1 : 2 * len(text) : 2] = [ALPHABET.index(letter) + 1 for letter in text]
    skips = np.zeros(letters.shape)
    skips[:, 3::2] = (letters[:, 3::2] != letters[:, 1:-2:2]) & (letters[:, 3::2] > 0)
    skips[:, 1] = 1.0
    sums, total = np.zeros((len(texts), 2 * longest + 3)), np.zeros(len(texts))  # two columns of nothing in front
    sums[:, 1] = 1.0  # before the first frame: the blank and the first letter may follow
    for row in chances:
        now = (sums[:, 2:] + sums[:, 1:-1] + sums[:, :-2] * skips) * row[letters]
        scale = now.sum(1, keepdims=True)
        total += np.log(np.maximum(scale[:, 0], TINY))
        sums = np.zeros_like(sums)
        sums[:, 2:] = now / np.maximum(scale, TINY)
    ends = 2 + 2 * np.array([len(text) for text in texts])
    rows = np.arange(len(texts))
    ended = sums[rows, ends] + sums[rows, ends - 1]
    return np.where(ended > TINY, total + np.log(np.maximum(ended, TINY)), -np.inf)


def agreeing(scorer: Scorer, versions: Sequence[Chances]) -> tuple[list[Meaning], float]:
    """What a recording can mean, best first, with probabilities given that the grammar was spoken; and how well the best fits.

    `versions`: the chances (frames, 1 + letters) at each tempo. Candidates are the best path of each version, and in the
    version that fits best also every exchange of one slot. The second is a likeness per letter to what is heard freely, in
    0 ... 1.
    """
    found = [(way, version) for version in versions if (way := scorer.best(version)) is not None]
    if not found:
        return [], 0.0
    clearest, version = max(found, key=lambda one: one[0].score / len(one[1]))
    ways = {way.text: way for way, _ in found}
    for tag in clearest.slots.items():
        other = scorer.best(version, scorer.without(tag))
        if other is not None:
            ways.setdefault(other.text, other)
    scores = together(versions, list(ways))
    best: dict[str, tuple[float, Path]] = {}
    for way, score in zip(ways.values(), scores.tolist(), strict=True):
        key = json.dumps([way.intent, sorted(way.slots.items())])
        if key not in best or score > best[key][0]:
            best[key] = score, way
    ranked = sorted(best.values(), key=lambda one: -one[0])
    shares = np.exp([score - ranked[0][0] for score, _ in ranked])
    meanings = [
        Meaning(way.intent, way.slots, way.text, float(share))
        for (_, way), share in zip(ranked, shares / shares.sum(), strict=True)
    ]
    return meanings, max(likeness(scorer, one, ranked[0][1].text) for one in versions)


def together(versions: Sequence[Chances], texts: Sequence[str]) -> Chances:
    """log of the probability of each text in all versions: the mean over them, each as if it were as long as the first."""
    sums = [spelt(version, texts) * (len(versions[0]) / max(len(version), 1)) for version in versions]
    return np.maximum(np.mean(np.maximum(sums, -1e9), 0), -1e9)


def likeness(scorer: Scorer, chances: Chances, text: str) -> float:
    """How probable a letter of the text is beside the likeliest free spelling: the geometric mean."""
    return min(math.exp((float(spelt(chances, [text])[0]) - scorer.free(chances)) / max(len(text), 1)), 1.0)
