from functools import partial

import numpy as np
import pytest
import torch

from landscape_cli.evaluation.spectrum.eigenpairs import eigenpairs
from landscape_cli.evaluation.spectrum.start_vectors import gaussian
from landscape_cli.run.curvature.logged_operator import LoggedOperator
from landscape_cli.store.product_log import ProductLog
from support.matrix_operator import MatrixOperator, with_spectrum

MATRIX = with_spectrum(np.r_[np.linspace(-0.1, 0.1, 96), -1, 2, 3, 4])


class Interrupted(MatrixOperator):
    """A matrix that can be multiplied with a few vectors only."""

    limit = 10**9

    def __call__(self, vectors):
        if self.products + len(vectors) > self.limit:
            raise KeyboardInterrupt
        return super().__call__(vectors)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("at", [1, 17, 40, 42])
def test_an_interrupted_algorithm_repeats_none_of_its_products(tmp_path, dtype, at):
    def find(matrix, name, repeated=lambda count: None):
        log = ProductLog(tmp_path / name, "key", 100, str(dtype).removeprefix("torch."))
        draws = partial(gaussian, {"w": (100,)}, 1)
        return eigenpairs(LoggedOperator(matrix, log, repeated), draws, 3, 1, 40)

    whole = find(MatrixOperator(MATRIX, dtype), "whole")
    first = Interrupted(MATRIX, dtype)
    first.limit = at
    with pytest.raises(KeyboardInterrupt):
        find(first, "parts")
    second, repeated = MatrixOperator(MATRIX, dtype), []
    again = find(second, "parts", repeated.append)
    assert sum(repeated) == first.products
    assert second.products == 44 - first.products
    assert again.values.tobytes() == whole.values.tobytes()
    assert torch.equal(again.vectors, whole.vectors)


def test_products_are_rounded_to_the_precision_in_which_they_are_logged(tmp_path):
    operator = LoggedOperator(
        MatrixOperator(MATRIX, torch.float32),
        ProductLog(tmp_path / "log", "key", 100, "float32"),
        lambda count: None,
    )
    product = operator(torch.ones(1, 100, dtype=torch.float64))
    assert torch.equal(product, product.float().double())
