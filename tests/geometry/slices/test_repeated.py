"""Several slices around one centre, selected by a repeat's number."""

from typing import Literal

import pytest
import torch

from landscape_cli.errors import UsageError
from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.directions.random import RandomDirection
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.affine import build_slice
from landscape_cli.geometry.slices.repeated import RepeatedSlice, recipes_of
from landscape_cli.geometry.slices.streamed import StreamedSlice


class Ones(Direction):
    """A kind that is equal in every repeat."""

    kind: Literal["ones"] = "ones"

    def draw(self, name, out):
        out.fill_(1)

    def measure(self, drawn, weights):
        return lambda block, start: block

    def label(self):
        return "ones"


RECIPES = {"x": RandomDirection(seed=1), "y": Ones()}


@pytest.fixture
def centre():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.Linear(4, 5))
    return FlatParameters.of_model(model, "cpu").clone()


def drawn(direction, name="a.weight"):
    out = torch.empty(3, 4)
    direction.draw(name, out)
    return out


def test_the_first_repeat_is_the_direction_itself_and_others_are_independent():
    direction = RandomDirection(seed=3)
    torch.testing.assert_close(drawn(direction.repeated(0)), drawn(direction), rtol=0, atol=0)
    seeds = [RandomDirection(seed=seed).repeated(n) for seed in (-1, 1, 2, 12) for n in range(4)]
    entries = [drawn(one) for one in seeds]
    assert len({tuple(one.flatten().tolist()) for one in entries}) == len(seeds)
    assert direction.repeated(1).model_dump() == direction.model_dump()
    assert direction.repeated(2).label() == (
        "random direction, filter-normalized (seed 3, repeat 2)"
    )
    assert direction.repeated(0).label() == direction.label()


@pytest.mark.parametrize("name", ["weight", "1/weight", "repeat 1 of 2/weight", "2 of 1/a"])
def test_no_parameter_name_makes_two_repeats_equal(name):
    keys = {
        RandomDirection(seed=seed).repeated(n)._key(name)
        for seed in range(-2, 12)
        for n in range(9)
    }
    assert len(keys) == 14 * 9
    assert RandomDirection(seed=2).repeated(1)._key("weight") not in {
        RandomDirection(seed=seed)._key(name) for seed in range(-2, 12)
    }


@pytest.mark.bits
@pytest.mark.parametrize("make", [build_slice, StreamedSlice])
@pytest.mark.parametrize("orthogonal", [False, True])
def test_the_last_coordinate_selects_the_slice(centre, make, orthogonal):
    repeats = recipes_of(RECIPES, 3)
    slice_ = RepeatedSlice([make(centre, one, orthogonal) for one in repeats])
    assert slice_.origin == (0, 0, 0)
    expected, out = centre.clone(), centre.clone()
    found = []
    for number, recipes in enumerate(repeats):
        build_slice(centre, recipes, orthogonal).write((0.5, -2.0), expected)
        slice_.write((0.5, -2.0, float(number)), out)
        for dtype, buffer in expected.buffers.items():
            assert torch.equal(out.buffers[dtype], buffer)
            found.append(buffer.clone())
        slice_.write((0.0, 0.0, float(number)), out)
        assert all(torch.equal(out.buffers[d], centre.buffers[d]) for d in centre.buffers)
    assert not torch.equal(found[0], found[1])
    assert not torch.equal(found[1], found[2])


@pytest.mark.bits
def test_directions_of_all_repeats_have_names_hashes_and_blocks(centre):
    slices = [build_slice(centre, one) for one in recipes_of(RECIPES, 2)]
    both = RepeatedSlice(slices)
    assert list(both.axes) == ["x", "y", "repeat1/x", "repeat1/y"] == list(both.hashes())
    assert both.hashes()["repeat1/x"] == slices[1].hashes()["x"] != both.hashes()["x"]
    assert both.hashes()["repeat1/y"] == both.hashes()["y"]
    assert both.cosines() == {
        "x,y": slices[0].cosines()["x,y"],
        "repeat1/x,y": slices[1].cosines()["x,y"],
    }
    assert both.norms()["repeat1/x"] == slices[1].norms()["x"]
    for name, one, axis in (("y", slices[0], "y"), ("repeat1/x", slices[1], "x")):
        for (n, place, entries), (m, there, same) in zip(
            both.blocks(name), one.blocks(axis), strict=True
        ):
            assert (n, place) == (m, there)
            assert torch.equal(entries, same)


def test_a_direction_that_is_not_random_is_the_same_in_each_repeat():
    repeats = recipes_of(RECIPES, 3)
    assert all(one["y"] is RECIPES["y"] for one in repeats)
    assert repeats[0]["x"] == RECIPES["x"] != repeats[1]["x"]


def test_repeats_of_equal_surfaces_are_refused():
    with pytest.raises(
        UsageError, match="repeats: got 2, but directions of kind ones are the same"
    ):
        recipes_of({"x": Ones(), "y": Ones()}, 2)
    assert len(recipes_of({"x": Ones()}, 1)) == 1
