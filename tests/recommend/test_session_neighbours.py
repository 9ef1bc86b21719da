"""Sessions like a visit: the formula pair by pair, and what each of its parts is for."""

import math

import numpy as np
import pytest

from aisle.tasks.recommend.sequence_neighbours import Sequences
from aisle.tasks.recommend.session_neighbours import Nearness, Sessions, score

EVEN = Nearness(fade=1.0, rarity=0.0, ageing=0.0, after=1.0, before=1.0, backward=1.0, own=1.0, popularity=0.0)


def of(rows: list[list[int]], items: int = 9) -> Sessions:
    user = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    return Sessions.of(Sequences.of(user, np.concatenate([np.array(row) for row in rows])), items)


def scores(rows: list[list[int]], visit: list[int], given: Nearness = EVEN, items: int = 9) -> np.ndarray:
    found = np.zeros(items)
    place, value = score(of(rows, items), np.array(visit, np.int64), given)
    found[place] = value
    return found


def plain(rows: list[list[int]], visit: list[int], given: Nearness, items: int) -> np.ndarray:
    """The formula, session by session."""
    count = np.bincount(np.concatenate([np.array(row) for row in rows]), minlength=items)
    found = np.zeros(items)
    for number, row in enumerate(rows):
        shared = [item for item in dict.fromkeys(reversed(visit)) if item in row]
        if not shared:
            continue
        age = {item: list(reversed(visit)).index(item) for item in shared}
        rare = {item: math.log(max(len(rows) / count[item], 1)) ** given.rarity for item in shared}
        alike = sum(row.count(item) * given.fade ** age[item] * rare[item] for item in shared)
        alike *= len(row) ** -0.5 * math.exp(-given.ageing * (len(rows) - number) / len(rows))
        at = row.index(shared[0])
        for place, item in enumerate(row):
            far = abs(place - at) - 1
            near = given.own if place == at else given.after**far if place > at else given.backward * given.before**far
            found[item] += alike * near / max(count[item], 1) ** given.popularity
    return found


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_the_formula_session_by_session(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [rng.integers(0, 9, rng.integers(1, 7)).tolist() for _ in range(20)]
    visit = rng.integers(0, 9, 4).tolist()
    np.testing.assert_allclose(scores(rows, visit, Nearness()), plain(rows, visit, Nearness(), 9), rtol=1e-12)


def test_a_session_that_shares_more_counts_more() -> None:
    found = scores([[0, 1, 2], [0, 3, 4]], [0, 1])
    assert found[2] > found[4] > 0


def test_what_came_after_the_newest_shared_item_is_nearer_than_what_came_before() -> None:
    found = scores([[1, 2, 0, 3, 4]], [0], Nearness(rarity=0.0))
    assert found[3] > found[4] > 0 and found[3] > found[2]


def test_newer_sessions_count_more_and_only_the_nearest_count() -> None:
    rows = [[0, 1], [0, 2]]
    found = scores(rows, [0], Nearness(rarity=0.0))
    assert found[2] > found[1] > 0
    assert scores(rows, [0], Nearness(rarity=0.0, nearest=1))[1] == 0


@pytest.mark.parametrize("visit", [[], [8]])
def test_a_visit_like_no_session_finds_nothing(visit: list[int]) -> None:
    assert not scores([[0, 1], [1, 2]], visit).any()
