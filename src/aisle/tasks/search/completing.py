"""How a question that is being typed may go on."""

from __future__ import annotations

import numpy as np

from aisle.tasks.search.reading import MOST_BEGUN, Reader, Reading
from aisle.tasks.search.signals import Floats
from aisle.tasks.search.words import RUN


def complete(text: str, reading: Reading, reader: Reader, score: Floats, n: int) -> list[str]:
    """The question with its last word finished, by how many items that match what stands before have the word."""
    if not reading.slots or text[-1:].isspace():
        return []
    last = reading.slots[-1]
    if RUN.match(last.word) or not text.casefold().endswith(last.word):
        return []
    before = text[: len(text) - len(last.word)]
    among = score > 0
    counted: dict[int, tuple[int, str]] = {}
    for word in reader.speller.beginning(last.word, MOST_BEGUN):
        term = reader.index.vocabulary.words[word]
        count = sum(int(np.count_nonzero(among[place])) for place, _ in reader.index.postings(term))
        if count > counted.get(term, (0, ""))[0]:  # of words with one stem the most frequent comes first
            counted[term] = (count, word)
    best = sorted(counted.values(), key=lambda pair: (-pair[0], pair[1]))
    return [before + word for count, word in best[:n] if count]
