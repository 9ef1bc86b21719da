"""Live voices: turns are found where somebody speaks, however the sound is cut into parts, and each is answered once."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from bench.voice_sound import babble, silence
from tests.speech.counting import Counted, Counting, Transcription, answer

from aisle.errors import BadInput
from aisle.tasks.speech import listener
from aisle.tasks.speech.listener import Listener
from aisle.tasks.speech.live import Listen, Partly, SpeechStarted, SpeechStopped, Turns
from aisle.tasks.speech.recogniser import Hints

RATE = 16_000
TWO_TURNS = np.concatenate([silence(1.5), babble(2), silence(1.5), babble(1), silence(1.5)])


def open_(request: Listen | None = None) -> Listener:
    asked = request or Listen(rate=RATE)
    return Listener(asked, lambda: Counting().stream(Hints(tuple(asked.phrases))), answer)


def pcm(sound: np.ndarray) -> bytes:
    return (np.clip(sound, -1, 1) * 32767).round().astype("<i2").tobytes()


def hear(ear: Listener, sound: np.ndarray, size: int = 3_200) -> list[object]:
    content = pcm(sound)
    return [one for at in range(0, len(content), size) for one in ear.push(content[at : at + size])]


def test_a_turn_begins_and_stops_where_the_speech_does_and_is_answered() -> None:
    found = hear(open_(), TWO_TURNS)
    kinds = [type(one) for one in found if not isinstance(one, Partly)]
    assert kinds == [SpeechStarted, SpeechStopped, Transcription] * 2
    starts = [one.at_ms for one in found if isinstance(one, SpeechStarted)]
    stops = [one.at_ms for one in found if isinstance(one, SpeechStopped)]
    assert starts == pytest.approx([1500 - 300, 5000 - 300], abs=150)
    assert stops == pytest.approx([3500 + 500, 6000 + 500], abs=250)
    first, second = (one for one in found if isinstance(one, Transcription))
    assert first.duration == pytest.approx(2.8, abs=0.3) and second.duration == pytest.approx(1.8, abs=0.3)


def test_texts_so_far_come_between_and_none_says_the_same_twice() -> None:
    texts = [one.text for one in hear(open_(), TWO_TURNS) if isinstance(one, Partly)]
    assert len(texts) >= 4 and texts[0].startswith("one")
    assert all(a != b for a, b in itertools.pairwise(texts))


@pytest.mark.parametrize("size", [2, 1_000, 1_001, 10**6])
def test_how_the_sound_is_cut_into_parts_changes_nothing(size: int) -> None:
    sound = TWO_TURNS[: 4 * RATE] if size == 2 else TWO_TURNS
    plain, cut = ([one for one in hear(open_(), sound, size_) if not isinstance(one, Partly)] for size_ in (3_200, size))
    assert [str(one) for one in plain] == [str(one) for one in cut]


def test_silence_and_noise_are_nobody() -> None:
    assert hear(open_(), silence(5)) == []
    assert hear(open_(), silence(10, noise=0.1)) == []


def test_a_click_begins_nothing() -> None:
    sound = silence(3, 0.001)
    sound[RATE : RATE + 30] = 0.9
    assert hear(open_(), sound) == []


def test_without_turns_everything_is_heard_until_the_caller_says_so() -> None:
    ear = open_(Listen(rate=RATE, turns=None))
    assert all(isinstance(one, Partly) for one in hear(ear, silence(2)))
    assert ear.finish().text == "one two three four"
    hear(ear, silence(1))
    assert ear.finish().text == "one two"


def test_what_is_being_said_can_be_ended_by_the_caller_and_the_next_turn_is_found() -> None:
    ear = open_()
    hear(ear, np.concatenate([silence(1), babble(2)]))
    assert ear.finish().text.startswith("one two three")
    found = hear(ear, np.concatenate([silence(1), babble(1), silence(1)]))
    assert [type(one) for one in found if not isinstance(one, Partly)] == [SpeechStarted, SpeechStopped, Transcription]


def test_one_who_never_stops_is_answered_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "LONGEST", 2 * RATE)
    found = hear(open_(), babble(7))
    durations = [one.duration for one in found if isinstance(one, Transcription)]
    assert len(durations) >= 2 and max(durations) <= 2.1


def test_rules_of_turns_and_hints_and_formats_are_followed() -> None:
    patient = hear(open_(Listen(rate=RATE, turns=Turns(silence_duration_ms=3_000))), TWO_TURNS)
    assert sum(isinstance(one, SpeechStarted) for one in patient) == 1
    hinted = hear(open_(Listen(rate=RATE, phrases=["latte"])), TWO_TURNS)
    assert next(one for one in hinted if isinstance(one, Transcription)).text.startswith("latte")
    law = open_(Listen(format="pcmu", rate=8_000, turns=None))
    law.push(b"\xff" * 8_000)
    assert law.finish().duration == pytest.approx(1, abs=0.01)


def test_what_is_no_sound_is_refused() -> None:
    with pytest.raises(BadInput, match="raw sound"):
        open_().push("text")


def test_a_part_of_many_steps_is_heard_in_one_go() -> None:
    looks: list[int] = []
    ear = Listener(Listen(rate=RATE), lambda: Counted((), lambda: looks.append(1)), answer)
    parts = [ear.push(pcm(sound)) for sound in np.array_split(TWO_TURNS[: 3 * RATE], 10)]
    assert sum(any(isinstance(one, Partly) for one in part) for part in parts) >= 3
    assert len(looks) <= len(parts)
