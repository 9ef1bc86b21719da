"""A small grammar of what may be said, and what it means: phrases with slots, compiled to a lattice of letters.

    {"intents": {"add": ["(add|put) [{quantity}] {product} [to|in my (cart|basket)]"]},
     "slots": {"quantity": {"1": ["one", "a"], "2": ["two"]}, "product": ["red lamp", "blue vase"]}}

In a phrase: words; `(a|b)` one of these; `[a|b]` one of these or none; `{slot}` or `{name:slot}` a value of a slot, kept under
the name; `<{a} {b} {c}>` any of these, in any order, or none. Slots list their values, or map each value to the ways it is
said.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

from aisle.errors import BadInput
from aisle.tasks.speech.phrasing import Grammar
from aisle.tasks.speech.recogniser import Alternative, Heard, Meaning, Understood
from aisle.tasks.speech.spoken import spoken

MOST_VALUES = 5_000
MOST_ARCS = 300_000
Tag = tuple[str, str]  # slot's name in the answer, its value
_TOKEN = re.compile(r"\{([^{}]*)\}|([()\[\]<>|])|([^\s()\[\]<>|{}]+)")
_CLOSES = {"(": ")", "[": "]", "<": ">"}


class Lattice:
    """A graph of letters. Arc k goes from `source[k]` to `target[k]` with `letter[k]`; node 0 is the start.

    `tags[k]` is set on the last letter of a slot's value; `final` are the nodes where a phrase may end, with the intent.
    """

    def __init__(self) -> None:
        self.source: list[int] = []
        self.target: list[int] = []
        self.letter: list[str] = []
        self.tags: dict[int, Tag] = {}
        self.final: dict[int, str] = {}
        self.nodes = 1
        self._out: dict[tuple[int, str], int] = {}
        self._after: dict[frozenset[int], int] = {}

    def node(self) -> int:
        self.nodes += 1
        return self.nodes - 1

    def arc(self, source: int, target: int, letter: str) -> int:
        if len(self.source) >= MOST_ARCS:
            raise BadInput(f"the grammar is too large: at most {MOST_ARCS:,} letters when written out", param="/grammar")
        self.source.append(source)
        self.target.append(target)
        self.letter.append(letter)
        return len(self.source) - 1

    def say(self, starts: frozenset[int], text: str, end: int, tag: Tag | None) -> None:
        """Letters of a text from the starts to `end`; what begins alike shares its arcs, the last letter never does."""
        for start in self._spaced(starts):
            place = start
            for letter in text[:-1]:
                place = self._step(place, letter)
            last = self.arc(place, end, text[-1])
            if tag is not None:
                self.tags[last] = tag

    def _spaced(self, starts: frozenset[int]) -> list[int]:
        """The nodes after the space that separates words: one for all starts, but the very first needs no space."""
        begun = starts - {0}
        lead = [0] if 0 in starts else []
        if len(begun) == 1:
            return [*lead, self._step(min(begun), " ")]
        if begun and begun not in self._after:
            self._after[begun] = self.node()
            for start in sorted(begun):
                self.arc(start, self._after[begun], " ")
        return [*lead, self._after[begun]] if begun else lead

    def _step(self, place: int, letter: str) -> int:
        key = (place, letter)
        if key not in self._out:
            self._out[key] = self.node()
            self.arc(place, self._out[key], letter)
        return self._out[key]


Part = str | tuple[str, "list[list[Part]]"] | tuple[str, str, str]  # word | (kind, branches) | ("slot", name, slot)


def parse(phrase: str) -> list[Part]:
    """The parts of a phrase. Raises BadInput where brackets do not match."""
    tokens = _TOKEN.findall(phrase)
    if "".join("".join(found) for found in tokens) != re.sub(r"[\s{}]", "", phrase) and _TOKEN.sub("", phrase).strip():
        raise BadInput(f"this part of the grammar cannot be read: {phrase[:80]!r}", param="/grammar/intents")
    branches, rest = _branches(tokens, 0, "", phrase, 0)
    if rest != len(tokens) or len(branches) != 1:
        raise BadInput(
            f"put alternatives in round or square brackets, and close every bracket: {phrase[:80]!r}", param="/grammar/intents"
        )
    return branches[0]


def _branches(tokens: Sequence[tuple[str, ...]], place: int, close: str, phrase: str, depth: int) -> tuple[list[list[Part]], int]:
    found: list[list[Part]] = [[]]
    if depth > 20:
        raise BadInput(f"brackets in brackets, more than twenty deep: {phrase[:80]!r}", param="/grammar/intents")
    while place < len(tokens):
        slot, sign, word = tokens[place]
        place += 1
        if sign == close and sign:
            return found, place
        if sign == "|":
            found.append([])
        elif sign in _CLOSES:
            inner, place = _branches(tokens, place, _CLOSES[sign], phrase, depth + 1)
            found[-1].append((sign, inner))
        elif sign:
            raise BadInput(f"a bracket is closed that was not opened: {phrase[:80]!r}", param="/grammar/intents")
        elif word:
            found[-1] += spoken(word).split()
        else:
            name, _, kind = slot.rpartition(":")
            found[-1].append(("slot", (name or kind).strip(), kind.strip()))
    if close:
        raise BadInput(f"a bracket is not closed: {phrase[:80]!r}", param="/grammar/intents")
    return found, place


def compiled(grammar: Grammar) -> Lattice:
    """The lattice of everything that can be said. Raises BadInput for unknown slots, empty phrases, or one that is too large."""
    values = {slot: list(_said(given)) for slot, given in grammar.slots.items()}
    if sum(map(len, values.values())) > MOST_VALUES:
        raise BadInput(f"the grammar's slots have more than {MOST_VALUES:,} values", param="/grammar/slots")
    lattice = Lattice()
    for intent, phrases in grammar.intents.items():
        for phrase in phrases:
            ends = _walk(lattice, parse(phrase), frozenset({0}), values)
            if 0 in ends:
                raise BadInput(f"a phrase of {intent!r} may be empty: {phrase[:80]!r}", param=f"/grammar/intents/{intent}")
            lattice.final.update(dict.fromkeys(ends, intent))
    return lattice


def _said(given: Sequence[str] | Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Every way to say each value: (letters, value)."""
    pairs = given.items() if isinstance(given, Mapping) else ((value, [value]) for value in given)
    for value, ways in pairs:
        yield from ((letters, value) for letters in sorted({spoken(way) for way in ways}) if letters)


def _walk(
    lattice: Lattice, parts: Sequence[Part], starts: frozenset[int], values: Mapping[str, list[tuple[str, str]]]
) -> frozenset[int]:
    """Add the parts after the starts; the nodes where they end."""
    for part in parts:
        if isinstance(part, str):
            end = lattice.node()
            lattice.say(starts, part, end, None)
            starts = frozenset({end})
        elif len(part) == 3:
            starts = _slot(lattice, part[1], part[2], starts, values)
        elif part[0] == "<":
            starts = _any_order(lattice, part[1], starts, values)
        else:
            ends = [_walk(lattice, branch, starts, values) for branch in part[1]]
            starts = frozenset().union(*ends, starts if part[0] == "[" else frozenset())
    return starts


def _slot(
    lattice: Lattice, name: str, slot: str, starts: frozenset[int], values: Mapping[str, list[tuple[str, str]]]
) -> frozenset[int]:
    if slot not in values:
        raise BadInput(f"the grammar has no slot {slot!r}: it has {', '.join(values) or 'none'}", param="/grammar/slots")
    if not values[slot]:
        raise BadInput(f"the slot {slot!r} has no value that can be said", param=f"/grammar/slots/{slot}")
    end = lattice.node()
    for letters, value in values[slot]:
        lattice.say(starts, letters, end, (name, value))
    return frozenset({end})


def _any_order(
    lattice: Lattice, branches: list[list[Part]], starts: frozenset[int], values: Mapping[str, list[tuple[str, str]]]
) -> frozenset[int]:
    """Every order of every subset; orders that begin alike share their beginning."""
    parts = [part for branch in branches for part in branch]
    if len(parts) > 5:
        raise BadInput("at most five parts can come in any order", param="/grammar/intents")
    ends: dict[tuple[int, ...], frozenset[int]] = {(): starts}
    for many in range(1, len(parts) + 1):
        for order in itertools.permutations(range(len(parts)), many):
            ends[order] = _walk(lattice, [parts[order[-1]]], ends[order[:-1]], values)
    return frozenset().union(*ends.values())


def sentences(lattice: Lattice, most: int) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Written sentences with intent and slots, at most so many, depth first."""
    out: dict[int, list[int]] = {}
    for k, source in enumerate(lattice.source):
        out.setdefault(source, []).append(k)
    stack: list[tuple[int, str, dict[str, str]]] = [(0, "", {})]
    while stack and most > 0:
        node, text, slots = stack.pop()
        if node in lattice.final:
            most -= 1
            yield text, lattice.final[node], slots
        for k in out.get(node, ()):
            tag = lattice.tags.get(k)
            stack.append((lattice.target[k], text + lattice.letter[k], {**slots, tag[0]: tag[1]} if tag else slots))


def by_text(heard: Heard, grammar: Grammar, most: int = 3) -> Understood:
    """Meanings of texts, for recognisers that only write: a text means what the grammar says letter by letter, or nothing."""
    lattice, found = compiled(grammar), dict[str, Meaning]()
    for one in heard.alternatives or ((Alternative(heard.text, heard.probability),) if heard.text else ()):
        meaning = meant(lattice, spoken(one.text))
        if meaning is not None:
            key = repr((meaning[0], sorted(meaning[1].items())))
            had = found[key].probability if key in found else 0.0
            found[key] = Meaning(meaning[0], meaning[1], one.text, had + one.probability)
    best = sorted(found.values(), key=lambda one: -one.probability)[:most]
    if not best:
        return Understood(heard=heard, reason=heard.reason or "what was heard is none of the phrases of the grammar")
    return Understood(tuple(best), best[0].probability, heard)


def meant(lattice: Lattice, text: str) -> tuple[str, dict[str, str]] | None:
    """Intent and slots of a text that the grammar can say, else None."""
    out: dict[tuple[int, str], list[int]] = {}
    for k, source in enumerate(lattice.source):
        out.setdefault((source, lattice.letter[k]), []).append(k)
    states: dict[int, dict[str, str]] = {0: {}}
    for letter in text:
        after: dict[int, dict[str, str]] = {}
        for node, slots in states.items():
            for k in out.get((node, letter), ()):
                tag = lattice.tags.get(k)
                after.setdefault(lattice.target[k], {**slots, tag[0]: tag[1]} if tag else slots)
        states = after
    return next(((lattice.final[node], slots) for node, slots in states.items() if node in lattice.final), None)
