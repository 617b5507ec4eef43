import pytest
import torch
from torch import nn

from landscape_cli.errors import UsageError
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices import slice_from
from landscape_cli.geometry.slices.checkpoints import CheckpointsSlice
from landscape_cli.records.checkpoint_path import CheckpointPath

PATHS = [CheckpointPath(f"c{number}.pt") for number in range(5)]


@pytest.fixture
def made():
    """Return a slice of five points (n, n^2) in two trainings, and the list of what it reads."""
    read = []

    def get(path, sha256):
        number = PATHS.index(path)
        assert sha256 == f"hash{number}"
        read.append(number)
        return {"weight": torch.tensor([[float(number), float(number**2)]])}

    hashes = [f"hash{number}" for number in range(5)]
    return CheckpointsSlice(PATHS, [3, 2], hashes, get, 2), read


def parameters():
    model = nn.Linear(2, 1, bias=False)
    return FlatParameters.of_model(model, torch.device("cpu"))


def test_each_number_is_its_checkpoint(made):
    slice_, read = made
    out = parameters()
    for number in (4, 0, 0, 4, 2, 0):
        slice_.write((float(number),), out)
        assert out.views["weight"].tolist() == [[number, number**2]]
    assert read == [4, 0, 2, 0]  # two are kept
    assert slice_.origin == (4.0,)


@pytest.mark.parametrize("x", [-1, 0.5, 5, 1e9])
def test_nothing_lies_between_or_beyond(made, x):
    with pytest.raises(UsageError, match="there is no checkpoint at"):
        made[0].write((x,), parameters())


def test_slopes_are_along_the_next_step_of_the_same_training(made):
    slice_, _ = made
    gradient = {"weight": torch.tensor([[3.0, 4.0]], dtype=torch.float64)}
    assert slice_.slopes((0.0,), gradient)["x"] == pytest.approx(7 / 2**0.5)
    assert slice_.slopes((3.0,), gradient)["x"] == pytest.approx((3 + 28) / 50**0.5)
    assert slice_.slopes((2.0,), gradient) == {"x": 0.0}  # the next one is another training's
    assert slice_.slopes((4.0,), gradient) == {"x": 0.0}


@pytest.mark.parametrize(
    ("settings", "axes", "words"),
    [
        ({}, ("x", "y"), "grid: got axes x, y, but a slice of kind checkpoints has only x"),
        ({"counts": [1, 1]}, ("x",), "slice.counts: 2 checkpoints in all, but slice.paths has 3"),
    ],
)
def test_other_grids_and_counts_are_refused(settings, axes, words):
    recipe = slice_from({"kind": "checkpoints", "paths": ["a", "b", "c"], **settings})
    with pytest.raises(UsageError, match=words):
        recipe.check(axes, 1, {})


def test_recipes_survive_their_file():
    section = {"kind": "checkpoints", "paths": ["a.pt", {"path": "b", "key": "ema"}]}
    recipe = slice_from(section)
    assert recipe.model_dump(mode="json", exclude_none=True) == section
    assert slice_from(recipe.model_dump(mode="json", exclude_none=True)) == recipe
    for wrong in ([], "a.pt", [3]):
        with pytest.raises(UsageError, match=r"slice\.paths"):
            slice_from({"kind": "checkpoints", "paths": wrong})
