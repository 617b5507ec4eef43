import numpy as np
import pytest
import torch

from landscape_cli.errors import UsageError
from landscape_cli.geometry.pca.components import principal_components, principal_directions
from landscape_cli.geometry.pca.differences import Differences
from landscape_cli.geometry.pca.projection import project

SHAPES = {"weight": (5, 7), "bias": (5,), "scale": ()}


def checkpoints(count, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [
        {name: torch.randn(shape, generator=generator).to(dtype) for name, shape in SHAPES.items()}
        for _ in range(count)
    ]


def flat(parameters, names=SHAPES):
    return np.concatenate([parameters[name].double().numpy().ravel() for name in names])


def matrix(given, centre, names=SHAPES):
    return np.stack([flat(one, names) - flat(centre, names) for one in given])


def differences(given, centre, room=100):
    """Return the differences, and the list of checkpoints that they read."""
    read = []

    def get(number):
        read.append(number)
        return given[number]

    return Differences(get, len(given), centre, room), read


@pytest.mark.parametrize("room", [2, 3, 5, 22, 23, 100])
@pytest.mark.parametrize("mean", [False, True])
def test_components_are_those_of_the_explicit_matrix(room, mean):
    given = checkpoints(23)
    rows, read = differences(given, given[-1], room)
    directions, explained = principal_directions(rows, list(SHAPES), mean)
    explicit = matrix(given, given[-1])
    _, values, vectors = np.linalg.svd(explicit - mean * explicit.mean(axis=0))
    found = np.stack([flat(direction) for direction in directions])
    np.testing.assert_allclose(found @ found.T, np.eye(2), atol=1e-13)
    np.testing.assert_allclose(np.abs((found * vectors[:2]).sum(axis=1)), 1, rtol=1e-12)
    np.testing.assert_allclose(explained, (values**2 / (values**2).sum())[:2], rtol=1e-12)
    coordinates, residuals = project(rows, directions)
    np.testing.assert_allclose(coordinates, explicit @ found.T, atol=1e-12)
    rest = np.linalg.norm(explicit - explicit @ found.T @ found, axis=1)
    np.testing.assert_allclose(residuals, rest, atol=1e-7)
    assert (coordinates[0] > 0).all()
    assert len(read) == rows.reads
    assert (len(read) == len(given)) == (room >= len(given))


def test_products_without_room_for_every_checkpoint():
    given = checkpoints(9)
    rows, _ = differences(given, given[-1], room=3)
    assert not rows.fits
    products = rows.products(list(SHAPES))
    explicit = matrix(given, given[-1])
    np.testing.assert_allclose(products, explicit @ explicit.T, atol=1e-12)
    assert (products == products.T).all()


def test_room_for_a_single_checkpoint_is_refused():
    with pytest.raises(ValueError, match="room: got 1 checkpoints"):
        Differences(lambda number: {}, 3, {}, 1)


def test_a_planted_plane_is_found_with_its_coordinates():
    centre = checkpoints(1)[0]
    first, second = np.linalg.qr(np.random.default_rng(1).normal(size=(41, 2)))[0].T
    places = np.array([[5, 1], [4, -1], [2, -0.5], [1, 0.5], [0, 0]], dtype=float)
    given = []
    for x, y in places:
        moved = torch.tensor(flat(centre) + x * first + y * second)
        parts = moved.split([int(np.prod(shape)) for shape in SHAPES.values()])
        pairs = zip(SHAPES.items(), parts, strict=True)
        given.append({name: part.reshape(shape) for (name, shape), part in pairs})
    rows, _ = differences(given, centre)
    directions, explained = principal_directions(rows, list(SHAPES))
    coordinates, residuals = project(rows, directions)
    assert explained.sum() == pytest.approx(1, abs=1e-12)
    assert residuals.max() < 1e-7
    between = np.linalg.norm(coordinates[:, None] - coordinates, axis=-1)
    planted = np.linalg.norm(places[:, None] - places, axis=-1)
    np.testing.assert_allclose(between, planted, atol=1e-7)


def test_components_are_zero_in_excluded_tensors():
    given = checkpoints(6)
    rows, _ = differences(given, given[-1])
    directions, explained = principal_directions(rows, ["weight"])
    assert [list(direction) for direction in directions] == [list(SHAPES)] * 2
    assert not any(direction[n].any() for direction in directions for n in ("bias", "scale"))
    values = np.linalg.svd(matrix(given, given[-1], ["weight"]), compute_uv=False)
    np.testing.assert_allclose(explained, (values**2 / (values**2).sum())[:2], rtol=1e-12)
    residuals = project(rows, directions)[1]
    biases = np.linalg.norm(matrix(given, given[-1], ["bias", "scale"]), axis=1)
    assert (residuals >= biases).all()


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_differences_are_summed_in_float64(kind):
    given = checkpoints(8, kind)
    rows, _ = differences(given, given[-1])
    directions, explained = principal_directions(rows, list(SHAPES))
    values = np.linalg.svd(matrix(given, given[-1]), compute_uv=False)
    np.testing.assert_allclose(explained, (values**2 / (values**2).sum())[:2], rtol=1e-12)
    assert {tensor.dtype for one in directions for tensor in one.values()} == {torch.float32}


def test_two_checkpoints_span_no_plane():
    given = checkpoints(2)
    with pytest.raises(UsageError, match="checkpoints: got 2"):
        principal_directions(differences(given, given[-1])[0], list(SHAPES))


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("mean", [False, True])
def test_collinear_checkpoints_are_refused_in_any_precision(kind, mean):
    start, step = checkpoints(2)
    given = [
        {name: (start[name] + i * 0.37 * step[name]).to(kind) for name in SHAPES} for i in range(7)
    ]
    with pytest.raises(UsageError, match="all 7 lie on one line up to rounding"):
        principal_directions(differences(given, given[-1])[0], list(SHAPES), mean)


def test_nearly_collinear_checkpoints_are_accepted():
    start, step, aside = checkpoints(3)
    given = [
        {n: (start[n] + i * step[n] + 1e-4 * i**2 * aside[n]).to(torch.float32) for n in SHAPES}
        for i in range(7)
    ]
    _, explained = principal_directions(differences(given, given[-1])[0], list(SHAPES))
    assert 0 < explained[1] < 1e-6


def test_identical_checkpoints_are_refused():
    given = checkpoints(1) * 4
    with pytest.raises(UsageError, match="all 4 hold the same weights"):
        principal_directions(differences(given, given[0])[0], list(SHAPES))


def test_components_of_a_diagonal_matrix():
    rows = np.diag([3.0, 2.0, 1.0])
    found = principal_components(rows @ rows.T)
    np.testing.assert_allclose(found.explained, [9 / 14, 4 / 14])
    np.testing.assert_allclose(found.weights, [[1 / 3, 0], [0, 1 / 2], [0, 0]], atol=1e-15)
