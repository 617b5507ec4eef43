import numpy as np
import pytest
from matplotlib.quiver import Quiver

from builders import curved, surface
from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.layers.arrows import LONGEST, MAX_ARROWS, Arrows
from landscape_cli.plotting.request import Request


def picture(found, **options):
    request = Request(quiver=True, **options)
    return request.picture(request.panels([found], ["run.h5"]))


def arrows_of(found, **options):
    drawn = picture(found, **options)
    figure = draw(drawn.panels, drawn.kind, drawn.scale)
    (arrows,) = [each for each in figure.axes[0].collections if isinstance(each, Quiver)]
    figure.draw_without_rendering()
    return figure.axes[0], arrows


def plane(x, y, axes=("-1:1:9", "-1:1:9")):
    """Return a plane of slope (x, y)."""
    slopes = {"gradient_x": x, "gradient_y": y}
    values = {("train", name): lambda a, b, s=s: s + 0 * a for name, s in slopes.items()}
    return surface({("train", "loss"): lambda a, b: x * a + y * b, **values}, *axes)


@pytest.mark.parametrize("kind", ["heatmap", "contourf"])
def test_arrows_point_downhill(kind):
    _, arrows = arrows_of(curved("-1:1:21", "-1:1:21"), kind=kind)
    x, y = arrows.XY.T
    steps = np.column_stack([arrows.U, arrows.V])
    slopes = np.column_stack([2 * x - y**2, y - 2 * x * y])
    cosines = np.sum(steps * slopes, axis=1)
    sizes = np.hypot(*steps.T) * np.hypot(*slopes.T)
    np.testing.assert_allclose(cosines, -sizes, atol=1e-9)
    assert len(x) > 60


def test_their_length_is_proportional_to_the_slope():
    _, arrows = arrows_of(curved("-1:1:11", "-1:1:11"), kind="heatmap")
    x, y = arrows.XY.T
    slope = np.hypot(2 * x - y**2, y - 2 * x * y)
    length = np.hypot(arrows.U, arrows.V)
    np.testing.assert_allclose(length, LONGEST / 11 * slope / slope.max(), rtol=1e-9)


def test_slopes_of_many_magnitudes_have_logarithmic_lengths():
    assert Arrows(1000.0, 4).length(np.array([1000, 100, 1, 0.1, 1e-9, 0])).tolist() == (
        pytest.approx([1, 0.75, 0.25, 0, 0, 0])
    )
    found = surface(
        {
            ("train", name): lambda x, y: 10 ** (4 * x)
            for name in ("loss", "gradient_x", "gradient_y")
        }
    )
    (layer,) = picture(found).panels[0].layers
    assert layer.steepest == pytest.approx(np.sqrt(2) * 1e4)
    assert layer.decades == 9
    assert "each factor of ten less shortens an arrow by 1/9 of that" in picture(found).caption


@pytest.mark.parametrize(("power", "logarithmic"), [(1, False), (5, True)])
def test_lengths_are_logarithmic_where_many_would_be_invisible(power, logarithmic):
    def slope(place):
        return lambda x, y: (x, y)[place] * np.hypot(x, y) ** (power - 1)

    slopes = {("train", f"gradient_{'xy'[place]}"): slope(place) for place in (0, 1)}
    found = surface({("train", "loss"): lambda x, y: np.hypot(x, y) ** (power + 1), **slopes})
    (layer,) = picture(found).panels[0].layers
    assert (layer.decades > 0) == logarithmic


def test_directions_are_those_on_the_page_where_ranges_differ():
    axes, arrows = arrows_of(plane(1.0, 1.0, ("-1:1:9", "-0.7:0.7:9")))
    across, up = float(arrows.U[0]), float(arrows.V[0])
    box = axes.get_window_extent()
    assert across / up == pytest.approx((box.width / 2) / (box.height / 1.4), rel=1e-3)
    assert across < 0


@pytest.mark.parametrize("points", [5, 13, 14, 51, 251])
def test_fine_grids_have_arrows_at_some_points(points):
    axes = (f"-1:1:{points}", f"-1:1:{points}")
    _, arrows = arrows_of(plane(1.0, 2.0, axes), kind="heatmap")
    x = np.unique(arrows.XY[:, 0])
    assert min(points, MAX_ARROWS) / 2 <= len(x) <= MAX_ARROWS
    np.testing.assert_allclose(np.diff(x), np.diff(x)[0])
    assert x.sum() == pytest.approx(0, abs=2.1 / (points - 1) * len(x))


@pytest.mark.parametrize("kind", ["heatmap", "contourf"])
def test_no_arrow_is_cut_off_by_the_frame(kind):
    axes, arrows = arrows_of(curved("-1:1:14", "-1:1:14"), kind=kind)
    width, height = (np.ptp(limits) for limits in (axes.get_xlim(), axes.get_ylim()))
    half = np.column_stack([arrows.U * width, arrows.V * height]) / 2
    for end in (arrows.XY - half, arrows.XY + half):
        assert (end >= [axes.get_xlim()[0], axes.get_ylim()[0]]).all()
        assert (end <= [axes.get_xlim()[1], axes.get_ylim()[1]]).all()


def test_points_without_a_slope_have_none(recwarn):
    found = curved("-1:1:5", "-1:1:5")
    found.values["train", "gradient_x"][2, 3] = np.nan
    found.values["train", "gradient_y"][1, 1] = np.inf
    _, arrows = arrows_of(found, kind="heatmap")
    places = {tuple(place) for place in arrows.XY.tolist()}
    assert len(places) == 23
    assert not places & {(0.5, 0.0), (-0.5, -0.5)}
    assert not recwarn


def test_a_flat_plane_has_none():
    assert picture(plane(0.0, 0.0)).panels[0].layers == ()


def test_panels_share_the_length_of_a_slope():
    request = Request(quiver=True)
    both = request.panels([plane(1.0, 0.0), plane(0.0, -4.0)], ["a.h5", "b.h5"])
    first, second = request.picture(both).panels
    assert first.layers == second.layers
    assert first.layers[0].steepest == 4.0


def test_what_lacks_a_gradient_or_is_no_plane_is_refused(make_surface):
    with pytest.raises(UsageError) as error:
        picture(make_surface(lambda x, y: x + y))
    assert str(error.value) == (
        "--quiver: run.h5 has loss for train; compute it: landscape compute CFG --measure gradient"
    )
    with pytest.raises(UsageError, match="--quiver: does not apply to --kind line; use contourf"):
        picture(curved("-1:1:5"))
    with pytest.raises(UsageError, match="--quiver: does not apply to --kind surface"):
        picture(curved(), kind="surface")
