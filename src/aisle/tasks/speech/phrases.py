"""Phrases to favour while decoding: a trie of letters, each step earns a little, given back if the phrase is not finished.

Shallow-fusion biasing as in Zhao et al. 2019, on letters, with the fallback of Aho and Corasick 1975 at the beginning of a word:
a hypothesis that spells "velloria lamp" earns as it goes. Where it leaves the phrase it keeps what the whole phrases among its
finished words earned ("velloria", if that is one), goes on as its last word alone would, and pays back the rest. Phrases begin
and end at the ends of words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Node:
    """A place in the trie; `worth` is what the letters so far earned, `whole` the phrase that ends here.

    `before` is kept of the finished words where the phrase is left inside a word, `kept` where its last word ends here;
    `alone` is the place that the last word's letters have by themselves, None in the first word, or where no phrase begins so.
    """

    next: dict[str, Node] = field(default_factory=dict)
    worth: float = 0.0
    whole: str | None = None
    before: float = 0.0
    kept: float = 0.0
    alone: Node | None = None


class Phrases:
    """The trie. `gain` is the natural logarithm of odds that a phrase of eight letters earns; longer ones earn in proportion."""

    def __init__(self, phrases: Iterable[str], gain: float = 4.0, letters: int = 8) -> None:
        self.root = Node()
        for phrase in set(phrases) - {""}:
            self._add(phrase, gain / letters)
        self._link()

    def __bool__(self) -> bool:
        return bool(self.root.next)

    def _add(self, phrase: str, each: float) -> None:
        node = self.root
        for letter in phrase:
            node = node.next.setdefault(letter, Node(worth=node.worth + each))
        node.whole = phrase

    def _link(self) -> None:
        """What is kept at every place, and where its last word goes on alone; parents before children, which build on them."""
        stack = [self.root]
        while stack:
            node = stack.pop()
            last = node.alone.worth if node.alone and node.alone.whole else 0.0
            node.kept = max(node.before + last, node.worth if node.whole else 0.0)
            for letter, after in node.next.items():
                begins = letter == " "
                after.before = node.kept if begins else node.before
                after.alone = self.root if begins else node.alone and node.alone.next.get(letter)
                stack.append(after)

    def step(self, node: Node | None, letter: str) -> tuple[Node | None, float]:
        """Where a hypothesis is after a letter, and what it earns or pays back; None is off the trie until the next word."""
        if node is None:
            return self.root if letter == " " else None, 0.0
        after = node.next.get(letter)
        if after is not None:
            return after, after.worth - node.worth
        if letter == " ":
            return self.root, node.kept - node.worth
        alone = node.alone.next.get(letter) if node.alone else None
        return alone, node.before - node.worth + (alone.worth if alone else 0.0)

    def end(self, node: Node | None) -> float:
        """What is paid back where the text ends."""
        return 0.0 if node is None else node.kept - node.worth


def found_in(text: str, phrases: Phrases) -> list[tuple[str, float]]:
    """The favoured phrases in a text and what each earned, longest first at every word."""
    words, place, found = text.split(), 0, list[tuple[str, float]]()
    while place < len(words):
        node, best, step = phrases.root, None, 1
        for end in range(place, min(place + 12, len(words))):
            for letter in (" " if end > place else "") + words[end]:
                node = node.next.get(letter, Node())
            if node.whole:
                best, step = (node.whole, node.worth), end - place + 1
        if best:
            found.append(best)
        place += step
    return found
