"""What is not Latin in texts, as hashed character n-grams; many texts at once, and nothing assumed about spaces between words."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[np.int64]
Lengths = Sequence[tuple[int, float]]  # of n-grams in characters, and what each counts
OTHER = re.compile(r"[^\W\d_\u0000-\u024f]+|[\u2600-\u27bf\U0001f000-\U0001faff]")  # runs of letters that are not Latin; emoji
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003134f]")
INSIDE_UNSPACED = ((1, 0.35), (2, 1.0), (3, 0.5))  # pairs are most often the words of Chinese
INSIDE_WORD = ((3, 0.5), (4, 0.5))  # of <word>, beside the word as a whole
WHOLE = 1.0
NONE = np.uint32(0xFFFFFFFF)
TABLE = np.array([zlib.crc32(bytes([byte ^ 0xFF])) ^ 0xFF000000 for byte in range(256)], np.uint32)  # of one byte, by CRC-32


@dataclass(frozen=True, slots=True)
class Grams:
    """N-grams of several texts, one text's after the other's."""

    text: Places  # (grams,) whose
    hash: Places  # (grams,) CRC-32 of the UTF-8
    weight: Floats  # (grams,)


def spelt(texts: Sequence[str]) -> Grams:
    """The n-grams of what is not Latin in texts."""
    runs = [(row, run) for row, text in enumerate(texts) for run in map(str.casefold, OTHER.findall(text))]
    words = [(row, f"<{run}>") for row, run in runs if not UNSPACED.search(run)]
    both = grams([one for one in runs if UNSPACED.search(one[1])], INSIDE_UNSPACED), grams(words, INSIDE_WORD, WHOLE)
    text, hashes, weight = (np.concatenate([getattr(one, name) for one in both]) for name in ("text", "hash", "weight"))
    order = np.argsort(text, kind="stable")
    return Grams(text[order], hashes[order], weight[order])


def grams(pieces: Sequence[tuple[int, str]], lengths: Lengths, whole: float = 0.0) -> Grams:
    """The n-grams of pieces, each with the text it is of, ascending; with `whole`, a piece without its first and last sign, too.

    A lone surrogate is read as a question mark.
    """
    data = np.frombuffer("".join([piece for _, piece in pieces]).encode("utf-8", "replace"), np.uint8)
    begins = np.append(np.flatnonzero(data & 0xC0 != 0x80), len(data))  # of characters, in bytes
    sizes = np.array([len(piece) for _, piece in pieces], np.int64)
    ends, every = np.cumsum(sizes), np.arange(len(pieces))
    first, own = np.arange(len(begins) - 1), np.repeat(every, sizes)  # of each character its place and its piece
    spans = [(first, first + n, own, weight) for n, weight in lengths]
    if whole:
        spans.append((ends - sizes + 1, ends - 1, every, whole))
    start, stop, piece = (np.concatenate([span[part] for span in spans]) for part in range(3))
    weight = np.repeat(np.array([span[3] for span in spans], np.float32), [len(span[0]) for span in spans])
    kept = np.flatnonzero(stop <= ends[piece])
    kept = kept[np.argsort(piece[kept], kind="stable")]
    text = np.array([row for row, _ in pieces], np.int64)[piece[kept]]
    return Grams(text, crc32(data, begins[start[kept]], begins[stop[kept]]), weight[kept])


def crc32(data: NDArray[np.uint8], start: Places, stop: Places) -> Places:
    """As zlib's, of many stretches of the same bytes at once: (stretches,)"""
    found = np.full(len(start), NONE, np.uint32)
    for step in range(int((stop - start).max(initial=0))):
        place = start + step
        byte = data.take(place, mode="clip")
        found = np.where(place < stop, TABLE[(found ^ byte) & 0xFF] ^ (found >> 8), found)
    return (found ^ NONE).astype(np.int64)
