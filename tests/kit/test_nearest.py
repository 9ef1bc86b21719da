"""The k nearest rows: equal to sorting the plain measure, whatever way the products are made."""

import sys
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp

from aisle.kit import compiled
from aisle.kit import gram as gram_module
from aisle.kit.compiled import neighbours
from aisle.kit.gram import Gram, is_exact
from aisle.kit.nearest import best, top_k_neighbours
from aisle.kit.similarity import MEASURES, plain, shrunk


@pytest.fixture(params=["compiled", "numpy"], autouse=True)
def how(request, monkeypatch):
    """Everything here is asked of the kernel and of numpy."""
    if request.param == "numpy":
        monkeypatch.setattr(neighbours, "BUILT", False)
        monkeypatch.setattr(compiled, "BUILT", False)
    elif not compiled.BUILT:
        pytest.skip("no kernels here")


def yes_no(rng, n=60, columns=25):
    return sp.csr_array((rng.random((n, columns)) < np.linspace(0.6, 0.02, columns)).astype(np.float32))


def ratings(rng, n=60, columns=25):
    return sp.csr_array(yes_no(rng, n, columns).toarray() * rng.integers(1, 6, (n, columns)))


def decimals(rng, n=60, columns=25):
    return sp.csr_array(yes_no(rng, n, columns).toarray() * rng.gamma(1.0, 3.0, (n, columns)).round(3))


def signed(rng, n=60, columns=25):
    return sp.csr_array(yes_no(rng, n, columns).toarray() * rng.normal(0, 2, (n, columns)).round(2))


def slowly(matrix, measure, shrinkage=0.0):
    """(n, n) the plain measure, -inf where two rows share nothing or are the same one."""
    dense = matrix.toarray().astype(np.float64)
    out = np.full((len(dense), len(dense)), -np.inf)
    for i, u in enumerate(dense):
        for j, v in enumerate(dense):
            shared = int(((u != 0) & (v != 0)).sum())
            if i != j and shared:
                out[i, j] = shrunk(plain(measure, u, v), shared, shrinkage)
    return out


def check(matrix, measure, k, shrinkage=0.0, **how):
    """The values are the k best of the plain measure, and each index has the value it claims."""
    wanted = slowly(matrix, measure, shrinkage)
    indices, found = top_k_neighbours(matrix, measure, k, shrinkage=shrinkage, **how)
    ranked = -np.sort(-wanted, axis=1)[:, :k]
    ranked = np.pad(ranked, ((0, 0), (0, k - ranked.shape[1])), constant_values=-np.inf)
    assert ((indices == -1) == np.isneginf(ranked)).all()
    np.testing.assert_allclose(found, np.where(np.isneginf(ranked), 0, ranked), rtol=1e-6, atol=1e-6)
    own = np.where(indices < 0, 0, np.take_along_axis(wanted, np.maximum(indices, 0), 1))
    np.testing.assert_allclose(found, own, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("data", [yes_no, ratings, decimals, signed])
@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("shrinkage", [0.0, 10.0])
def test_neighbours_are_the_best_of_the_plain_measure(data, measure, shrinkage):
    check(data(np.random.default_rng(1)), measure, 7, shrinkage)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("data", [yes_no, ratings])
def test_they_are_the_same_without_onnxruntime(measure, data, monkeypatch):
    monkeypatch.setattr(gram_module.importlib.util, "find_spec", lambda name: None)
    check(data(np.random.default_rng(2)), measure, 7)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("data", [yes_no, ratings, decimals])
@pytest.mark.parametrize("shrinkage", [0.0, 10.0])
def test_listing_only_the_pairs_that_meet_finds_the_same(measure, data, shrinkage, monkeypatch):
    monkeypatch.setattr(gram_module, "LISTED_COST", -1.0)
    check(data(np.random.default_rng(8)), measure, 7, shrinkage)


@pytest.mark.parametrize("rate", [1e-3, 1e30])
@pytest.mark.parametrize("data", [yes_no, decimals])
def test_all_sparse_and_all_dense_agree_with_the_plain_measure(rate, data, monkeypatch):
    monkeypatch.setattr(gram_module, "SPARSE_RATE", rate)
    check(data(np.random.default_rng(3)), "cosine", 7)


def test_blocks_and_threads_change_nothing(monkeypatch):
    matrix = yes_no(np.random.default_rng(4), 3000, 60)
    one = top_k_neighbours(matrix, "cosine", 20, threads=1)
    monkeypatch.setattr("aisle.kit.pairs.BLOCK_BYTES", 1 << 18)
    two = top_k_neighbours(matrix, "cosine", 20, threads=2)
    monkeypatch.setattr(gram_module, "LISTED_COST", -1.0)
    listed = top_k_neighbours(matrix, "cosine", 20, threads=2)
    for other in (two, listed):
        assert (one[0] == other[0]).all() and (one[1] == other[1]).all()


def test_equal_neighbours_come_in_index_order():
    indices, found = top_k_neighbours(sp.csr_array(np.ones((6, 3))), "cosine", 3)
    assert indices[0].tolist() == [1, 2, 3] and indices[2].tolist() == [0, 1, 3]
    np.testing.assert_allclose(found, 1.0, rtol=1e-6)


def test_a_lonely_row_has_no_neighbours_and_is_nobodys():
    indices, found = top_k_neighbours(sp.csr_array(np.array([[1, 0], [1, 0], [0, 1], [0, 0]], float)), "cosine", 2)
    assert indices.tolist() == [[1, -1], [0, -1], [-1, -1], [-1, -1]]
    assert found[2:].tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("shape", [(0, 5), (1, 5), (3, 0)])
def test_matrices_without_pairs_have_no_neighbours(shape):
    indices, found = top_k_neighbours(sp.csr_array(shape), "cosine", 4)
    assert indices.shape == found.shape == (shape[0], 4)
    assert (indices == -1).all()


@pytest.mark.parametrize("n, k", [(9, 3), (40, 40), (40, 50), (5000, 10), (5000, 1), (2500, 300)])
def test_best_is_a_stable_sort_of_the_scores(n, k):
    rng = np.random.default_rng(5)
    scores = rng.integers(-20, 20, (7, n)).astype(np.float32) / 4
    scores[1] = -np.inf
    scores[2, 3:] = -np.inf
    scores[3] = 1.0
    index, value = best(scores, k)
    for row in range(7):
        order = [j for j in np.argsort(-scores[row], kind="stable") if np.isfinite(scores[row, j])][:k]
        assert index[row].tolist() == order + [-1] * (k - len(order))
        assert value[row].tolist() == scores[row, order].tolist() + [0.0] * (k - len(order))


def test_best_is_right_where_the_guessed_bound_is_wrong():
    scores = np.full((3, 6000), -1.0, np.float32)
    scores[:, 17:40] = np.arange(23)  # so few that a sample of columns mostly misses them
    index, value = best(scores, 30)
    assert index[0, :24].tolist() == [*range(39, 16, -1), 0]
    assert value[0, 24:].tolist() == [-1.0] * 6


@pytest.mark.skipif(
    sys.modules.get("onnxruntime") is None and not gram_module.importlib.util.find_spec("onnxruntime"), reason="no onnxruntime"
)
def test_int8_products_are_exact_up_to_the_largest_value():
    rng = np.random.default_rng(6)
    dense = rng.integers(0, 128, (40, 300)).astype(np.float64)
    matrix = sp.csr_array(dense)
    assert is_exact(matrix)
    assert (Gram.of(matrix, matrix, exact=True).block(5, 25) == (dense @ dense.T)[5:25]).all()


@pytest.mark.parametrize("value", [0.5, -1.0, 128.0, np.nan])
def test_what_does_not_fit_int8_is_not_exact(value):
    assert not is_exact(sp.csr_array(np.array([[1.0, value]])))


def test_progress_reaches_the_end():
    seen = []
    top_k_neighbours(yes_no(np.random.default_rng(7)), "jaccard", 3, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (60, 60)


@pytest.mark.parametrize("columns", [40, 4000])
def test_memory_stays_far_below_a_number_for_every_pair(columns):
    """Dense blocks (few columns, all rows meet) and lists (many columns): neither holds n² floats."""
    n = 4000
    rng = np.random.default_rng(9)
    rows, column = np.repeat(np.arange(n), 8), rng.integers(0, columns, 8 * n)
    matrix = sp.csr_array((np.ones(8 * n, np.float32), (rows, column)), shape=(n, columns))
    tracemalloc.start()
    top_k_neighbours(matrix, "cosine", 10, threads=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < n * n  # bytes
