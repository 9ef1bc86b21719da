"""Wav2Vec 2.0 (Baevski et al. 2020, arXiv:2006.11477), HuBERT and WavLM, trained with CTC elsewhere: exported to ONNX once, then
decoded like our own network, in the language and with the phrases that the caller names.

    samples -> windows of speech -> zero mean, unit variance -> network -> log-probabilities of letters every 20 ms
            -> prefix beam search -> words with times
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aisle.tasks.speech.wav2vec2.recogniser import Wav2Vec2


def load(folder: Path) -> Wav2Vec2:
    """The recogniser in a model's folder. Raises Misconfigured."""
    from aisle.tasks.speech.wav2vec2.recogniser import Wav2Vec2

    return Wav2Vec2(folder)
