"""Where nobody speaks nothing is heard; of languages, music and crowds, only what can be believed (reference: faults A1, A3)."""

from __future__ import annotations

import functools
import shutil

import msgspec
import numpy as np
import pytest
from bench.voice_sound import spoken_by
from numpy.typing import NDArray

from aisle.kit import audio
from aisle.task import starter_of
from aisle.tasks.speech import TASK, ctc, vad
from aisle.tasks.speech.augment import clatter, coloured, hum
from aisle.tasks.speech.phrasing import Grammar
from aisle.tasks.speech.recogniser import SILENCE, UNSURE
from aisle.tasks.speech.vad import Detector, Span

FOLDER = starter_of(TASK)
needs_starter = pytest.mark.skipif(FOLDER is None, reason="the starter is not in this installation")
needs_voices = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
SIZE = 4 * audio.RATE
Sound = NDArray[np.float32]


@functools.cache
def starter() -> ctc.CTC:
    assert FOLDER is not None
    return ctc.load(FOLDER)


def music(draw: np.random.Generator) -> Sound:
    """Chords of plucked strings."""
    times, found = np.arange(SIZE) / audio.RATE, np.zeros(SIZE)
    for start in np.arange(0, 4, 0.5):
        since = np.maximum(times - start, 0)
        for root in draw.choice([220.0, 261.6, 329.6, 392.0, 440.0, 523.3], 3, replace=False):
            found += (times >= start) * np.exp(-3 * since) * sum(np.sin(2 * np.pi * root * k * since) / k for k in (1, 2, 3, 4))
    return np.asarray(0.3 * found / np.abs(found).max(), np.float32)


@needs_starter
def test_no_word_is_made_up_for_noise_and_music() -> None:
    draw = np.random.default_rng(0)
    sounds = [coloured(SIZE, slope, draw) for slope in (0, 1, 2)] + [hum(SIZE, 50.0, draw), clatter(SIZE, 4.0, draw), music(draw)]
    loud = [np.asarray(0.3 * sound / np.abs(sound).max(), np.float32) for sound in sounds]
    heard = starter().hear(loud, language=None, hints=None)
    assert [one.text for one in heard] == [""] * len(loud)
    assert {one.reason for one in heard} <= {SILENCE, UNSURE}


@needs_starter
def test_no_order_is_looked_for_where_nobody_speaks() -> None:
    noise = np.asarray(0.1 * coloured(SIZE, 1.0, np.random.default_rng(3)), np.float32)
    orders, model = Grammar({"order": ["[i want] {drink}"]}, {"drink": ["tea", "coffee"]}), starter()
    heard = {}
    for voices in (False, True):  # whatever fits best, however badly
        settings = msgspec.structs.replace(model.settings, fits=0.0, voices=voices)
        (heard[voices],) = ctc.CTC(model.acoustic, model.language, (), settings).understand([noise], orders)
    assert heard[False].meanings
    assert not heard[True].meanings and heard[True].reason == SILENCE


@needs_starter
@needs_voices
@pytest.mark.parametrize("language", ["de", "fr", "cmn", "hi", "ar", "sw"])
def test_other_languages_are_answered_with_less_confidence_than_english(language: str) -> None:
    model = starter()
    (english,) = model.hear([spoken_by("en-us", "where is my order")], language=None, hints=None)
    (other,) = model.hear([spoken_by(language, "1934 2718 5061")], language=None, hints=None)
    assert english.text and english.reason is None
    assert other.reason is not None or (other.probability < 0.5 and len(other.alternatives) > 1)


@needs_starter
@needs_voices
def test_two_speakers_at_once_are_answered_with_alternatives_or_not_at_all() -> None:
    one, two = spoken_by("en-us", "where is my order please"), spoken_by("en-gb+f4", "show me the second red lamp")
    both = np.asarray(np.pad(one, (0, max(len(two) - len(one), 0)))[: len(two)] + np.resize(two, len(two)), np.float32)
    (heard,) = starter().hear([both], language=None, hints=None)
    assert heard.reason is not None or (heard.probability < 0.5 and len(heard.alternatives) > 1)


def test_only_what_is_within_a_span_of_speech_is_read() -> None:
    logs = np.log(np.full((100, 3), 1 / 3, np.float32))
    found = ctc.within(logs, [Span(16_000, 24_000)])
    kept = np.flatnonzero(found[:, 0] < -1)
    assert (kept[0], kept[-1]) == (33, 49)
    assert not len(np.flatnonzero(ctc.within(logs, [])[:, 0]))


def test_a_voice_heard_in_parts_is_judged_as_the_whole_recording_is() -> None:
    sound = np.asarray(0.1 * np.random.default_rng(1).standard_normal(40_000), np.float32)
    ear, found = Detector(), list[float]()
    for part in np.split(sound, [100, 700, 5000, 5001, 30_000]):
        found += ear.push(part)
    np.testing.assert_allclose(found, vad.probabilities(sound)[: len(found)], atol=1e-5)
    assert len(found) == 40_000 // vad.STEP
