"""The network in CTranslate2: features in, tokens, probabilities and alignments out. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aisle.errors import Misconfigured
from aisle.kit import mel

FRAMES_A_STEP = 2  # the encoder's convolution halves the frames
STEP_SECONDS = 0.02  # of sound, one step of the encoder
LONGEST = 448  # tokens a decoder has room for, the prompt included


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What the decoder wrote for a window."""

    tokens: list[int]
    log_probability: float  # of the whole
    no_speech: float  # probability of the mark that says that nobody speaks


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where tokens are in the sound. `starts` in seconds, one more than tokens: the last is the end of the last."""

    starts: NDArray[np.float64]
    probabilities: NDArray[np.float32]  # of each token, given those before it


class Network:
    """One Whisper of a folder that CTranslate2 converted."""

    def __init__(self, folder: Path, *, compute_type: str = "default", threads: int = 0) -> None:
        """`compute_type`: how weights are multiplied (int8, float32 …; default: as stored); `threads` 0: up to 4."""
        try:
            import ctranslate2
        except ImportError:
            raise Misconfigured("Whisper needs CTranslate2: pip install 'aisle[whisper]'") from None
        self._views = ctranslate2.StorageView
        try:
            self._whisper: Any = ctranslate2.models.Whisper(
                str(folder), device="cpu", compute_type=compute_type, intra_threads=threads, inter_threads=1
            )
        except (RuntimeError, ValueError) as error:
            raise Misconfigured(f"{folder} holds no Whisper that CTranslate2 can open ({error}): pull the model again") from None
        self.multilingual: bool = self._whisper.is_multilingual
        self.mels: int = self._whisper.n_mels

    def features(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The log-mel features of at most 30 s, filled up with silence.  # (mels, 3000)"""
        return np.ascontiguousarray(mel.whisper(samples, self.mels).T)

    def encode(self, features: Sequence[NDArray[np.float32]]) -> Any:
        """What the encoder makes of windows.  # (windows, 1500, width)"""
        return self._whisper.encode(self._views.from_array(np.stack(features)), to_cpu=True)

    def pick(self, encoded: Any, places: Sequence[int]) -> Any:
        """Some of the windows that were encoded together."""
        if len(places) == encoded.shape[0]:
            return encoded
        return self._views.from_array(np.ascontiguousarray(np.array(encoded)[list(places)]))

    def languages(self, encoded: Any) -> list[list[tuple[str, float]]]:
        """For each window, languages and how probable they are, most probable first."""
        if not self.multilingual:
            return [[("en", 1.0)]] * int(encoded.shape[0])
        found = self._whisper.detect_language(encoded)
        return [[(token.strip("<|>"), float(p)) for token, p in one] for one in found]

    def write(
        self, encoded: Any, prompts: list[list[int]], *, beam: int, temperature: float, most: int, hypotheses: int
    ) -> list[list[Hypothesis]]:
        """For each window what the decoder writes, most probable first: by beam search, or drawn where temperature > 0.

        All prompts must be equally long. `most`: tokens, the prompt included.
        """
        drawn = temperature > 0
        found = self._whisper.generate(
            encoded, prompts, beam_size=1 if drawn else beam, num_hypotheses=1 if drawn else min(hypotheses, beam),
            sampling_topk=0 if drawn else 1, sampling_temperature=temperature if drawn else 1.0,
            max_length=min(most, LONGEST), return_scores=True, return_no_speech_prob=True,
        )  # fmt: skip
        return [
            [
                Hypothesis(list(tokens), float(score) * (len(tokens) + 1), float(one.no_speech_prob))  # scores are means
                for tokens, score in zip(one.sequences_ids, one.scores, strict=True)
            ]
            for one in found
        ]

    def align(self, encoded: Any, start: list[int], texts: list[list[int]], seconds: Sequence[float]) -> list[Alignment]:
        """Where the tokens of each window's text are in its sound (attention of the heads known to align, warped in time)."""
        frames = [max(FRAMES_A_STEP, round(length * 100)) for length in seconds]
        found = self._whisper.align(encoded, start, texts, frames)
        return [_alignment(one, len(text)) for one, text in zip(found, texts, strict=True)]


def _alignment(found: Any, tokens: int) -> Alignment:
    """Seconds at which the path of (token, step) pairs enters each token."""
    path = np.array(found.alignments, np.int64).reshape(-1, 2)
    enters = np.flatnonzero(np.diff(path[:, 0], prepend=-1))
    starts = path[enters, 1] * STEP_SECONDS
    missing = tokens + 1 - len(starts)
    last = path[-1, 1] * STEP_SECONDS if len(path) else 0.0
    return Alignment(np.append(starts, [last] * max(missing, 0))[: tokens + 1], np.array(found.text_token_probs, np.float32))
