"""Slices of parts of tensors against slices of whole ones, bit for bit."""

import pytest
import torch

from landscape_cli.geometry import blocks
from landscape_cli.geometry.directions.random import RandomDirection
from landscape_cli.geometry.normalization import NORMALIZATIONS, WHOLE
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.shards import Names, Shard, ShardedParameters
from landscape_cli.geometry.slices.affine import build_slice
from landscape_cli.geometry.slices.sharded import ShardedSlice

SHAPES = {"matrix": (11, 7), "kernels": (5, 3, 2, 2), "bias": (9,), "row": (1, 130), "scale": ()}
RANKS = 3
POINT = (0.3, -1.7)


def tensors(dtype):
    generator = torch.Generator().manual_seed(4)
    return {
        name: torch.randn(shape, generator=generator).to(dtype) for name, shape in SHAPES.items()
    }


def parts(whole, rank, dimension):
    """Return a rank's part of each tensor, cut along a dimension as by PyTorch; some are empty."""
    shards, wholes = {}, {}
    for name, tensor in whole.items():
        place = [slice(0, size) for size in tensor.shape]
        if tensor.dim() > dimension:
            step = -(-tensor.shape[dimension] // RANKS)
            start = min(rank * step, tensor.shape[dimension])
            place[dimension] = slice(start, min(start + step, tensor.shape[dimension]))
        elif tensor.dim() == 1:
            place = [slice(0, len(tensor))]
        shards[name] = Shard(tuple(tensor.shape), tuple(place), tensor[tuple(place)].clone())
        wholes[id(shards[name])] = tensor
    names = Names(frozenset(whole), {}, {}, frozenset())
    widest = torch.promote_types(next(iter(whole.values())).dtype, torch.float32)
    return ShardedParameters(shards, lambda shard, local: wholes[id(shard)].to(widest), names)


@pytest.fixture(params=["whole", "divided"])
def division(request, monkeypatch):
    if request.param == "divided":
        monkeypatch.setattr(blocks, "CHUNK", 128)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("division")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("dimension", [0, 1])
@pytest.mark.parametrize("keep", [False, True], ids=["drawn", "kept"])
def test_parts_have_the_bits_of_whole_tensors(dtype, dimension, keep):
    whole = tensors(dtype)
    rules = ["filter", *WHOLE][:2]
    recipes = {
        axis: RandomDirection(seed=seed, normalize=rule, ignore="none")
        for seed, (axis, rule) in enumerate(zip("xy", rules, strict=True))
    }
    expected = FlatParameters(whole, "cpu")
    expected.assign(whole)
    affine = build_slice(expected.widened().clone(), recipes, True)
    affine.write(POINT, expected)
    for rank in range(RANKS):
        own = parts(whole, rank, dimension)
        sharded = ShardedSlice(own, recipes, True, keep)
        sharded.write(POINT, own)
        for name, shard in own.shards.items():
            assert torch.equal(shard.local, expected.views[name][shard.place]), name
        assert sharded.hashes() == affine.hashes()
        assert sharded.norms() == affine.norms()
        assert sharded.cosines() == affine.cosines()
        assert [sharded.unit(axis) for axis in "xy"] == [affine.unit(axis) for axis in "xy"]
        assert sharded.facts().details["moved"] == affine.facts().details["moved"]


@pytest.mark.parametrize("rule", NORMALIZATIONS)
def test_every_rule_gives_parts_of_its_directions(rule):
    whole = tensors(torch.float32)
    recipes = {"x": RandomDirection(normalize=rule)}
    expected = FlatParameters(whole, "cpu")
    expected.assign(whole)
    build_slice(expected.clone(), recipes).write((0.7,), expected)
    own = parts(whole, 1, 0)
    ShardedSlice(own, recipes).write((0.7,), own)
    for name, shard in own.shards.items():
        assert torch.equal(shard.local, expected.views[name][shard.place]), name


def test_memory_is_that_of_the_parts():
    whole = tensors(torch.bfloat16)
    own = parts(whole, 0, 0)
    held = sum(shard.local.numel() for shard in own.shards.values())
    assert own.wide_nbytes == 4 * held
    assert own.whole_nbytes == 4 * own.count == 4 * sum(one.numel() for one in whole.values())
