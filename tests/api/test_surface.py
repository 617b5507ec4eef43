"""Surfaces, figures, numbers and exports from a script or notebook."""

import json

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn
from torch.utils.data import TensorDataset

import landscape_cli as landscape
from builders import curved
from landscape_cli.problems.objectives import mean_squared_error

GRID = {"x": (-1, 1, 9), "y": (-1, 1, 7)}


def problem():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(20, 3, generator=generator)
    torch.manual_seed(1)
    data = TensorDataset(inputs, inputs.sum(1, keepdim=True))
    return landscape.Problem(
        nn.Linear(3, 1), {"train": data, "test": data}, mean_squared_error, name="plane"
    )


@pytest.fixture(scope="module")
def plane():
    return landscape.compute(problem(), GRID, progress=False)


@pytest.fixture(scope="module")
def line():
    return landscape.compute(problem(), {"x": (-1, 1, 9)}, progress=False)


def test_values_are_rows_of_y_and_columns_of_x(plane):
    assert plane.values["train", "loss"].shape == (7, 9)
    assert list(plane.axes) == ["x", "y"]
    np.testing.assert_array_equal(plane.axes["x"], np.linspace(-1, 1, 9))
    assert plane.stderr["test", "loss"].shape == (7, 9)
    assert plane.splits == ("test", "train") or plane.splits == ("train", "test")


def test_its_representation_says_what_it_holds(plane, line):
    assert repr(plane) == "<Surface of 9 x 7 points (x, y), complete: test loss; train loss>"
    assert repr(line) == "<Surface of 9 points (x), complete: test loss; train loss>"


def test_a_notebook_shows_a_picture(plane, line):
    for surface in (plane, line):
        picture = surface._repr_png_()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) > 5000


def test_a_volume_has_no_picture():
    volume = landscape.compute(
        problem(), {"x": (-1, 1, 2), "y": (-1, 1, 2), "z": (-1, 1, 2)}, progress=False
    )
    assert volume._repr_png_() is None


@pytest.mark.extras("xarray")
def test_xarray_has_the_values(plane):
    dataset = plane.to_xarray()
    assert dataset["train_loss"].dims == ("y", "x")
    np.testing.assert_array_equal(dataset["train_loss"], plane.values["train", "loss"])
    np.testing.assert_array_equal(dataset["x"], plane.axes["x"])


def test_a_file_is_read_as_it_was_computed(plane, workplace):
    landscape.compute(problem(), GRID, output="plane.h5", progress=False)
    found = landscape.read_surface("plane.h5")
    assert isinstance(found, landscape.Surface)
    np.testing.assert_array_equal(found.values["train", "loss"], plane.values["train", "loss"])
    with pytest.raises(landscape.LandscapeError, match="no such file"):
        landscape.read_surface("missing.h5")


def test_a_figure_has_labels_titles_and_colours(plane):
    figure = landscape.plot(
        [plane, plane],
        kind="heatmap",
        labels=["before", "after"],
        title="Two planes",
        cmap="magma",
        vmax=5,
        size=(6, 3),
    )
    assert isinstance(figure, Figure)
    assert figure.get_suptitle() == "Two planes"
    assert [axes.get_title() for axes in figure.axes[:2]] == ["before", "after"]
    assert figure.get_size_inches().tolist() == [6, 3]
    (mesh,) = figure.axes[0].collections[:1]
    assert mesh.get_cmap().name == "magma"
    assert mesh.norm.vmax == 5


@pytest.mark.parametrize("size", ["column", "double", "4x3", (4, 3), None])
def test_sizes_are_words_or_inches(plane, size):
    width = {"column": 3.5, "double": 7.2, "4x3": 4, (4, 3): 4}.get(size)
    figure = landscape.plot(plane, size=size)
    assert width is None or figure.get_figwidth() == width


def test_a_figure_can_be_saved(plane, line, workplace):
    landscape.plot(plane, "contour", style="talk", caption=True, levels=5).savefig("a.png")
    landscape.plot(plane, "surface", camera=(30, 40)).savefig("b.pdf")
    landscape.plot(line, split="test", log=False).savefig("c.svg")
    assert all((workplace.folder / name).stat().st_size > 3000 for name in ("a.png", "b.pdf"))


def test_several_quantities_and_derived_ones_are_drawn():
    found = curved("-1:1:5", "-1:1:5")
    figure = landscape.plot(found, quantity=["loss", "hessian_ratio"], quiver=True)
    assert len(figure.axes) == 4
    figure = landscape.plot(found, quantity="hessian_ratio", contours_of="gradient_norm")
    assert figure.axes[1].get_ylabel() == "train |λmin/λmax| (log scale)"
    assert found.quantities("train") == curved().quantities("train")


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"kind": "pie"}, "kind: got 'pie', expected one of contour, contourf"),
        ({"style": "neon"}, "style: got 'neon', expected one of paper"),
        ({"cmap": "sunset"}, "--cmap 'sunset': matplotlib has no such colour map"),
        ({"size": (4,)}, "size: expected 'column', 'double' or"),
        ({"size": "huge"}, "expected column, double or WxH"),
        ({"labels": ["a", "b"]}, "labels: got 2 of them for 1 surfaces"),
        ({"color": "red"}, "plot: there is no option 'color'"),
        ({"quantity": "accuracy"}, "accuracy"),
        ({"kind": "line"}, "line"),
    ],
)
def test_mistakes_in_figures_are_named(plane, choices, message):
    with pytest.raises(landscape.LandscapeError, match=message):
        landscape.plot(plane, **choices)
    with pytest.raises(landscape.LandscapeError, match="give at least one surface"):
        landscape.plot([])


def test_numbers_are_those_of_the_command_line(plane, workplace, command_line):
    landscape.compute(problem(), GRID, output="plane.h5", progress=False)
    code, out, errors = command_line("describe", "plane.h5", "--radius", "0.5", "--json")
    assert code == 0, errors
    expected = json.loads(out)
    del expected["file"]
    assert json.loads(json.dumps(landscape.describe(plane, radii=[0.5]))) == expected


@pytest.mark.parametrize("name", ["csv", "npz", "vts", "vtp", "stl"])
def test_exports_are_those_of_the_command_line(workplace, name, command_line):
    surface = landscape.compute(problem(), GRID, output="plane.h5", progress=False)
    assert landscape.export(surface, f"a.{name}", names=["plane.h5"]).name == f"a.{name}"
    assert command_line("export", "plane.h5", "-o", f"b.{name}")[0] == 0
    if name == "npz":
        with np.load("a.npz") as one, np.load("b.npz") as other:
            assert one.files == other.files
            for key in one.files:
                if "loss" in key:
                    np.testing.assert_array_equal(one[key], other[key])
        return
    assert (workplace.folder / f"a.{name}").read_bytes() == (
        workplace.folder / f"b.{name}"
    ).read_bytes()


@pytest.mark.extras("plotly")
def test_a_page_shows_several_surfaces(plane, workplace):
    path = landscape.export([plane, plane], "both.html")
    text = path.read_text()
    assert "plane 1" in text
    assert "plane 2" in text


@pytest.mark.parametrize(
    ("arguments", "choices", "message"),
    [
        (("a.docx",), {}, "has the extension of no format; the formats are html, vtp"),
        (("a.csv", "excel"), {}, "to: 'excel'; the formats are"),
        (("a.csv",), {"vmax": 3.0}, "--vmax 3.0: applies only to"),
        (("a.csv",), {"colour": 3.0}, "export: there is no option 'colour'"),
        (("missing/a.csv",), {}, "the folder missing does not exist"),
    ],
)
def test_mistakes_in_exports_are_named(plane, workplace, arguments, choices, message):
    with pytest.raises(landscape.LandscapeError, match=message):
        landscape.export(plane, *arguments, **choices)
    with pytest.raises(landscape.LandscapeError, match="csv takes a single surface, got 2"):
        landscape.export([plane, plane], "a.csv")


def test_the_persistence_of_minima_is_a_fraction(plane):
    (first, *_) = landscape.describe(plane, persistence=0.5)["numbers"]
    assert first["topology"]["fraction"] == 0.5
    with pytest.raises(landscape.LandscapeError, match="persistence: got 1.5, expected a fraction"):
        landscape.describe(plane, persistence=1.5)
