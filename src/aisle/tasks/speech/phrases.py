"""Phrases to favour while decoding: a trie of letters, each step earns a little, given back if the phrase is not finished.

Shallow-fusion biasing as in Zhao et al. 2019, on letters: a hypothesis that spells the beginning of "velloria" earns as it
goes, and pays everything back if it turns elsewhere before the end of the phrase. Phrases begin and end at the ends of words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Node:
    """A place in the trie; `worth` is what the letters so far earned, `whole` the phrase that ends here."""

    next: dict[str, Node] = field(default_factory=dict)
    worth: float = 0.0
    whole: str | None = None


class Phrases:
    """The trie. `gain` is the natural logarithm of odds that a whole phrase of usual length earns, spread over its letters."""

    def __init__(self, phrases: Iterable[str], gain: float = 4.0, letters: int = 8) -> None:
        self.root = Node()
        self.each = gain / letters
        for phrase in sorted(set(phrases)):
            if phrase:
                self._add(phrase, min(self.each, 2 * gain / len(phrase)))

    def __bool__(self) -> bool:
        return bool(self.root.next)

    def _add(self, phrase: str, each: float) -> None:
        node = self.root
        for letter in phrase:
            node = node.next.setdefault(letter, Node(worth=node.worth + each))
        node.whole = phrase

    def step(self, node: Node | None, letter: str) -> tuple[Node | None, float]:
        """Where a hypothesis is after a letter, and what it earns or pays back; None is off the trie until the next word."""
        if letter == " ":
            return self._at_space(node)
        if node is None:
            return None, 0.0
        after = node.next.get(letter)
        if after is not None:
            return after, after.worth - node.worth
        return None, -_owed(node)

    def _at_space(self, node: Node | None) -> tuple[Node | None, float]:
        if node is not None and " " in node.next:
            after = node.next[" "]
            return after, after.worth - node.worth
        return self.root, 0.0 if node is None or node.whole else -_owed(node)

    def end(self, node: Node | None) -> float:
        """What is paid back where the text ends."""
        return 0.0 if node is None or node.whole else -_owed(node)


def _owed(node: Node) -> float:
    return node.worth


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
