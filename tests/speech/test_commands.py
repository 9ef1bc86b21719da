"""Grammars: what they can say, and which meaning is how probable, compared with every path written out."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from aisle.errors import BadInput
from aisle.tasks.speech.grammar import by_text, compiled, meant, sentences
from aisle.tasks.speech.lattice import Scorer
from aisle.tasks.speech.phrasing import Grammar
from aisle.tasks.speech.recogniser import Alternative, Heard
from aisle.tasks.speech.spoken import ALPHABET
from aisle.tasks.speech.tempi import agreeing, spelt, stretched, together

CAFE = Grammar(
    {"order": ["[please] (get|give) me (a|two) <{size} {roast}> {drink} [with {milk}]"], "stop": ["stop", "never mind"]},
    {
        "size": ["small", "large"],
        "roast": ["dark", "light"],
        "drink": {"latte": ["latte", "caffe latte"], "tea": ["tea"]},
        "milk": ["milk", "oat milk"],
    },
)


def said(text: str) -> tuple[str, dict[str, str]] | None:
    return meant(compiled(CAFE), text)


def test_phrases_mean_their_slots_in_any_order() -> None:
    assert said("get me a large dark latte with oat milk") == (
        "order",
        {"size": "large", "roast": "dark", "drink": "latte", "milk": "oat milk"},
    )
    assert said("please give me two dark small caffe latte") == ("order", {"roast": "dark", "size": "small", "drink": "latte"})
    assert said("get me a tea") == ("order", {"drink": "tea"})
    assert said("never mind") == ("stop", {})


@pytest.mark.parametrize("text", ["", "get me a", "get me a large large tea", "stop it", "get me a teas", "getme a tea"])
def test_what_the_grammar_cannot_say_means_nothing(text: str) -> None:
    assert said(text) is None


def test_every_sentence_of_a_grammar_is_understood() -> None:
    lattice = compiled(CAFE)
    written = list(sentences(lattice, 10_000))
    assert len({text for text, _, _ in written}) == 2 * 2 * 2 * (1 + 2 + 2 + 4 + 4) * 3 * 3 + 2
    for text, intent, slots in written[::7]:
        assert meant(lattice, text) == (intent, slots)


@pytest.mark.parametrize(
    "intents, slots",
    [
        ({"a": ["(one"]}, {}),
        ({"a": ["one)"]}, {}),
        ({"a": ["{size}"]}, {}),
        ({"a": ["{size}"]}, {"size": ["!!!"]}),
        ({"a": ["[maybe]"]}, {}),
        ({"a": ["???"]}, {}),
        ({"a": ["one | two"]}, {}),
        ({"a": ["(" * 50 + "x" + ")" * 50]}, {}),
        ({"a": ["<{s} {s} {s} {s} {s} {s}>x"]}, {"s": ["y"]}),
        ({"a": ["{s} {s}"]}, {"s": [f"{k}" * 100 for k in range(3000)]}),
    ],
)
def test_bad_grammars_are_our_errors(intents: dict[str, list[str]], slots: dict[str, list[str]]) -> None:
    with pytest.raises(BadInput):
        compiled(Grammar(intents, slots))  # type: ignore[arg-type]


TOY = Grammar({"buy": ["{n} {what}"], "go": ["b"]}, {"n": ["a", "ab"], "what": ["ba", "bb", "b"]})


def every_path(chances: np.ndarray, text: str) -> float:
    """The probability of a text: every string of outputs that collapses to it, one by one."""
    wanted, total = [ALPHABET.index(letter) + 1 for letter in text], 0.0
    symbols = sorted({0, *wanted})
    for outputs in itertools.product(symbols, repeat=len(chances)):
        collapsed = [k for k, before in zip(outputs, (0, *outputs), strict=False) if k and k != before]
        if collapsed == wanted:
            total += float(np.prod(chances[range(len(chances)), outputs]))
    return total


def random_chances(frames: int, seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    chances = np.full((frames, 29), 1e-4)
    used = [0, *(ALPHABET.index(letter) + 1 for letter in " ab")]
    chances[:, used] = draw.dirichlet([0.7] * 4, frames)
    return chances / chances.sum(1, keepdims=True)


@pytest.mark.parametrize("seed", range(4))
def test_the_sum_over_a_lattice_equals_every_path_written_out(seed: int) -> None:
    chances, lattice = random_chances(7, seed), compiled(TOY)
    scorer = Scorer(lattice)
    each = {text: (every_path(chances, text), intent, slots) for text, intent, slots in sentences(lattice, 100)}
    assert len(each) == 7
    assert scorer.forward(chances) == pytest.approx(math.log(sum(p for p, _, _ in each.values())), abs=1e-9)
    for p, intent, slots in each.values():
        mine = sum(q for q, i, s in each.values() if (i, s) == (intent, slots))
        assert mine >= p
        assert scorer.forward(chances, scorer.allowing(slots), intent) == pytest.approx(math.log(mine), abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_the_best_path_is_the_best_of_every_path(seed: int) -> None:
    chances, scorer = random_chances(6, seed), Scorer(compiled(TOY))
    best, logs = -math.inf, np.log(chances)
    wanted = {tuple(ALPHABET.index(letter) + 1 for letter in text): text for text, _, _ in sentences(compiled(TOY), 100)}
    text = ""
    for outputs in itertools.product(sorted({0, 1, 3, 4}), repeat=len(chances)):
        collapsed = tuple(k for k, before in zip(outputs, (0, *outputs), strict=False) if k and k != before)
        score = float(logs[range(len(logs)), outputs].sum())
        if collapsed in wanted and score > best:
            best, text = score, wanted[collapsed]
    found = scorer.best(chances)
    assert found is not None and found.text == text and found.score == pytest.approx(best)


@pytest.mark.parametrize("frames", [1, 3, 6])
def test_the_probability_of_a_text_is_the_sum_of_its_spellings(frames: int) -> None:
    chances, texts = random_chances(frames, frames), ["a", "ab", "bb", "a b", "abab", "b"]
    assert np.exp(spelt(chances, texts)) == pytest.approx([every_path(chances, text) for text in texts], abs=1e-12)


def test_meanings_share_one_probability_as_their_texts_do() -> None:
    chances, scorer = random_chances(7, 1), Scorer(compiled(TOY))
    found, like = agreeing(scorer, [chances])
    assert 0 < like <= 1
    assert sum(one.probability for one in found) == pytest.approx(1)
    assert [one.probability for one in found] == sorted((one.probability for one in found), reverse=True)
    each = {one.text: every_path(chances, one.text) for one in found}
    assert [one.probability for one in found] == pytest.approx([each[one.text] / sum(each.values()) for one in found])


def test_versions_of_a_recording_vote_with_the_same_weight_a_frame() -> None:
    sure, unsure = random_chances(8, 3), random_chances(4, 5)
    texts = ["a b", "ab b", "a ba"]
    wanted = (spelt(sure, texts) + 2 * spelt(unsure, texts)) / 2
    assert together([sure, unsure], texts)[:1] == pytest.approx(wanted[:1])
    (best, *_), _ = agreeing(Scorer(compiled(TOY)), [sure, unsure])
    assert together([sure, unsure], [best.text])[0] >= together([sure, unsure], texts).max() - 1e-9


def test_a_stretched_recording_keeps_its_sounds_in_their_order() -> None:
    bands = np.linspace(0, 1, 50, dtype=np.float32)[:, None] * np.ones((1, 3), np.float32)
    assert stretched(bands, 1.0) is bands
    assert len(stretched(bands, 2.0)) == 25 and len(stretched(bands, 0.5)) == 98
    assert stretched(bands, 1.25)[:5, 0] == pytest.approx(bands[:6, 0][0] + 1.25 * np.arange(5) / 49, abs=1e-6)


def test_too_short_a_sound_has_no_path() -> None:
    assert Scorer(compiled(TOY)).best(random_chances(2, 0)[:0]) is None


def test_texts_are_understood_where_nothing_else_is_known() -> None:
    heard = Heard("get me a tee", 0.5, alternatives=(Alternative("get me a tee", 0.5), Alternative("get me a tea", 0.3)))
    assert by_text(heard, CAFE).meanings[0].slots == {"drink": "tea"}
    assert by_text(Heard("good morning", 1.0), CAFE).reason
