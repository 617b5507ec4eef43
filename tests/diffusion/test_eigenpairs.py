"""The largest eigenpairs, against all of them."""

import numpy as np
import pytest

from landscape_cli.diffusion.eigenpairs import largest_eigenpairs


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("size", [3, 40, 600])
def test_the_largest_pairs_are_those_of_the_whole_spectrum(size, exact):
    matrix = np.random.default_rng(size).normal(size=(size, size))
    matrix += matrix.T
    count = min(5, size - 1)
    values, vectors = largest_eigenpairs(matrix, count, exact)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(matrix)[::-1][:count], rtol=1e-10)
    np.testing.assert_allclose(matrix @ vectors, values * vectors, atol=1e-9 * size)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(count), atol=1e-10)


@pytest.mark.parametrize("exact", [True, False])
def test_nearly_equal_eigenvalues_are_not_lost(exact):
    """Points in pieces that the kernel does not join: as many eigenvalues 1 as pieces."""
    blocks = np.kron(np.eye(100), np.full((4, 4), 0.25))
    noise = 1e-15 * np.random.default_rng(0).normal(size=blocks.shape)
    values, vectors = largest_eigenpairs(blocks + noise + noise.T, 6, exact)
    np.testing.assert_allclose(values, np.ones(6), rtol=1e-12)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(6), atol=1e-10)
