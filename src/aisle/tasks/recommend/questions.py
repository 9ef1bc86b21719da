"""What a recommender is asked to judge it: histories of users who came back, and what they took up afterwards.

next         a user comes back at a random later moment at which they took up something new; right is that, a basket as a whole
next_again   the same at a random later step, whatever it was: what they had before is right too (also just before), and shown
later        all users are asked at one moment; right is all that each takes up in the time after it that they never had
again        the same, and what they had before is right too and may be shown
hidden       a random quarter of what every user has is hidden, and asked for with all the rest of the history

All but `hidden` learn from what happened before (nine tenths of the events): nothing from the future is known. They
need an order that means something. Where next to nobody did things at several moments, or what they did are ratings, which are
given whenever a form asks for them, `hidden` is asked instead. Where nothing was said, the data decides between the first two:
users that are visits (everything within a day, as where a shop knows only sessions) and do go back to what they had looked at are
asked `next_again`, all others `next`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aisle.tasks.recommend.weights import RATE, Weights
from aisle.tasks.recommend.world import World
from aisle.times import DAY
from aisle.types import PastEvent

Kind = Literal["next", "next_again", "later", "again", "hidden"]
Aim = Literal["auto", "next", "next_again", "later", "again"]
SHARE = 0.9  # of the events are learnt from
COME_BACK = 0.2  # of the users: below it there is hardly anybody to ask by time
VISITS = 0.8  # of the users with several steps are no longer there than a day: these are sessions, not people
RETURNS = 0.05  # of the later steps lead back to something met before: worth asking for
QUARTER = 0.25  # of what a user has is hidden, where there is no order
HISTORY = 50  # newest events an answer gets, as the platform gives them
Rows = NDArray[np.int64]


class Question(NamedTuple):
    """A user who comes back, and what they take up."""

    user_id: str
    moment: int  # microseconds
    history: list[PastEvent]  # newest first
    wanted: NDArray[np.int32]  # columns


class Exam(NamedTuple):
    """What may be learnt from, and what is asked."""

    kind: Kind
    past: World
    asked: list[Question]


def exam(world: World, weights: Weights, aim: Aim, most: int) -> Exam:
    """The questions for at most `most` users, drawn the same way each time."""
    wanted = (weights.interest(world.type, world.value) > 0) & (world.item < world.known)
    if not in_order(world, wanted):
        return _hidden(world, wanted, most)
    moment = int(np.quantile(world.time, SHARE, method="lower"))
    past = world.part(world.time <= moment)
    kind: Kind = fitting(world, wanted, moment) if aim == "auto" else aim
    if kind in ("next", "next_again"):
        meetings = _first_meetings(world, wanted) if kind == "next" else _steps(world, wanted, again=True)
        return Exam(kind, past, _next(world, meetings, moment, most))
    return Exam(kind, past, _later(world, wanted, moment, most, repeats=kind == "again"))


def in_order(world: World, wanted: NDArray[np.bool_]) -> bool:
    """Whether at least a fifth of the users who wanted several things did so at several moments, ratings left out."""
    rows = np.flatnonzero(wanted)
    several = np.bincount(world.user[rows], minlength=1) > 1
    rows = rows[world.type[rows] != RATE]
    later = (world.user[rows[1:]] == world.user[rows[:-1]]) & (world.time[rows[1:]] > world.time[rows[:-1]])
    return bool(len(np.unique(world.user[rows[1:]][later])) >= COME_BACK * np.count_nonzero(several))


def fitting(world: World, wanted: NDArray[np.bool_], after: int) -> Kind:
    """`next_again` where users are visits and at least RETURNS of their steps after `after` lead back; else `next`."""
    steps = _steps(world, wanted)
    _, starts, counts = np.unique(world.user[steps], return_index=True, return_counts=True)
    lasted = world.time[steps[starts + counts - 1]] - world.time[steps[starts]]
    several = counts > 1
    if not several.any() or (lasted[several] < DAY).mean() < VISITS:
        return "next"
    late = (world.time[steps] > after) & (world.time[steps] > world.time[steps[starts]].repeat(counts))
    new = np.isin(steps, _first_meetings(world, wanted))
    return "next_again" if late.any() and (~new)[late].mean() >= RETURNS else "next"


def _steps(world: World, wanted: NDArray[np.bool_], *, again: bool = False) -> Rows:
    """The rows at which a user wanted an item other than the one just before: several times in a row is one step. With `again`
    the same thing done again is a step too; an item looked at and then bought still is one."""
    rows = np.flatnonzero(wanted)
    user, item, kind = world.user[rows], world.item[rows], world.type[rows]
    new = np.ones(len(rows), bool)
    new[1:] = (user[1:] != user[:-1]) | (item[1:] != item[:-1]) | (again & (kind[1:] == kind[:-1]))
    return rows[new]


def _next(world: World, first: Rows, after: int, most: int) -> list[Question]:
    """For a fixed sample of users, one moment after `after` among the rows `first`, with something before it."""
    user, time = world.user[first], world.time[first]
    start = world.time[first[np.searchsorted(user, user)]]  # the same user's first of all
    late = first[(time > after) & (time > start)]
    if not len(late):
        return []
    rng = np.random.default_rng(0)
    users, begins, counts = np.unique(world.user[late], return_index=True, return_counts=True)
    drawn = late[begins + (rng.random(len(users)) * counts).astype(np.int64)]
    return [_question(world, late, row) for row in _some(drawn, most, rng).tolist()]


def _first_meetings(world: World, wanted: NDArray[np.bool_]) -> Rows:
    """The rows at which a user first wanted an item, by user and time."""
    rows = np.flatnonzero(wanted)
    return np.sort(rows[np.unique(_cells(world, rows), return_index=True)[1]])


def _cells(world: World, rows: Rows) -> Rows:
    """One number for each pair of user and item."""
    return world.user[rows].astype(np.int64) * max(len(world.names), 1) + world.item[rows]


def _some(drawn: Rows, most: int, rng: np.random.Generator) -> Rows:
    return drawn if len(drawn) <= most else np.sort(rng.choice(drawn, most, replace=False))


def _question(world: World, late: Rows, row: int) -> Question:
    user, moment = int(world.user[row]), int(world.time[row])
    start, stop = np.searchsorted(world.user, [user, user + 1])
    before = int(start + np.searchsorted(world.time[start:stop], moment))
    low, high = np.searchsorted(late, [before, before + int((world.time[before:stop] == moment).sum())])
    return Question(world.users[user], moment, history(world, int(start), before), world.item[late[low:high]])


def _later(world: World, wanted: NDArray[np.bool_], moment: int, most: int, *, repeats: bool) -> list[Question]:
    """All users who had something by `moment` and take up something after it."""
    late, early = np.flatnonzero(wanted & (world.time > moment)), np.flatnonzero(world.time <= moment)
    known = np.unique(world.user[early[wanted[early]]])
    cells = np.unique(_cells(world, late[np.isin(world.user[late], known)]))
    if not repeats:
        cells = cells[~np.isin(cells, _cells(world, early))]
    if not len(cells):
        return []
    width = max(len(world.names), 1)
    owner, item = cells // width, (cells % width).astype(np.int32)
    users = _some(np.unique(owner), most, np.random.default_rng(0))
    starts, stops = np.searchsorted(world.user, users), np.searchsorted(world.user, users, side="right")
    found = []
    for user, start, stop in zip(users.tolist(), starts.tolist(), stops.tolist(), strict=True):
        before = start + int(np.searchsorted(world.time[start:stop], moment, side="right"))
        low, high = np.searchsorted(owner, [user, user + 1])
        found.append(Question(world.users[user], moment, history(world, start, before), item[low:high]))
    return found


def _hidden(world: World, wanted: NDArray[np.bool_], most: int) -> Exam:
    """A quarter of the wanted items of every user who has at least four, with all events that name them."""
    rng = np.random.default_rng(0)
    cells = np.unique(_cells(world, np.flatnonzero(wanted)))
    width = max(len(world.names), 1)
    user = cells // width
    counts = np.bincount(user, minlength=len(world.users))
    order = np.lexsort((rng.random(len(cells)), user))
    rank = np.arange(len(cells)) - (counts.cumsum() - counts)[user]
    gone = np.sort(cells[order[rank < np.floor(counts * QUARTER)[user]]])
    past = world.part(~np.isin(_cells(world, np.arange(len(world.user))), gone))
    owner, item = gone // width, (gone % width).astype(np.int32)
    found = []
    for one in _some(np.unique(owner), most, rng).tolist():
        start, stop = np.searchsorted(past.user, [one, one + 1])
        low, high = np.searchsorted(owner, [one, one + 1])
        found.append(Question(world.users[one], world.until, history(past, int(start), int(stop)), item[low:high]))
    return Exam("hidden", past, found)


def history(world: World, start: int, stop: int) -> list[PastEvent]:
    """The newest of these events, newest first, as the platform hands them over."""
    rows = slice(max(start, stop - HISTORY), stop)
    columns = (world.item[rows], world.type[rows], world.time[rows], world.value[rows])
    return [
        PastEvent(world.names[item], kind, time, None if value != value else value, None)
        for item, kind, time, value in zip(*(column[::-1].tolist() for column in columns), strict=True)
    ]
