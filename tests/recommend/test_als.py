"""Implicit ALS: each half step is the exact least squares, and a fresh history is placed by it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp

from aisle.tasks.recommend import als


def world(seed: int = 0, users: int = 30, items: int = 14) -> sp.csr_array:
    rng = np.random.default_rng(seed)
    return sp.csr_array((rng.random((users, items)) < rng.random((users, 1))) * rng.integers(1, 4, (users, items)).astype(float))


def plain(met: sp.csr_array, fixed: np.ndarray, alpha: float, regularisation: float, exponent: float) -> np.ndarray:
    """The normal equations, row by row."""
    out = np.zeros((met.shape[0], fixed.shape[1]))
    for row in range(met.shape[0]):
        c = met.toarray()[row]
        ridge = regularisation * ((c > 0).sum() + alpha * len(fixed)) ** exponent
        left = (fixed * c[:, None]).T @ fixed + alpha * fixed.T @ fixed + ridge * np.eye(fixed.shape[1])
        out[row] = np.linalg.solve(left, fixed.T @ c)
    return out


@pytest.mark.parametrize("factors", [3, 8, 20])
@pytest.mark.parametrize("exponent", [0.0, 1.0])
def test_a_half_step_is_the_normal_equations_row_by_row(factors: int, exponent: float) -> None:
    fixed = np.random.default_rng(1).standard_normal((14, factors)).astype(np.float32)
    want = plain(world(), fixed.astype(np.float64), 0.3, 0.05, exponent)
    np.testing.assert_allclose(als.half_step(world(), fixed, 0.3, 0.05, exponent), want, atol=2e-4)


@pytest.mark.parametrize("factors", [3, 20])
def test_so_it_is_without_the_kernel(factors: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(als.compiled, "BUILT", False)
    test_a_half_step_is_the_normal_equations_row_by_row(factors, 1.0)


def test_few_steps_an_epoch_end_where_exact_epochs_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss after the same epochs is the same within a thousandth."""
    met = world(users=120, items=60)
    few = _loss(met, als.learn(met, factors=8, regularisation=0.01))
    monkeypatch.setattr(als.compiled, "BUILT", False)
    assert few == pytest.approx(_loss(met, als.learn(met, factors=8, regularisation=0.01)), rel=1e-3)


def test_the_best_items_are_the_highest_scores_of_what_was_not_met(monkeypatch: pytest.MonkeyPatch) -> None:
    met = world()
    model = als.learn(met, factors=6)
    scores = als.score_all(model, model.users)
    scores[met.nonzero()] = -np.inf
    monkeypatch.setattr(als, "SHOWN", 100)  # blocks of seven users
    indices, values = als.best_items(model, met, 5)
    for user, row in enumerate(scores):
        order = [item for item in np.argsort(-row, kind="stable")[:5] if np.isfinite(row[item])]
        assert indices[user].tolist() == order + [-1] * (5 - len(order))
        np.testing.assert_allclose(values[user, : len(order)], row[order], atol=1e-6)


def test_every_epoch_lowers_the_loss() -> None:
    met = world()
    losses = [_loss(met, als.learn(met, factors=4, epochs=epochs, regularisation=0.01)) for epochs in range(1, 6)]
    assert all(later <= earlier + 1e-6 for earlier, later in pairwise(losses)) and losses[-1] < losses[0]


def _loss(met: sp.csr_array, model: als.Factors) -> float:
    c, users, items = met.toarray(), model.users.astype(np.float64), model.items.astype(np.float64)
    found = users @ items.T
    of_users = model.regularisation * ((c > 0).sum(1) + model.alpha * len(items)) ** model.exponent
    of_items = model.regularisation * ((c > 0).sum(0) + model.alpha * len(users)) ** model.exponent
    fit = (c * (found - 1) ** 2).sum() + model.alpha * (found**2).sum()
    return float(fit + (of_users * (users**2).sum(1)).sum() + (of_items * (items**2).sum(1)).sum())


def test_users_of_two_tastes_are_offered_their_own() -> None:
    met = np.zeros((20, 10))
    met[::2, ::2] = met[1::2, 1::2] = 1
    met[0, 4] = met[1, 5] = 0
    model = als.learn(sp.csr_array(met), factors=4)
    scores = als.score_all(model, model.users)
    assert scores[0, 4] > scores[0, 1::2].max() and scores[1, 5] > scores[1, ::2].max()


def test_folding_in_a_known_history_gives_the_known_vector() -> None:
    met = world()
    model = als.learn(met, factors=6)
    np.testing.assert_allclose(als.fold_in(model, met[:5]), model.users[:5], atol=1e-5)


def test_what_events_give_sums_to_the_score_of_the_folded_history() -> None:
    model = als.learn(world(), factors=6)
    history, worth = np.array([2, 5, 9]), np.array([1.0, 2.0, 1.0])
    scores, given = als.score(model, history, worth)
    np.testing.assert_allclose(given.sum(axis=0), scores, atol=1e-12)
    vector = als.fold_in(model, sp.csr_array((worth, history, [0, 3]), shape=(1, 14)))
    np.testing.assert_allclose(als.score_all(model, vector)[0], scores, atol=1e-4)


def test_the_same_seed_gives_the_same_model_and_empty_rows_are_zero() -> None:
    met = world().tolil()
    met[3] = 0
    met = sp.csr_array(met)
    one, two = als.learn(met, factors=5, seed=7), als.learn(met, factors=5, seed=7)
    assert np.array_equal(one.items, two.items) and not one.users[3].any()
