"""Streamed slices against resident ones, bit for bit."""

import itertools
import threading
from typing import Literal

import numpy as np
import pytest
import torch

from landscape_cli.geometry import blocks
from landscape_cli.geometry.directions import drawing_ahead
from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.directions.checkpoint import CheckpointDirection
from landscape_cli.geometry.directions.random import RandomDirection
from landscape_cli.geometry.normalization import NORMALIZATIONS, WHOLE, Ignore, by_tensor
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.affine import build_slice
from landscape_cli.geometry.slices.streamed import StreamedSlice

DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
COORDINATES = (0.3, -1.7, 0.123456789)
GPU = pytest.param(
    "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
)


class Steps(Direction):
    """A kind that draws whole tensors only: ascending entries, divided by the largest."""

    kind: Literal["steps"] = "steps"
    first: int = 1

    def draw(self, name, out):
        out.copy_(torch.arange(self.first, self.first + out.numel()).view(out.shape))

    def measure(self, drawn, weights):
        host = weights.cpu()
        return by_tensor(
            drawn, lambda whole: whole / whole.abs().max() * host if whole.numel() else whole
        )

    def label(self):
        return "steps"


DIVISIONS = ("whole", "divided", "divided by threads")
DIVIDED = [
    *itertools.product((torch.float32,), DIVISIONS),
    (torch.bfloat16, "divided by threads"),
    *(
        pytest.param(*case, marks=pytest.mark.slow)
        for case in (
            *itertools.product((torch.bfloat16,), DIVISIONS[:2]),
            *itertools.product((torch.float64, torch.float16), DIVISIONS[2:]),
        )
    ),
]
"""Every dtype in small blocks; one in which a processor computes, and one in which not, in all."""


def divided(test):
    """Run a test for each dtype and division."""
    cases = pytest.mark.parametrize(("dtype", "division"), DIVIDED, indirect=["division"], ids=str)
    return pytest.mark.usefixtures("division")(cases(test))


@pytest.fixture
def division(request, monkeypatch):
    """Blocks of the real size, or small ones that do not align with filters."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if request.param == "divided" else 2)
    if request.param != "whole":
        monkeypatch.setattr(blocks, "CHUNK", 128)
        monkeypatch.setattr(drawing_ahead, "AHEAD", 512)
        monkeypatch.setattr(drawing_ahead, "CHUNK", 128)
        monkeypatch.setattr(drawing_ahead, "LARGE", 64)
    monkeypatch.setattr(drawing_ahead, "FEW", 0)
    yield
    torch.set_num_threads(before)


def centre_of(dtype, device="cpu"):
    """Return tensors with many filters, filters longer than a block, few dimensions, no entries."""
    torch.manual_seed(0)
    shapes = {
        "filters": (70, 3, 3),
        "long": (3, 300),
        "one": (1, 500),
        "small": (4, 5, 2, 2),
        "bias": (130,),
        "number": (),
        "nothing": (0, 3),
        "thin": (600, 1),
        "hollow": (3, 0),
    }
    centre = FlatParameters(
        {name: torch.empty(s, dtype=dtype) for name, s in shapes.items()}, "cpu"
    )
    centre.assign({name: torch.randn(shape) for name, shape in shapes.items()})
    centre.views["filters"][2] = 0
    moved = FlatParameters(centre.views, device)
    moved.assign(centre.views)
    return moved


def bits(tensor):
    return tensor.detach().cpu().contiguous().view(-1).view(torch.uint8)


def assert_same(centre, recipes, orthogonal=False):
    """Compare everything that a streamed slice computes with a resident one, bit for bit."""
    resident = build_slice(centre, recipes, orthogonal)
    streamed = StreamedSlice(centre, recipes, orthogonal)
    assert streamed.hashes() == resident.hashes()
    assert streamed.cosines() == resident.cosines()
    assert streamed.norms() == resident.norms()
    assert streamed.axes == resident.axes
    for axis, direction in resident.directions.items():
        again = resident.centre.zeros()
        for name, index, entries in streamed.blocks(axis):
            again.views[name][index] = entries
        for (name, index, entries), (expected_name, expected_index, expected) in zip(
            streamed.blocks(axis), resident.blocks(axis), strict=True
        ):
            assert (name, index) == (expected_name, expected_index)
            assert torch.equal(bits(entries), bits(expected))
        for name, view in direction.views.items():
            assert torch.equal(bits(again.views[name]), bits(view)), name
    for coordinates in (COORDINATES, COORDINATES[::-1], (0.0, 0.0, 0.0)):
        out, other = centre.clone(), centre.clone()
        for flat in (out, other):
            for view in flat.views.values():
                view.fill_(torch.nan)
        resident.write(coordinates[: len(recipes)], out)
        streamed.write(coordinates[: len(recipes)], other)
        for name, view in out.views.items():
            assert torch.equal(bits(other.views[name]), bits(view)), name
        for dtype, buffer in out.buffers.items():
            assert torch.equal(bits(other.buffers[dtype]), bits(buffer))


def random(count, normalize="filter", ignore="biasbn"):
    return {
        axis: RandomDirection(seed=seed, normalize=normalize, ignore=ignore)
        for seed, axis in enumerate("xyz"[:count], 1)
    }


@pytest.mark.bits
@pytest.mark.parametrize("orthogonal", [False, True])
@pytest.mark.parametrize("rule", ["filter", "model"])
@divided
def test_a_subset_of_the_parameters_is_the_same(dtype, rule, orthogonal):
    recipes = {
        "x": RandomDirection(seed=1, normalize=rule, ignore="none", exclude=["bias", "thin"]),
        "y": RandomDirection(seed=2, include=["filters", "[l-o]*"]),
        "z": Steps(exclude=["small"]),
    }
    assert_same(centre_of(dtype), recipes, orthogonal)


@pytest.mark.bits
@pytest.mark.parametrize("orthogonal", [False, True])
@pytest.mark.parametrize("rule", ["none", "filter", "dmodel"])
@divided
def test_loaded_directions_are_the_same(dtype, rule, orthogonal):
    centre = centre_of(dtype)
    recipes = {}
    for axis, ignore in (("x", "none"), ("y", "biasbn")):
        entries = {name: torch.randn(view.shape).to(dtype) for name, view in centre.views.items()}
        given = CheckpointDirection(path=f"{axis}.pt", normalize=rule, ignore=ignore)
        recipes[axis] = given.holding(entries)
    assert_same(centre, recipes, orthogonal)


@pytest.mark.bits
@pytest.mark.parametrize("orthogonal", [False, True])
@pytest.mark.parametrize("rule", [*NORMALIZATIONS, *WHOLE])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_plane_is_the_same(dtype, rule, orthogonal):
    for ignore in Ignore:
        assert_same(centre_of(dtype), random(2, rule, ignore.value), orthogonal)


@pytest.mark.bits
@pytest.mark.parametrize("orthogonal", [False, True])
@pytest.mark.parametrize("count", [1, 3])
@divided
def test_a_line_and_a_volume_are_the_same(dtype, count, orthogonal):
    assert_same(centre_of(dtype), random(count, ignore="none"), orthogonal)


@pytest.mark.bits
@pytest.mark.parametrize("orthogonal", [False, True])
@divided
def test_kinds_that_draw_whole_tensors_are_the_same(dtype, orthogonal):
    recipes = {"x": RandomDirection(normalize="layer"), "y": Steps(), "z": Steps(first=7)}
    assert_same(centre_of(dtype), recipes, orthogonal)


@pytest.mark.bits
@pytest.mark.parametrize("orthogonal", [False, True])
@pytest.mark.parametrize("rule", [*NORMALIZATIONS, *WHOLE])
@pytest.mark.parametrize("device", [GPU])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_plane_on_a_gpu_is_the_same(dtype, device, rule, orthogonal):
    for ignore in ("biasbn", "none"):
        assert_same(centre_of(dtype, device), random(2, rule, ignore), orthogonal)


@pytest.mark.bits
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_tensor_of_several_full_size_blocks_is_the_same(dtype):
    centre = FlatParameters({"w": torch.empty(700, 3001), "b": torch.empty(700)}, "cpu")
    centre.assign({name: torch.randn(view.shape) for name, view in centre.views.items()})
    converted = FlatParameters({n: v.to(dtype) for n, v in centre.views.items()}, "cpu")
    converted.assign(centre.views)
    assert_same(converted, random(2), orthogonal=True)


@pytest.mark.bits
def test_parameters_of_different_dtypes():
    torch.manual_seed(0)
    tensors = {str(d): torch.randn(30, 7).to(d) for d in DTYPES} | {"last": torch.randn(9, 9)}
    centre = FlatParameters(tensors, "cpu")
    centre.assign(tensors)
    assert_same(centre, random(2, ignore="none"))


@pytest.mark.bits
def test_points_of_a_bfloat16_model_do_not_depend_on_the_threads():
    """PyTorch's own kernels round the last entries of each thread's part differently."""
    flat = FlatParameters({"w": torch.empty(333, 1001, dtype=torch.bfloat16)}, "cpu")
    flat.assign({"w": torch.randn(333, 1001)})
    plane = build_slice(flat, random(2))
    before, found = torch.get_num_threads(), []
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        out = flat.clone()
        plane.write((0.3, -0.7), out)
        found.append(bits(out.views["w"]))
    torch.set_num_threads(before)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


class Broken(Steps):
    """A kind that fails at one of the parameters."""

    def entries(self, name, shape, dtype):
        if name == "small":
            raise ValueError("no entries")
        return super().entries(name, shape, dtype)


class Late(Steps):
    """A kind that fails while entries are drawn, on another thread."""

    def entries(self, name, shape, dtype):
        def fill(out):
            assert threading.current_thread() is not threading.main_thread()
            raise ValueError("no entries")

        return fill if name == "thin" else super().entries(name, shape, dtype)


@pytest.mark.parametrize("kind", [Broken, Late])
def test_exceptions_of_a_kind_are_raised(monkeypatch, kind):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    monkeypatch.setattr(drawing_ahead, "FEW", 0)
    with pytest.raises(ValueError, match="no entries"):
        StreamedSlice(centre_of(torch.float32), {"x": RandomDirection(), "y": kind()}).hashes()
    torch.set_num_threads(before)


@pytest.mark.parametrize("shape", [(), (5,), (0, 3), (3, 0), (7, 300), (2, 3, 400), (40, 3, 3)])
def test_pieces_cover_a_tensor_in_order(monkeypatch, shape):
    monkeypatch.setattr(blocks, "CHUNK", 128)
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    found = [array[index] for index in blocks.pieces(shape)]
    assert max(piece.size for piece in found) <= 128
    assert np.array_equal(np.concatenate([piece.ravel() for piece in found]), array.ravel())


@pytest.mark.parametrize(
    ("entries", "width", "expected"),
    [
        (300, None, [(0, 128), (128, 256), (256, 300)]),
        (300, 50, [(0, 100), (100, 200), (200, 300)]),
        (300, 150, [(0, 128), (128, 150), (150, 278), (278, 300)]),
        (0, None, [(0, 0)]),
        (0, 3, [(0, 0)]),
    ],
)
def test_spans_by_hand(monkeypatch, entries, width, expected):
    monkeypatch.setattr(blocks, "CHUNK", 128)
    assert list(blocks.spans(entries, width)) == expected
