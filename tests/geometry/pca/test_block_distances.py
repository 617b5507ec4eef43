"""Squared distances of blocks, against differences in extended precision."""

import numpy as np
import pytest
import torch

from landscape_cli.geometry.pca.block_distances import (
    WIDTH,
    block_distances2,
    fill_row,
    row_dtype,
)


def exact(rows):
    """Return squared distances of rows from differences, in extended precision."""
    wide = rows.double().numpy().astype(np.longdouble)
    return np.array([((wide - row) ** 2).sum(axis=1) for row in wide]).astype(np.float64)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("width", [1, 5, WIDTH, WIDTH + 1, 2 * WIDTH + 7])
def test_distances_are_those_of_differences(dtype, width):
    torch.manual_seed(0)
    rows = torch.randn(7, width, dtype=dtype)
    first, second = rows[:4], rows[4:]
    expected = exact(rows)
    room = 4 * np.finfo(np.float64).eps * expected.max()
    between = block_distances2(first, second)
    np.testing.assert_allclose(between, expected[:4, 4:], rtol=0, atol=room)
    within = block_distances2(first, first)
    np.testing.assert_allclose(within, expected[:4, :4], rtol=0, atol=room)
    np.testing.assert_array_equal(within, within.T)
    np.testing.assert_array_equal(within.diagonal(), 0)


def test_small_last_steps_survive_about_a_checkpoint_and_not_in_uncentred_float32():
    # A training whose last steps are 1e-3 of the distance that it has gone, in weights of norm 40:
    # as on Fashion-MNIST. Uncentred products in float32 lose them.
    torch.manual_seed(1)
    width = 4000
    start, way = torch.randn(width), torch.randn(width) / 20
    place = torch.cat([torch.linspace(0, 1, 20), 1 + 1e-3 * torch.arange(1, 4)])
    rows = start + place[:, None] * way
    expected = exact(rows)
    found = block_distances2(rows, rows)
    steps = (range(19, 22), range(20, 23))
    error = np.abs(found[steps] / expected[steps] - 1).max()
    assert error < 1e-9
    # The bound: a few roundings of both squares over the squared distance.
    squares = expected[11][:, None] + expected[11]
    off = ~np.eye(len(rows), dtype=bool)
    bound = 8 * np.finfo(np.float64).eps * squares[off]
    assert (np.abs(found - expected)[off] <= bound).all()
    products = (rows @ rows.T).numpy().astype(np.float64)
    uncentred = products.diagonal()[:, None] + products.diagonal() - 2 * products
    assert np.abs(uncentred[steps] / expected[steps] - 1).max() > 0.03


def test_equal_checkpoints_are_at_distance_zero_in_whatever_blocks():
    torch.manual_seed(2)
    rows = torch.randn(9, 3000)
    rows[5] = rows[1]
    rows[8] = rows[1]
    first, second = rows[:4], rows[4:]
    between = block_distances2(first, second)
    assert between[1, 1] == between[1, 4] == 0
    assert (np.delete(between[1], [1, 4]) > 1).all()
    assert block_distances2(second, second)[1, 4] == 0


def test_rows_hold_all_tensors_exactly():
    tensors = {"a": torch.tensor([[1.5, 2], [3, 4]]).half(), "b": torch.tensor(7.0).bfloat16()}
    row = torch.empty(5, dtype=row_dtype(tensors.values()))
    fill_row(row, tensors)
    assert row.dtype == torch.float32
    assert row.tolist() == [1.5, 2, 3, 4, 7]
    assert row_dtype([torch.zeros(1), torch.zeros(1).double()]) == torch.float64
