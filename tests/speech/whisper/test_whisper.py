"""Whisper as a recogniser: windows where somebody speaks, plausible text, words with times, hints, and models made elsewhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from bench.voice_sound import babble, silence
from tests.speech.whisper.conftest import Pair

from aisle.errors import BadInput, Misconfigured, NotFound
from aisle.tasks.speech import adopt, windows
from aisle.tasks.speech.recogniser import SILENCE, Hints
from aisle.tasks.speech.vad import RATE, STEP, Span
from aisle.tasks.speech.whisper import decoding
from aisle.tasks.speech.whisper.decoding import Options, Written
from aisle.tasks.speech.whisper.network import Hypothesis
from aisle.tasks.speech.whisper.recogniser import Whisper, combined
from aisle.tasks.speech.whisper.tokens import PROMPT, Tokens
from aisle.tasks.speech.windows import MOST, Window


@pytest.fixture(scope="module")
def brief(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Whisper:
    """The same Whisper, told to write few tokens, greedily and once: random weights never stop by themselves."""
    folder = tmp_path_factory.mktemp("brief") / "model"
    shutil.copytree(pair.folder, folder)
    config = msgspec.json.decode((folder / "recogniser.json").read_bytes())
    (folder / "recogniser.json").write_text(json.dumps({**config, "beam": 2, "temperatures": [0.0], "most_tokens": 24}))
    return Whisper(folder)


# ---- windows -------------------------------------------------------------------------------------------------------


def test_windows_hold_what_is_spoken_and_leave_out_long_silence() -> None:
    sound = np.concatenate([silence(5), babble(2), silence(40), babble(2), silence(3)])
    found = windows.cut(sound)
    assert len(found) == 2
    assert [round(window.start / RATE) for window in found] == [5, 47]
    assert all(1.8 < window.seconds < 3.2 for window in found)


def test_long_speech_is_cut_where_speech_is_least_likely() -> None:
    steps = 2 * MOST // STEP
    speech = np.full(steps, 0.9, np.float32)
    quiet = (MOST - 5 * RATE) // STEP
    speech[quiet] = 0.1
    pieces = windows.split(Span(0, steps * STEP), speech)
    assert pieces[0] == Span(0, quiet * STEP)
    assert all(piece.end - piece.start <= MOST for piece in pieces)
    assert [piece.start for piece in pieces[1:]] == [piece.end for piece in pieces[:-1]]


def test_pieces_share_a_window_while_they_fit() -> None:
    pieces = [Span(0, MOST // 4), Span(MOST // 2, MOST), Span(MOST + RATE, MOST + 2 * RATE)]
    assert windows.pack(pieces) == [Window(0, MOST), Window(MOST + RATE, MOST + 2 * RATE)]
    assert windows.pack([]) == []


# ---- text ----------------------------------------------------------------------------------------------------------


def test_nobody_is_nobody(brief: Whisper) -> None:
    heard = brief.hear([silence(3), silence(3, noise=0.05)])
    assert [(one.text, one.words, one.reason) for one in heard] == [("", (), SILENCE)] * 2


def test_recordings_heard_together_are_heard_as_alone(brief: Whisper) -> None:
    sounds = [babble(2, 1), silence(1), babble(3, 2, 180)]
    together = brief.hear(sounds, language="en")
    alone = [brief.hear([sound], language="en")[0] for sound in sounds]
    assert [one.text for one in together] == [one.text for one in alone]
    assert together[0].text and together[0].text != together[2].text


def test_words_are_the_text_and_have_times_inside_the_speech(brief: Whisper) -> None:
    sound = np.concatenate([silence(4), babble(3)])
    (heard,) = brief.hear([sound], language="en")
    assert " ".join(word.word for word in heard.words).split() == heard.text.split()
    assert len(heard.words) > 3
    starts, ends = [word.start for word in heard.words], [word.end for word in heard.words]
    assert starts == sorted(starts) and all(s <= e for s, e in zip(starts, ends, strict=True))
    assert min(starts) >= 3.5 and max(ends) <= heard.duration + 0.1
    assert all(0 <= word.probability <= 1 for word in heard.words)
    assert heard.duration == pytest.approx(7.0)


def test_alternatives_are_normalised_and_the_text_is_the_first(brief: Whisper) -> None:
    (heard,) = brief.hear([babble(2)], language="de")
    assert heard.language == "de" and heard.alternatives[0].text == heard.text
    assert sum(one.probability for one in heard.alternatives) == pytest.approx(1)
    assert heard.probability == heard.alternatives[0].probability


def test_the_language_is_found_out_or_given_or_refused(brief: Whisper) -> None:
    (heard,) = brief.hear([babble(2)])
    assert heard.language in {
        code for code, _ in brief.network.languages(brief.network.encode([brief.network.features(babble(2))]))[0]
    }
    with pytest.raises(BadInput, match="does not know the language 'klingon'"):
        brief.hear([babble(2)], language="klingon")


def test_alternatives_of_windows_are_joined_best_first() -> None:
    joined = combined([[("a", -1.0), ("b", -2.0)], [("c", -1.0), ("d", -1.5)]], 3)
    assert [one.text for one in joined] == ["a c", "a d", "b c"]
    assert sum(one.probability for one in joined) == pytest.approx(1)


# ---- plausibility --------------------------------------------------------------------------------------------------


def said(text: str, mean: float, no_speech: float = 0.0, temperature: float = 0.0) -> Written:
    return Written([1], text, mean, decoding.repetition(text), no_speech, temperature, [(text, mean)])


def test_text_that_repeats_itself_or_is_unlikely_is_not_believed() -> None:
    options = Options()
    assert options.plausible(said("two large coffees and a small tea please", -0.3))
    assert not options.plausible(said("thank you " * 30, -0.1))
    assert not options.plausible(said("two large coffees", -1.4))
    assert options.silent(said("thanks for watching", -1.4, no_speech=0.9))
    assert not options.silent(said("thanks for watching", -0.4, no_speech=0.9))


def test_of_tries_that_all_fail_the_most_likely_one_that_does_not_repeat_itself_stands() -> None:
    tries = [said("la " * 60, -0.2), said("a b", -1.5, temperature=0.2), said("c d", -1.2, temperature=0.4)]
    assert decoding._best(tries, Options()).text == "c d"
    assert decoding._best([said("x", -2.0, no_speech=0.9)], Options()).text == ""


def test_random_weights_are_tried_at_every_temperature_and_drawn_ones_differ(pair: Pair) -> None:
    ours = pair.ours
    encoded = ours.network.encode([ours.network.features(babble(2))])
    options = Options(beam=2, temperatures=(0.0, 0.5, 1.0), most_tokens=16)
    (written,) = decoding.write(ours.network, encoded, [ours.tokens.prompt("en")], options, ours.tokens.text)
    assert written.temperature in (0.0, 0.5, 1.0)
    bold = ours.network.write(encoded, [ours.tokens.prompt("en")], beam=1, temperature=1.0, most=16, hypotheses=1)
    assert isinstance(bold[0][0], Hypothesis) and bold[0][0].tokens != written.tokens


# ---- hints ---------------------------------------------------------------------------------------------------------


def test_hints_stand_before_the_window_as_far_as_there_is_room(pair: Pair) -> None:
    tokens: Tokens = pair.ours.tokens
    short = tokens.prompt("en", ["oat milk", "latte"])
    assert short[0] == tokens.before and tokens.text(short[1:-4]) == " oat milk, latte"
    assert short[-4:] == tokens.prompt("en")
    many = tokens.prompt("en", ["espresso"] * 500)
    assert PROMPT - 12 < len(many) - 5 <= PROMPT


def test_hints_change_what_is_written(brief: Whisper) -> None:
    plain, hinted = (brief.hear([babble(2)], language="en", hints=Hints(hints))[0] for hints in ((), ("abc", "def")))
    assert plain.text != hinted.text


def test_a_character_over_several_tokens_is_one(pair: Pair) -> None:
    tokens = pair.ours.tokens
    ids = tokens.encode(" crème brûlée, 茶")
    assert [word for word, _ in tokens.words(ids, "fr")] == [" crème", " brûlée,", " 茶"]
    assert [word for word, _ in tokens.words(tokens.encode("抹茶"), "ja")] == ["抹", "茶"]


# ---- streaming -----------------------------------------------------------------------------------------------------


def test_what_was_said_so_far_is_heard_again_as_it_grows(brief: Whisper) -> None:
    sound, stream = babble(3), brief.stream()
    partials = [stream.push(part) for part in np.split(sound, 30)]
    assert 2 <= sum(partial is not None for partial in partials) <= 6
    finished = stream.finish()
    assert finished.text == brief.hear([sound])[0].text
    assert stream.finish().text == "", "it begins anew"


# ---- models made elsewhere -----------------------------------------------------------------------------------------


def test_a_folder_is_converted_small_and_opened_again(pair: Pair, tmp_path: Path) -> None:
    seen: list[str] = []
    folder = tmp_path / "model"
    folder.mkdir()
    scores = adopt.adopt(str(pair.source), folder, lambda done, total, message: seen.append(message))
    assert scores["megabytes"] < sum(f.stat().st_size for f in (pair.folder / "network").iterdir()) / 1e6
    assert seen[0].endswith("whisper") and seen[-1] == "converted"
    assert Whisper(folder).network.multilingual
    (tmp_path / "second").mkdir()
    adopt.adopt(str(folder / "network"), tmp_path / "second", lambda *_: None)  # CTranslate2's files are taken as they are
    assert (tmp_path / "second/network/model.bin").read_bytes() == (folder / "network/model.bin").read_bytes()


def test_what_is_no_whisper_is_refused_with_the_next_step(pair: Pair, tmp_path: Path) -> None:
    def quiet(done: float, total: float, message: str) -> None: ...

    with pytest.raises(NotFound, match="there is no folder"):
        adopt.adopt(str(tmp_path / "nowhere"), tmp_path, quiet)
    with pytest.raises(BadInput, match=r"no readable config\.json"):
        adopt.adopt(str(tmp_path), tmp_path, quiet)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(BadInput, match="'bert': speech takes whisper"):
        adopt.adopt(str(tmp_path), tmp_path, quiet)
    bare = tmp_path / "bare"
    shutil.copytree(pair.folder / "network", bare)
    (bare / "tokenizer.json").unlink()
    with pytest.raises(BadInput, match=r"no tokenizer\.json"):
        adopt.adopt(str(bare), tmp_path / "to", quiet)
    broken = tmp_path / "broken"
    shutil.copytree(pair.folder, broken)
    (broken / "network/model.bin").write_bytes(b"nothing")
    with pytest.raises(Misconfigured, match="pull the model again"):
        Whisper(broken)
