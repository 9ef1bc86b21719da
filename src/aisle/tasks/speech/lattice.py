"""How probable each meaning is given the sound: CTC's forward algorithm and best path over a lattice of letters.

A lattice state is an arc (its letter was just heard) or a node (a blank was heard since). All states of one frame are one
array; the sums are of scaled probabilities, exact up to rounding. The grammar puts a space between words and merges only at the
ends of words, so that two arcs in a row have the same letter only inside a word, where an arc has one predecessor.

A large grammar is heard once in whole (`narrowed`, the exact sum over all it can say); what is asked next (best path, other
meanings) looks only at the arcs that had a share of that sum in any frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.speech.grammar import Lattice, Tag
from aisle.tasks.speech.spoken import ALPHABET

Floats = NDArray[np.float64]
TINY = 1e-300
SHARE = 1e-9  # arcs below it in every frame would need 20 nats from the rest of the sound to be on the best path


@dataclass(frozen=True, slots=True)
class Path:
    """The best way through a lattice: intent, slots, text, and the natural logarithm of its probability."""

    intent: str
    slots: dict[str, str]
    text: str
    score: float


class Scorer:
    """A lattice made ready for scoring: arcs sorted by target, so that what enters a node is one slice."""

    def __init__(self, lattice: Lattice) -> None:
        order = np.argsort(np.array(lattice.target), kind="stable")
        self.lattice = lattice
        self.order = order
        self.source = np.array(lattice.source)[order]
        self.target = np.array(lattice.target)[order]
        self.letter = np.array([ALPHABET.index(lattice.letter[k]) + 1 for k in order])
        self.tags: list[Tag | None] = [lattice.tags.get(int(k)) for k in order]
        self.entered, self.starts = np.unique(self.target, return_index=True)  # nodes with entering arcs, slices
        first = np.full(lattice.nodes, -1)
        first[self.entered] = self.letter[self.starts]
        self.fresh = (first[self.source] != self.letter).astype(np.float64)  # may follow an arc without a blank
        self.final_nodes = np.array(sorted(lattice.final))
        self.final_arcs = np.flatnonzero(np.isin(self.target, self.final_nodes))

    def narrowed(self, probabilities: Floats, share: float = SHARE) -> tuple[float, Scorer]:
        """log of the summed probability of every path, and the part of the lattice that had a share in it."""
        most = np.zeros(len(self.source))
        total = self.forward(probabilities, most=most)
        kept = np.flatnonzero(most > share)
        names, places = np.unique(np.concatenate([[0], self.source[kept], self.target[kept]]), return_inverse=True)
        near, number = Lattice(), dict(zip(names.tolist(), range(len(names)), strict=True))
        near.final = {number[node]: intent for node, intent in self.lattice.final.items() if node in number}
        if not near.final:
            return total, self
        near.nodes = len(names)
        near.source, near.target = places[1 : 1 + len(kept)].tolist(), places[1 + len(kept) :].tolist()
        near.letter = [ALPHABET[letter - 1] for letter in self.letter[kept]]
        near.tags = {place: tag for place, k in enumerate(kept.tolist()) if (tag := self.tags[k]) is not None}
        return total, Scorer(near)

    def forward(
        self,
        probabilities: Floats,
        allowed: NDArray[np.bool_] | None = None,
        intent: str | None = None,
        most: Floats | None = None,
    ) -> float:
        """log of the summed probability of every path; `allowed` (arcs,) keeps some arcs only, `intent` one intent's ends.

        `most` (arcs,) is raised to the largest share that each arc had in any frame.
        """
        arcs, nodes, total = np.zeros(len(self.source)), np.zeros(self.lattice.nodes), 0.0
        nodes[0] = 1.0
        open_ = None if allowed is None else allowed.astype(np.float64)
        into = np.zeros(self.lattice.nodes)
        for row in probabilities:
            into[self.entered] = np.add.reduceat(arcs, self.starts)
            arcs = (arcs + nodes[self.source] + into[self.source] * self.fresh) * row[self.letter]
            if open_ is not None:
                arcs *= open_
            nodes = (nodes + into) * row[0]
            scale = arcs.sum() + nodes.sum()
            if scale <= TINY:
                return -np.inf
            arcs /= scale
            nodes /= scale
            total += np.log(scale)
            if most is not None:
                np.maximum(most, arcs, out=most)
        ended = sum(nodes[node] + arcs[first:last].sum() for node, first, last in self._ends(intent))
        return float(total + np.log(ended)) if ended > TINY else -np.inf

    def _ends(self, intent: str | None) -> list[tuple[int, int, int]]:
        """Nodes where a phrase (of the intent) may end, and the slice of arcs that enter each."""
        final = [node for node, one in self.lattice.final.items() if intent in (None, one)]
        slices = np.searchsorted(self.target, [[node, node + 1] for node in final])
        return [(node, int(first), int(last)) for node, (first, last) in zip(final, slices, strict=True)]

    def best(self, probabilities: Floats, allowed: NDArray[np.bool_] | None = None) -> Path | None:
        """The most probable single path; None where the recording is too short for any."""
        logs = np.log(np.maximum(probabilities, 1e-30))
        frames, count = len(logs), len(self.source)
        arcs, nodes = np.full((frames + 1, count), -np.inf), np.full((frames + 1, self.lattice.nodes), -np.inf)
        nodes[0, 0] = 0.0
        closed = None if allowed is None else np.where(allowed, 0.0, -np.inf)
        barred = np.where(self.fresh > 0, 0.0, -np.inf)
        into = np.full(self.lattice.nodes, -np.inf)
        for t, row in enumerate(logs):
            into[self.entered] = np.maximum.reduceat(arcs[t], self.starts)
            arcs[t + 1] = np.maximum(np.maximum(arcs[t], nodes[t, self.source]), into[self.source] + barred) + row[self.letter]
            if closed is not None:
                arcs[t + 1] += closed
            nodes[t + 1] = np.maximum(nodes[t], into) + row[0]
        return self._trace(arcs, nodes)

    def _trace(self, arcs: Floats, nodes: Floats) -> Path | None:
        """Walk back along whatever was best."""
        ends = [(arcs[-1, k], int(self.target[k]), int(k)) for k in self.final_arcs]
        ends += [(nodes[-1, n], int(n), -1) for n in self.final_nodes]
        score, node, arc = max(ends)
        if not np.isfinite(score):
            return None
        intent, passed = self.lattice.final[node], list[int]()
        for t in range(len(arcs) - 1, 0, -1):
            if arc < 0:  # at a node: from itself, or from an arc that enters it
                arc = self._entering(arcs[t - 1], node, nodes[t - 1, node])
                continue
            source = int(self.source[arc])
            stay, rest = arcs[t - 1, arc], nodes[t - 1, source]
            before = self._entering(arcs[t - 1], source, max(stay, rest)) if self.fresh[arc] else -1
            if before < 0 and stay >= rest:
                continue
            passed.append(arc)
            node, arc = source, before
        passed += [arc] if arc >= 0 else []
        found = passed[::-1]
        slots = dict(tag for k in found if (tag := self.tags[k]) is not None)
        return Path(intent, slots, "".join(ALPHABET[self.letter[k] - 1] for k in found), float(score))

    def _entering(self, arcs: Floats, node: int, least: float) -> int:
        """The best arc into a node if it beats `least`, else -1."""
        low, high = np.searchsorted(self.target, [node, node + 1])
        if low == high:
            return -1
        best = int(low + arcs[low:high].argmax())
        return best if arcs[best] > least else -1

    def allowing(self, slots: dict[str, str]) -> NDArray[np.bool_]:
        """Arcs of paths with exactly these slots: the ends of all other values are closed."""
        return np.array([tag is None or slots.get(tag[0]) == tag[1] for tag in self.tags])

    def without(self, tag: Tag) -> NDArray[np.bool_]:
        """All arcs but the ends of one value."""
        return np.array([one != tag for one in self.tags])

    def free(self, probabilities: Floats) -> float:
        """log of the best path that no grammar holds back, the measure of how well a grammar fits."""
        return float(np.log(np.maximum(probabilities.max(1), 1e-30)).sum())
