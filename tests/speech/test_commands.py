"""Grammars: what they can say, and which meaning is how probable, compared with every path written out."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from aisle.errors import BadInput
from aisle.tasks.speech.ctc import meanings_of
from aisle.tasks.speech.grammar import by_text, compiled, meant, sentences
from aisle.tasks.speech.lattice import Scorer
from aisle.tasks.speech.phrasing import Grammar
from aisle.tasks.speech.recogniser import Alternative, Heard
from aisle.tasks.speech.spoken import ALPHABET

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


def test_probabilities_of_meanings_are_shares_of_the_whole() -> None:
    chances, scorer = random_chances(7, 1), Scorer(compiled(TOY))
    best = scorer.best(chances)
    assert best is not None
    found = meanings_of(scorer, chances, best, scorer.forward(chances))
    assert all(0 <= one.probability <= 1 for one in found)
    assert sum(one.probability for one in found) <= 1 + 1e-9
    assert [one.probability for one in found] == sorted((one.probability for one in found), reverse=True)


def test_too_short_a_sound_has_no_path() -> None:
    assert Scorer(compiled(TOY)).best(random_chances(2, 0)[:0]) is None


def test_texts_are_understood_where_nothing_else_is_known() -> None:
    heard = Heard("get me a tee", 0.5, alternatives=(Alternative("get me a tee", 0.5), Alternative("get me a tea", 0.3)))
    assert by_text(heard, CAFE).meanings[0].slots == {"drink": "tea"}
    assert by_text(Heard("good morning", 1.0), CAFE).reason


def test_a_large_grammar_is_narrowed_to_what_the_sound_allows() -> None:
    grammar = Grammar(
        {"buy": ["[please] (buy|get) [a|the] {what}"]}, {"what": [f"{a}{b}{c}" for a in "bcdf" for b in "aeiou" for c in "lmnr"]}
    )
    text, draw = "please buy the dam", np.random.default_rng(3)
    outputs = [k for letter in text for k in (ALPHABET.index(letter) + 1, 0)]
    chances = np.full((len(outputs), len(ALPHABET) + 1), 1e-9)
    chances[:, [ALPHABET.index(letter) + 1 for letter in "nlmrd"]] = 1e-3 * draw.random((len(outputs), 5))
    chances[range(len(outputs)), outputs] += 1
    chances /= chances.sum(1, keepdims=True)
    scorer = Scorer(compiled(grammar))
    total, near = scorer.narrowed(chances)
    assert total == pytest.approx(scorer.forward(chances)) and len(near.source) < len(scorer.source) / 2
    whole, part = scorer.best(chances), near.best(chances)
    assert whole is not None and part is not None and part.text == whole.text == text and part.score == pytest.approx(whole.score)
    for a, b in zip(meanings_of(near, chances, part, total), meanings_of(scorer, chances, whole, total), strict=True):
        assert a.slots == b.slots and a.probability == pytest.approx(b.probability, abs=1e-6)


def test_what_follows_several_words_is_written_down_once() -> None:
    values = ["lamp", "table", "chair"]
    one = compiled(Grammar({"show": ["show {what}"]}, {"what": values}))
    several = compiled(Grammar({"show": ["show [a|the|some] {what}"]}, {"what": values}))
    assert len(several.source) - len(one.source) <= len(" a the some") + 4
