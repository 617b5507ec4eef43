"""What every command does with lines along curves, and with the planes of curves."""

import json

import numpy as np
import pytest
import torch

from landscape_cli.records.curves import curve_of
from landscape_cli.records.tiles import Status
from landscape_cli.store import read_surface
from support.curve_files import network, parameters, save

NAMES = ["a", "bend", "other", "b"]
KINDS = ("curve", "curve-plane")


def config(workplace, kind, problem="regression", **keys):
    """Write the configuration of a line along a curve, or of its plane."""
    grid = {"x": [0, 1, 9]} if kind == "curve" else {"x": [0, 2, 5], "y": [-1, 1, 5]}
    section = {"kind": kind, "path": "ab.curve.h5"}
    values = {"checkpoint": "a.pt", "slice": section, "grid": grid, **keys}
    return workplace.config(f"example:{problem}", **values)


def design():
    """Return the regression's inputs with a column of ones, and its targets."""
    inputs, targets = network("a").splits["train"].tensors
    return torch.cat([inputs, torch.ones(len(inputs), 1, dtype=torch.float64)], dim=1), targets


def weights(name):
    return torch.cat([tensor.reshape(-1) for tensor in parameters(name).values()])


def slope(weights_, direction):
    """Return the derivative of the mean squared error along a direction."""
    inputs, targets = design()
    left = inputs @ weights_[:, None] - targets
    return float((2 * inputs.T @ left / len(inputs))[:, 0] @ direction)


def test_slopes_along_a_curve_are_derivatives_by_t(workplace, surface_of):
    save(workplace, "bezier", NAMES)
    surface = surface_of(config(workplace, "curve"), "--curvature", "gradient")
    points, shape = torch.stack([weights(name) for name in NAMES]), curve_of("bezier", 4)
    found = surface.values["train", "gradient_x"]
    for t, value in zip(surface.grid.axes["x"].coordinates, found, strict=True):
        at, along = (
            torch.tensor(each(t)) @ points for each in (shape.coefficients, shape.derivatives)
        )
        assert value == pytest.approx(slope(at, along), rel=1e-6, abs=1e-9)


def test_slopes_in_a_plane_are_those_along_its_unit_vectors(workplace, surface_of):
    save(workplace, "bezier", NAMES)
    surface = surface_of(config(workplace, "curve-plane"), "--curvature", "gradient")
    u = weights("b") - weights("a")
    u = u / u.norm()
    found, values = surface.values["train", "gradient_x"], surface.values["train", "loss"]
    assert found[2, 0] == pytest.approx(slope(weights("a"), u), rel=1e-6)
    # The loss is a polynomial of degree 2, for which central differences are exact.
    np.testing.assert_allclose(found[:, 1:-1], (values[:, 2:] - values[:, :-2]) / 1.0, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_extreme_eigenvalues_are_those_of_the_network(workplace, surface_of, kind):
    save(workplace, "bezier", NAMES)
    surface = surface_of(config(workplace, kind), "--curvature", "extremes")
    inputs, _ = design()
    known = torch.linalg.eigvalsh(2 * inputs.T @ inputs / len(inputs))
    for name, value in (("hessian_min", known[0]), ("hessian_max", known[-1])):
        found = surface.values["train", name]
        np.testing.assert_allclose(found, np.full(found.shape, float(value)), rtol=1e-6)


def test_the_plane_of_a_curve_has_a_hessian_in_it(workplace, surface_of, landscape):
    save(workplace, "bezier", NAMES)
    surface = surface_of(config(workplace, "curve-plane"), "--curvature", "plane")
    assert ("train", "hessian_xy") in surface.values
    code, _, errors = landscape(
        "compute", config(workplace, "curve"), "--curvature", "plane", "--overwrite"
    )
    assert code == 2
    assert errors.strip().splitlines()[-1] == (
        "landscape: measures.plane: this kind of slice has no tangents; drop the measure, or use "
        "a slice of kind affine"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_curvature_with_batch_norm_is_refused(workplace, landscape, kind):
    save(workplace, "bezier", NAMES, "digits_network")
    settings = config(workplace, kind, "digits_network")
    code, _, errors = landscape("compute", settings, "--curvature", "gradient")
    assert code == 2
    assert "measures.gradient: with batch_norm: recalibrate" in errors
    assert len(errors.strip().splitlines()) == 1
    assert not (workplace.folder / "surface.h5").exists()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_adaptive_runs_fill_in_what_they_leave_out(workplace, surface_of, kind):
    save(workplace, "bezier", NAMES)
    grid = {"x": [0, 1, 65]} if kind == "curve" else {"x": [0, 2, 33], "y": [-1, 1, 33]}
    exact = surface_of(config(workplace, kind, grid=grid))
    surface = surface_of(
        config(workplace, kind, grid=grid, output="few.h5"), "--adaptive", "0.02", output="few.h5"
    )
    assert np.isin(surface.status, (Status.OK, Status.INTERPOLATED)).all()
    assert (surface.status == Status.INTERPOLATED).any()
    expected = exact.values["train", "loss"]
    error = np.abs(surface.values["train", "loss"] - expected).max()
    assert error < 0.05 * np.ptp(expected)


@pytest.mark.parametrize("kind", KINDS)
def test_a_dry_run_writes_nothing(workplace, landscape, kind):
    save(workplace, "bezier", NAMES)
    before = sorted(path.name for path in workplace.folder.iterdir())
    code, out, errors = landscape("compute", config(workplace, kind), "--dry-run")
    assert code == 0, errors
    assert "nothing was written" in out + errors
    after = sorted(path.name for path in workplace.folder.iterdir())
    assert [name for name in after if name not in before] == ["run.yaml"]


@pytest.mark.parametrize(
    ("kind", "axis", "words"),
    [
        ("curve", "axis x:     0 to 1, t along the Bézier curve from a to b", "curve:      length"),
        ("curve-plane", "axis x:     0 to 2, unit vector to b", "curve:      Bézier curve from a"),
    ],
)
def test_info_names_the_curve(workplace, surface_of, landscape, kind, axis, words):
    save(workplace, "bezier", NAMES)
    surface_of(config(workplace, kind))
    code, out, _ = landscape("info", "surface.h5")
    assert code == 0
    assert axis in out
    assert words in out


def test_numbers_of_a_plane_have_no_part_on_the_curve(workplace, surface_of, landscape):
    save(workplace, "bezier", NAMES)
    surface_of(config(workplace, "curve-plane"))
    code, out, errors = landscape("describe", "surface.h5", "--json")
    assert code == 0, errors
    found = json.loads(out)["numbers"][0]
    assert found["curve"] is None
    assert found["convexity"]["points"] == 9


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name", ["csv", "npz", pytest.param("html", marks=pytest.mark.extras("plotly"))]
)
def test_exports(workplace, surface_of, landscape, kind, name):
    save(workplace, "bezier", NAMES)
    surface_of(config(workplace, kind))
    code, _, errors = landscape("export", "surface.h5", "--to", name)
    if kind == "curve" and name == "html":
        assert code == 2
        assert "surface.h5 is a line (9 points), and a page shows planes" in errors
        return
    assert code == 0, errors
    assert (workplace.folder / f"surface.{name}").stat().st_size > 500


@pytest.mark.slow
def test_probing_a_plane_recommends_its_range(workplace, landscape):
    save(workplace, "bezier", NAMES)
    code, out, errors = landscape("probe", config(workplace, "curve-plane"))
    assert code == 0, errors
    assert "the curve and its points, with a margin" in out
    code, _, errors = landscape("compute", *out.strip().splitlines()[-1].split()[2:])
    assert code == 0, errors
    code, _, errors = landscape("probe", config(workplace, "curve"))
    assert code == 2
    assert "grid.x: no range can be found by probing" in errors


def test_a_range_auto_is_not_that_of_a_line_in_the_output(workplace, surface_of, landscape):
    save(workplace, "bezier", NAMES)
    surface_of(config(workplace, "curve"))
    grid = {"x": "auto:3", "y": "auto:3"}
    code, _, errors = landscape("compute", config(workplace, "curve-plane", grid=grid))
    assert code == 2
    assert "slice.kind: 'curve' in the file, 'curve-plane' now" in errors


@pytest.mark.parametrize("kind", KINDS)
def test_a_curve_that_is_not_trained_yet_is_warned_of(workplace, landscape, kind):
    save(workplace, "bezier", NAMES, steps=40)
    code, _, errors = landscape("compute", config(workplace, kind))
    assert code == 0
    assert "warning: the training of ab.curve.h5 is not complete (0 of 40 steps)" in errors
    save(workplace, "bezier", NAMES)
    code, _, errors = landscape("compute", config(workplace, kind), "--overwrite")
    assert "not complete" not in errors


def test_curves_of_one_network_are_compared_in_one_picture(workplace, surface_of, landscape):
    for shape, names in (("bezier", ["a", "b"]), ("chain", NAMES)):
        save(workplace, shape, names)
        output = f"{shape}.h5"
        surface_of(config(workplace, "curve", output=output), output=output)
    code, out, errors = landscape("plot", "bezier.h5", "chain.h5", "--caption", "-o", "two.png")
    assert code == 0, errors
    assert "t along the straight line from a to b" in out
    assert "t along the polygonal chain from a to b" in out


def test_a_plane_takes_networks_of_bfloat16(workplace, surface_of):
    import example

    problem = example.regression(dtype="bfloat16")
    torch.save(problem.model.state_dict(), "a.pt")
    save_narrow(workplace)
    args = {"dtype": "bfloat16"}
    surface = surface_of(config(workplace, "curve-plane", problem_args=args))
    assert np.isfinite(surface.values["train", "loss"]).all()
    assert read_surface("surface.h5").provenance["norms"] == pytest.approx({"x": 1, "y": 1})


def save_narrow(workplace):
    """Write a curve from a network of bfloat16 through bends of float32 to another one."""
    from landscape_cli.records.curves.trained import Curve
    from landscape_cli.store.curve_file import CurvePoints, write_curve

    state = torch.load("a.pt")
    first = {key: tensor.float().numpy() for key, tensor in state.items()}
    bend = {key: array + np.float32(0.3 * k) for k, (key, array) in enumerate(first.items(), 1)}
    last = {key: array + np.float32(0.5) for key, array in first.items()}
    none = np.zeros(0)
    curve = Curve("bezier", 3, ("a.pt", "b.pt"), none, none, done=0, complete=True)
    write_curve(workplace.folder / "ab.curve.h5", curve, CurvePoints([first, bend, last]))
