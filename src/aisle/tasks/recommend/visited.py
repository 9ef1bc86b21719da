"""`for_user` by session neighbours: a batch of histories, the items that visits like them held, and what each entry gave."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.recommend.history import History
from aisle.tasks.recommend.lists import Floats, Places
from aisle.tasks.recommend.session_neighbours import Answered, Nearness, Visits, ask


class Visited(NamedTuple):
    """What the histories of a batch find, a `ranking.Speaker`."""

    scores: NDArray[np.float64]  # (users, S)
    found: list[tuple[Answered, Places]]  # per user: what the history finds, and the entries of it that were looked at

    def given(self, user: int, places: Places) -> tuple[Places, Floats]:
        """The entries that were looked at, and (entries, places) what each adds to these items."""
        one, entries = self.found[user]
        return entries, one.given(places, self.scores.shape[1])


def visit(visits: Visits, history: History, users: int, size: int, nearest: int) -> Visited:
    """What every user's history finds."""
    given = Nearness(nearest=nearest)
    found: list[tuple[Answered, Places]] = []
    for span in map(history.of, range(users)):
        entry = span.start + np.flatnonzero((history.share[span] > 0) & (history.item[span] < visits.items))
        found.append((ask(visits, history.item[entry], history.share[entry], given), entry))
    return Visited(np.stack([one.scores(size) for one, _ in found]), found)
