"""A shop's recordings as training and evaluation see them: samples, words said, and how far two texts are apart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aisle.kit import audio
from aisle.task import Data
from aisle.tasks.speech.recogniser import Heard
from aisle.tasks.speech.spoken import spoken

HELD = 8  # every eighth speaker (or recording, where speakers are not known) is kept aside


@dataclass(frozen=True, slots=True)
class Recording:
    """One labelled recording: 16 kHz samples and the words said, as spoken letters."""

    name: str
    samples: NDArray[np.float32]
    text: str
    held: bool


def read(data: Data) -> list[Recording]:
    """Every recording with a text, decoded; those that cannot be read raise BadInput, as at import."""
    found = []
    for sample in data.samples("recording"):
        text = spoken(sample.text or "")
        if sample.media and text:
            whose = sample.speaker or sample.sample_id
            held = sample.split in ("validation", "test") if sample.split else _chance(whose) == 0
            found.append(Recording(sample.sample_id, audio.decode(data.media(sample.media)), text, held))
    return found


def _chance(name: str) -> int:
    """The same number for the same speaker, always."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % HELD


def divided(recordings: Sequence[Recording]) -> tuple[list[Recording], list[Recording]]:
    """(to learn from, kept aside)."""
    return [one for one in recordings if not one.held], [one for one in recordings if one.held]


def edits(found: Sequence[str], wanted: Sequence[str]) -> int:
    """Fewest insertions, deletions and substitutions between two sequences (Levenshtein)."""
    row = list(range(len(wanted) + 1))
    for i, mine in enumerate(found, 1):
        last, row[0] = row[0], i
        for j, theirs in enumerate(wanted, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (mine != theirs))
    return row[-1]


def error_rate(found: Sequence[str], wanted: Sequence[str]) -> float:
    """Word error rate: edits over words said, of all texts together."""
    said = sum(len(text.split()) for text in wanted)
    return sum(edits(a.split(), b.split()) for a, b in zip(found, wanted, strict=True)) / max(said, 1)


def heard_rightly(heard: Heard, text: str) -> Iterator[tuple[float, bool]]:
    """For every word heard its probability, and whether it stands in the best alignment with what was said."""
    mine, said = [word.word for word in heard.words], text.split()
    table = np.zeros((len(mine) + 1, len(said) + 1), int)  # longest common subsequence
    for i in range(len(mine) - 1, -1, -1):
        for j in range(len(said) - 1, -1, -1):
            table[i, j] = table[i + 1, j + 1] + 1 if mine[i] == said[j] else max(table[i + 1, j], table[i, j + 1])
    j = 0
    for i, word in enumerate(heard.words):
        while j < len(said) and table[i, j] == table[i, j + 1] and mine[i] != said[j]:
            j += 1
        right = j < len(said) and mine[i] == said[j] and table[i, j] == table[i + 1, j + 1] + 1
        yield word.probability, right
        j += right
