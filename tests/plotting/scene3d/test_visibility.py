"""Points hidden by surfaces, against cases known exactly."""

import numpy as np
import pytest
from mpl_toolkits.mplot3d import Axes3D

from landscape_cli.plotting.scene3d.visibility import eye_of_projection, hidden

SIDE = np.linspace(-1, 1, 41)
X, Y = np.meshgrid(SIDE, SIDE)
BOWL = X**2 + Y**2
DOME = 2 - BOWL


def is_hidden(heights, point, eye, ends=(0.0, 2.0)):
    return bool(
        hidden(SIDE, SIDE, heights, np.array([point], float), np.array(eye, float), ends)[0]
    )


def test_a_bowl_from_above_shows_its_centre_and_from_the_side_hides_it():
    assert not is_hidden(BOWL, (0, 0, 0), (0, 0, 9))
    # The rim is 1 high at the distance 1, where the line of sight to an eye at 2:1 is 2 high.
    assert not is_hidden(BOWL, (0, 0, 0), (10, 0, 20))
    assert is_hidden(BOWL, (0, 0, 0), (20, 0, 10))


def test_a_bowl_cut_low_shows_its_centre_through_the_cut():
    """With the bowl cut at 0.2, its rim is 0.45 away, where the line of sight is 0.22 high."""
    eye = (20, 0, 10)
    assert not is_hidden(BOWL, (0, 0, 0), eye, ends=(0.0, 0.2))
    assert is_hidden(BOWL, (0, 0, 0), eye, ends=(0.0, 0.3))


def test_a_bowl_from_the_side_shows_its_near_wall_and_hides_the_far_one():
    eye = (20, 0, 1)
    assert not is_hidden(BOWL, (0.8, 0, 0.64), eye)
    assert is_hidden(BOWL, (-0.8, 0, 0.64), eye)


def test_a_dome_hides_what_is_behind_it_and_below():
    eye = (20, 0, 2)
    assert not is_hidden(DOME, (0, 0, 2), eye)
    assert not is_hidden(DOME, (0.7, 0, 2 - 0.49), eye)
    assert is_hidden(DOME, (-0.7, 0, 2 - 0.49), eye)
    assert is_hidden(DOME, (0, 0, 1), (0, 0, 9))
    assert not is_hidden(DOME, (0, 0, 2.5), (0, 0, 9))


def test_the_horizon_of_a_dome_is_where_the_line_of_sight_is_tangent():
    """From (20, 0, z) the tangent at -a has the slope 2 a: z = 2 - a^2 + 2 a (20 + a)."""
    edge = 0.5
    eye = (20, 0, 2 - edge**2 + 2 * edge * (20 + edge))
    for place, beyond in ((-edge + 0.1, False), (-edge - 0.1, True)):
        assert is_hidden(DOME, (place, 0, 2 - place**2), eye) == beyond


@pytest.mark.parametrize("eye", [(5, 3, 1), (-20, 1, 4), (0, 0, 9), (0.3, -8, 0.5)])
def test_a_plane_hides_nothing_on_it(eye):
    points = np.stack([X, Y, 0.5 + 0.2 * X - 0.1 * Y], axis=-1).reshape(-1, 3)
    assert not hidden(
        SIDE, SIDE, points[:, 2].reshape(X.shape), points, np.array(eye), (0, 1)
    ).any()


def test_holes_hide_nothing():
    heights = np.ones_like(BOWL)
    assert is_hidden(heights, (0, 0, 0), (0, 0, 9))
    heights[20, 20] = np.nan
    assert not is_hidden(heights, (0, 0, 0), (0, 0, 9))
    assert is_hidden(heights, (0.5, 0, 0), (0.5, 0, 9))


def test_points_without_a_place_are_not_hidden():
    assert not is_hidden(np.ones_like(BOWL), (0, 0, np.nan), (0, 0, 9))


def test_the_eye_of_matplotlibs_projection_sees_along_its_lines():
    from matplotlib.figure import Figure

    axes: Axes3D = Figure().add_subplot(projection="3d")
    axes.set(xlim=(-3, 5), ylim=(0, 1e-3), zlim=(1e5, 3e5))
    axes.view_init(20, 70)
    eye = eye_of_projection(axes.get_proj())
    point = np.array([1.0, 2e-4, 1.5e5])
    seen = [
        (axes.get_proj() @ np.append(point + part * (eye - point), 1))[[0, 1, 3]]
        for part in (0.0, 0.5, 0.9)
    ]
    flat = [place[:2] / place[2] for place in seen]
    np.testing.assert_allclose(flat[1:], [flat[0]] * 2, rtol=1e-9)
