"""The kernels in C answer what the plain numpy beside them answers."""

import numpy as np
import pytest
import scipy.sparse as sp

from aisle.kit import compiled, nearest, similarity
from aisle.kit.compiled import neighbours

pytestmark = pytest.mark.skipif(not compiled.BUILT, reason="no kernels here: `make install` compiles them where gcc is")


def regressions(width: int, counted: bool, seed: int = 0):
    """Rows of 0 to 70 entries, their vectors, the diagonals."""
    rng = np.random.default_rng(seed)
    met = sp.csr_array(rng.random((40, 90)) < np.linspace(0, 0.8, 40)[:, None], dtype=np.float32)
    met.data = rng.gamma(1.0, 1.0, met.nnz).astype(np.float32) if counted else met.data
    fixed = (rng.standard_normal((90, width)) / np.sqrt(width)).astype(np.float32)
    return met, fixed, rng.random(width).astype(np.float32) * 5, 0.1 + rng.random(40).astype(np.float32)


def exactly(met, fixed, shared, own) -> np.ndarray:
    out, dense = np.zeros((met.shape[0], fixed.shape[1])), met.toarray().astype(np.float64)
    for row, count in enumerate(dense):
        left = (fixed * count[:, None]).T.astype(np.float64) @ fixed + np.diag(shared + own[row])
        out[row] = np.linalg.solve(left, fixed.T @ count)
    return out


def by_steps(met, fixed, shared, own, near, steps: int) -> np.ndarray:
    """Conjugate gradients as in the book, in float64."""
    out = near.astype(np.float64)
    for row, count in enumerate(met.toarray().astype(np.float64)):
        if not count.any():
            out[row] = 0
            continue
        left = (fixed * count[:, None]).T.astype(np.float64) @ fixed + np.diag(shared + own[row])
        rest = fixed.T @ count - left @ out[row]
        towards = ahead = rest / np.diag(left)
        for _ in range(steps):
            if rest @ ahead < 1e-20:
                break
            far = (rest @ ahead) / (towards @ left @ towards)
            out[row] += far * towards
            before, rest = rest @ ahead, rest - far * (left @ towards)
            ahead = rest / np.diag(left)
            towards = ahead + (rest @ ahead) / before * towards
    return out


@pytest.mark.parametrize("width", [1, 16, 20, 32, 64, 70, 512])
@pytest.mark.parametrize("counted", [False, True])
def test_a_step_towards_a_ridge_regression_is_the_book_s(width, counted):
    """float32 against float64: 1e-5 of the largest number."""
    problem = regressions(width, counted)
    near = np.random.default_rng(1).standard_normal((40, width)).astype(np.float32) * 0.1
    for steps in (1, 3):
        want = by_steps(*problem, near, steps)
        np.testing.assert_allclose(compiled.ridge(*problem, near, steps), want, atol=1e-5 * np.abs(want).max())


@pytest.mark.parametrize("width", [3, 64])
def test_enough_steps_end_in_the_exact_solution_and_stay_there(width):
    problem = regressions(width, counted=True)
    want = exactly(*problem)
    found = compiled.ridge(*problem, np.zeros((40, width), np.float32), 40)
    np.testing.assert_allclose(found, want, atol=1e-5)
    np.testing.assert_allclose(compiled.ridge(*problem, found, 5), want, atol=1e-5)


def test_where_to_begin_is_left_as_it_is_and_empty_rows_are_zero():
    met, fixed, shared, own = regressions(16, counted=False)
    near = np.ones((40, 16), np.float32)
    found = compiled.ridge(met, fixed, shared, own, near, 3)
    assert (near == 1).all() and (found[np.diff(met.indptr) == 0] == 0).all()


def test_a_matrix_that_points_outside_is_refused():
    met, fixed, shared, own = regressions(16, counted=False)
    met.indices[3] = 90
    with pytest.raises(ValueError, match="csr"):
        compiled.ridge(met, fixed, shared, own, np.zeros((40, 16), np.float32), 3)


@pytest.mark.parametrize("n", [1, 63, 64, 65, 500, 5000])
@pytest.mark.parametrize("k", [1, 10, 600])
def test_the_best_of_a_row_are_those_of_the_plain_way_to_the_bit(n, k):
    rng = np.random.default_rng(n + k)
    scores = (rng.integers(-9, 9, (8, n)) / 4 * rng.integers(0, 2, (8, 1))).astype(np.float32)
    scores[rng.random((8, n)) < 0.3] = -np.inf
    scores[1], scores[2], scores[3, ::2] = -np.inf, np.sort(scores[2]), -0.0
    for least in (nearest.LOWEST, np.float32(0.5), np.float32(-1.0)):
        found, want = compiled.best(scores, k, least), nearest.plain_best(scores, k, least, lambda row, place: place)
        assert (found[0] == want[0]).all() and (found[1] == want[1]).all()


def shares(rng, rows: int, columns: int, values: str) -> sp.csr_array:
    """A few columns that most rows have, many that few have; an empty row and one with everything."""
    dense = rng.random((rows, columns)) < np.geomspace(0.9, 0.01, columns)
    dense[3], dense[5] = False, True
    drawn = {"ones": 1.0, "twos": 2.0, "decimals": rng.gamma(1.0, 1.0, dense.shape), "few": rng.integers(1, 4, dense.shape)}
    return sp.csr_array((dense * drawn[values]).astype(np.float32))


@pytest.mark.parametrize("values", ["ones", "twos", "decimals", "few"])
@pytest.mark.parametrize("measure", ["cosine", "jaccard"])
@pytest.mark.parametrize("shrinkage", [0.0, 10.0])
@pytest.mark.parametrize("way", ["bits", "bits by word", "no bits", "listed"])
def test_the_rows_most_alike_are_those_of_the_plain_way(values, measure, shrinkage, way, monkeypatch):
    """Yes/no data without shrinkage to the bit, ties included; else within float32's rounding, in any order among equals."""
    monkeypatch.setattr(neighbours, "FEW", 2.0 if way == "listed" else -1.0)
    monkeypatch.setattr(neighbours, "BITS_AT_ONCE", dict.fromkeys((True, False), 0.5 if way == "no bits" else 20))
    if way == "bits by word":
        monkeypatch.setattr(neighbours._kernels, "counts_bits", lambda: False)
    matrix = shares(np.random.default_rng(2), 203, 150, values)
    plain, _ = nearest.plain_blocks(matrix, measure, 30, shrinkage)
    found, want = neighbours.blocks(matrix, measure, 30, shrinkage)(1, 203), plain(1, 203)
    np.testing.assert_allclose(found[1], want[1], rtol=1e-6)
    if values == "ones" and not shrinkage:
        assert (found[0] == want[0]).all() and (found[1] == want[1]).all()


def test_bits_are_where_the_kernel_looks_for_them():
    dense = np.random.default_rng(3).random((21, 130)) < 0.4
    bits = neighbours._bits(sp.csr_array(dense.astype(np.int8)))
    assert bits.shape == (3, 3, 8)
    for row, column in np.ndindex(dense.shape):
        assert bool(bits[row // 8, column // 64, row % 8] >> np.uint64(column % 64) & np.uint64(1)) == dense[row, column]


def test_more_columns_than_fit_leave_the_fullest_in_the_head(monkeypatch):
    monkeypatch.setattr(neighbours, "WORDS", 1)
    matrix = shares(np.random.default_rng(4), 100, 400, "ones")
    bits, tail = neighbours._split(matrix, True)
    counts = np.bincount(matrix.indices, minlength=400)
    assert bits.shape[1] == 1 and tail.nnz + np.bitwise_count(bits).sum() == matrix.nnz
    assert np.bincount(tail.indices).max() <= np.sort(counts)[-64]


def test_what_the_kernel_does_not_measure_is_left_to_numpy():
    matrix = shares(np.random.default_rng(5), 50, 40, "decimals")
    assert neighbours.blocks(matrix, "pearson", 5, 0.0) is neighbours.blocks(matrix * -1, "cosine", 5, 0.0) is None
    assert neighbours.blocks(matrix, "cosine", 0, 0.0) is neighbours.blocks(matrix[:1], "cosine", 5, 0.0) is None


@pytest.mark.parametrize("values", ["ones", "twos", "decimals"])
def test_one_row_against_all_is_the_plain_cosine_to_the_bit(values, monkeypatch):
    rows = similarity.Rows.from_csr(shares(np.random.default_rng(6), 60, 90, values))
    assert compiled.adds_up(rows.csc)
    asked = [rows.row(row) for row in range(60)] + [(np.array([2, 95, 7]), np.array([1.0, 2.0, 0.5]))]
    found = [similarity.against("cosine", *one, rows) for one in asked]
    monkeypatch.setattr(compiled, "BUILT", False)
    for one, given in zip(asked, found, strict=True):
        assert (similarity.against("cosine", *one, rows) == given).all()


def test_sums_of_rows_that_are_not_there_are_refused():
    matrix = sp.csr_array(np.eye(3))
    for chosen in ([3], [-1]):
        with pytest.raises(ValueError, match="out of range"):
            compiled.sums(matrix, np.array(chosen), np.ones(1), 3, alike=True)
    with pytest.raises(ValueError, match="out of range"):
        compiled.sums(matrix, np.array([2]), np.ones(1), 2, alike=True)
