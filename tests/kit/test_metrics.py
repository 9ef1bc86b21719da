"""The measures of recommendation lists: worked examples, and equal to plain loops on random lists."""

import math

import numpy as np
import pytest
import scipy.sparse as sp

from aisle.kit import metrics

RANKED = np.array([[3, 1, 4, 0], [2, 0, -1, -1], [1, 2, 3, 4]])
RELEVANT = sp.csr_array(np.array([[0, 1, 1, 0, 1], [1, 0, 0, 0, 0], [1, 0, 0, 0, 0]]))  # user 0: items 1, 2, 4


@pytest.fixture
def found():
    return metrics.hits(RANKED, RELEVANT)


@pytest.fixture
def counts():
    return metrics.relevant_counts(RELEVANT)


def test_hits_are_the_recommended_items_that_are_relevant(found, counts):
    assert found.tolist() == [[False, True, True, False], [False, True, False, False], [False] * 4]
    assert counts.tolist() == [3, 1, 1]


def test_an_item_recommended_twice_hits_once():
    assert metrics.hits(np.array([[1, 1, 1]]), sp.csr_array(np.array([[0, 1]]))).tolist() == [[True, False, False]]


def test_precision_recall_and_hit_rate(found, counts):
    assert metrics.precision(found, 4).tolist() == [2 / 4, 1 / 4, 0]
    assert metrics.recall(found, counts, 4).tolist() == [2 / 3, 1, 0]
    assert metrics.capped_recall(found, counts, 2).tolist() == [1 / 2, 1, 0]
    assert metrics.hit_rate(found, 1).tolist() == [0, 0, 0]
    assert metrics.hit_rate(found, 2).tolist() == [1, 1, 0]


def test_ndcg_compares_with_the_ideal_order(found, counts):
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    wanted = [(1 / math.log2(3) + 1 / math.log2(4)) / ideal, 1 / math.log2(3), 0]
    np.testing.assert_allclose(metrics.ndcg(found, counts, 4), wanted, atol=1e-12)


def test_ndcg_of_the_ideal_list_is_one_even_with_more_relevant_items_than_places():
    relevant = sp.csr_array(np.ones((1, 9)))
    found = metrics.hits(np.arange(4)[None], relevant)
    assert metrics.ndcg(found, metrics.relevant_counts(relevant), 4)[0] == pytest.approx(1.0)


def test_reciprocal_rank_is_of_the_first_hit(found):
    assert metrics.reciprocal_rank(found, 4).tolist() == [1 / 2, 1 / 2, 0]
    assert metrics.reciprocal_rank(found, 1).tolist() == [0, 0, 0]


def test_coverage_counts_items_shown_at_least_once():
    assert metrics.coverage(RANKED, 10) == 5 / 10


def test_novelty_is_the_surprise_in_bits():
    popularity = np.array([4, 2, 1, 1])
    assert metrics.novelty(np.array([[0, 1], [2, -1]]), popularity) == pytest.approx((1 + 2 + 3) / 3)


def test_popularity_bias_is_one_where_every_item_is_shown_as_often():
    popularity = np.array([10, 1, 1])
    assert metrics.popularity_bias(np.array([[0, 1, 2]]), popularity) == pytest.approx(1.0)
    assert metrics.popularity_bias(np.array([[0]]), popularity) == pytest.approx(2.5)


def test_gini_is_zero_for_even_and_high_for_few():
    assert metrics.gini(np.array([[0, 1], [2, 3]]), 4) == pytest.approx(0.0)
    assert metrics.gini(np.zeros((5, 1), int), 4) == pytest.approx(3 / 4)


def test_the_interval_holds_the_mean_and_shrinks_with_users():
    rng = np.random.default_rng(0)
    few, many = (rng.random(100) < 0.3).astype(float), (rng.random(10000) < 0.3).astype(float)
    low, high = metrics.interval(many)
    assert low < many.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * many.std() / 100, rel=0.15)
    assert metrics.interval(few)[1] - metrics.interval(few)[0] > 5 * (high - low)
    assert metrics.interval(many) == (low, high)


def plain_user(ranked, relevant, k):
    """recall, precision, ndcg, reciprocal rank of one user, as loops."""
    got = [int(item in relevant) for item in ranked[:k]]
    dcg = sum(hit / math.log2(place + 2) for place, hit in enumerate(got))
    ideal = sum(1 / math.log2(place + 2) for place in range(min(k, len(relevant))))
    first = next((1 / (place + 1) for place, hit in enumerate(got) if hit), 0.0)
    return sum(got) / len(relevant), sum(got) / k, dcg / ideal, first


@pytest.mark.parametrize("k", [1, 5, 10, 20])
def test_vectorised_measures_equal_plain_loops(k):
    rng = np.random.default_rng(k)
    ranked = np.stack([rng.permutation(40)[:10] for _ in range(50)])
    taken = rng.random((50, 40)) < 0.15
    taken[:, 0] = True
    relevant = sp.csr_array(taken)
    found, counts = metrics.hits(ranked, relevant), metrics.relevant_counts(relevant)
    fast = [
        metrics.recall(found, counts, k),
        metrics.precision(found, k),
        metrics.ndcg(found, counts, k),
        metrics.reciprocal_rank(found, k),
    ]
    slow = [plain_user(ranked[u].tolist(), set(relevant[[u]].indices.tolist()), k) for u in range(50)]
    np.testing.assert_allclose(np.stack(fast, axis=1), slow, atol=1e-12)
