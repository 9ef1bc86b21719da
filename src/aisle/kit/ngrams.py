"""Words, their neighbours, marks and the n-grams inside words as 64-bit hashes, for many texts at once, with where each stands.

Nothing is assumed about spaces: a word is a run of letters and digits, and an ideograph, a kana or a picture sign is a word by
itself, so Chinese is read by its character n-grams. A substring's hash comes from the differences of one running sum
(Karp & Rabin, 1987, modulo 2^64), so a text is read once, by numpy, whatever the lengths of the n-grams.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Places = NDArray[np.int64]
BREAK, LETTER, SIGN = 0, 1, 2  # between words; part of a word; a word by itself
INSIDE = (3, 4, 5)  # lengths of the n-grams inside <word>
SIGNS = 3  # signs in a row, at most
BASE = 0x9E3779B97F4A7C15  # odd: it has an inverse modulo 2^64
UNBASE = pow(BASE, -1, 2**64)
APART = "\n"  # stands between two texts
EMOJI = (0x2600, 0x1F000)
ALONE = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2600, 0x27BF), (0x3040, 0x30FF), (0x3400, 0x9FFF),
    (0xF900, 0xFAFF), (0x1F000, 0x1FAFF), (0x20000, 0x2FFFF),
)  # fmt: skip
Found = tuple[Hashes, Places, Places]  # hash, first character, one after the last


@dataclass(frozen=True, slots=True)
class Grams:
    """All n-grams of some texts, in no particular order; places are characters of the n-gram's own text."""

    hash: Hashes  # (grams,)
    text: Places  # (grams,) which text
    start: Places  # (grams,) first character
    stop: Places  # (grams,) one after the last


def grams(texts: Sequence[str]) -> Grams:
    """The n-grams of texts that are spelt one way (`words.plain`); upper and lower case are the same."""
    code, begins, lengths = _joined(texts)
    kind = _kinds()[code]
    sums = _running(np.where(kind == BREAK, ord(" "), code))
    found = [_scripts(code, kind), *_words(kind, sums, begins), *_marks(code, kind), *_inside(kind, sums)]
    hashes, start, stop = (np.concatenate([one[part] for one in found]) for part in range(3))
    text = np.searchsorted(begins, start + 1, side="right") - 1  # an n-gram may begin with the break before its text
    return Grams(hashes, text, np.maximum(start - begins[text], 0), np.minimum(stop - begins[text], lengths[text]))


def pieces(text: str) -> list[tuple[int, int]]:
    """A text cut into its words, each with what follows it up to the next: (start, stop) that cover it without a gap."""
    kind = _kinds()[_joined([text])[0]]
    starts = (_starts(kind) - 1).tolist()
    if not starts:
        return [(0, len(text))] if text else []
    return list(zip([0, *starts[1:]], [*starts[1:], len(text)], strict=True))


def _joined(texts: Sequence[str]) -> tuple[Places, Places, Places]:
    """The characters of all texts in one row, where each text begins in it, and how long it is."""
    row = APART + APART.join(map(_lower, texts)) + APART
    code = np.frombuffer(row.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    return code, np.cumsum(lengths + 1) - lengths, lengths


def _starts(kind: NDArray[np.int8]) -> Places:
    """Where words and signs begin."""
    return np.flatnonzero((kind == SIGN) | ((kind == LETTER) & (np.concatenate([[BREAK], kind[:-1]]) != LETTER)))


def _stops(kind: NDArray[np.int8]) -> Places:
    return np.flatnonzero((kind == SIGN) | ((kind == LETTER) & (np.concatenate([kind[1:], [BREAK]]) != LETTER))) + 1


def _scripts(code: Places, kind: NDArray[np.int8]) -> Found:
    """The script of every word, by its first character: what can be said of words never seen."""
    start, stop = _starts(kind), _stops(kind)
    first = code[start]
    block = np.where(
        (first >= 0x3400) & (first <= 0x9FFF), 0x4E00, np.where((first >= 0xAC00) & (first <= 0xD7AF), 0xAC00, first)
    )
    return _mixed((block >> 7).astype(np.uint64), 4), start, stop


def _words(kind: NDArray[np.int8], sums: Hashes, begins: Places) -> list[Found]:
    """Single words, pairs of neighbours, and three signs in a row."""
    start, stop = _starts(kind), _stops(kind)
    one = _between(sums, start, stop)
    whose = np.searchsorted(begins, start, side="right")
    near = np.flatnonzero(whose[1:] == whose[:-1])
    pair = one[near] * np.uint64(3) + one[near + 1] * np.uint64(BASE)
    row = np.flatnonzero((stop[2:] - start[:-2] == SIGNS) & (kind[start[:-2]] == SIGN))
    triple = _between(sums, start[row], stop[row + 2])
    return [
        (_mixed(one, 1), start, stop),
        (_mixed(pair, 2), start[near], stop[near + 1]),
        (_mixed(triple, 3), start[row], stop[row + 2]),
    ]


def _marks(code: Places, kind: NDArray[np.int8]) -> list[Found]:
    """Marks ("!", "?", ","), and each with the character before and after it: people say much with them."""
    mark = (kind == BREAK) & (code != ord(" ")) & (code != ord(APART))
    one = np.flatnonzero(mark)
    pair = np.flatnonzero((mark[1:] | mark[:-1]) & (code[1:] != ord(APART)) & (code[:-1] != ord(APART)))
    both = code[pair].astype(np.uint64) * np.uint64(BASE) + code[pair + 1].astype(np.uint64)
    return [(_mixed(code[one].astype(np.uint64), 5), one, one + 1), (_mixed(both, 6), pair, pair + 2)]


def _inside(kind: NDArray[np.int8], sums: Hashes) -> list[Found]:
    """The n-grams of characters of every word, its edges marked by the break before and after it."""
    letter = kind == LETTER
    start = np.flatnonzero(letter & ~np.concatenate([[False], letter[:-1]]))
    stop = np.flatnonzero(letter & ~np.concatenate([letter[1:], [False]])) + 1
    size = stop - start + 2
    first = np.repeat(start - 1 - (np.cumsum(size) - size), size) + np.arange(int(size.sum()))
    end = np.repeat(stop + 1, size)
    found = []
    for n in INSIDE:
        fits = first[first + n <= end]
        found.append((_mixed(_between(sums, fits, fits + n), 10 + n) | np.uint64(1), fits, fits + n))
    return found


def _running(code: Places) -> Hashes:
    """Sums of character times BASE to the power of its place, so that the difference of two is a substring's."""
    return np.concatenate([np.zeros(1, np.uint64), np.cumsum(_mixed(code.astype(np.uint64), 0) * _powers(len(code), BASE))])


def _between(sums: Hashes, start: Places, stop: Places) -> Hashes:
    """The hash of each substring, wherever it stands."""
    return (sums[stop] - sums[start]) * _powers(len(sums), UNBASE)[start]


def _powers(size: int, base: int) -> Hashes:
    return _grown(1 << size.bit_length(), base)[:size]


@functools.lru_cache(8)
def _grown(size: int, base: int) -> Hashes:
    return np.cumprod(np.concatenate([np.ones(1, np.uint64), np.full(size - 1, base, np.uint64)]))


def _mixed(value: Hashes, salt: int) -> Hashes:
    """splitmix64's end (Steele et al., 2014): every bit depends on all."""
    z = value + np.uint64(salt * BASE % 2**64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z ^ (z >> np.uint64(31))) & ~np.uint64(1)


def _lower(text: str) -> str:
    """Lower case, character by character: places stay what they are."""
    low = text.lower()
    if len(low) != len(text):
        low = "".join(one if len(one) == 1 else char for char, one in ((char, char.lower()) for char in text))
    return low.replace(APART, " ")


@functools.lru_cache(1)
def _kinds() -> NDArray[np.int8]:
    """BREAK, LETTER or SIGN of every character there is."""
    kinds = np.zeros(0x110000, np.int8)
    kinds[[code for code in range(0x30000) if unicodedata.category(chr(code))[0] in "LNM"]] = LETTER
    for first, last in ALONE:
        block = kinds[first : last + 1]
        block[(block == LETTER) | (first in EMOJI)] = SIGN
    return kinds
