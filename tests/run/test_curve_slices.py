"""Curves between two networks: their values, ends, lengths and numbers, and what is refused."""

import json

import h5py
import numpy as np
import pytest
import torch

from landscape_cli.records.curves import CURVES, curve_of
from landscape_cli.store import read_surface
from support.curve_files import network, parameters, save


def along(workplace, problem="regression", **keys):
    values = {
        "checkpoint": "a.pt",
        "slice": {"kind": "curve", "path": "ab.curve.h5"},
        "grid": {"x": [0, 1, 9]},
        **keys,
    }
    return workplace.config(f"example:{problem}", **values)


def loss_at(shape, names, t, problem="regression"):
    """Return the mean loss over the split train at a place, by plain PyTorch in float64."""
    found = network("a", problem)
    model = found.model.double().eval()
    coefficients = curve_of(shape, len(names)).coefficients(t)
    with torch.no_grad():
        for key, tensor in model.named_parameters():
            each = [parameters(name, problem)[key].double() for name in names]
            tensor.copy_(sum(c * one for c, one in zip(coefficients, each, strict=True)))
        inputs, *rest = (tensor.double() for tensor in found.splits["train"].tensors)
        return found.objective(model, (inputs, *rest))["loss"].mean().item()


@pytest.mark.parametrize("shape", sorted(CURVES))
@pytest.mark.parametrize("names", [["a", "b"], ["a", "bend", "b"], ["a", "bend", "other", "b"]])
def test_values_along_a_curve_are_those_of_its_networks(workplace, surface_of, shape, names):
    save(workplace, shape, names)
    surface = surface_of(along(workplace))
    places = surface.grid.axes["x"].coordinates
    for t, loss in zip(places, surface.values["train", "loss"], strict=True):
        assert loss == pytest.approx(loss_at(shape, names, t), rel=1e-5)


def test_both_ends_are_the_checkpoints_bit_for_bit(workplace, surface_of):
    save(workplace, "bezier", ["a", "bend", "b"])
    curve = surface_of(along(workplace)).values["train", "loss"]
    for name, value in (("a", curve[0]), ("b", curve[-1])):
        plain = {"checkpoint": f"{name}.pt", "slice": {"kind": "affine"}}
        config = along(workplace, **plain, grid={"x": [-1, 1, 3]})
        assert surface_of(config, "--overwrite").values["train", "loss"][1] == value


def test_two_points_are_the_straight_line(workplace, surface_of):
    save(workplace, "bezier", ["a", "b"])
    curve = surface_of(along(workplace))
    directions = {"x": {"kind": "checkpoint", "path": "b.pt"}}
    straight = surface_of(
        along(workplace, slice={"kind": "affine"}, directions=directions), "--overwrite"
    )
    np.testing.assert_allclose(
        curve.values["train", "loss"], straight.values["train", "loss"], rtol=1e-5
    )


@pytest.mark.parametrize("origin", ["a", "b"])
def test_numbers_and_lengths_of_a_curve(workplace, surface_of, landscape, origin):
    names = ["a", "bend", "b"]
    save(workplace, "chain", names)
    config = along(workplace, checkpoint=f"{origin}.pt", grid={"x": [0, 1, 11]})
    losses = surface_of(config).values["train", "loss"]
    flat = [torch.cat([t.double().reshape(-1) for t in parameters(n).values()]) for n in names]
    first, second, straight = (
        (flat[i] - flat[j]).norm().item() for i, j in ((1, 0), (2, 1), (2, 0))
    )
    t = np.linspace(0, 1, 11)
    lengths = np.where(t <= 0.5, 2 * t * first, first + (2 * t - 1) * second)
    with h5py.File("surface.h5") as file:
        np.testing.assert_allclose(file["axes/x_length"], lengths, rtol=1e-6)
    code, out, errors = landscape("describe", "surface.h5", "--json")
    assert code == 0, errors
    found = next(n for n in json.loads(out)["numbers"] if n["split"] == "train")
    curve = found["curve"]
    assert curve["length"] == pytest.approx(first + second, rel=1e-6)
    assert curve["straight"] == pytest.approx(straight, rel=1e-6)
    assert curve["maximum"] == losses.max()
    assert curve["minimum"] == losses.min()
    middles = (losses[1:] + losses[:-1]) / 2
    assert curve["mean"] == pytest.approx(middles.mean())
    expected = (middles * np.diff(lengths)).sum() / lengths[-1]
    assert curve["mean_over_length"] == pytest.approx(expected)
    height = (losses - ((1 - t) * losses[0] + t * losses[-1])).max()
    assert found["barrier"]["x"]["height"] == pytest.approx(height, abs=1e-12)


def test_both_ends_are_marked(workplace, surface_of):
    save(workplace, "bezier", ["a", "bend", "b"])
    marks = surface_of(along(workplace)).provenance["checkpoints"]
    assert [(one["label"], one["coordinates"]) for one in marks] == [("a", [0.0]), ("b", [1.0])]
    flat = [torch.cat([t.reshape(-1) for t in parameters(n).values()]).double() for n in "ab"]
    assert marks[1]["distance"] == pytest.approx((flat[1] - flat[0]).norm().item(), rel=1e-6)


def test_a_checkpoint_is_located_at_the_nearest_place(workplace, surface_of):
    save(workplace, "chain", ["a", "bend", "b"])
    torch.save(network("bend").model.state_dict(), workplace.folder / "bend.pt")
    marks = surface_of(along(workplace, checkpoints=["bend.pt"])).provenance["checkpoints"]
    (bend,) = [one for one in marks if one["label"] == "bend"]
    assert bend["coordinates"] == [pytest.approx(0.5, abs=1e-6)]
    assert bend["residual"] < 1e-4


def test_batch_norm_is_recalibrated_by_default(workplace, surface_of, landscape):
    save(workplace, "bezier", ["a", "bend", "b"], "digits_network")
    code, _, errors = landscape("compute", along(workplace, "digits_network"))
    assert code == 0
    assert "batch norm is recalibrated on training data at each point" in errors
    surface = read_surface("surface.h5")
    assert surface.provenance["batch_norm"] == "recalibrate"
    frozen = surface_of(along(workplace, "digits_network", batch_norm="frozen"), "--overwrite")
    assert frozen.provenance["batch_norm"] == "frozen"
    assert not np.allclose(frozen.values["train", "loss"], surface.values["train", "loss"])


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"grid": {"x": [0, 1, 3], "y": [0, 1, 3]}}, "a slice of kind curve has only x"),
        ({"repeats": 2}, "there is only one curve"),
        ({"directions": {"x": {"kind": "random"}}}, "a slice of kind curve has none"),
        ({"slice": {"kind": "curve"}}, "path"),
        ({"slice": {"kind": "curve", "path": "none.h5"}}, "none.h5"),
        ({"slice": {"kind": "curve", "path": "a.pt"}}, "a.pt"),
        (
            {
                "problem": "example:digits_network",
                "perturb": "states",
                "batch_norm": "perturb",
            },
            "leave out perturb: states and batch_norm: perturb",
        ),
        ({"checkpoint": "bend.pt"}, "not those of an end of the curve in ab.curve.h5; choose a.pt"),
        ({"problem": "example:digits_network"}, "ab.curve.h5"),
    ],
)
def test_what_no_curve_can_have_is_refused(workplace, landscape, keys, expected):
    keys = dict(keys)
    states = "digits_network" if "perturb" in keys else "regression"
    save(workplace, "bezier", ["a", "bend", "b"], states)
    torch.save(network("bend").model.state_dict(), workplace.folder / "bend.pt")
    problem = keys.pop("problem", "example:regression").partition(":")[2]
    if problem != states:
        keys["checkpoint"] = None
    code, _, errors = landscape("compute", along(workplace, problem, **keys))
    assert code == 2
    assert expected in errors
    assert len(errors.strip().splitlines()) == 1
    assert not (workplace.folder / "surface.h5").exists()


@pytest.mark.slow
@pytest.mark.bits
@pytest.mark.mpi
def test_a_curve_is_the_same_on_two_ranks(workplace):
    save(workplace, "bezier", ["a", "bend", "b"])
    config = along(workplace, threads=1)
    alone = workplace.surface(config)
    shared = workplace.surface(config, "--overwrite", ranks=2)
    for key, values in alone.values.items():
        np.testing.assert_array_equal(values, shared.values[key])
