"""`for_user` by session neighbours: a batch of histories, the items that visits like them held, and what each entry gave."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.recommend.history import History
from aisle.tasks.recommend.lists import Places
from aisle.tasks.recommend.ranking import Pairs, Ranked
from aisle.tasks.recommend.session_neighbours import Answered, Nearness, Visits, ask

Found = list[tuple[Answered, Places]]  # per user: what the history finds, and the entries of it that were looked at


def answers(visits: Visits, history: History, users: int, nearest: int) -> Found:
    """What every user's history finds."""
    given = Nearness(nearest=nearest)
    found: Found = []
    for span in map(history.of, range(users)):
        entry = span.start + np.flatnonzero((history.share[span] > 0) & (history.item[span] < visits.items))
        found.append((ask(visits, history.item[entry], history.share[entry], given), entry))
    return found


def scores(found: Found, size: int) -> NDArray[np.float64]:
    """(users, size)."""
    return np.stack([one.scores(size) for one, _ in found])


def pairs(found: Found, ranked: Ranked, size: int) -> Pairs:
    """What every entry gave to every ranked item of its user."""
    bounds = ranked.user.searchsorted(np.arange(len(found) + 1)).tolist()
    cells, values, entries = [np.zeros(0, np.int64)], [np.zeros(0)], [np.zeros(0, np.int64)]
    for user, ((one, entry), start, stop) in enumerate(zip(found, bounds, bounds[1:], strict=False)):
        place = ranked.place[start:stop]
        cells.append(np.tile(place + user * size, len(entry)))
        values.append(one.given(place, size).ravel())
        entries.append(np.repeat(entry, len(place)))
    return Pairs(np.concatenate(cells), np.concatenate(values), 1, np.concatenate(entries))
