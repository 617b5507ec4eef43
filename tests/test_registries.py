"""A slice, a direction and a measure, added through their registries alone, work everywhere.

The model has two parameters (a, b) and the loss |(a, b) - TARGET|^2, so every value is known.
"""

import json
import math
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
import pytest
import torch

from landscape_cli.evaluation.measures import MEASURES
from landscape_cli.evaluation.measures.base import PointMeasure
from landscape_cli.geometry.directions import KINDS
from landscape_cli.geometry.directions.loaded import LoadedDirection
from landscape_cli.geometry.parameters import digest
from landscape_cli.geometry.slices import SLICES
from landscape_cli.geometry.slices.base import Slice, SliceFacts, SliceRecipe
from landscape_cli.store import read_surface

TARGET = (1.0, -0.5)

PROBLEM = """
import os, time
import torch
from torch import nn
from landscape_cli.problems import Problem

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.place = nn.Parameter(torch.tensor([3.0, 0.0], dtype=torch.float64))

def build():
    def objective(model, batch):
        time.sleep(float(os.environ.get("SECONDS_PER_BATCH", "0")))
        return {"loss": ((model.place - batch) ** 2).sum(1)}
    data = torch.tensor([[1.0, -0.5]] * 4, dtype=torch.float64)
    return Problem(Two(), {"train": [data]}, objective)
"""


class Circle(SliceRecipe):
    """A circle around the origin of parameter space, by angle."""

    kind: Literal["circle"] = "circle"
    radius: float = 2.0
    start: float = 0.0

    def check(self, axes, repeats, directions):
        """Accept any grid of one axis."""
        assert (axes, repeats, directions) == (("x",), 1, {})

    def build(self, context):
        """Make the circle."""
        return CircleSlice(context.parameters.clone(), self.radius, self.start)

    def range(self, axis):
        """Return the whole circle."""
        return -math.pi, math.pi, "the whole circle"


class CircleSlice(Slice):
    """The point at an angle; the trained network counts as the one at ``start``."""

    def __init__(self, centre, radius, start):
        self._centre, self._radius, self._start = centre, radius, start

    @property
    def origin(self):
        """The angle of the trained network."""
        return (self._start,)

    def write(self, coordinates: Sequence[float], out):
        """Write the two parameters."""
        (angle,) = coordinates
        (view,) = out.views.values()
        view[0], view[1] = self._radius * math.cos(angle), self._radius * math.sin(angle)

    def slopes(self, coordinates, gradient):
        """Return the derivative by the angle."""
        (angle,) = coordinates
        along = gradient["place"].tolist()
        tangent = -self._radius * math.sin(angle), self._radius * math.cos(angle)
        return {"x": along[0] * tangent[0] + along[1] * tangent[1]}

    def unit(self, axis):
        """Return the angle that moves the parameters by their norm."""
        return 1.0

    def facts(self):
        """Return the radius and the centre's hash."""
        return SliceFacts.of_slice(
            "circle",
            self.origin,
            {"x": f"angle on a circle of radius {self._radius:g}"},
            radius=self._radius,
            sha256=digest(self._centre.views),
        )


class OnesDirection(LoadedDirection):
    """A direction whose entries are all one, as if they came from a file."""

    auto_points: ClassVar[int] = 5
    kind: Literal["ones"] = "ones"

    def load(self, axis, source):
        """Fill every parameter with ones."""
        return {name: torch.ones_like(like) for name, like in source.centre.items()}

    def range(self, axis, files):
        """Return a range that needs no probing."""
        return -2.0, 2.0, "by definition"

    def label(self):
        """Name the direction."""
        return "ones"


class SumMeasure(PointMeasure):
    """The sum of all parameters."""

    kind: Literal["sum"] = "sum"
    factor: float = 1.0

    def measure(self, view):
        """Add the parameters."""
        (place,) = view.parameters.views.values()
        return {"sum": (self.factor * float(place.sum()), 1e-15)}


@pytest.fixture
def circle(workplace, monkeypatch):
    """A configuration that uses both."""
    monkeypatch.setitem(SLICES, "circle", Circle)
    monkeypatch.setitem(MEASURES, "sum", SumMeasure)
    workplace.write("two.py", PROBLEM)
    monkeypatch.syspath_prepend(str(workplace.folder))
    return workplace.config(
        "two:build",
        slice={"kind": "circle", "radius": 2.0, "start": 0.5},
        grid={"x": [-3.0, 3.0, 25]},
        measures={"sum": {"factor": 3.0}, "gradient": {}},
    )


def check(surface):
    angles = surface.grid.axes["x"].coordinates
    place = 2 * np.array([np.cos(angles), np.sin(angles)])
    away = place - np.array(TARGET)[:, None]
    tangent = np.array([-place[1], place[0]])
    expected = {
        "loss": (away**2).sum(0),
        "sum": 3 * place.sum(0),
        "gradient_norm": 2 * np.linalg.norm(away, axis=0),
        "gradient_x": 2 * (away * tangent).sum(0),
    }
    assert surface.complete
    assert set(surface.quantities("train")) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(
            surface.values["train", name], values, rtol=1e-12, atol=1e-12, err_msg=name
        )
    assert set(surface.stderr["train", "sum"]) == {1e-15}


def test_both_are_computed_and_stored(circle, surface_of):
    surface = surface_of(circle)
    check(surface)
    assert surface.origin == (0.5,)
    assert "directions" not in surface.provenance
    assert surface.provenance["slice"]["kind"] == "circle"
    assert surface.config["slice"] == {"kind": "circle", "radius": 2.0, "start": 0.5}


def test_a_direction_is_loaded_and_knows_its_range(circle, surface_of, workplace, monkeypatch):
    monkeypatch.setitem(KINDS, "ones", OnesDirection)
    config = workplace.config("two:build", grid={"x": "auto"}, directions={"x": {"kind": "ones"}})
    surface = surface_of(config)
    x = surface.grid.axes["x"].coordinates
    assert x.tolist() == [-2, -1, 0, 1, 2]
    loss = (3 + x - TARGET[0]) ** 2 + (x - TARGET[1]) ** 2
    np.testing.assert_allclose(surface.values["train", "loss"], loss, rtol=1e-12)
    assert surface.provenance["probe"]["x"]["rule"] == "by definition"
    assert surface.provenance["directions"]["x"]["label"] == "ones"


def test_a_measure_can_be_asked_for_on_the_command_line(circle, landscape):
    code, _, errors = landscape("compute", circle, "--measure", "sum")
    assert code == 0, errors
    assert "sum" in read_surface("surface.h5").quantities("train")
    assert "gradient_norm" not in read_surface("surface.h5").quantities("train")
    assert "--measure [gradient|extremes|plane|sum]" in landscape("compute", "--help")[1]


def test_no_file_of_directions_is_written(circle, landscape, workplace):
    code, out, errors = landscape("compute", circle)
    assert code == 0, errors
    assert ".directions.h5" not in out
    assert [path.name for path in workplace.folder.glob("*.h5")] == ["surface.h5"]


def test_a_stopped_run_is_resumed_to_the_same_bits(circle, landscape, workplace, monkeypatch):
    code, _, errors = landscape("compute", circle, "--output", "whole.h5")
    assert code == 0, errors
    monkeypatch.setenv("SECONDS_PER_BATCH", "0.15")
    code, _, errors = landscape("compute", circle, "--time-limit", "6s")
    assert code == 75, errors
    begun = read_surface("surface.h5")
    assert 0 < begun.done < begun.total
    monkeypatch.setenv("SECONDS_PER_BATCH", "0")
    code, _, errors = landscape("compute", circle, "--resume")
    assert code == 0, errors
    whole, resumed = read_surface("whole.h5"), read_surface("surface.h5")
    check(resumed)
    for key, values in whole.values.items():
        np.testing.assert_array_equal(resumed.values[key], values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("slice.radius=2.5", "slice.radius: 2.0 in the file, 2.5 now"),
        ("measures.sum.factor=2.0", "measures.sum.factor: 3.0 in the file, 2.0 now"),
    ],
)
def test_another_setting_is_not_continued(circle, landscape, change, message):
    assert landscape("compute", circle)[0] == 0
    code, _, errors = landscape("compute", circle, "--set", change)
    assert code == 2
    assert message in errors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("slice.radius=wide", "slice.radius: Input should be a valid number"),
        (
            "slice.kind=spiral",
            "slice.kind: got 'spiral', expected one of affine, curve, curve-plane, checkpoints, "
            "circle",
        ),
        ("slice.turns=3", "slice.turns: Extra inputs are not permitted"),
        (
            "measures.mean={}",
            "measures.mean.kind: got 'mean', expected one of gradient, extremes, plane, sum",
        ),
        ("measures.sum.split=test", "measures.sum.split: 'test' is not evaluated; choose one of"),
        ("directions.x.seed=3", "directions: a slice of kind circle has none"),
    ],
)
def test_mistakes_in_their_sections_are_named(circle, landscape, change, message):
    code, _, errors = landscape("compute", circle, "--set", change)
    assert code == 2
    assert message in errors
    assert len(errors.strip().splitlines()) == 1


def test_its_own_range_is_known(circle, surface_of):
    axis = surface_of(circle, "--x", "auto:9").grid.axes["x"]
    assert (axis.low, axis.high, axis.points) == (-math.pi, math.pi, 9)


def test_a_run_of_it_can_be_estimated(circle, landscape, workplace):
    code, out, errors = landscape("compute", circle, "--dry-run")
    assert code == 0, errors
    assert "points:     25" in out
    assert "0.00 MiB directions" in out
    assert not list(workplace.folder.glob("*.h5"))


def test_points_of_it_can_be_interpolated(circle, surface_of):
    surface = surface_of(circle, "--x", "-3:3:65", "--adaptive", "0.01")
    assert 0 < surface.interpolated < surface.total
    assert surface.complete
    angles = surface.grid.axes["x"].coordinates
    exact = 6 * (np.cos(angles) + np.sin(angles))
    np.testing.assert_allclose(
        surface.values["train", "sum"], exact, atol=0.3
    )  # of 17, not watched


def test_it_can_be_probed(circle, landscape):
    code, out, errors = landscape("probe", circle)
    assert code == 0, errors
    assert "x: angle on a circle of radius 2; train loss on a" in out
    assert f"--x={-math.pi:g}:{math.pi:g}:51" in out


def test_a_line_of_it_can_be_plotted(circle, landscape, workplace):
    assert landscape("compute", circle)[0] == 0
    for quantity in ("loss", "sum", "gradient_norm"):
        code, _, errors = landscape("plot", "surface.h5", "--quantity", quantity, "-o", "line.svg")
        assert code == 0, errors
        text = (workplace.folder / "line.svg").read_text()
        assert "angle on a circle of radius 2" in text
    code, out, errors = landscape("plot", "surface.h5", "--terminal")
    assert code == 0, errors
    assert "angle on a circle of radius 2" in out


def test_it_can_be_described_and_summed_up(circle, landscape):
    assert landscape("compute", circle)[0] == 0
    code, out, errors = landscape("describe", "surface.h5", "--quantity", "gradient_norm", "--json")
    assert code == 0, errors
    described = json.loads(out)
    assert "gradient_norm" in json.dumps(described)
    code, out, _ = landscape("info", "surface.h5")
    assert code == 0
    assert "angle on a circle of radius 2" in out
    assert "train gradient_norm: minimum" in out
    loss = 4 + 1.25 - 2 * 2 * (math.cos(0.5) - 0.5 * math.sin(0.5))
    code, out, _ = landscape("info", "surface.h5", "--json")
    assert json.loads(out)["quantities"]["train"]["loss"]["centre"] == pytest.approx(loss)


@pytest.mark.parametrize("name", ["csv", "npz", "vts", "vtp"])
def test_it_can_be_exported(circle, landscape, workplace, name):
    assert landscape("compute", circle)[0] == 0
    code, _, errors = landscape("export", "surface.h5", "-o", f"out.{name}")
    assert code == 0, errors
    if name == "csv":
        header = (workplace.folder / "out.csv").read_text().splitlines()[0]
        assert "sum" in header
        assert "gradient_x" in header


def test_it_can_be_computed_in_shards_and_merged(circle, landscape):
    assert landscape("compute", circle, "--no-calibrate", "--output", "whole.h5")[0] == 0
    for shard in ("1/2", "2/2"):
        code, _, errors = landscape("compute", circle, "--shard", shard)
        assert code == 0, errors
    parts = [f"surface.shard-{number}-of-2.h5" for number in (1, 2)]
    code, _, errors = landscape("merge", "merged.h5", *parts)
    assert code == 0, errors
    whole, merged = read_surface("whole.h5"), read_surface("merged.h5")
    check(merged)
    for key, values in whole.values.items():
        np.testing.assert_array_equal(merged.values[key], values)
