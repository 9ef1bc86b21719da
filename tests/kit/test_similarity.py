"""The measures: known values, and the fast way equal to the plain one."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aisle.kit.similarity import MEASURES, Rows, against, block, pearson_full, plain, shrunk

CLOSE = {"rtol": 1e-9, "atol": 1e-6}
ratings = st.sampled_from([0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
reals = st.one_of(st.just(0.0), st.floats(-100, 100).map(lambda x: round(x, 3)), st.floats(0.001, 1000))
yes_no = st.sampled_from([0.0, 0.0, 2.5])
matrices = st.one_of(
    *(hnp.arrays(np.float64, st.tuples(st.integers(1, 7), st.integers(1, 9)), elements=e) for e in (ratings, reals, yes_no))
)


def test_cosine_is_the_normalised_product():
    assert plain("cosine", [1, 2, 0], [2, 0, 5]) == pytest.approx(2 / (math.sqrt(5) * math.sqrt(29)), abs=1e-12)


def test_pearson_looks_only_at_columns_both_have_and_at_their_means_there():
    u, v = [5, 3, 1, 0, 4], [4, 2, 3, 5, 0]  # shared: 5 3 1 against 4 2 3
    assert plain("pearson", u, v) == pytest.approx(np.corrcoef([5, 3, 1], [4, 2, 3])[0, 1], abs=1e-12)


@pytest.mark.parametrize("u, v", [([3, 0, 1], [0, 2, 4]), ([2, 2, 2], [1, 3, 5]), ([0, 0], [0, 0]), ([1, 1, 0], [1, 1, 1])])
def test_pearson_without_two_shared_columns_or_without_variance_is_zero(u, v):
    assert plain("pearson", u, v) == 0.0


def test_pearson_full_counts_absent_columns_as_zeros():
    u, v = [1, 0, 1, 0, 0], [1, 1, 0, 0, 0]
    assert pearson_full(u, v) == pytest.approx(np.corrcoef(u, v)[0, 1], abs=1e-12)


def test_euclidean_is_one_for_equal_rows_and_falls_with_distance():
    assert plain("euclidean", [1, 2], [1, 2]) == 1.0
    assert plain("euclidean", [0, 3], [4, 0]) == pytest.approx(1 / 6, abs=1e-12)


def test_relative_euclidean_follows_its_formula_and_may_be_negative():
    assert plain("relative_euclidean", [1, 2], [1, 2]) == 1.0
    assert plain("relative_euclidean", [1, 0, 3], [2, 2, 0]) == pytest.approx(1 - 14 / (math.sqrt(10) * math.sqrt(8)), abs=1e-12)
    assert plain("relative_euclidean", [1, 0], [0, 4]) < 0


def test_jaccard_is_shared_over_either():
    assert plain("jaccard", [5, 0, 1, 2], [1, 1, 0, 4]) == 2 / 4


@pytest.mark.parametrize("measure", [m for m in MEASURES if m != "euclidean"])
def test_an_empty_row_is_like_nothing(measure):
    assert plain(measure, [0, 0], [1, 2]) == 0.0
    assert plain(measure, [0, 0], [0, 0]) == 0.0


@pytest.mark.parametrize("measure", MEASURES)
@given(matrix=matrices)
@settings(max_examples=120, deadline=None)
def test_one_against_all_equals_the_plain_measure(measure, matrix):
    rows = Rows.from_csr(sp.csr_array(matrix))
    query = matrix[-1]
    wanted = [plain(measure, query, row) for row in matrix]
    found = against(measure, np.flatnonzero(query), query[query != 0], rows)
    np.testing.assert_allclose(found, wanted, **CLOSE)


@pytest.mark.parametrize("measure", MEASURES)
@given(matrix=matrices)
@settings(max_examples=40, deadline=None)
def test_a_block_equals_the_plain_measure_pair_by_pair(measure, matrix):
    found = block(measure, Rows.from_csr(sp.csr_array(matrix)), 0, len(matrix))
    np.testing.assert_allclose(found, [[plain(measure, u, v) for v in matrix] for u in matrix], **CLOSE)


@pytest.mark.parametrize("measure", MEASURES)
def test_equal_rows_of_awkward_size_are_as_alike_as_can_be(measure):
    row = np.array([1234.567, -0.001, 77.7, 3.3e5, 0.1])
    rows = Rows.from_csr(sp.csr_array(np.stack([row, row * 3])))
    assert against(measure, np.arange(5), row, rows)[0] == pytest.approx(1.0, abs=1e-9)


def test_a_constant_row_has_no_variance_even_where_its_mean_rounds():
    matrix = np.array([[3.3, 3.3, 3.3], [1.0, 2.0, 4.0]])
    assert plain("pearson", *matrix) == plain("pearson_full", *matrix) == 0.0
    rows = Rows.from_csr(sp.csr_array(matrix))
    for measure in ("pearson", "pearson_full"):
        assert against(measure, [0, 1, 2], matrix[1], rows)[0] == 0.0


def test_a_column_the_rows_never_saw_still_counts_in_the_query_length():
    rows = Rows.from_csr(sp.csr_array(np.array([[1.0, 1.0]])))
    assert against("jaccard", [0, 1, 2], [1, 1, 1], rows)[0] == pytest.approx(2 / 3)
    assert against("cosine", [0, 1, 9], [1, 1, 1], rows)[0] == pytest.approx(2 / math.sqrt(6))
    assert against("euclidean", [7], [2], rows)[0] == pytest.approx(plain("euclidean", [1, 1, 0], [0, 0, 2]))


def test_an_empty_query_is_like_nothing():
    rows = Rows.from_csr(sp.csr_array(np.array([[1.0, 0.0], [0.0, 0.0]])))
    assert against("cosine", [], [], rows).tolist() == [0.0, 0.0]


def test_shrinkage_pulls_what_few_columns_say_towards_zero():
    rows = Rows.from_csr(sp.csr_array(np.array([[1.0, 0, 0, 0], [1.0, 1, 1, 1]])))
    found = against("jaccard", [0, 1, 2, 3], [1, 1, 1, 1], rows, shrinkage=2.0)
    np.testing.assert_allclose(found, [1 / 4 * 1 / 3, 1.0 * 4 / 6])
    assert shrunk(0.5, 10, 0) == 0.5


def test_preparing_rows_leaves_the_callers_matrix_alone():
    matrix = sp.csr_array((np.array([1.0, 0.0]), np.array([0, 1]), np.array([0, 2])), shape=(1, 2))
    rows = Rows.from_csr(matrix)
    assert rows.counts.tolist() == [1]
    assert matrix.nnz == 2
