"""The n-grams of many texts at once are those of each, found the slow way."""

import itertools
import random

import numpy as np

from aisle.kit import ngrams

TEXTS = ["Red lamp", "red  LAMP!", "红色台灯 lamp", "", "a", "Straße İstanbul", "go go go", "😀 ok 😀", "x-y_z 12.5"]


def slow(text: str) -> set[tuple[int, int]]:
    """(start, stop) of each n-gram, by the definition."""
    kinds = ngrams._kinds()
    low = ngrams._lower(text)
    kind = [int(kinds[ord(char)]) for char in low]
    words = []
    for at, one in enumerate(kind):
        if one == ngrams.SIGN or (one == ngrams.LETTER and (at == 0 or kind[at - 1] != ngrams.LETTER)):
            stop = at + 1
            while one == ngrams.LETTER and stop < len(low) and kind[stop] == ngrams.LETTER:
                stop += 1
            words.append((at, stop))
    found = set(words) | {(a[0], b[1]) for a, b in itertools.pairwise(words)}
    for a, _, c in zip(words, words[1:], words[2:], strict=False):
        if c[1] - a[0] == 3 and kind[a[0]] == ngrams.SIGN:
            found.add((a[0], c[1]))
    marks = {at for at, one in enumerate(kind) if one == ngrams.BREAK and low[at] != " "}
    found |= {(at, at + 1) for at in marks}
    found |= {(at, at + 2) for at in range(len(low) - 1) if {at, at + 1} & marks}
    for start, stop in words:
        if kind[start] == ngrams.LETTER:
            for n in ngrams.INSIDE:
                found |= {(max(at, 0), min(at + n, len(low))) for at in range(start - 1, stop + 2 - n)}
    return found


def test_every_ngram_is_found_where_it_stands() -> None:
    found = ngrams.grams(TEXTS)
    for number, text in enumerate(TEXTS):
        own = found.text == number
        assert set(zip(found.start[own].tolist(), found.stop[own].tolist(), strict=True)) == slow(text), text


def test_a_text_has_the_same_hashes_alone_and_among_others() -> None:
    together = ngrams.grams(TEXTS)
    for number, text in enumerate(TEXTS):
        alone = ngrams.grams([text])
        assert sorted(alone.hash.tolist()) == sorted(together.hash[together.text == number].tolist())


def test_different_words_have_different_hashes() -> None:
    rng = random.Random(0)
    words = {"".join(rng.choices("abcdefgh", k=rng.randint(1, 8))) for _ in range(3000)}
    hashes = ngrams.grams([" ".join(words)])
    found = zip(hashes.hash.tolist(), hashes.start.tolist(), hashes.stop.tolist(), strict=True)
    single = {(start, stop): value for value, start, stop in found}  # the word after its script
    text = " ".join(words)
    by_word = {
        text[start:stop]: value for (start, stop), value in single.items() if " " not in text[start:stop] and value % 2 == 0
    }
    assert len(set(by_word.values())) == len(by_word)


def test_case_makes_no_difference_and_places_stay() -> None:
    assert set(ngrams.grams(["RED LAMP"]).hash.tolist()) == set(ngrams.grams(["red lamp"]).hash.tolist())
    assert len(ngrams._lower("İİ")) == 2


def test_pieces_cover_the_text() -> None:
    for text in TEXTS:
        found = ngrams.pieces(text)
        assert "".join(text[start:stop] for start, stop in found) == text
    assert np.array_equal(ngrams.pieces("红灯!"), [(0, 1), (1, 3)])
