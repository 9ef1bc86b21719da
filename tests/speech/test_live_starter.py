"""The recogniser that comes with Aisle on a live voice: a turn is found, and its text comes while it is spoken."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from aisle.kit import audio
from aisle.task import Context
from aisle.tasks.speech import TASK, vad
from aisle.tasks.speech.live import Listen, Partly, SpeechStarted, SpeechStopped
from aisle.tasks.speech.schema import Transcription

PART = 960  # samples: 60 ms
SOON = 0.3  # seconds


@pytest.mark.data
def test_a_real_order_is_written_down_while_it_is_spoken(real_data: Path) -> None:
    if TASK.starter is None or not (TASK.starter / "card.json").exists():
        pytest.skip("no recogniser comes with this checkout")
    with zipfile.ZipFile(real_data / "speech" / "picovoice-barista" / "clean-opus.zip") as archive:
        name = sorted(name for name in archive.namelist() if name.endswith(".opus"))[1]
        sound = np.concatenate([audio.decode(archive.read(name)), np.zeros(audio.RATE, np.float32)])
    begins = vad.raw_spans(vad.probabilities(sound), vad.Rules())[0].start / vad.RATE
    content = (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()
    stream = TASK.load(TASK.starter).stream("transcribe", Listen(rate=audio.RATE), Context())  # type: ignore[attr-defined]
    found = [
        (one, (at + 2 * PART) / (2 * audio.RATE))
        for at in range(0, len(content), 2 * PART)
        for one in stream.push(content[at : at + 2 * PART])
    ]
    kinds = [type(one) for one, _ in found if not isinstance(one, Partly)]
    assert kinds == [SpeechStarted, SpeechStopped, Transcription]
    first = next(when for one, when in found if isinstance(one, Partly) and one.text)
    assert first - begins <= SOON
    (answer,) = (one for one, _ in found if isinstance(one, Transcription))
    assert len(answer.text.split()) >= 5 and "coffee" in answer.text
