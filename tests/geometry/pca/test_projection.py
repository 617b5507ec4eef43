import numpy as np
import pytest
import torch

from landscape_cli.errors import UsageError
from landscape_cli.geometry.pca.differences import Differences
from landscape_cli.geometry.pca.projection import project

CENTRE = {"a": torch.tensor([1.0, 2.0, 3.0]), "b": torch.tensor([[4.0]])}


def at(*entries):
    """Return the centre with these four entries added."""
    shift = torch.tensor(entries, dtype=torch.float32)
    return {"a": CENTRE["a"] + shift[:3], "b": CENTRE["b"] + shift[3:].view(1, 1)}


def direction(*entries):
    values = torch.tensor(entries, dtype=torch.float32)
    return {"a": values[:3], "b": values[3:].view(1, 1)}


def differences(*checkpoints):
    return Differences(lambda number: checkpoints[number], len(checkpoints), CENTRE, 2)


def test_directions_need_be_neither_orthogonal_nor_of_unit_norm():
    skew = [direction(2, 0, 0, 0), direction(1, 1, 0, 0)]
    coordinates, residuals = project(
        differences(at(7, 3, 0, 0), at(0, 0, 3, 4), at(2, 0, 0, 1)), skew
    )
    np.testing.assert_allclose(coordinates, [[2, 3], [0, 0], [1, 0]], atol=1e-12)
    np.testing.assert_allclose(residuals, [0, 5, 1], atol=1e-12)


def test_a_small_residual_keeps_its_digits():
    far = [direction(1, 0, 0, 0), direction(0, 1, 0, 0)]
    _, residuals = project(differences(at(4096, 4096, 0, 2**-20)), far)
    assert residuals[0] == 2**-20


def test_tensors_missing_from_a_direction_are_zero_in_it():
    short = [{"a": torch.tensor([1.0, 0, 0])}, {"a": torch.tensor([0.0, 1, 0])}]
    coordinates, residuals = project(differences(at(1, 2, 0, 8)), short)
    assert coordinates.tolist() == [[1, 2]]
    assert residuals.tolist() == [8]


def test_least_squares_agree_with_numpy():
    generator = torch.Generator().manual_seed(3)
    plane = torch.randn(2, 4, generator=generator)
    points = torch.randn(6, 4, generator=generator)
    coordinates, residuals = project(
        differences(*(at(*point.tolist()) for point in points)),
        [direction(*row.tolist()) for row in plane],
    )
    solved, squares, *_ = np.linalg.lstsq(plane.double().T.numpy(), points.double().T.numpy())
    np.testing.assert_allclose(coordinates, solved.T, atol=1e-5)
    np.testing.assert_allclose(residuals**2, squares, atol=1e-5)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (direction(2, 0, 0, 0), "parallel"),
        (direction(-1, 1e-7, 0, 0), "parallel"),
        (direction(0, 0, 0, 0), "zero in every tensor"),
        (direction(np.nan, 0, 0, 0), "not finite"),
    ],
)
def test_directions_that_span_no_plane_are_refused(second, words):
    with pytest.raises(UsageError, match=words):
        project(differences(at(1, 0, 0, 0)), [direction(1, 0, 0, 0), second])
