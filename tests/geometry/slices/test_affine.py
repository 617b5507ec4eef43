import math

import pytest
import torch

from landscape_cli.geometry.directions.random import RandomDirection
from landscape_cli.geometry.inner_products import cosine
from landscape_cli.geometry.parameters import FlatParameters, digest
from landscape_cli.geometry.slices.affine import AffineSlice, build_slice

CPU = torch.device("cpu")


def flat_like(tensors, fill):
    flat = FlatParameters(tensors, "cpu")
    flat.assign({name: torch.full(t.shape, fill) for name, t in tensors.items()})
    return flat


@pytest.fixture
def tensors():
    return {
        "a": torch.randn(3, 4),
        "b": torch.randn(7),
        "c": torch.randn(2, 2, dtype=torch.float64),
        "d": torch.tensor(2.0),
    }


def test_flat_parameters_share_one_buffer_per_dtype(tensors):
    flat = FlatParameters(tensors, "cpu")
    assert set(flat.dtypes) == {torch.float32, torch.float64}
    assert flat.count == 12 + 7 + 4 + 1
    flat.assign(tensors)
    for name, tensor in tensors.items():
        assert torch.equal(flat.views[name], tensor)
        assert flat.views[name].data_ptr() % 64 == flat.buffers[tensor.dtype, CPU].data_ptr() % 64
    copy = flat.clone()
    copy.buffers[torch.float32, CPU].add_(1)
    assert torch.equal(flat.views["a"], tensors["a"])


@pytest.mark.bits
def test_a_model_computes_with_its_flat_parameters():
    torch.manual_seed(0)
    tied = torch.nn.Linear(4, 4)
    model = torch.nn.Sequential(tied, torch.nn.Tanh(), tied, torch.nn.BatchNorm1d(4)).eval()
    inputs = torch.randn(5, 4)
    with torch.no_grad():
        before = model(inputs)
        flat = FlatParameters.of_model(model, "cpu")
        assert torch.equal(model(inputs), before)
        assert list(flat.views) == ["0.weight", "0.bias", "3.weight", "3.bias"]
        flat.buffers[torch.float32, CPU].zero_()
        assert not model(inputs).any()


@pytest.mark.bits
@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_points_are_sums_from_the_centre(tensors, dimensions):
    centre = FlatParameters(tensors, "cpu")
    centre.assign(tensors)
    directions = {
        axis: flat_like(tensors, i + 1.0) for i, axis in zip(range(dimensions), "xyz", strict=False)
    }
    slice_ = AffineSlice(centre, directions)
    out = centre.clone()
    coordinates = (0.5, -0.25, 2.0)[:dimensions]
    for _ in range(3):  # the result does not depend on the previous contents
        slice_.write(coordinates, out)
        step = sum(a * (i + 1) for i, a in enumerate(coordinates))
        for name, tensor in tensors.items():
            torch.testing.assert_close(out.views[name], tensor + step)
        out.buffers[torch.float32, CPU].fill_(math.nan)
    slice_.write((0.0,) * dimensions, out)
    for name, tensor in tensors.items():
        assert torch.equal(out.views[name], tensor)
        assert torch.equal(centre.views[name], tensor)


def make(model, orthogonal, normalize="none", ignore="biasbn", seeds=(1, 2)):
    recipes = {
        axis: RandomDirection(seed=seed, normalize=normalize, ignore=ignore)
        for axis, seed in zip("xyz", seeds, strict=False)
    }
    return build_slice(FlatParameters.of_model(model, "cpu").clone(), recipes, orthogonal)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4))


def test_directions_as_drawn_become_exactly_orthogonal(model):
    loose = make(model, orthogonal=False, seeds=(1, 2, 3)).cosines()
    tight = make(model, orthogonal=True, seeds=(1, 2, 3)).cosines()
    assert list(tight) == ["x,y", "x,z", "y,z"]
    assert max(abs(c) for c in loose.values()) > 1e-2
    assert max(abs(c) for c in tight.values()) < 1e-7


def test_the_cosine_is_that_of_normalized_directions(model):
    slice_ = make(model, orthogonal=True, normalize="filter")
    x, y = (
        torch.cat([v.flatten() for v in d.views.values()]).double()
        for d in slice_.directions.values()
    )
    assert slice_.cosines()["x,y"] == pytest.approx(float(x @ y / x.norm() / y.norm()), abs=1e-12)


def test_each_axis_has_its_own_settings(model):
    recipes = {
        "x": RandomDirection(normalize="filter"),
        "y": RandomDirection(normalize="dlayer", ignore="none"),
    }
    slice_ = build_slice(FlatParameters.of_model(model, "cpu").clone(), recipes)
    x, y = slice_.directions["x"].views, slice_.directions["y"].views
    torch.testing.assert_close(
        x["0.weight"].flatten(1).norm(dim=1), model[0].weight.detach().flatten(1).norm(dim=1)
    )
    assert float(y["0.weight"].norm()) == pytest.approx(1)
    assert not x["0.bias"].any()
    assert torch.equal(y["0.bias"], model[0].bias.detach())


def test_hashes_tell_directions_apart(model):
    first, again, other = make(model, False), make(model, False), make(model, False, seeds=(1, 3))
    assert first.hashes() == again.hashes()
    assert first.hashes()["x"] == other.hashes()["x"]
    assert first.hashes()["y"] != other.hashes()["y"]
    assert digest({"a": torch.zeros(2)}) != digest({"b": torch.zeros(2)})


def test_cosine_of_a_zero_direction_is_zero():
    assert cosine({"a": torch.zeros(3)}, {"a": torch.ones(3)}) == 0
