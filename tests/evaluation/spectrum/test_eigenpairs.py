from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.evaluation.spectrum.eigenpairs import eigenpairs, products_for
from landscape_cli.evaluation.spectrum.gradient_share import gradient_shares
from landscape_cli.evaluation.spectrum.start_vectors import gaussian
from landscape_cli.records.spectra.clusters import clusters
from support.matrix_operator import MatrixOperator, with_spectrum

BULK = np.random.default_rng(1).normal(0, 0.05, 290)
TOP = np.array([9.0, 5.0, 3.0, 2.0, 1.5])
BOTTOM = np.array([-0.6, -0.9, -1.2, -1.6, -2.0])


def draws_of(size, seed=0):
    return partial(gaussian, {"w": (size,)}, seed)


@pytest.mark.parametrize("capacity", [None, 20], ids=["whole", "restarted"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
def test_pairs_at_both_ends(dtype, capacity):
    matrix = with_spectrum(np.r_[BULK, TOP, BOTTOM])
    operator = MatrixOperator(matrix, dtype)
    found = eigenpairs(operator, draws_of(300), 5, 5, 60, capacity)
    tolerance = 1e-8 if dtype is torch.float64 else 2e-5
    assert found.values == pytest.approx(np.r_[TOP, BOTTOM], abs=tolerance)
    assert operator.products == found.products == 60 + 10
    assert found.vectors @ found.vectors.T == pytest.approx(np.eye(10), abs=1e-5)
    images = found.vectors @ matrix
    for vector, image, value, residual in zip(
        found.vectors, images, found.values, found.residuals, strict=True
    ):
        assert float((image - value * vector).norm()) <= residual + found.rounding
        assert float(vector.norm()) == pytest.approx(1, abs=1e-12)
        assert float(vector[vector.abs().argmax()]) > 0
    assert found.cut == (False, False)
    assert (found.krylov.basis.capacity == 20) is (capacity == 20)


def test_each_residual_is_at_least_the_distance_to_an_eigenvalue():
    values = np.sort(np.random.default_rng(2).normal(size=200))
    operator = MatrixOperator(with_spectrum(values))
    found = eigenpairs(operator, draws_of(200), 10, 3)
    assert found.residuals.max() > 1e-3  # some have not converged, and it shows
    for value, residual in zip(found.values, found.residuals, strict=True):
        assert np.abs(values - value).min() <= residual


def test_repeated_eigenvalues_are_found_as_often_as_they_are_there():
    for dtype in (torch.float64, torch.float32):
        operator = MatrixOperator(with_spectrum(np.r_[np.zeros(90), np.full(10, 2.0)]), dtype)
        found = eigenpairs(operator, draws_of(100), 12)
        expected = [2.0] * 10 + [0.0] * 2
        assert found.values == pytest.approx(expected, abs=found.rounding)
        assert found.vectors @ found.vectors.T == pytest.approx(np.eye(12), abs=1e-4)
        groups = clusters(found.values, found.residuals, found.rounding)
        assert groups == [(0, 9), (10, 11)]
        assert found.cut[0]


@pytest.mark.parametrize("size", [1, 2, 7])
def test_all_pairs_of_a_small_matrix(size):
    values = np.arange(size) - 1.0
    operator = MatrixOperator(with_spectrum(values))
    found = eigenpairs(operator, draws_of(size), size)
    assert found.values == pytest.approx(values[::-1], abs=1e-13)
    assert found.residuals.max() < 1e-13
    assert found.products == 2 * size
    assert found.cut == (False, False)


def test_a_matrix_of_zeros_has_eigenvalues_of_zero():
    found = eigenpairs(MatrixOperator(np.zeros((50, 50))), draws_of(50), 3, 2)
    assert found.values.tolist() == [0.0] * 5
    assert found.residuals.tolist() == [0.0] * 5
    assert found.vectors @ found.vectors.T == pytest.approx(np.eye(5), abs=1e-12)


def test_the_number_of_products():
    assert products_for(10**6, 10) == 60
    assert products_for(10**6, 100) == 220
    assert products_for(12, 10) == 12


def test_the_same_draws_give_the_same_bits():
    operator = MatrixOperator(with_spectrum(np.r_[BULK, TOP, BOTTOM]), torch.float32)
    one, other = (eigenpairs(operator, draws_of(300), 3, 3, 60, 15) for _ in range(2))
    assert one.values.tobytes() == other.values.tobytes()
    assert torch.equal(one.vectors, other.vectors)


@given(
    st.integers(1, 12).flatmap(
        lambda size: st.lists(st.integers(-20, 20), min_size=size, max_size=size)
    ),
    st.integers(0, 2),
)
def test_small_matrices_are_decomposed(values, seed):
    operator = MatrixOperator(with_spectrum(values, seed))
    found = eigenpairs(operator, draws_of(len(values), seed), len(values))
    assert found.values == pytest.approx(sorted(values, reverse=True), abs=1e-10)
    assert found.residuals.max() < 1e-10


def test_the_share_of_a_gradient_in_leading_eigenvectors():
    vectors = torch.eye(5, dtype=torch.float64)[:3]
    gradient = torch.tensor([3.0, 0.0, 2.0, 6.0, 0.0], dtype=torch.float64)
    assert gradient_shares(gradient, vectors) == pytest.approx([9 / 49, 9 / 49, 13 / 49])
    assert np.isnan(gradient_shares(torch.zeros(5, dtype=torch.float64), vectors)).all()
