"""Beam search and alignment, compared with slow versions that look at everything."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict

import numpy as np
import pytest

from aisle.tasks.speech.align import aligned, words
from aisle.tasks.speech.beam import Decoder, Search, shares
from aisle.tasks.speech.calibrate import Curve, brier, expected_error, fitted
from aisle.tasks.speech.ngram import Language, counted
from aisle.tasks.speech.phrases import Phrases

LETTERS = " ab"
WIDE = Search(width=10_000, likely=1e-12, silent=1.0)


def random_logs(frames: int, seed: int) -> np.ndarray:
    return np.log(np.random.default_rng(seed).dirichlet([0.6] * 4, frames)).astype(np.float32)


def summed(logs: np.ndarray) -> dict[str, float]:
    """The log-probability of every text: all outputs one by one."""
    found: dict[str, float] = defaultdict(float)
    for outputs in itertools.product(range(4), repeat=len(logs)):
        text = "".join(LETTERS[k - 1] for k, before in zip(outputs, (0, *outputs), strict=False) if k and k != before)
        found[text] += math.exp(float(logs[range(len(logs)), outputs].sum()))
    return {text: math.log(p) for text, p in found.items()}


@pytest.mark.parametrize("seed", range(4))
def test_a_wide_beam_finds_what_looking_at_everything_finds(seed: int) -> None:
    logs = random_logs(6, seed)
    every = {text: p for text, p in summed(logs).items() if text == " ".join(text.split())}  # single spaces, inside only
    found = Decoder(None, Phrases([]), WIDE, LETTERS)(logs, 50)
    for one in found[:10]:
        if one.text in every:
            assert one.sound >= every[one.text] - 1e-5 or math.isclose(one.sound, every[one.text], abs_tol=1e-4)
    best = max(every, key=lambda text: every[text])
    assert best in {one.text for one in found[:3]}


def test_language_decides_where_the_sound_does_not() -> None:
    row = np.log(np.array([0.02, 0.02, 0.48, 0.48], np.float32))
    blank = np.log(np.array([0.97, 0.01, 0.01, 0.01], np.float32))
    logs = np.stack([row, blank])
    for word in "ab":
        language = Language([(1.0, counted([word] * 5))])
        assert Decoder(language, Phrases([]), WIDE, LETTERS)(logs)[0].text == word
        assert Decoder(None, Phrases([word], gain=8.0), WIDE, LETTERS)(logs)[0].text == word


def test_a_beam_can_be_fed_in_parts_and_does_not_change_behind_our_back() -> None:
    logs = random_logs(12, 5)
    decoder = Decoder(Language([(1.0, counted(["a b", "ab"]))]), Phrases(["ab"]), Search(), LETTERS)
    half = decoder.advance(decoder.start(), logs[:6])
    first = decoder.ranked(half, 5)
    whole = decoder.ranked(decoder.advance(half, logs[6:]), 5)
    assert whole == decoder(logs, 5)
    assert decoder.ranked(half, 5) == first


def test_shares_add_up_and_follow_the_scores() -> None:
    found = Decoder(None, Phrases([]), WIDE, LETTERS)(random_logs(5, 1), 5)
    parts = shares(found, 2.0)
    assert sum(parts) == pytest.approx(1)
    assert parts == sorted(parts, reverse=True)


@pytest.mark.parametrize("text", ["a", "ab", "aa", "a b"])
def test_the_alignment_is_the_best_of_all_alignments(text: str) -> None:
    logs = random_logs(6, 9)
    best, spans = -math.inf, []
    wanted = [LETTERS.index(letter) + 1 for letter in text]
    for outputs in itertools.product(range(4), repeat=6):
        runs = [(k, t) for t, (k, before) in enumerate(zip(outputs, (0, *outputs), strict=False)) if k and k != before]
        score = float(logs[range(6), outputs].sum())
        if [k for k, _ in runs] == wanted and score > best:
            best = score
            spans = [(t, next((u for u in range(t, 6) if outputs[u] != k), 6)) for k, t in runs]
    assert aligned(logs, text, LETTERS) == spans


def test_words_have_times_in_order_and_too_long_texts_none() -> None:
    found = words(random_logs(20, 2), "a ba", 0.04, LETTERS)
    assert [word.word for word in found] == ["a", "ba"]
    assert 0 <= found[0].start < found[0].end <= found[1].start < found[1].end <= 0.8
    assert aligned(random_logs(2, 2), "abab", LETTERS) == []
    assert [word.probability for word in words(random_logs(2, 2), "abab", 0.04, LETTERS)] == [0.0]


def test_a_curve_mends_probabilities_that_promise_too_much() -> None:
    draw = np.random.default_rng(0)
    raw = draw.uniform(0.5, 0.999, 400).tolist()
    right = [bool(draw.random() < one - 0.3) for one in raw]
    mended = [fitted(raw, right)(one) for one in raw]
    assert brier(mended, right) < brier(raw, right)
    assert expected_error(mended, right) < 0.5 * expected_error(raw, right)
    assert fitted(raw[:5], right[:5]) == Curve()
