"""Sessions like this one, and what they held: neighbours for visits of people nobody knows.

    alike(q, s)   = Σ_h m_h · γ^age(h) · log(S / n_h)^κ · e^(−ρ·age(s)) / √|s|      h: items of the visit q, met m_h times in s
    near(s, j)    = φ^(d−1) where j is d steps after the newest shared item in s, β·ψ^(d−1) where before it, ω where it is itself
    score(q, j)   = Σ_s alike(q, s) · near(s, j) / n_j^ν                         s: the `nearest` most alike

The faded history, the age of sessions and the distance from what is shared are those of STAN (Garg et al., 2019), rare items
that say more those of VSTAN (Ludewig et al., 2021). Ours differs in that sessions are listed by item, whole and unsampled, and
in 1 / n_j^ν against best-sellers. n: meetings of an item; S sessions; the age of a session is the share of all that are newer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.recommend.lists import Floats, Places
from aisle.tasks.recommend.sequence_neighbours import Sequences


@dataclass(frozen=True, slots=True)
class Nearness:
    """The settings, named as in the formulas."""

    fade: float = 0.6  # γ
    rarity: float = 1.5  # κ
    ageing: float = 1.0  # ρ
    after: float = 0.8  # φ
    before: float = 0.9  # ψ
    backward: float = 0.7  # β
    own: float = 0.8  # ω
    popularity: float = 0.3  # ν
    nearest: int = 1000
    last: int = 30  # newest events of a visit that are read


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions, oldest first, and for every item where it was met."""

    start: Places  # (sessions + 1,)
    item: Places  # (events,)
    where: Places  # (events,) session of each event, by item
    place: Places  # (events,) its place in that session, by item
    first: Places  # (items + 1,) bounds of an item in these two

    @staticmethod
    def of(sequences: Sequences, items: int) -> Sessions:
        order = np.argsort(sequences.item, kind="stable")
        session = sequences.user
        place = np.arange(len(session)) - sequences.start[session]
        first = np.searchsorted(sequences.item[order], np.arange(items + 1))
        return Sessions(sequences.start, sequences.item, session[order], place[order], first)

    @property
    def counts(self) -> Places:
        """(items,) n."""
        return np.diff(self.first)


def score(sessions: Sessions, visit: Places, given: Nearness) -> tuple[Places, Floats]:
    """The items that sessions like this visit (oldest first) held, ascending, and the score of each."""
    near, alike, shared = _alike(sessions, visit[-given.last :][::-1], given)
    if len(near) > given.nearest:
        best = np.argpartition(-alike, given.nearest)[: given.nearest]
        near, alike, shared = near[best], alike[best], shared[best]
    lengths = np.diff(sessions.start)[near]
    row = np.repeat(np.arange(len(near)), lengths)
    place = np.arange(len(row)) - np.repeat(lengths.cumsum() - lengths, lengths)
    items, inverse = np.unique(sessions.item[sessions.start[near][row] + place], return_inverse=True)
    found = np.bincount(inverse, alike[row] * _nearness(place - shared[row], given), len(items))
    return items, found / np.maximum(sessions.counts[items], 1.0) ** given.popularity


def _alike(sessions: Sessions, newest_first: Places, given: Nearness) -> tuple[Places, Floats, Places]:
    """The sessions that share an item, how alike each is, and the place in it of the newest item that is shared."""
    total, counts = len(sessions.start) - 1, sessions.counts
    met, age = np.unique(newest_first, return_index=True)
    met, age = met[np.argsort(age)], np.sort(age)
    spans = [np.arange(sessions.first[item], sessions.first[item + 1]) for item in met]
    rows = np.concatenate(spans) if spans else np.zeros(0, np.int64)
    rare = np.log(np.maximum(total / np.maximum(counts[met], 1), 1.0))
    worth = given.fade**age * rare**given.rarity
    near, first, inverse = np.unique(sessions.where[rows], return_index=True, return_inverse=True)
    alike = np.bincount(inverse, np.repeat(worth, counts[met]), len(near))
    alike = alike * np.diff(sessions.start)[near] ** -0.5 * np.exp(-given.ageing * (total - near) / max(total, 1))
    return near, alike, sessions.place[rows[first]]


def _nearness(steps: NDArray[np.int64], given: Nearness) -> Floats:
    """(events,) what an event counts that is so many steps after (or before, below 0) what is shared."""
    far = np.maximum(np.abs(steps) - 1, 0)
    aside = np.where(steps > 0, given.after**far, given.backward * given.before**far)
    return np.asarray(np.where(steps == 0, given.own, aside), np.float64)
