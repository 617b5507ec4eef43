"""Every number, on surfaces for which it is known exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from builders import LOSS, surface
from landscape_cli.analysis import barrier, basin, convexity, correlation, curvature, sharpness
from landscape_cli.analysis.field import MeaninglessError, Options, UnknownError
from landscape_cli.analysis.field_selection import select
from landscape_cli.errors import UsageError
from landscape_cli.records.tiles import Status

PLANE = np.array([[4.0, 1.0], [1.0, 3.0]])
TURNED = np.array([[3.0, 1.0], [1.0, 3.0]])  # eigenvalues 4 and 2 along the diagonals
SPACE = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.0], [0.5, 0.0, 2.0]])
GRIDS = {1: ["-1:1:21"], 2: ["-1:1:21", "-1:1.5:26"], 3: ["-1:1:9", "-1:1:11", "-1:1:9"]}


def hessian(dimensions):
    return {1: np.array([[4.0]]), 2: TURNED, 3: SPACE}[dimensions]


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_sharpness_of_a_quadratic(make_field, quadratic, dimensions):
    matrix = hessian(dimensions)
    field = make_field(quadratic(matrix, centre=2), *GRIDS[dimensions])
    found = sharpness.compute(field, Options())["radii"]
    assert [one["radius"] for one in found] == [0.1, 0.25, 0.5, 1.0]
    for one in found:
        mean = one["radius"] ** 2 * np.trace(matrix) / dimensions / 2
        assert one["mean"] == pytest.approx(mean, rel=1e-9)
        assert one["left_out"] == 0
    top = np.linalg.eigvalsh(matrix)[-1] / 2
    # In space, no sampled direction is exactly the one with the largest curvature.
    assert found[-1]["maximal"] == pytest.approx(top, rel=1e-9 if dimensions < 3 else 0.01)


@pytest.mark.parametrize("steepness", [4, 10, 20])
def test_sharpness_of_a_loss_that_grows_by_decades(make_field, steepness):
    field = make_field(lambda x, y: 1 + x**2 + np.exp(steepness * y), "-3:3:13", "-3:3:13")
    angles = np.arange(128) * 2 * np.pi / 128
    for one in sharpness.compute(field, Options())["radii"]:
        x, y = one["radius"] * np.cos(angles), one["radius"] * np.sin(angles)
        rises = x**2 + np.exp(steepness * y) - 1
        assert one["mean"] == pytest.approx(rises.mean(), rel=1e-6)
        assert one["maximal"] == pytest.approx(rises.max(), rel=1e-6)


@given(arrays(np.float64, (6, 7), elements=st.floats(0, 1e30)), st.floats(0, 1e30))
def test_no_rise_is_negative_where_all_values_are_above_the_centre(values, centre):
    values = values + centre
    values[3, 3] = centre
    (field,) = select(surface(values, "-1:1:7", "-3:2:6")).fields(LOSS)
    for one in sharpness.compute(field, Options())["radii"]:
        assert 0 <= one["mean"] <= one["maximal"]


def test_radii_are_requested_or_fit_the_grid(make_field):
    field = make_field(lambda x: x * x, "-0.05:0.08:14")
    assert [r["radius"] for r in sharpness.compute(field, Options())["radii"]] == [0.05]
    found = sharpness.compute(field, Options(radii=(0.02,)))["radii"]
    assert found[0]["mean"] == pytest.approx(0.0004)
    with pytest.raises(UsageError, match=r"--radius 0.06: reaches beyond the grid; choose 0.05"):
        sharpness.compute(field, Options(radii=(0.06,)))


def test_a_centre_at_the_edge_has_no_sharpness(make_field):
    with pytest.raises(UnknownError, match="the centre is at the edge of the grid"):
        sharpness.compute(make_field([1, 2, 3], "0:1:3"), Options())


def test_sharpness_leaves_out_what_is_not_finite(make_field):
    x = np.linspace(-1, 1, 21)
    values = np.where(x > 0.95, np.inf, x * x)
    (one,) = sharpness.compute(make_field(values, "-1:1:21"), Options(radii=(1,)))["radii"]
    assert (one["mean"], one["directions"], one["left_out"]) == (pytest.approx(1), 2, 1)
    (one,) = sharpness.compute(
        make_field(np.where(np.abs(x) > 0.95, np.nan, 0), "-1:1:21"), Options(radii=(1,))
    )["radii"]
    assert (one["mean"], one["maximal"], one["left_out"]) == (None, None, 2)
    assert sharpness.text({"radii": [one]}) == ["at radius 1: no finite value"]


def test_without_a_centre_there_is_no_sharpness(make_field):
    with pytest.raises(UnknownError, match="the origin is outside the range of x"):
        sharpness.compute(make_field(lambda x: x, "1:2:5"), Options())
    with pytest.raises(UnknownError, match="no finite value at the origin"):
        sharpness.compute(make_field([1, 1, np.nan, 1, 1], "-1:1:5"), Options())


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_curvature_of_a_quadratic(make_field, quadratic, dimensions):
    matrix, gradient = hessian(dimensions), np.arange(1.0, dimensions + 1)
    field = make_field(quadratic(matrix, 5, gradient), *GRIDS[dimensions])
    found = curvature.compute(field, Options())
    np.testing.assert_allclose(found["hessian"], matrix, atol=1e-9)
    np.testing.assert_allclose(found["gradient"], gradient, atol=1e-9)
    np.testing.assert_allclose(found["eigenvalues"], np.linalg.eigvalsh(matrix)[::-1])
    assert np.max(found["eigenvalues_stderr"]) < 1e-9
    assert found["points"] == {1: 7, 2: 29, 3: 123}[dimensions]
    steps = {1: [0.1], 2: [0.1, 0.1], 3: [0.25, 0.2, 0.25]}[dimensions]
    np.testing.assert_allclose(list(found["reach"].values()), 3 * np.array(steps))


def test_standard_errors_match_the_spread_over_noise(make_field, quadratic):
    """The spread of estimates over samples of noise matches the stated errors."""
    generator = np.random.default_rng(1)
    exact = make_field(quadratic(PLANE), "-1:1:21", "-1:1:21")
    found = []
    for _ in range(400):
        noise = generator.normal(0, 0.05, (21, 21))
        field = make_field(exact.values + noise, "-1:1:21", "-1:1:21")
        found.append(
            {
                **curvature.compute(field, Options()),
                "rho": correlation.compute(field, Options())["x,y"],
            }
        )
    for key in ("hessian", "gradient", "eigenvalues"):
        spread = np.std([one[key] for one in found], axis=0)
        stated = np.sqrt(np.mean(np.square([one[f"{key}_stderr"] for one in found]), axis=0))
        np.testing.assert_allclose(stated, spread, rtol=0.2)
    rho = np.std([one["rho"]["value"] for one in found if one["rho"]["value"] is not None])
    stated = np.median([one["rho"]["stderr"] for one in found if one["rho"]["stderr"] is not None])
    assert stated == pytest.approx(rho, rel=0.3)


def test_interpolated_points_are_not_fitted(make_field):
    x = np.linspace(-1, 1, 21)
    status = np.full(21, Status.OK)
    status[[8, 9, 11, 12]] = Status.INTERPOLATED
    values = np.where(status == Status.OK, 3 * x * x, 100)
    found = curvature.compute(make_field(values, "-1:1:21", status=status), Options())
    assert found["eigenvalues"] == pytest.approx([6])
    assert found["points"] == 7  # twice the coefficients, and the last one's mirror image
    assert found["reach"] == {"x": pytest.approx(0.5)}


def test_too_few_points_for_a_fit(make_field):
    with pytest.raises(UnknownError, match="needs 6 computed points, there are 4"):
        curvature.compute(make_field(lambda x, y: x, "-1:1:2", "-1:1:2"), Options())
    with pytest.raises(UnknownError, match="do not determine a quadratic function"):
        curvature.compute(make_field(lambda x, y: x, "-1:1:2", "-1:1:5"), Options())
    found = curvature.compute(make_field(lambda x: x * x, "-1:1:3"), Options())
    assert found["eigenvalues"] == pytest.approx([2])
    assert found["eigenvalues_stderr"] == [None]
    assert curvature.text(found) == ["second derivative 2 (fit to 3 points within 1)"]


def test_correlation_of_a_quadratic(make_field, quadratic):
    plane = correlation.compute(make_field(quadratic(PLANE), *GRIDS[2]), Options())
    assert plane["x,y"]["value"] == pytest.approx(1 / np.sqrt(12))
    space = correlation.compute(make_field(quadratic(SPACE), *GRIDS[3]), Options())
    values = {pair: one["value"] for pair, one in space.items()}
    assert values == pytest.approx(
        {"x,y": 1 / np.sqrt(12), "x,z": 0.5 / np.sqrt(8), "y,z": 0}, abs=1e-9
    )
    saddle = make_field(quadratic(np.diag([1.0, -1])), *GRIDS[2])
    with pytest.raises(UnknownError, match="not positive"):
        correlation.compute(saddle, Options())
    with pytest.raises(MeaninglessError):
        correlation.compute(make_field(lambda x: x * x, "-1:1:9"), Options())


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_quadratics_are_convex_everywhere_or_nowhere(make_field, quadratic, dimensions):
    matrix = hessian(dimensions)
    field = make_field(quadratic(matrix), *GRIDS[dimensions])
    inner = np.prod([points - 2 for points in field.values.shape])
    assert convexity.compute(field, Options()) == {
        "fraction": 1.0,
        "points": inner,
        "left_out": 0,
    }
    steps = field.steps
    scaled = matrix * np.outer(steps, steps)
    np.testing.assert_allclose(
        convexity.window_hessians(field)[0, ...].reshape(-1, *matrix.shape)[0], scaled, atol=1e-9
    )
    matrix = matrix - 3.9 * np.eye(dimensions) if dimensions > 1 else -matrix
    saddle = make_field(quadratic(matrix), *GRIDS[dimensions])
    assert convexity.compute(saddle, Options())["fraction"] == 0


def test_a_plane_is_not_convex(make_field):
    field = make_field(lambda x, y: 0.1 * x + 0.3 * y + 7, *GRIDS[2])
    assert convexity.compute(field, Options())["fraction"] == 0


def test_part_of_a_grid_is_convex(make_field):
    field = make_field(lambda x, y: x**3 + y**2, "-1:1:21", "-1:1:5")
    found = convexity.compute(field, Options())  # curved upwards along x for x > 0
    assert found["fraction"] == pytest.approx(9 / 19)


def test_windows_with_an_unknown_point_do_not_count(make_field):
    values = np.add.outer(np.arange(6.0) ** 2, np.arange(6.0) ** 2)
    values[2, 2] = np.nan
    found = convexity.compute(make_field(values, "-1:1:6", "-1:1:6"), Options())
    assert found == {"fraction": 1.0, "points": 7, "left_out": 9}
    with pytest.raises(UnknownError, match="3 points"):
        convexity.compute(make_field(lambda x: x, "-1:1:2"), Options())


def test_basin_of_a_quadratic(make_field, quadratic):
    line = basin.compute(make_field(lambda x: 1 + 2 * x * x, "-1:1:21"), Options(level=1.5))
    assert line["along"] == {"x": {"width": pytest.approx(1), "open": 0}}
    assert (line["mean"], line["open"], line["sides"]) == (pytest.approx(1), 0, 2)
    plane = basin.compute(make_field(quadratic(TURNED), "-2:2:41", "-2:2:31"), Options(level=0.5))
    assert plane["minimal"] == pytest.approx(2 * np.sqrt(1 / 4))
    assert plane["maximal"] == pytest.approx(2 * np.sqrt(1 / 2))
    assert plane["along"]["y"]["width"] == pytest.approx(2 * np.sqrt(1 / 3))
    angles = np.pi * np.arange(64) / 64
    mean = np.mean(2 / np.sqrt(3 + np.sin(2 * angles)))
    assert (plane["mean"], plane["open"]) == (pytest.approx(mean), 0)


def test_default_level_of_a_basin(make_field):
    def level(centre):
        field = make_field(lambda x: centre + x * x, "-1:1:21")
        return basin.compute(field, Options())["level"]

    assert level(0.2) == pytest.approx(0.5)
    assert level(-3) == pytest.approx(0.1)


def test_a_basin_that_reaches_the_edge_is_open(make_field):
    found = basin.compute(make_field(lambda x: x, "-1:2:31"), Options(level=0.5))
    assert found["along"] == {"x": {"width": pytest.approx(1.5), "open": 1}}
    assert basin.text(found) == ["width up to 0.5: x at least 1.5"]
    x = np.linspace(-1, 1, 21)
    wall = make_field(np.where(np.abs(x) > 0.75, np.inf, 0), "-1:1:21")
    found = basin.compute(wall, Options())
    assert found["open"] == 2
    assert 1.2 <= found["along"]["x"]["width"] <= 1.4


def test_a_basin_with_a_level_below_the_centre_has_no_width(make_field):
    found = basin.compute(make_field(lambda x: 1 + x, "-1:1:21"), Options(level=0.5))
    assert (found["mean"], found["open"]) == (0, 0)


CHECKPOINT = {"directions": {"x": {"kind": "checkpoint", "path": "b.pt"}}}


def test_barrier_of_a_piecewise_linear_line(make_field):
    """Values go from 1 at t = 0 up to 3 at 0.4, and down to 0.5 at 1."""
    t = np.linspace(-0.5, 1.5, 21)
    values = np.interp(t, [-0.5, 0, 0.4, 1, 1.5], [9, 1, 3, 0.5, 9])
    field = make_field(values, "-0.5:1.5:21", config=CHECKPOINT)
    assert barrier.compute(field, Options()) == {
        "x": {
            "height": pytest.approx(3 - (0.6 * 1 + 0.4 * 0.5)),
            "at": pytest.approx(0.4),
            "instability": pytest.approx(3 - 0.75),
            "monotone": False,
            "largest_rise": pytest.approx(2),
            "points": 11,
            "left_out": 0,
        }
    }


@pytest.mark.parametrize("sign", [1, -1])
def test_a_falling_line_is_monotone_from_either_end(make_field, sign):
    field = make_field(lambda x: 5 - sign * 3 * x, "0:1:11", config=CHECKPOINT)
    found = barrier.compute(field, Options())["x"]
    assert found["monotone"]
    assert found["height"] == pytest.approx(0, abs=1e-12)
    assert found["instability"] == pytest.approx(1.5)


def test_the_largest_rise_spans_several_steps(make_field):
    values = [5, 4, 4.5, 4.25, 5.5, 1]
    found = barrier.compute(make_field(values, "0:1:6", config=CHECKPOINT), Options())["x"]
    assert found["largest_rise"] == pytest.approx(1.5)


def test_markers_give_the_place_of_a_checkpoint(make_surface, make_field):
    markers = [
        {"label": "A", "coordinates": [0, 0]},
        {"label": "B", "coordinates": [0, 8.0]},
        {"label": "C", "coordinates": [4.0, 3.0]},
    ]
    field = make_field(
        lambda x, y: (x - 1) ** 2 + np.abs(y - 4), "-10:10:21", "-10:10:21",
        provenance={"checkpoints": markers},
    )  # fmt: skip
    found = barrier.compute(field, Options())
    assert list(found) == ["y"]
    assert found["y"]["height"] == pytest.approx(0, abs=1e-12)
    assert found["y"]["largest_rise"] == pytest.approx(4)


def test_a_checkpoint_at_the_end_of_a_line_may_be_rounded(make_field):
    markers = [{"label": "B", "coordinates": [1 + 3e-16]}]
    field = make_field([1, 3, 1], "0:1:3", provenance={"checkpoints": markers})
    assert barrier.compute(field, Options())["x"]["height"] == 2


def test_gaps_in_a_line_are_left_out(make_field):
    values = [1, 2, np.inf, 2, 1.0]
    found = barrier.compute(make_field(values, "0:1:5", config=CHECKPOINT), Options())["x"]
    assert (found["height"], found["points"], found["left_out"]) == (1, 5, 1)
    with pytest.raises(UnknownError, match="no finite value at the checkpoint on x"):
        barrier.compute(make_field([1, 1, np.nan], "0:1:3", config=CHECKPOINT), Options())
    with pytest.raises(UnknownError, match="checkpoint at 1 is outside the range of x"):
        barrier.compute(make_field([1, 1, 1], "-0.5:0.5:3", config=CHECKPOINT), Options())


@pytest.mark.parametrize(
    "config",
    [{}, {"directions": {"x": {"kind": "random"}}},
     {"directions": {"x": {"kind": "checkpoint", "normalize": "filter"}}}],
)  # fmt: skip
def test_other_lines_have_no_barrier(make_field, config):
    with pytest.raises(MeaninglessError):
        barrier.compute(make_field([1, 2, 3], "-1:1:3", config=config), Options())
