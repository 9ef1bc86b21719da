"""EASE and the regression of the next event: closed forms over sums that a person can leave."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from aisle.tasks.recommend import ease
from aisle.tasks.recommend.sequence_neighbours import Sequences

ITEMS = 10


def sequences(seed: int = 0, users: int = 30) -> Sequences:
    rng = np.random.default_rng(seed)
    user = np.repeat(np.arange(users), rng.integers(1, 9, users))
    return Sequences.of(user, rng.integers(0, ITEMS, len(user)))


def matrix(found: Sequences) -> sp.csr_array:
    shape = (len(found.start) - 1, ITEMS)
    met = sp.csr_array((np.ones(len(found.item)), (found.user, found.item)), shape=shape)
    met.sum_duplicates()
    met.data[:] = 1.0
    return met


def test_weights_are_the_least_squares_of_every_item_on_the_others() -> None:
    x = matrix(sequences()).toarray()
    found = ease.solve(ease.count(sp.csr_array(x)), regularisation=2.0, precise=True)
    for item in range(ITEMS):
        others = np.arange(ITEMS) != item
        gram = x[:, others].T @ x[:, others] + 2.0 * np.eye(ITEMS - 1)
        np.testing.assert_allclose(found[others, item], np.linalg.solve(gram, x[:, others].T @ x[:, item]), atol=1e-10)
        assert found[item, item] == 0


def test_single_precision_is_close_to_double() -> None:
    sums = ease.count(matrix(sequences()))
    np.testing.assert_allclose(
        ease.solve(sums, regularisation=5.0), ease.solve(sums, regularisation=5.0, precise=True), atol=1e-5
    )


def test_the_next_event_is_regressed_on_the_decayed_history() -> None:
    found, before, after = sequences(), [], []
    for start, stop in zip(found.start[:-1], found.start[1:], strict=True):
        for t in range(start + 1, stop):
            x = np.zeros(ITEMS)
            np.add.at(x, found.item[start:t], 0.5 ** np.arange(t - 1 - start, -1, -1.0))
            before.append(x)
            after.append(np.eye(ITEMS)[found.item[t]])
    x, y = np.array(before), np.array(after)
    want = np.linalg.solve(x.T @ x + 3.0 * np.eye(ITEMS), x.T @ y)
    got = ease.solve(ease.count_next(found, ITEMS, decay=0.5), regularisation=3.0, precise=True)
    np.testing.assert_allclose(got, want, atol=1e-10)


@pytest.mark.parametrize("kind", ["set", "next"])
def test_subtracting_a_person_equals_retraining_without_them(kind: str) -> None:
    every, gone = sequences(), np.array([4, 11])
    rest, only = every.only(np.setdiff1d(np.arange(30), gone)), every.only(gone)
    sums = [ease.count(matrix(part)) if kind == "set" else ease.count_next(part, ITEMS) for part in (every, only, rest)]
    left = sums[0] - sums[1]
    np.testing.assert_array_equal(left.gram.toarray(), sums[2].gram.toarray())
    assert left.gram.nnz == sums[2].gram.nnz
    want = ease.solve(sums[2], regularisation=10.0, precise=True)
    np.testing.assert_allclose(ease.solve(left, regularisation=10.0, precise=True), want, rtol=0, atol=1e-9)
    back = left + sums[1]
    np.testing.assert_array_equal(back.gram.toarray(), sums[0].gram.toarray())


def test_what_events_give_sums_to_the_score_and_the_newest_gives_most() -> None:
    model = ease.learn(matrix(sequences()), regularisation=5.0, fade=0.5)
    scores, given = ease.score(model, np.array([1, 4, 1]))
    np.testing.assert_allclose(given.sum(axis=0), scores, atol=1e-12)
    np.testing.assert_allclose(given[2], 4 * given[0], atol=1e-12)


def test_order_matters_to_the_next_event_and_not_to_the_set() -> None:
    user, item = np.repeat(np.arange(20), 2), np.tile([0, 1], 20)
    forth = ease.learn_next(Sequences.of(user, item), 3, regularisation=1.0)
    assert forth.weights[0, 1] > 0.5 and forth.weights[1, 0] == 0
    both = ease.learn(sp.csr_array(np.array([[1.0, 1, 0]] * 20)), regularisation=1.0)
    assert both.weights[0, 1] == pytest.approx(both.weights[1, 0])


def test_lists_keep_the_strongest_positive_weights() -> None:
    model = ease.learn(matrix(sequences()), regularisation=5.0)
    found = ease.lists(model, 3)
    for item in range(ITEMS):
        want = sorted((w for j, w in enumerate(model.weights[item].tolist()) if w > 0 and j != item), reverse=True)[:3]
        assert list(found.row(item).values()) == pytest.approx(want)


def test_many_users_at_once_score_like_one_by_one() -> None:
    model = ease.learn(matrix(sequences()))
    query = sp.csr_array(np.eye(ITEMS)[[2]] + np.eye(ITEMS)[[5]])
    np.testing.assert_allclose(ease.score_all(model, query)[0], ease.score(model, np.array([2, 5]))[0], atol=1e-6)


def test_repeats_lift_what_the_user_had_before() -> None:
    own = sp.csr_array(np.array([[0.0, 2.0, 1.0]]))
    found = ease.with_repeats(np.array([[1.0, 0.1, 0.1]]), own, 2.0)
    np.testing.assert_allclose(found, [[1.0, 2.1, 1.1]])
