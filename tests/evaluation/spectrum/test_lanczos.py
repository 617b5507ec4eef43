import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import LinearOperator, eigsh

from landscape_cli.evaluation.spectrum.extremes import extremes
from landscape_cli.evaluation.spectrum.lanczos import lanczos
from landscape_cli.evaluation.spectrum.operator import NotFiniteError
from landscape_cli.evaluation.spectrum.start_vectors import gaussian
from support.matrix_operator import MatrixOperator, with_spectrum

SPECTRA = {
    "positive definite": np.linspace(0.5, 2, 100),
    "indefinite": np.r_[np.linspace(-1, 1, 97), -3, 4, 5],
    "negative definite": np.linspace(-2, -0.5, 100),
    "rank 1": np.r_[np.zeros(99), 3],
    "negative rank 1": np.r_[-3, np.zeros(99)],
    "zero": np.zeros(100),
    "multiple of the identity": np.full(100, -1.5),
    "clustered": np.r_[np.full(50, 1.0), 1 + np.linspace(0, 1e-6, 49), 7],
    "wide": np.r_[np.logspace(-6, 0, 99), 1e4],
    "few steps": np.r_[np.linspace(-1, 1, 27)],
    "two": np.array([-1.0, 3.0]),
    "one": np.array([2.5]),
    "one of zero": np.array([0.0]),
}


def start_of(size, seed=0):
    return gaussian({"w": (size,)}, seed)


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "three terms"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("spectrum", SPECTRA)
def test_the_stated_errors_cover_the_true_extremes(spectrum, dtype, keep):
    values = SPECTRA[spectrum]
    for seed in range(5):
        operator = MatrixOperator(with_spectrum(values, seed), dtype)
        found = extremes(operator, start_of(len(values), seed), 40, keep)
        assert abs(found.largest - values.max()) <= found.largest_error
        assert abs(found.smallest - values.min()) <= found.smallest_error
        assert found.kept is keep
        assert found.products == operator.products <= min(40, len(values))


@pytest.mark.parametrize(
    ("spectrum", "error"), [("indefinite", 1e-12), ("rank 1", 1e-13), ("few steps", 1e-13)]
)
def test_errors_are_small_where_both_ends_are_separated_or_all_is_spanned(spectrum, error):
    values = SPECTRA[spectrum]
    found = extremes(MatrixOperator(with_spectrum(values)), start_of(len(values)))
    assert found.largest_error < error
    assert found.smallest_error < (0.1 if spectrum == "indefinite" else error)


@pytest.mark.parametrize(
    ("spectrum", "products"), [("zero", 1), ("multiple of the identity", 1), ("rank 1", 2)]
)
def test_an_invariant_space_ends_the_steps(spectrum, products):
    values = SPECTRA[spectrum]
    run = lanczos(MatrixOperator(with_spectrum(values)), start_of(len(values)), 40)
    assert run.invariant
    assert run.steps == products


def test_products_in_float32_never_look_like_an_invariant_space():
    values = SPECTRA["rank 1"]
    operator = MatrixOperator(with_spectrum(values), torch.float32)
    run = lanczos(operator, start_of(100), 40)
    assert run.steps == 40
    assert not run.invariant
    assert run.eigenvalues()[-1] == pytest.approx(3, abs=run.rounding)
    assert np.abs(run.eigenvalues()[:-1]).max() <= run.rounding


def test_no_residual_ends_the_steps():
    """After six steps a Ritz value near 0 has a small residual, but -0.85 has not been seen."""
    values = np.r_[np.random.default_rng(0).normal(0, 0.01, 1998), -0.85, 5]
    operator = MatrixOperator(np.diag(values))
    # Next to nothing of the start vector points along -0.85.
    start = start_of(2000)
    start[1998] *= 1e-6
    few = lanczos(operator, start, 6)
    ritz, vectors = few.eigenpairs()
    assert ritz[0] > -0.1
    assert abs(few.betas[-1] * vectors[-1, 0]) < 1e-2 * 5
    found = extremes(operator, start, 40)
    assert found.smallest == pytest.approx(-0.85, abs=1e-6)
    assert found.products == 40


def test_the_tridiagonal_matrix_is_the_projection():
    matrix = with_spectrum(np.linspace(-1, 2, 30))
    run = lanczos(MatrixOperator(matrix), start_of(30), 30)
    assert run.eigenvalues() == pytest.approx(np.linspace(-1, 2, 30), abs=1e-12)
    assert run.invariant


def test_the_same_start_gives_the_same_bits():
    operator = MatrixOperator(with_spectrum(SPECTRA["indefinite"]), torch.float32)
    one, other = (extremes(operator, start_of(100)) for _ in range(2))
    assert one == other


def test_an_asymmetric_operator_shows_in_the_errors():
    matrix = with_spectrum(SPECTRA["indefinite"])
    matrix[3, 5] += 0.1
    found = extremes(MatrixOperator(matrix), start_of(100))
    assert found.largest_error > 1e-4


def test_a_product_that_is_not_finite_is_refused():
    matrix = with_spectrum(SPECTRA["two"])
    matrix[0, 0] = math.nan
    with pytest.raises(NotFiniteError, match="not finite"):
        extremes(MatrixOperator(matrix), start_of(2))


@given(
    st.integers(1, 12).flatmap(
        lambda size: st.lists(
            st.floats(-100, 100).map(lambda value: round(value, 6)), min_size=size, max_size=size
        )
    ),
    st.integers(0, 3),
    st.sampled_from([torch.float64, torch.float32]),
    st.booleans(),
)
def test_small_matrices_are_solved_exactly(values, seed, dtype, keep):
    operator = MatrixOperator(with_spectrum(values, seed), dtype)
    found = extremes(operator, start_of(len(values), seed), 40, keep)
    assert abs(found.largest - max(values)) <= found.largest_error
    assert abs(found.smallest - min(values)) <= found.smallest_error
    if keep:
        scale = max(map(abs, values)) or 1.0
        assert found.largest_error <= 1e3 * torch.finfo(dtype).eps * scale


def published_extremes(matrix):
    """Return the largest and smallest eigenvalue as Li et al.'s code finds them.

    The first is the eigenvalue of largest magnitude, to 1e-2, the second that of the matrix shifted
    by 0.51 of it; they change places only if their signs say so.
    """

    def largest_magnitude(shift):
        def apply(vector):
            return matrix @ vector - shift * vector

        start = start_of(len(matrix)).numpy()
        shape = matrix.shape
        operator = LinearOperator(shape, matvec=apply, dtype=np.float64)
        return eigsh(operator, k=1, which="LM", tol=1e-2, v0=start, return_eigenvectors=False)[0]

    largest = largest_magnitude(0.0)
    smallest = largest_magnitude(0.51 * largest) + 0.51 * largest
    if largest <= 0 and smallest > 0:
        largest, smallest = smallest, largest
    return largest, smallest


def test_the_published_procedure_is_wrong_on_definite_matrices_and_this_one_is_not():
    """https://github.com/tomgoldstein/loss-landscape, hess_vec_prod.py, min_max_hessian_eigs."""
    matrix = with_spectrum(np.linspace(0.5, 2, 100))
    largest, smallest = published_extremes(matrix.numpy())
    assert smallest / largest == pytest.approx(1, abs=0.01)  # the truth is 0.25
    found = extremes(MatrixOperator(matrix), start_of(100))
    assert found.smallest / found.largest == pytest.approx(0.25, abs=1e-3)
    assert abs(found.smallest - 0.5) <= found.smallest_error
    assert found.products <= 40
    largest, smallest = published_extremes(-matrix.numpy())
    assert largest == pytest.approx(-2, abs=0.01)  # the truth is -0.5
    found = extremes(MatrixOperator(-matrix), start_of(100))
    assert (found.largest, found.smallest) == pytest.approx((-0.5, -2), abs=1e-3)
