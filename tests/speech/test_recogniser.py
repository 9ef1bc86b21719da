"""The recogniser as callers meet it: files, streams, commands, silence, hints, and bad requests."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from aisle.errors import AisleError, BadInput, Misconfigured, TooLarge
from aisle.kit import audio
from aisle.kit.tiny_data import TinyData
from aisle.task import Context
from aisle.tasks.speech import TASK, ctc, ngram, tiny
from aisle.tasks.speech.beam import Search
from aisle.tasks.speech.engine import load
from aisle.tasks.speech.phrasing import Grammar
from aisle.tasks.speech.recogniser import SHORT, SILENCE, Hints, open_folder
from aisle.tasks.speech.spoken import ALPHABET

SONG = Grammar({"sing": ["{first} [{second}]"]}, {"first": ["do", "mi"], "second": ["sol", "ti"]})


def test_a_stream_hears_what_the_file_hears(notes: ctc.CTC) -> None:
    sound = tiny.sung("sol ti do", 5)
    stream, seen = notes.stream(None), []
    for start in range(0, len(sound), 1600):
        partial = stream.push(sound[start : start + 1600])
        if partial is not None:
            seen.append(partial.text)
    whole = notes.hear([sound], language=None, hints=None)[0]
    ended = stream.finish()
    assert ended.text == whole.text
    assert ended.probability == pytest.approx(whole.probability, abs=1e-3)
    assert len(seen) >= 2 and seen[-1] == whole.text
    assert stream.finish().text == ""  # and begins anew


def test_commands_have_slots_and_probabilities(notes: ctc.CTC) -> None:
    found = notes.understand([tiny.sung("mi sol", 3), tiny.sung("do", 4)], SONG)
    assert [(one.meanings[0].intent, one.meanings[0].slots) for one in found] == [
        ("sing", {"first": "mi", "second": "sol"}),
        ("sing", {"first": "do"}),
    ]
    assert all(0 < one.probability <= 1 for one in found)


def test_what_the_grammar_cannot_say_is_refused(notes: ctc.CTC) -> None:
    found = notes.understand([tiny.sung("ti ti ti ti", 3)], Grammar({"sing": ["do do do do do do"]}))[0]
    assert not found.meanings and found.reason


@pytest.mark.parametrize("sound, reason", [(np.zeros(16_000, np.float32), SILENCE), (np.zeros(100, np.float32), SHORT)])
def test_silence_is_no_words_with_a_reason(notes: ctc.CTC, sound: np.ndarray, reason: str) -> None:
    heard = notes.hear([sound], language=None, hints=None)[0]
    assert (heard.text, heard.reason) == ("", reason)
    assert notes.understand([sound], SONG)[0].reason == reason
    stream = notes.stream(None)
    stream.push(sound)
    assert stream.finish().reason == reason


def test_hints_change_what_is_favoured(notes: ctc.CTC) -> None:
    heard = notes.hear([tiny.sung("mi ti", 8)], language="en-GB", hints=Hints(phrases=("mi ti",)))[0]
    assert any(one.phrase == "mi ti" and one.gain > 0 for one in heard.favoured)


@pytest.mark.parametrize("margin, wanted", [(-1e6, "ti ti"), (1e6, "do do")])
def test_the_shops_language_needs_a_margin_before_it_is_preferred(notes: ctc.CTC, margin: float, wanted: str) -> None:
    everyday, shop = ngram.Language([(1.0, ngram.counted(["do do"]))]), ngram.Language([(1.0, ngram.counted(["ti ti"]))])
    settings = msgspec.structs.replace(notes.settings, margin=margin, unsure=0.0, search=Search(language=1.0))
    chances = np.full((10, len(ALPHABET) + 1), 1e-6, np.float32)
    for frame, letters in enumerate(["dt", "oi", " ", "dt", "oi"]):  # each could be either; a blank after each
        chances[2 * frame, [ALPHABET.index(letter) + 1 for letter in letters]] = 1 / len(letters)
        chances[2 * frame + 1, 0] = 0.99
    model = ctc.CTC(notes.acoustic, shop, ("ti ti",), settings, everyday)
    assert model.read(np.log(chances), Hints(), 0.3).text == wanted


def test_whether_there_is_speech_is_judged_without_the_shops_words(notes: ctc.CTC) -> None:
    everyday = ngram.Language([(1.0, ngram.counted(["do", "mi"]))])
    chances = np.full((4, len(ALPHABET) + 1), 1e-6, np.float32)
    for frame, (sure, unsure) in enumerate(["dt", "oi"]):  # clearly "do" to those who do not wish for "ti"
        chances[2 * frame, [ALPHABET.index(sure) + 1, ALPHABET.index(unsure) + 1]] = 0.9, 0.1
        chances[2 * frame + 1, 0] = 0.99
    texts = {}
    for gate in (0.5, 0.99):
        settings = msgspec.structs.replace(notes.settings, margin=0.0, unsure=gate, gain=40.0, search=Search(language=0.0))
        texts[gate] = ctc.CTC(notes.acoustic, everyday, ("ti",), settings, everyday).read(np.log(chances), Hints(), 0.1).text
    assert texts == {0.5: "ti", 0.99: ""}


def test_another_language_is_refused(notes: ctc.CTC) -> None:
    with pytest.raises(BadInput, match="'en' only"):
        notes.hear([tiny.sung("mi", 8)], language="de", hints=None)


def test_long_recordings_are_heard_in_pieces(notes: ctc.CTC) -> None:
    pause = np.zeros(24_000, np.float32)
    heard = notes.hear([np.concatenate([tiny.sung("do mi", 1), pause, tiny.sung("sol", 2)])], language=None, hints=None)[0]
    assert heard.text == "do mi sol"
    assert [word.start for word in heard.words] == sorted(word.start for word in heard.words)
    assert heard.words[-1].start > 2.0


def answer(folder: Path, op: str, media: bytes, **asked: object) -> object:
    engine, operation = load(folder), TASK.operations[op]
    request = msgspec.convert({"audio": {"base64": ""}, **asked}, operation.request)
    prepared = engine.prepare(op, request, Context(media=media))
    (result,) = engine.run(op, [prepared])
    if isinstance(result, Exception):
        raise result
    return engine.finish(op, request, result)


def test_the_operations_answer(sung: Path) -> None:
    found = answer(sung, "transcribe", audio.to_wav(tiny.sung("do mi", 1)), alternatives=3)
    assert found.text == "do mi" and len(found.alternatives) <= 3 and found.duration > 0.5  # type: ignore[attr-defined]
    own = answer(sung, "command", audio.to_wav(tiny.sung("sol ti", 1)))
    assert own.intent == "find" and own.slots == {"product": "sol ti"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "media, error",
    [
        (b"", BadInput),
        (b"RIFF", BadInput),
        (b"\x00" * 100, BadInput),
        (audio.to_wav(np.zeros(16_000 * 40, np.float32)), TooLarge),
    ],
)
def test_bad_sounds_are_our_errors(sung: Path, media: bytes, error: type[AisleError]) -> None:
    with pytest.raises(error):
        answer(sung, "command", media)


def test_a_model_without_a_grammar_says_so(sung: Path, tmp_path: Path) -> None:
    for file in sung.iterdir():
        if file.name != "grammar.json":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(BadInput, match="send one"):
        answer(tmp_path, "command", audio.to_wav(tiny.sung("do", 1)))


def test_an_unknown_kind_of_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "recogniser.json").write_text(json.dumps({"kind": "telepathy"}))
    with pytest.raises(Misconfigured):
        open_folder(tmp_path)


def test_training_says_what_is_missing(tmp_path: Path) -> None:
    quiet = lambda done, total, message: None  # noqa: E731
    with pytest.raises(BadInput, match="import"):
        TASK.fit(TinyData(), TASK.config(), tmp_path, quiet)
    items = TinyData(catalogue=tiny.data().catalogue)
    with pytest.raises(BadInput, match="recordings"):
        TASK.fit(items, TASK.config(network="new"), tmp_path, quiet)
