"""Neighbours that know order: what comes after what, added up exactly."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from aisle.tasks.recommend import sequence_neighbours as sn

ITEMS = 12


def world(seed: int = 0, users: int = 40) -> sn.Sequences:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 15, users)
    user = np.repeat(np.arange(users), lengths)
    return sn.Sequences.of(user, rng.integers(0, ITEMS, len(user)), np.sort(rng.integers(0, 9, len(user))) + user * 100)


def plain(sequences: sn.Sequences, decay: float, window: int, together: float) -> np.ndarray:
    """The formula, pair by pair."""
    found = np.zeros((ITEMS, ITEMS))
    for start, stop in zip(sequences.start[:-1], sequences.start[1:], strict=True):
        for p in range(start, stop):
            for q in range(p + 1, min(p + window + 1, stop)):
                apart = sequences.step[q] - sequences.step[p]
                a, b = sequences.item[p], sequences.item[q]
                found[a, b] += decay ** (apart - 1) if apart else together
                found[b, a] += 0 if apart else together
    return found


def test_counting_is_the_formula_pair_by_pair() -> None:
    found = sn.count(world(), ITEMS, decay=0.7, window=6, together=0.5)
    np.testing.assert_allclose(found.counts.toarray(), plain(world(), 0.7, 6, 0.5), atol=1e-3)


def test_order_decides_where_sets_are_the_same() -> None:
    user = np.repeat(np.arange(10), 2)
    model = sn.learn(sn.Sequences.of(user, np.tile([0, 1], 10)), 3, backward=0.0)
    assert model.lists.row(0) and not model.lists.row(1)


def test_the_nearer_follower_is_the_nearer_neighbour() -> None:
    user = np.repeat(np.arange(10), 3)
    row = sn.learn(sn.Sequences.of(user, np.tile([0, 1, 2], 10)), 3).lists.row(0)
    assert row[1] > row[2] > 0


def test_the_newest_event_of_a_history_counts_most() -> None:
    user = np.repeat(np.arange(10), 2)
    model = sn.learn(sn.Sequences.of(user, np.tile([0, 1, 2, 3], 5)), 4, fade=0.5)
    scores, _ = sn.score(model, np.array([0, 2]))
    assert scores[3] == pytest.approx(2 * scores[1])


def test_one_basket_has_no_order_and_counts_only_where_asked() -> None:
    baskets = sn.Sequences.of(np.zeros(3, np.int64), np.array([0, 1, 2]), np.array([5, 5, 9]))
    apart = sn.count(baskets, 3).counts.toarray()
    assert apart[0, 1] == apart[1, 0] == 0 and apart[0, 2] == apart[1, 2] == 1
    one = sn.count(baskets, 3, together=0.5).counts.toarray()
    assert one[0, 1] == one[1, 0] == 0.5


def test_chance_pairs_are_held_back() -> None:
    user = np.repeat(np.arange(21), 2)
    item = np.array([0, 1] * 20 + [2, 3])
    lists = sn.learn(sn.Sequences.of(user, item), 4, damping=10.0).lists
    assert lists.row(0)[1] > 5 * lists.row(2)[3]


def test_subtracting_a_person_equals_never_having_had_them_to_the_bit() -> None:
    sequences, gone = world(), np.array([3, 17])
    rest = sequences.only(np.setdiff1d(np.arange(40), gone))
    left, fresh = sn.count(sequences, ITEMS) - sn.count(sequences.only(gone), ITEMS), sn.count(rest, ITEMS)
    assert (left.counts != fresh.counts).nnz == 0 and left.counts.nnz == fresh.counts.nnz
    assert np.array_equal(left.met, fresh.met)
    a, b = sn.similar(left), sn.similar(fresh)
    assert np.array_equal(a.indices, b.indices) and np.array_equal(a.values, b.values)


def test_counts_of_two_halves_add_up_to_the_whole_to_the_bit() -> None:
    sequences = world()
    halves = [sn.count(sequences.only(part), ITEMS) for part in (np.arange(0, 40, 2), np.arange(1, 40, 2))]
    whole, added = sn.count(sequences, ITEMS), halves[0] + halves[1]
    assert (added.counts != whole.counts).nnz == 0 and np.array_equal(added.met, whole.met)


def test_what_events_give_sums_to_the_score() -> None:
    model = sn.learn(world(), ITEMS, k=5)
    scores, given = sn.score(model, np.array([1, 4, 4, 7]), np.array([1.0, 0.5, 2.0, 1.0]))
    assert given.shape == (4, ITEMS) and scores.any()
    np.testing.assert_allclose(given.sum(axis=0), scores, atol=1e-12)


def test_many_users_at_once_score_like_one_by_one() -> None:
    model = sn.learn(world(), ITEMS, k=4)
    history = np.array([1, 4, 7])
    query = sp.csr_array((sn.weights(np.arange(3), model.fade), history, [0, 3]), shape=(1, ITEMS))
    np.testing.assert_allclose(sn.score_all(model.lists, query).toarray()[0], sn.score(model, history)[0], atol=1e-12)


def test_a_shop_without_events_has_empty_lists() -> None:
    none = sn.Sequences.of(np.zeros(0, np.int64), np.zeros(0, np.int64))
    model = sn.learn(none, 3)
    assert not model.lists.values.any() and not sn.score(model, np.array([1]))[0].any()
    assert not sn.score(model, np.zeros(0, np.int64))[0].any()


def test_an_item_may_follow_itself_only_where_repeats_are_asked() -> None:
    again = sn.Sequences.of(np.repeat(np.arange(9), 2), np.zeros(18, np.int64))
    assert not sn.learn(again, 2).lists.values.any()
    assert sn.learn(again, 2, repeats=True).lists.row(0)[0] > 0


def test_a_walk_reaches_what_follows_the_followers() -> None:
    user = np.repeat(np.arange(20), 2)
    item = np.tile([0, 1, 1, 2], 10)  # 0 → 1 and 1 → 2: nobody went from 0 to 2
    follows = sn.count(sn.Sequences.of(user, item), 3)
    direct, far = (sn.similar(follows, backward=0.0, walk=walk).row(0) for walk in (0.0, 0.5))
    assert 2 not in direct and far[2] > 0


@pytest.mark.parametrize("repeats", [False, True])
def test_a_walk_is_one_step_and_two_of_the_same_transitions(repeats: bool) -> None:
    follows = sn.count(world(), ITEMS)
    direct = sn.similar(follows, repeats=repeats, k=ITEMS)
    rows = np.zeros((ITEMS, ITEMS))
    for item in range(ITEMS):
        for other, value in direct.row(item).items():
            rows[item, other] = value
    total = rows.sum(axis=1, keepdims=True)
    once = rows / total
    wanted = total * (0.3 * once + 0.7 * once @ once)
    found = sn.similar(follows, repeats=repeats, k=ITEMS, walk=0.7)
    for item in range(ITEMS):
        row = found.row(item)
        assert repeats or item not in row
        for other, value in row.items():
            assert value == pytest.approx(wanted[item, other], rel=1e-5)
