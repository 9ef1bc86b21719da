"""The trained network in numpy: one history in, a score for every item out, and what each event gave to it. No torch.

    logits = out · norm(x)          x: the state at the newest event after all blocks          score = logit − mean logit

The mean is that of all items, so a score says how far an item stands above the average one for this user, and adds up as the
logit does. Reasons: with attention, gates and norms held at what they were, everything between the events' vectors and a score
is linear and has no constant. So the score is exactly a sum over the events, each its vector times what reaches it from the
score backwards: gradient × input with the non-linear factors detached (Ali et al., 2022, who show that the usual gradient
breaks this sum at exactly these factors).

Histories are worked on one by one: the matrices of 50 events already fill the processor, and a batch has the bits of single
requests. Of the last block only the newest event is followed. Norm weights and the scale of attention are folded in beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.recommend.weights import Weights
from aisle.tasks.recommend.world import Sparse

Matrix = NDArray[Any]  # float32 throughout
EPSILON = 1e-6  # of the norms, as in net.py


@dataclass(frozen=True, slots=True)
class Layer:
    """The weights of a block as they are multiplied: a row vector from the left."""

    query: Matrix  # (dimensions, dimensions), divided by √head
    key: Matrix
    value: Matrix
    mix: Matrix  # (dimensions, dimensions) what attention found, brought back
    distance: Matrix  # (heads, length)
    gate: Matrix  # (dimensions, inner)
    proposal: Matrix  # (dimensions, inner)
    close: Matrix  # (inner, dimensions)


@dataclass(frozen=True, slots=True)
class Served:
    """Everything an answer needs."""

    layers: list[Layer]
    inputs: Matrix  # (N, dimensions) items as events
    outputs: Matrix  # (N, dimensions) items as answers, their mean taken away
    words: Matrix  # (terms, dimensions) what a term of an item's text is worth, in `inputs`; no rows: texts were not learnt from
    shift: Matrix  # (2, dimensions) outputs = inputs · shift[0] − shift[1]

    @property
    def length(self) -> int:
        """Newest events that are looked at."""
        return int(self.layers[0].distance.shape[1])

    def with_new(self, rows: Sparse) -> tuple[Matrix, Matrix]:
        """Inputs and outputs with items that came after training, placed by their texts (new, terms)."""
        if not rows.shape[0]:
            return self.inputs, self.outputs
        new = np.zeros((rows.shape[0], self.inputs.shape[1]), np.float32)
        if len(self.words):
            new = np.asarray(rows @ self.words, np.float32)
        return np.vstack([self.inputs, new]), np.vstack([self.outputs, new * self.shift[0] - self.shift[1]])


class Live:
    """The network beside the catalogue of the moment; items that came after training are placed once for every catalogue."""

    def __init__(self, served: Served, weights: Weights) -> None:
        self.served, self.weights = served, weights
        self._placed: tuple[Sparse, Matrix, Matrix] | None = None

    def vectors(self, new: Sparse) -> tuple[Matrix, Matrix]:
        """(S, dimensions) inputs and outputs of all items, `new` being the texts of those after training."""
        placed = self._placed
        if placed is None or placed[0] is not new:
            placed = self._placed = (new, *self.served.with_new(new))
        return placed[1], placed[2]


class Passed(NamedTuple):
    """What a block did with one history, kept for the reasons."""

    first: Matrix  # (rows, 1) scale of the norm before attention
    attention: Matrix  # (heads, asked, rows)
    second: Matrix  # (asked, 1) scale of the norm before the gate
    opened: Matrix  # (asked, inner) the gate


class State(NamedTuple):
    """A history after all blocks."""

    events: Matrix  # (rows, dimensions) the vectors that went in
    passed: list[Passed]
    last: Matrix  # (dimensions,) normed state at the newest event
    scale: np.float32  # of the last norm


def follow(served: Served, events: Matrix) -> State:
    """The state of a history, (rows, dimensions) vectors of its events, oldest first, at most `length`, at least one."""
    x, passed = events, []
    for number, layer in enumerate(served.layers):
        x, kept = _block(layer, x, newest_only=number == len(served.layers) - 1)
        passed.append(kept)
    scale = _scale(x)
    return State(events, passed, (x * scale)[-1], scale[-1, 0])


def _block(layer: Layer, x: Matrix, *, newest_only: bool) -> tuple[Matrix, Passed]:
    first = _scale(x)
    normed = x * first
    asked = normed[-1:] if newest_only else normed
    attention = _attention(layer, asked, normed)  # (heads, asked, rows)
    seen = attention @ _heads(normed @ layer.value, len(attention))  # (heads, asked, head)
    x = x[-len(asked) :] + seen.transpose(1, 0, 2).reshape(len(asked), -1) @ layer.mix
    second = _scale(x)
    normed = x * second
    opened = _silu(normed @ layer.gate)
    x = x + (opened * (normed @ layer.proposal)) @ layer.close
    return x, Passed(first, attention, second, opened)


def _attention(layer: Layer, asked: Matrix, normed: Matrix) -> Matrix:
    """(heads, asked, rows) how much each asked event looks at each event; nothing at later ones."""
    heads, rows = len(layer.distance), len(normed)
    logits = _heads(asked @ layer.query, heads) @ _heads(normed @ layer.key, heads).transpose(0, 2, 1)
    back = np.arange(rows - len(asked), rows)[:, None] - np.arange(rows)[None, :]
    logits += layer.distance[:, np.maximum(back, 0)]
    logits[:, back < 0] = -np.inf
    logits -= logits.max(axis=2, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=2, keepdims=True)
    return logits


def contributions(served: Served, state: State, outputs: Matrix) -> Matrix:
    """(winners, rows) what each event gave to the score of each of `outputs` (winners, dimensions); rows add up to scores."""
    back = (outputs * state.scale)[:, None, :]  # (winners, asked, dimensions) what a change of each state would do
    for layer, passed in zip(reversed(served.layers), reversed(state.passed), strict=True):
        back = _backwards(layer, passed, back)
    given: Matrix = (back * state.events).sum(axis=2)
    return given


def _backwards(layer: Layer, passed: Passed, back: Matrix) -> Matrix:
    """Through one block: (winners, asked, dimensions) -> (winners, rows, dimensions)."""
    inner = (back @ layer.close.T) * passed.opened  # (winners, asked, inner)
    back = back + (inner @ layer.proposal.T) * passed.second
    heads, asked, rows = passed.attention.shape
    mixed = (back @ layer.mix.T).reshape(len(back), asked, heads, -1).transpose(0, 2, 1, 3)  # (winners, heads, asked, head)
    values = passed.attention.transpose(0, 2, 1) @ mixed  # (winners, heads, rows, head)
    found: Matrix = values.transpose(0, 2, 1, 3).reshape(len(back), rows, -1) @ layer.value.T * passed.first
    found[:, rows - asked :] += back
    return found


def _heads(x: Matrix, heads: int) -> Matrix:
    """(rows, dimensions) -> (heads, rows, head)."""
    return x.reshape(len(x), heads, -1).transpose(1, 0, 2)


def _scale(x: Matrix) -> Matrix:
    """(rows, 1) one over the root mean square."""
    return np.asarray(1.0 / np.sqrt((x * x).mean(axis=1, keepdims=True) + np.float32(EPSILON)), np.float32)


def _silu(x: Matrix) -> Matrix:
    return np.asarray(x / (1.0 + np.exp(-x)), np.float32)


def served_from(weights: dict[str, NDArray[Any]], own: Matrix, words: Matrix) -> Served:
    """From the weights of `net.Net` by name, the vectors of all items of the catalogue and of all terms of their texts."""
    dimensions = own.shape[1]
    blocks = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blocks."))
    final, root = weights["last.weight"], np.float32(np.sqrt(dimensions))
    shift = np.stack([final / root, (own * final).mean(axis=0)]).astype(np.float32)
    inputs = (own * root).astype(np.float32)
    layers = [
        _layer({name.split(".", 2)[2]: w for name, w in weights.items() if name.startswith(f"blocks.{k}.")})
        for k in range(blocks)
    ]
    return Served(layers, inputs, inputs * shift[0] - shift[1], (words * root).astype(np.float32), shift)


def _layer(weights: dict[str, NDArray[Any]]) -> Layer:
    """Each weight as it is multiplied from the right, norm weights folded in."""
    query, key, value = np.split((weights["attention.inputs.weight"] * weights["before_attention.weight"]).T, 3, axis=1)
    gate, proposal = np.split((weights["gated.inputs.weight"] * weights["before_gated.weight"]).T, 2, axis=1)
    distance = weights["attention.distance"]
    head = query.shape[1] // len(distance)
    parts = (query / np.sqrt(head), key, value, weights["attention.output.weight"].T, distance, gate, proposal)
    return Layer(*(np.ascontiguousarray(part, np.float32) for part in (*parts, weights["gated.output.weight"].T)))
