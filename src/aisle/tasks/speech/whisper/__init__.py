"""OpenAI's Whisper (Radford et al. 2022, arXiv:2212.04356), run by CTranslate2, its decoding in steps one can read.

    samples -> windows of speech (`windows`) -> log-mel features -> encoder -> language -> prompt (`tokens`)
            -> tokens, tried at rising temperatures until they are plausible (`decoding`) -> words with times (`words`)

How it differs from OpenAI's own program: where to listen is decided by a voice activity detector, before the network, instead
of by time tokens that the network writes. Windows are then independent of one another: they are computed together, nothing said
in one is repeated in the next by mistake, and silence is never transcribed. `recogniser` puts the steps together.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aisle.tasks.speech.whisper.recogniser import Whisper


def load(folder: Path) -> Whisper:
    """The Whisper in a model's folder. Raises Misconfigured."""
    from aisle.tasks.speech.whisper.recogniser import Whisper

    return Whisper(folder)
