"""N-grams of what is not Latin: which there are, whose, and by which hash."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from aisle.tasks.text.spelt import INSIDE_WORD, crc32, grams, spelt

TEXTS = ["", "a lamp, plain", "蓝色的灯 ok", "Синяя Лампа", "灯", "лампа 灯 😀", "\U00020001灯"]


def by_hand(text: str) -> dict[int, float]:
    """What a text of words apart, or of runs of ideographs, is spelt as."""
    found: dict[int, float] = {}
    for run in text.replace(",", " ").casefold().split():
        if run.isascii():
            continue
        unspaced = any("\u3400" <= sign <= "\u9fff" or sign >= "\U00020000" for sign in run)
        piece, lengths = (run, {1: 0.35, 2: 1.0, 3: 0.5}) if unspaced else (f"<{run}>", {3: 0.5, 4: 0.5})
        pieces = [(piece[at : at + n], weight) for n, weight in lengths.items() for at in range(len(piece) - n + 1)]
        for gram, weight in pieces + ([] if unspaced else [(run, 1.0)]):
            found[zlib.crc32(gram.encode())] = found.get(zlib.crc32(gram.encode()), 0.0) + weight
    return found


def test_every_text_has_its_own_n_grams_and_no_others() -> None:
    found = spelt(TEXTS)
    assert (np.diff(found.text) >= 0).all()
    for row, text in enumerate(TEXTS):
        own = found.text == row
        sums: dict[int, float] = {}
        for one, weight in zip(found.hash[own].tolist(), found.weight[own].tolist(), strict=True):
            sums[one] = sums.get(one, 0.0) + weight
        assert sums == pytest.approx(by_hand(text))


def test_a_text_alone_is_spelt_as_among_others() -> None:
    together = spelt(TEXTS)
    for row, text in enumerate(TEXTS):
        alone = spelt([text])
        assert alone.hash.tolist() == together.hash[together.text == row].tolist()


def test_hashes_are_those_of_zlib() -> None:
    data = np.random.default_rng(0).integers(0, 256, 500, np.uint8)
    start = np.arange(0, 480, 7)
    stop = start + np.arange(len(start)) % 20
    found = crc32(data, start, stop)
    assert found.tolist() == [zlib.crc32(data[a:b].tobytes()) for a, b in zip(start, stop, strict=True)]
    assert len(crc32(data[:0], start[:0], start[:0])) == 0


def test_lone_surrogates_are_question_marks() -> None:
    assert grams([(0, "a\ud800b")], INSIDE_WORD).hash.tolist() == [zlib.crc32(b"a?b")]
