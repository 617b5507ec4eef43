"""Symmetric matrices with known spectra, as operators."""

import torch


class MatrixOperator:
    """A dense symmetric matrix whose products are computed in a dtype; counts them."""

    device = torch.device("cpu")

    def __init__(self, matrix, dtype=torch.float64):
        self.matrix = torch.as_tensor(matrix, dtype=torch.float64)
        self.dtype = dtype
        self.size = len(self.matrix)
        self.products = 0
        self._rounded = self.matrix.to(dtype)

    def __call__(self, vectors):
        self.products += len(vectors)
        return (vectors.to(self.dtype) @ self._rounded).double()


def with_spectrum(eigenvalues, seed=0):
    """Return a dense matrix with these eigenvalues and random eigenvectors."""
    values = torch.as_tensor(eigenvalues, dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    square = torch.randn(len(values), len(values), generator=generator, dtype=torch.float64)
    vectors = torch.linalg.qr(square)[0]
    matrix = (vectors * values) @ vectors.T
    return (matrix + matrix.T) / 2
