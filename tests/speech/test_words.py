"""Text as it is spoken, the language model, and phrases to favour."""

from __future__ import annotations

import itertools
import math
import random
from pathlib import Path

import pytest

from aisle.tasks.speech import ngram, shopwords
from aisle.tasks.speech.ngram import END, START, Language, counted
from aisle.tasks.speech.phrases import Phrases, found_in
from aisle.tasks.speech.spoken import ALPHABET, ordinal, spoken, words_of
from aisle.types import Item


@pytest.mark.parametrize(
    "written, said",
    [
        ("12 oz. Café Crème, €3.50", "twelve ounce cafe creme three fifty euros"),
        ("No. 21", "number twenty one"),
        ("the 21st", "the twenty first"),
        ("1,250 g & 30cm", "one thousand two hundred fifty g and thirty centimetres"),
        ("$5", "five dollars"),
        ("1 €", "one euro"),
        ("2.5", "two point five"),
        ("007", "zero zero seven"),
        ("don’t", "don't"),
        ("耳机 T-shirt", "t shirt"),
        ("   ", ""),
        ("9" * 500, None),
    ],
)
def test_writing_becomes_speech(written: str, said: str | None) -> None:
    found = spoken(written)
    assert set(found) <= set(ALPHABET)
    assert said is None or found == said


def test_numbers_in_words() -> None:
    assert words_of(1_000_000) == "one million"
    assert words_of(-3) == "minus three"
    assert words_of(999_999).startswith("nine hundred ninety nine thousand")
    said = [ordinal(k) for k in (1, 2, 3, 5, 8, 9, 12, 20)]
    assert said == ["first", "second", "third", "fifth", "eighth", "ninth", "twelfth", "twentieth"]


def test_probabilities_after_a_history_add_up_to_at_most_one() -> None:
    counts = counted(["red lamp", "red vase", "a red lamp for you"])
    for history in [(START,), ("red",), ("a", "red"), ("never", "seen")]:
        total = sum(counts.probability(word, history) for word in [*counts.words, END])
        assert 0.7 < total <= 1.0 + 1e-9


def test_what_was_said_is_likelier_and_unknown_words_pay_by_letter() -> None:
    language = Language([(1.0, counted(["red lamp", "red lamp", "blue vase"]))])
    assert language.text("red lamp") > language.text("red vase") > language.text("vase red")
    assert language.score("qqqq", (START,)) > language.score("qqqqqqqq", (START,))
    assert math.isfinite(language.text("nothing known here"))


def test_counts_survive_their_file(tmp_path: Path) -> None:
    counts = counted(["red lamp", "blue lamp o'clock"])
    ngram.save(counts, tmp_path / "counts.jsonl")
    again = ngram.load(tmp_path / "counts.jsonl")
    assert again.grams == counts.grams
    assert again.probability("lamp", ("red",)) == counts.probability("lamp", ("red",))


def earned(phrases: Phrases, text: str) -> float:
    node, total = phrases.root, 0.0
    for letter in text:
        node, gain = phrases.step(node, letter)
        total += gain
    return total + phrases.end(node)


def test_a_finished_phrase_earns_and_a_broken_one_pays_back() -> None:
    phrases = Phrases(["velloria lamp", "lamp"], gain=4.0)
    assert earned(phrases, "velloria lamp") > earned(phrases, "a lamp") > 0
    assert earned(phrases, "vello") == pytest.approx(0)
    assert earned(phrases, "velvet") == pytest.approx(0)
    assert earned(phrases, "velloria lamb") == pytest.approx(0)
    assert earned(phrases, "lamps") == pytest.approx(0)
    assert [phrase for phrase, _ in found_in("the velloria lamp and a lamp", phrases)] == ["velloria lamp", "lamp"]


def test_what_is_left_half_way_keeps_its_whole_phrases_and_goes_on_as_its_last_word() -> None:
    phrases = Phrases(["velloria desk lamp", "velloria", "desk", "table", "tablet"], gain=8.0)  # a letter earns 1
    assert earned(phrases, "velloria desk lamp") == pytest.approx(18)
    assert earned(phrases, "velloria desk") == pytest.approx(8 + 4)
    assert earned(phrases, "velloria des") == earned(phrases, "velloria x") == pytest.approx(8)
    assert earned(phrases, "velloria table") == pytest.approx(8 + 5)
    assert earned(phrases, "velloria desk tablet") == pytest.approx(8 + 4 + 6)
    assert earned(phrases, "x lamp") == pytest.approx(0)


def best_split(phrases: set[str], text: str) -> float:
    """The slow way: letters of phrases that follow one another in a text, words between them earn nothing."""
    if not text:
        return 0.0
    ends = [k for k in range(1, len(text) + 1) if k == len(text) or text[k] == " "]
    found = [(k if text[:k] in phrases else 0.0) + best_split(phrases, text[k + 1 :]) for k in ends]
    return max(found)


@pytest.mark.parametrize("seed", range(5))
def test_single_words_and_pairs_earn_what_the_best_split_earns(seed: int) -> None:
    draw = random.Random(seed)
    words = ["ab", "aba", "b", "ba", "bab"]
    favoured = {*draw.sample(words, 3), f"{draw.choice(words)} {draw.choice(words)}"}
    phrases = Phrases(favoured, gain=8.0)
    for size in range(1, 4):
        for text in map(" ".join, itertools.product(words, repeat=size)):
            assert earned(phrases, text) <= best_split(favoured, text) + 1e-9
            if not any(pair in text for pair in favoured if " " in pair):
                assert earned(phrases, text) == pytest.approx(best_split(favoured, text)), text


def test_a_catalogue_gives_words_phrases_and_a_grammar() -> None:
    items = [
        Item(item_id="1", title="Velloria desk lamp", brand="Velloria", category="Home > Lamps", attributes={"colour": "red"})
    ]
    words = shopwords.of(items)
    assert {"velloria desk lamp", "velloria", "lamps"} <= set(words.phrases)
    assert words.grammar is not None and "Velloria desk lamp" in words.grammar.slots["product"]
    assert shopwords.of([]).grammar is None
