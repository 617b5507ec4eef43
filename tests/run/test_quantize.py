"""Surfaces of networks whose weights are rounded to a few bits, against plain loops."""

import itertools

import h5py
import numpy as np
import pytest
import torch
from torch.nn import functional

from support.surfaces import assert_same_bits, forget

PROBLEM = """
import torch
from torch import nn
from torch.utils.data import TensorDataset
from landscape_cli.problems.objectives import cross_entropy
from landscape_cli.problems.problem import Problem

def build(dtype="float64"):
    torch.manual_seed(3)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Tanh(), nn.Flatten(), nn.Linear(16, 3)
    )
    model[1].running_mean.normal_()
    images, labels = torch.randn(40, 1, 4, 4), torch.randint(3, (40,))
    kind = getattr(torch, dtype)
    data = TensorDataset(images.to(kind), labels)
    return Problem(model.to(kind), {"train": data}, cross_entropy, name="small")
"""
GRID = {"x": [-1, 1, 5], "y": [-1, 1, 3]}


@pytest.fixture
def small(workplace):
    """Write the problem, and return a function that writes its configuration."""
    workplace.write("small.py", PROBLEM)

    def small(**keys):
        return workplace.config("small:build", **{"grid": GRID, **keys})

    return small


def rounded(weights, centre, bits, per):
    """Round one tensor by a loop over its filters."""
    out = weights.copy()
    groups = [...] if per == "tensor" else range(len(weights))
    for group in groups:
        sizes = np.abs(centre[group])
        if bits == 1:
            out[group] = np.where(weights[group] >= 0, 1, -1) * sizes.mean()
        else:
            most = 2 ** (bits - 1) - 1
            step = sizes.max() / most
            out[group] = np.clip(np.rint(weights[group] / step), -most, most) * step
    return out


def expected_losses(bits, per, fixed=()):
    """Compute the loss at each point of ``GRID``, with the directions of the file."""
    import small

    problem = small.build()
    state = {name: tensor.numpy() for name, tensor in problem.model.state_dict().items()}
    names = list(dict(problem.model.named_parameters()))
    with h5py.File("surface.directions.h5") as file:
        shifts = {
            axis: {name: file[f"{axis}direction/{n}"][()] for n, name in enumerate(names)}
            for axis in "xy"
        }
    images, labels = problem.splits["train"].tensors
    places = [np.linspace(*GRID[axis]) for axis in "yx"]
    losses = []
    for y, x in itertools.product(*places):
        at = {}
        for name, one in problem.model.named_parameters():
            centre = one.detach().numpy()
            weights = centre + x * shifts["x"][name] + y * shifts["y"][name]
            keep = weights.ndim == 1 or name in fixed
            at[name] = torch.from_numpy(weights if keep else rounded(weights, centre, bits, per))
        hidden = functional.conv2d(images, at["0.weight"], at["0.bias"])
        mean, variance = (torch.from_numpy(state[f"1.running_{one}"]) for one in ("mean", "var"))
        hidden = functional.batch_norm(hidden, mean, variance, at["1.weight"], at["1.bias"])
        logits = hidden.tanh().flatten(1) @ at["4.weight"].T + at["4.bias"]
        losses.append(functional.cross_entropy(logits, labels).item())
    return np.reshape(losses, [len(place) for place in places])


@pytest.mark.parametrize(
    ("keys", "fixed"),
    [
        ({"bits": 1}, ()),
        ({"bits": 2, "per": "tensor"}, ()),
        ({"bits": 3, "exclude": ["4.*"]}, ("4.weight",)),
        ({"bits": 8}, ()),
    ],
)
def test_values_are_those_of_the_rounded_network(small, surface_of, keys, fixed):
    surface = surface_of(small(quantize=keys, batch_norm="frozen"))
    expected = expected_losses(keys["bits"], keys.get("per", "filter"), fixed)
    np.testing.assert_allclose(surface.values["train", "loss"], expected, rtol=1e-12)


def test_it_is_not_the_surface_of_the_full_precision(small, surface_of):
    plain = surface_of(small())
    found = {b: surface_of(small(quantize=b), "--overwrite") for b in (16, 2)}
    loss = plain.values["train", "loss"]
    centre = loss[1, 2]
    assert found[16].values["train", "loss"][1, 2] == pytest.approx(centre, rel=1e-3)
    assert abs(found[2].values["train", "loss"][1, 2] - centre) > 0.01


def test_statistics_are_estimated_for_the_rounded_network(small, surface_of):
    import small as module

    surface = surface_of(small(quantize=2, batch_norm="recalibrate", grid={"x": [-1, 1, 3]}))
    problem = module.build()
    model, images = problem.model, problem.splits["train"].tensors[0]
    for weight in (model[0].weight, model[4].weight):
        centre = weight.detach().numpy()
        weight.data = torch.from_numpy(rounded(centre, centre, 2, "filter"))
    model.requires_grad_(False)
    hidden = model[0](images)
    model[1].running_mean = hidden.mean(dim=(0, 2, 3))
    model[1].running_var = hidden.var(dim=(0, 2, 3))
    logits = model.eval()(images)
    expected = functional.cross_entropy(logits, problem.splits["train"].tensors[1]).item()
    assert surface.values["train", "loss"][1] == pytest.approx(expected, rel=1e-6)


@pytest.mark.bits
@pytest.mark.parametrize(
    "keys",
    [{"keep_directions": "streamed"}, {"cache": "none"}, {"adaptive": {"tolerance": 0.5}}],
)
def test_bits_depend_on_no_way_of_computing(small, surface_of, keys):
    plain = surface_of(small(quantize=3, problem_args={"dtype": "float32"}, calibrate=False))
    assert_same = np.testing.assert_array_equal
    config = small(quantize=3, problem_args={"dtype": "float32"}, calibrate=False, **keys)
    other = surface_of(config, "--overwrite")
    computed = other.status == 1
    for key, values in plain.values.items():
        assert_same(other.values[key][computed], values[computed])
    assert computed[1, 2]


@pytest.mark.slow
@pytest.mark.openmpi
@pytest.mark.bits
@pytest.mark.mpi
def test_bits_are_the_same_on_two_ranks(small, workplace):
    config = small(quantize=1, problem_args={"dtype": "float32"})
    alone = workplace.surface(config)
    shared = workplace.surface(config, "--overwrite", ranks=2)
    assert_same_bits(alone, shared)
    assert set(shared.rank.ravel().tolist()) == {0, 1}


@pytest.mark.bits
def test_a_file_is_continued_with_the_same_rounding_alone(small, landscape, surface_of):
    config = small(quantize=2)
    whole = surface_of(config)
    forget("surface.h5", [2, 3, 9])
    for keys, message in (
        ({"quantize": 3}, "quantize.bits: 2 in the file, 3 now"),
        ({"quantize": {"bits": 2, "per": "tensor"}}, "quantize.per: 'filter' in the file"),
        ({"quantize": {"bits": 2, "exclude": "0.*"}}, "quantize.exclude: None in the file"),
        ({}, "'per': 'filter'} in the file, None now"),
    ):
        code, _, errors = landscape("compute", small(**keys))
        assert code == 2
        assert message in errors
    assert_same_bits(surface_of(small(quantize=2)), whole)


def test_files_and_messages_say_what_is_rounded(small, landscape, surface_of):
    config = small(grid={"x": [-2, 2, 3]})
    code, _, errors = landscape("compute", config, "--quantize", 3)
    assert code == 0
    assert "quantized: weights at 3 bits per filter (84 in 2 tensors); at (2) " in errors
    assert "% of them are clipped" in errors
    assert "quantized:  weights at 3 bits per filter\n" in landscape("info", "surface.h5")[1]
    _, out, _ = landscape("compute", config, "--quantize", 1, "--dry-run", "-o", "other.h5")
    assert "quantized:  weights at 1 bit per filter\n" in out


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"quantize": 0}, "quantize.bits: Input should be greater than or equal to 1, got 0"),
        ({"quantize": 17}, "quantize.bits: Input should be less than or equal to 16"),
        ({"quantize": 2.5}, "quantize: expected a number of bits from 1 to 16, a section, or none"),
        ({"quantize": {"bits": 3, "per": "row"}}, "quantize.per: "),
        ({"quantize": 3, "measures": ["gradient"]}, "measures: gradient of a loss of weights at 3"),
        ({"quantize": 3, "curvature": ["extremes"]}, "curvature: extremes of a loss of weights"),
        ({"quantize": {"bits": 3, "include": "*.bias"}}, "among 0.bias, 1.bias, 4.bias; biases"),
        ({"quantize": {"bits": 3, "include": "5.*"}}, "'5.*' matches none of the 6 parameters"),
        (
            {"quantize": 3, "problem_args": {"dtype": "bfloat16"}},
            "quantize: 0.weight, 4.weight is in bfloat16, which can't hold a grid's values",
        ),
    ],
)
def test_what_can_not_be_rounded_is_refused(small, landscape, keys, message):
    code, _, errors = landscape("compute", small(**keys))
    assert code == 2
    assert message in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["curvature"], "second derivatives of rounded weights are zero or undefined"),
        (["sharpness"], "sharpness is measured in full precision"),
        (["connect", "--from", "a.pt", "--to", "b.pt"], "curves are trained in full precision"),
        (["connect", "--pairs", "all", "--checkpoints", "*.pt"], "curves are trained in full"),
        (["ensemble", "a.pt", "b.pt"], "ensembles are scored in full precision"),
        (["trajectory", "--losses", "--checkpoints", "*.pt"], "no common centre"),
    ],
)
def test_commands_without_rounding_refuse_it(small, landscape, command, message):
    import small as module

    state = module.build().model.state_dict()
    for name in "ab":
        torch.save({key: value + (name == "b") for key, value in state.items()}, f"{name}.pt")
    name, *options = command
    code, _, errors = landscape(name, small(quantize=4, checkpoint="a.pt"), *options)
    assert code == 2
    assert "quantize: weights at 4 bits per filter are for surfaces alone" in errors
    assert message in errors


def test_a_curve_has_no_centre(small, landscape):
    import small as module

    state = module.build().model.state_dict()
    for name in "ab":
        torch.save({key: value + (name == "b") for key, value in state.items()}, f"{name}.pt")
    config = small()
    command = ["connect", config, "--from", "a.pt", "--to", "b.pt", "--epochs", 1]
    assert landscape(*command, "-o", "ab.curve.h5")[0] == 0
    keys = {"slice": {"kind": "curve", "path": "ab.curve.h5"}, "grid": {"x": [0, 1, 3]}}
    code, _, errors = landscape("compute", small(quantize=4, checkpoint="a.pt", **keys))
    assert code == 2
    assert "quantize: a slice of this kind has no centre" in errors
