import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from landscape_cli.errors import UsageError
from landscape_cli.exports.solid import Block, triangles, without_touching

RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def read(path):
    """Read the normals and corners of a binary file, and check its number of triangles."""
    data = path.read_bytes()
    (count,) = struct.unpack("<I", data[80:84])
    records = np.frombuffer(data[84:], RECORD)
    assert len(records) == count
    return records["normal"].astype(float), records["corners"].astype(float)


def check_closed(corners):
    """Check that every edge belongs to two triangles, which traverse it in opposite directions."""
    _, numbers = np.unique(corners.reshape(-1, 3), axis=0, return_inverse=True)
    numbers = numbers.reshape(-1, 3)
    edges = np.concatenate([numbers[:, [k, (k + 1) % 3]] for k in range(3)])
    assert (edges[:, 0] != edges[:, 1]).all()
    _, counts = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
    assert (counts == 2).all()
    assert len(np.unique(edges, axis=0)) == len(edges)


def volume(corners):
    """Return the volume enclosed by triangles, by Gauss's theorem."""
    return np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6


def test_a_tilted_plane_has_the_volume_of_a_wedge(write, make_surface):
    path, notes = write(make_surface(lambda x, y: x + 7, "-1:1:9", "0:1:4"), "stl", size=200.0)
    normals, corners = read(path)
    check_closed(corners)
    np.testing.assert_array_equal(corners.min(axis=(0, 1)), [0, 0, 0])
    # A relief from 0 to half of the longer side, on a plate of 3 % of it.
    np.testing.assert_allclose(corners.max(axis=(0, 1)), [200, 100, 100 + 6], rtol=1e-6)
    assert volume(corners) == pytest.approx(200 * 100 * (6 + 50), rel=1e-5)
    expected = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(normals, expected, atol=1e-4)
    assert notes == []


def test_a_flat_plane_is_a_plate(write, make_surface):
    _, corners = read(write(make_surface(np.ones((3, 3)), "0:1:3", "0:1:3"), "stl", height=2.0)[0])
    check_closed(corners)
    assert volume(corners) == pytest.approx(100 * 100 * 3)


def test_heights_follow_scale_and_limits(write, make_surface):
    surface = make_surface([[1.0, 10.0], [100.0, 1e9]], "0:1:2", "0:1:2")
    _, corners = read(write(surface, "stl", log=True, vmax=1e3, height=0.3)[0])
    top = {tuple(c[:2]): c[2] for c in corners[corners[..., 2] > 2.5]}
    expected = {(0, 0): 3, (100, 0): 13, (0, 100): 23, (100, 100): 33}
    assert top == pytest.approx(expected)


def test_cells_without_heights_are_pits_down_to_the_plate(write, make_surface):
    values = np.ones((5, 5))
    values[2, 2] = np.inf
    path, notes = write(make_surface(values, "0:4:5", "0:4:5"), "stl")
    _, corners = read(path)
    check_closed(corners)
    assert volume(corners) == pytest.approx(100 * 100 * 3 - 4 * 25 * 25 * 1)
    assert notes == ["4 of 16 cells lack heights and become pits with a flat floor"]


@given(arrays(bool, some.tuples(some.integers(1, 5), some.integers(1, 5))), some.randoms())
def test_any_pits_leave_a_closed_solid(cells, random):
    kept = without_touching(cells)
    assert not (kept & ~cells).any()
    ny, nx = (size + 1 for size in cells.shape)
    x, y = np.cumsum(np.ones(nx)) - 1, np.cumsum(np.full(ny, 2.0)) - 2
    top = np.array([random.uniform(3, 9) for _ in range(nx * ny)]).reshape(ny, nx)
    corners = np.concatenate(list(triangles(Block(x, y, top, 2.0, kept))))
    check_closed(corners)
    means = (top[:-1, :-1] + top[1:, 1:]) / 3 + (top[:-1, 1:] + top[1:, :-1]) / 6
    assert volume(corners) == pytest.approx(np.where(kept, 2 * means, 2 * 2).sum())


def test_two_cells_that_meet_at_a_corner_become_one():
    assert without_touching(np.eye(2, dtype=bool)).tolist() == [[True, False], [False, False]]
    assert without_touching(np.eye(2, dtype=bool)[::-1]).sum() == 1
    assert without_touching(np.array([[1, 1], [0, 1]], dtype=bool)).sum() == 3


@pytest.mark.parametrize(
    ("values", "ranges", "message"),
    [
        (lambda x: x, ["0:1:5"], "run.h5 has 5 points, and a solid needs a plane of at least 2 x"),
        (lambda x, y: x, ["0:1:5", "0:0:1"], "run.h5 has 5 x 1 points, and a solid needs"),
        (lambda x, y, z: x, ["0:1:2"] * 3, "run.h5 has 2 x 2 x 2 points, and a solid needs"),
        ([[1, 2], [3, np.nan]], ["0:1:2"] * 2, "no cell of run.h5 has a height at all four corn"),
    ],
)
def test_a_surface_that_makes_no_solid_is_refused(write, make_surface, values, ranges, message):
    with pytest.raises(UsageError) as caught:
        write(make_surface(values, *ranges), "stl")
    assert str(caught.value).startswith(f"--to stl: {message}")
