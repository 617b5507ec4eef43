"""Curves over planes: coordinates, distances from the plane, ranges, and what is refused."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.errors import StoreError
from landscape_cli.records.curves import CURVES, curve_of
from landscape_cli.records.curves.plane import CollinearError, CurveInPlane, curve_over

ENDS = ("a.pt", "b.pt")


def in_plane(points, shape="bezier", bend=1, origin=0):
    """Return a curve through points, of shape (K, n), over the plane of a bend."""
    apart = points - points[0]
    kind = curve_of(shape, len(points))
    return CurveInPlane.of_points(kind, apart @ apart.T, bend, ENDS, origin)


def basis(points, bend, origin):
    """Return the unit vectors of the plane, by Gram and Schmidt in many dimensions."""
    first, other = points[origin], points[len(points) - 1 - origin]
    u = (other - first) / np.linalg.norm(other - first)
    v = points[bend] - first
    v = v - (v @ u) * u
    return first, np.stack([u, v / np.linalg.norm(v)])


@pytest.mark.parametrize("shape", sorted(CURVES))
@pytest.mark.parametrize(("count", "bend"), [(3, 1), (4, 1), (4, 2), (6, 3)])
@pytest.mark.parametrize("last", [False, True])
def test_coordinates_are_those_of_gram_and_schmidt(shape, count, bend, last):
    points = np.random.default_rng(count).normal(size=(count, 9))
    origin = count - 1 if last else 0
    found = in_plane(points, shape, bend, origin)
    first, axes = basis(points, bend, origin)
    np.testing.assert_allclose(found.points, (points - first) @ axes.T, atol=1e-12)
    curve = np.stack([curve_of(shape, count).coefficients(t) @ points for t in found.t])
    flat = (curve - first) @ axes.T
    np.testing.assert_allclose(found.coordinates, flat, atol=1e-12)
    off = np.linalg.norm(curve - first - flat @ axes, axis=1)
    np.testing.assert_allclose(found.residuals, off, atol=1e-7)
    assert found.residual == found.residuals.max()


def test_a_curve_with_one_bend_lies_in_its_plane_whatever_is_rounded():
    random = np.random.default_rng(1)
    for _ in range(50):
        found = in_plane(1e3 * random.normal(size=(3, 50)))
        assert found.residual == 0
        assert found.point_residuals.tolist() == [0, 0, 0]


@pytest.mark.parametrize("origin", [0, 2])
def test_the_ends_lie_on_the_first_axis_exactly(origin):
    found = in_plane(np.random.default_rng(2).normal(size=(3, 7)), origin=origin)
    assert found.points[origin].tolist() == [0, 0]
    assert found.points[2 - origin, 1] == 0
    assert found.points[1, 1] > 0


def test_the_places_contain_the_knots_of_a_chain():
    found = in_plane(np.random.default_rng(3).normal(size=(4, 7)), "chain", 2)
    for number, knot in enumerate((0, 1 / 3, 2 / 3, 1)):
        place = int(np.abs(found.t - knot).argmin())
        assert found.t[place] == knot
        np.testing.assert_allclose(found.coordinates[place], found.points[number], atol=1e-12)


def test_the_range_has_a_margin_of_a_fifth():
    points = np.array([[0.0, 0.0], [1.0, 5.0], [4.0, 0.0]])
    found = in_plane(points)
    assert found.range(0) == pytest.approx((-0.8, 4.8))
    assert found.range(1) == pytest.approx((-1.0, 6.0))


@pytest.mark.parametrize(
    ("bend", "message"), [([1.0, 0.0], "bend 1 lies on the straight line"), ([1, 3e-4], "0.0003")]
)
def test_a_bend_on_the_line_through_the_ends_is_refused(bend, message):
    points = np.array([[0.0, 0.0], bend, [4.0, 0.0]])
    with pytest.raises(CollinearError, match=message):
        in_plane(points)


def test_ends_at_the_same_place_are_refused():
    with pytest.raises(CollinearError):
        in_plane(np.zeros((3, 2)))


@given(st.integers(3, 6), st.integers(0, 10**6), st.sampled_from(sorted(CURVES)))
def test_a_curve_is_read_back_as_it_was(count, seed, shape):
    found = in_plane(np.random.default_rng(seed).normal(size=(count, 8)), shape)
    text = json.dumps({"curve_plane": found.as_mapping()})
    again = curve_over(json.loads(text))
    assert again.as_mapping() == found.as_mapping()
    assert (again.shape, again.ends, again.bend) == (shape, ENDS, 1)


def test_a_surface_without_one_has_no_curve():
    assert curve_over({"trajectory": {}}) is None


@pytest.mark.parametrize(
    "change",
    [
        {"points": [[0, 0]]},
        {"points": [0, 1]},
        {"points": None},
        {"coordinates": [[0, 0], [0, math.inf]]},
        {"coordinates": [[0, 0, 0]] * 3},
        {"residuals": []},
        {"t": [0.0]},
        {"ends": ["a"]},
        {"ends": None},
        {"bend": None},
        {"point_residuals": "none"},
    ],
)
def test_a_damaged_curve_is_refused(change):
    known = in_plane(np.random.default_rng(4).normal(size=(3, 8))).as_mapping()
    with pytest.raises(StoreError, match="curve_plane: "):
        curve_over({"curve_plane": {**known, **change}})
    missing = {key: value for key, value in known.items() if key not in change}
    with pytest.raises(StoreError, match="curve_plane: "):
        curve_over({"curve_plane": missing})
