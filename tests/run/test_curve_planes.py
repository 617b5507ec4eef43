"""Planes of curves: their basis, values, ranges and marks, and what is refused."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from landscape_cli.records.curves import CURVES
from landscape_cli.records.curves.plane import curve_over
from landscape_cli.records.tiles import Status
from landscape_cli.store import read_surface, write_surface
from landscape_cli.store.directions_file import read_direction
from support.curve_files import network, parameters, save

THREE, FOUR = ["a", "bend", "b"], ["a", "bend", "other", "b"]


def plane(workplace, problem="regression", bend=None, **keys):
    """Write the configuration of a curve's plane, of 5 x 4 points unless the keys say otherwise."""
    section = {"kind": "curve-plane", "path": "ab.curve.h5"}
    section |= {} if bend is None else {"bend": bend}
    values = {"checkpoint": "a.pt", "slice": section, **keys}
    return workplace.config(f"example:{problem}", **values)


def flat(name, problem="regression"):
    """Return a network's parameters as one vector in float64."""
    tensors = parameters(name, problem).values()
    return torch.cat([tensor.double().reshape(-1) for tensor in tensors])


def basis(names, bend=1, origin="a"):
    """Return the plane's unit vectors by plain PyTorch."""
    other = names[-1] if origin == names[0] else names[0]
    u = flat(other) - flat(origin)
    v = flat(names[bend]) - flat(origin)
    u = u / u.norm()
    v = v - (v @ u) * u
    return u, v / v.norm()


def loss_at(weights):
    """Return the mean loss over the split train for a vector of weights, by plain PyTorch."""
    found = network("a")
    torch.nn.utils.vector_to_parameters(weights, found.model.parameters())
    with torch.no_grad():
        return found.objective(found.model, found.splits["train"].tensors)["loss"].mean().item()


@pytest.mark.parametrize("origin", ["a", "b"])
@pytest.mark.parametrize(("names", "bend"), [(THREE, None), (FOUR, None), (FOUR, 2)])
def test_values_are_those_of_an_orthonormal_plane(workplace, surface_of, names, bend, origin):
    save(workplace, "bezier", names)
    surface = surface_of(plane(workplace, bend=bend, checkpoint=f"{origin}.pt"))
    u, v = basis(names, bend or 1, origin)
    x, y = (axis.coordinates for axis in surface.grid.axes.values())
    for row, column in np.ndindex(surface.grid.shape):
        expected = loss_at(flat(origin) + x[column] * u + y[row] * v)
        assert surface.values["train", "loss"][row, column] == pytest.approx(expected, rel=1e-9)
    facts = surface.provenance
    assert facts["norms"] == pytest.approx({"x": 1, "y": 1}, rel=1e-12)
    assert facts["cosines"]["x,y"] == pytest.approx(0, abs=1e-12)
    for axis, expected in (("x", u), ("y", v)):
        stored = read_direction(workplace.folder / "surface.directions.h5", axis)
        found = np.concatenate([array.reshape(-1) for _, array in stored])
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("shape", sorted(CURVES))
def test_points_of_the_curve_have_the_values_along_it(workplace, surface_of, shape):
    save(workplace, shape, THREE)
    config = plane(workplace, slice={"kind": "curve", "path": "ab.curve.h5"}, grid={"x": [0, 1, 3]})
    along = surface_of(config).values["train", "loss"]
    curve = curve_over(surface_of(plane(workplace), "--overwrite").provenance)
    middle = curve.coordinates[np.flatnonzero(curve.t == 0.5)[0]]
    for number, (x, y) in enumerate([(0, 0), middle.tolist(), curve.points[2].tolist()]):
        grid = {"x": [x, x, 1], "y": [y, y, 1]}
        surface = surface_of(plane(workplace, grid=grid), "--overwrite")
        assert surface.values["train", "loss"].item() == pytest.approx(along[number], rel=1e-9)


def test_the_origin_is_the_checkpoint_bit_for_bit(workplace, surface_of):
    save(workplace, "bezier", THREE, "digits_network")
    keys = {"batch_norm": "frozen", "grid": {"x": [0, 0, 1], "y": [0, 0, 1]}}
    found = surface_of(plane(workplace, "digits_network", **keys))
    plain = plane(workplace, "digits_network", **{**keys, "slice": {"kind": "affine"}})
    expected = surface_of(plain, "--overwrite")
    assert found.values["train", "loss"] == expected.values["train", "loss"]


def test_the_file_says_where_the_curve_runs(workplace, surface_of, landscape):
    save(workplace, "chain", FOUR)
    config = plane(workplace, bend=2)
    code, _, errors = landscape("compute", config)
    assert code == 0, errors
    curve = curve_over(read_surface("surface.h5").provenance)
    assert (curve.shape, curve.bend, curve.ends) == ("chain", 2, ("a.pt", "b.pt"))
    u, v = basis(FOUR, 2)
    apart = flat("bend") - flat("a")
    expected = [float(apart @ u), float(apart @ v)]
    np.testing.assert_allclose(curve.points[1], expected, rtol=1e-6)
    off = (apart - expected[0] * u - expected[1] * v).norm().item()
    assert curve.point_residuals[1] == pytest.approx(off, rel=1e-6)
    assert curve.residual == pytest.approx(off, rel=1e-6)
    assert f"the curve is up to {off:.3g} off its plane through bend 2" in errors


@pytest.mark.parametrize(("checkpoint", "other"), [("a", "b"), ("b", "a")])
def test_both_ends_are_marked(workplace, surface_of, checkpoint, other):
    save(workplace, "bezier", THREE)
    marks = surface_of(plane(workplace, checkpoint=f"{checkpoint}.pt")).provenance["checkpoints"]
    apart = (flat("b") - flat("a")).norm().item()
    first, second = marks
    assert (first["label"], first["coordinates"]) == (checkpoint, [0, 0])
    assert (second["label"], second["residual"]) == (other, 0)
    assert second["coordinates"] == [pytest.approx(apart), 0]
    assert second["distance"] == pytest.approx(apart)


def test_a_checkpoint_is_located_in_the_plane(workplace, surface_of):
    save(workplace, "bezier", THREE)
    torch.save(network("bend").model.state_dict(), workplace.folder / "bend.pt")
    facts = surface_of(plane(workplace, checkpoints=["bend.pt"])).provenance
    (bend,) = [one for one in facts["checkpoints"] if one["label"] == "bend"]
    assert bend["coordinates"] == pytest.approx(curve_over(facts).points[1].tolist())
    assert bend["residual"] == pytest.approx(0, abs=1e-9)


def test_the_range_auto_shows_the_curve(workplace, surface_of):
    save(workplace, "bezier", FOUR)
    surface = surface_of(plane(workplace, grid={"x": "auto:3", "y": "auto"}))
    curve = curve_over(surface.provenance)
    for number, axis in enumerate(surface.grid.axes.values()):
        assert (axis.low, axis.high) == curve.range(number)
    assert [axis.points for axis in surface.grid.axes.values()] == [3, 51]


def test_axes_are_labelled(workplace, surface_of):
    save(workplace, "bezier", THREE)
    directions = surface_of(plane(workplace)).provenance["directions"]
    assert directions["x"]["label"] == "unit vector to b"
    assert directions["y"]["label"] == "unit vector to the bend, orthogonal to x"


def test_batch_norm_is_recalibrated_by_default(workplace, surface_of):
    save(workplace, "bezier", THREE, "digits_network")
    grid = {"x": [0, 1, 2], "y": [0, 1, 2]}
    surface = surface_of(plane(workplace, "digits_network", grid=grid))
    assert surface.provenance["batch_norm"] == "recalibrate"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"grid": {"x": [0, 1, 3]}}, "a slice of kind curve-plane has x and y"),
        ({"repeats": 2}, "there is only one curve"),
        ({"directions": {"x": {}, "y": {}}}, "a slice of kind curve-plane has none"),
        ({"keep_directions": "streamed"}, "keep_directions: streamed"),
        ({"orthogonal": True}, "orthogonal: true applies to directions"),
        ({"bend": 0}, "slice.bend: Input should be greater than or equal to 1, got 0"),
        ({"bend": 3}, "slice.bend: got 3, but the curve in ab.curve.h5 has 2; choose 1 to 2"),
        ({"checkpoint": "bend.pt"}, "not those of an end of the curve in ab.curve.h5"),
        ({"slice": {"kind": "curve-plane"}}, "path"),
    ],
)
def test_what_no_plane_can_have_is_refused(workplace, landscape, keys, expected):
    save(workplace, "bezier", FOUR)
    torch.save(network("bend").model.state_dict(), workplace.folder / "bend.pt")
    code, _, errors = landscape("compute", plane(workplace, **keys))
    assert code == 2
    assert expected in errors
    assert len(errors.strip().splitlines()) == 1
    assert not (workplace.folder / "surface.h5").exists()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a", "b"], "the curve in ab.curve.h5 has no bend"),
        (["a", "a", "b"], "bend 1 lies on the straight line through the ends"),
        (["a", "bend", "a"], "both ends are the same network, so they span no plane"),
    ],
)
def test_points_that_span_no_plane_are_refused(workplace, landscape, names, expected):
    save(workplace, "bezier", names)
    code, _, errors = landscape("compute", plane(workplace))
    assert code == 2
    assert expected in errors
    assert len(errors.strip().splitlines()) == 1


def interrupted(surface):
    """Leave a point of the surface's file to do."""
    status = surface.status.copy()
    status.flat[-1] = Status.TODO
    write_surface(Path("surface.h5"), replace(surface, status=status))


@pytest.mark.parametrize("kind", ["curve", "curve-plane"])
def test_a_file_is_continued_with_the_same_bits(workplace, surface_of, kind):
    save(workplace, "bezier", FOUR)
    grid = {"x": [0, 1, 4]} if kind == "curve" else {"x": [0, 1, 4], "y": [0, 1, 3]}
    config = plane(workplace, slice={"kind": kind, "path": "ab.curve.h5"}, grid=grid)
    whole = surface_of(config)
    interrupted(whole)
    again = surface_of(config)
    np.testing.assert_array_equal(again.values["train", "loss"], whole.values["train", "loss"])
    assert len(again.provenance["runs"]) == 2


@pytest.mark.parametrize(("kind", "key"), [("curve", "slice"), ("curve-plane", "directions")])
def test_a_file_is_not_continued_with_another_curve(workplace, surface_of, landscape, kind, key):
    save(workplace, "bezier", FOUR)
    grid = {"x": [0, 1, 4]} if kind == "curve" else {"x": [0, 1, 4], "y": [0, 1, 3]}
    config = plane(workplace, slice={"kind": kind, "path": "ab.curve.h5"}, grid=grid)
    interrupted(surface_of(config))
    save(workplace, "bezier", ["a", "other", "bend", "b"])
    code, _, errors = landscape("compute", config)
    assert code == 2
    assert f"made with another configuration ({key}: changed" in errors


def test_a_file_is_not_continued_on_the_plane_of_another_bend(workplace, surface_of, landscape):
    save(workplace, "bezier", FOUR)
    surface_of(plane(workplace))
    code, _, errors = landscape("compute", plane(workplace, bend=2))
    assert code == 2
    assert "slice.bend" in errors


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["curve", "curve-plane"])
def test_shards_are_merged_to_the_whole_surface(workplace, surface_of, landscape, kind):
    save(workplace, "bezier", FOUR)
    grid = {"x": [0, 1, 4]} if kind == "curve" else {"x": [0, 1, 4], "y": [0, 1, 3]}
    config = plane(workplace, slice={"kind": kind, "path": "ab.curve.h5"}, grid=grid)
    whole = surface_of(config, "--no-calibrate")
    shards = [f"surface.shard-{number}-of-2.h5" for number in (1, 2)]
    for number, shard in enumerate(shards, start=1):
        surface_of(config, "--shard", f"{number}/2", output=shard)
    code, _, errors = landscape("merge", "merged.h5", *shards)
    assert code == 0, errors
    merged = read_surface("merged.h5")
    np.testing.assert_array_equal(merged.values["train", "loss"], whole.values["train", "loss"])
    for key in ("slice", "directions", "curve", "curve_plane"):
        assert merged.provenance.get(key) == whole.provenance.get(key)
    save(workplace, "bezier", ["a", "other", "bend", "b"])
    surface_of(config, "--shard", "2/2", "--overwrite", output=shards[1])
    code, _, errors = landscape("merge", "other.h5", *shards)
    assert code == 2
    assert ("slice" if kind == "curve" else "directions") in errors
    assert not Path("other.h5").exists()


@pytest.mark.slow
@pytest.mark.bits
@pytest.mark.mpi
def test_a_plane_is_the_same_on_two_ranks(workplace):
    save(workplace, "bezier", FOUR)
    config = plane(workplace, threads=1)
    alone = workplace.surface(config)
    shared = workplace.surface(config, "--overwrite", ranks=2)
    for key, values in alone.values.items():
        np.testing.assert_array_equal(values, shared.values[key])
    with h5py.File("surface.h5") as file:
        assert "curve_plane" in file.attrs["provenance"]
