import numpy as np
import pytest
from matplotlib.collections import LineCollection

from builders import curved, surface
from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure import draw, draw_picture
from landscape_cli.plotting.layers.streamlines import THICK, THIN, Streamlines
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.request import Request
from landscape_cli.plotting.scale import Scale

FIELDS = {
    "bilinear": (lambda x, y: x * y, lambda x, y: (-y, x)),
    "saddle": (lambda x, y: x**2 - y**2, lambda x, y: (-2 * x, -2 * y)),
    "tilted": (
        lambda x, y: x**2 + 3 * y**2 + x * y - x,
        lambda x, y: (1 - 2 * x - y, 6 * y + x),
    ),
}
"""Values, and the field in which x descends and y ascends."""


def picture(*found, **options):
    request = Request("field", **options)
    names = [f"{name}.h5" for name in "abcd"[: len(found)]]
    return request.picture(request.panels(found, names))


def lines_of(axes):
    (lines,) = [
        each
        for each in axes.collections
        if isinstance(each, LineCollection) and each.get_gid() == "field"
    ]
    return lines


def plane(value, x="-1:1:21", y="-1:1:21"):
    return surface({("train", "loss"): value}, x, y)


@pytest.mark.parametrize("name", FIELDS)
def test_lines_follow_the_field_of_a_game(name):
    value, field = FIELDS[name]
    axes = draw_picture(picture(plane(value), ascend="y"), Page()).axes[0]
    pieces = np.array([each for each in lines_of(axes).get_segments() if len(each) == 2])
    steps, middles = pieces[:, 1] - pieces[:, 0], pieces.mean(axis=1)
    exact = np.stack(field(*middles.T), axis=1)
    sizes = np.hypot(*steps.T) * np.hypot(*exact.T)
    strong = (np.hypot(*exact.T) > 0.1) & (np.hypot(*steps.T) > 1e-3)
    cosines = np.sum(steps * exact, axis=1)[strong] / sizes[strong]
    assert strong.sum() > 200
    assert cosines.min() > 0.99


def test_the_lines_of_a_bilinear_game_are_circles():
    axes = draw_picture(picture(plane(FIELDS["bilinear"][0]), ascend="y"), Page()).axes[0]
    pieces = np.array(lines_of(axes).get_segments())
    radii = np.hypot(*np.moveaxis(pieces, -1, 0))
    far = radii.min(axis=1) > 0.1
    np.testing.assert_allclose(radii[far, 0], radii[far, 1], rtol=5e-3)


def test_widths_grow_with_the_slope():
    axes = draw_picture(picture(plane(lambda x, y: x**2 + y**2)), Page()).axes[0]
    lines = lines_of(axes)
    places = np.array([each.mean(axis=0) for each in lines.get_segments()])
    widths = np.asarray(lines.get_linewidths())
    slopes = 2 * np.hypot(*places.T)
    expected = THIN + (THICK - THIN) * slopes / (2 * np.sqrt(2))
    np.testing.assert_allclose(widths, expected, atol=0.05)


def test_lines_end_where_values_do():
    found = plane(lambda x, y: x + 0.1 * y)
    found.values["train", "loss"][8:13, 8:13] = np.nan
    axes = draw_picture(picture(found), Page()).axes[0]
    points = np.concatenate(lines_of(axes).get_segments())
    assert len(points) > 100
    assert not (np.abs(points) < 0.15).all(axis=1).any()


@pytest.mark.parametrize("look", ["paper", "dark"])
def test_the_legend_names_the_field(legend, look):
    found = plane(FIELDS["saddle"][0])
    figure = draw_picture(picture(found, found, ascend="y"), Page(style=look))
    assert "lines: x descends, y ascends" in legend(figure.axes[0], field=True)
    assert "lines: descent" in legend(draw_picture(picture(found), Page()).axes[0], field=True)


def test_the_caption_says_whose_slopes_they_are():
    drawn = picture(plane(FIELDS["saddle"][0]), ascend="y")
    assert (
        "Lines lead along (-∂L/∂x, ∂L/∂y) (x descends, y ascends); their width grows with the "
        "slope, at most 2.83; slopes are differences of the values between points."
    ) in drawn.caption
    assert "slopes are stored gradients." in picture(curved("-1:1:9", "-1:1:9")).caption
    both = picture(curved("-1:1:9", "-1:1:9"), plane(lambda x, y: x)).caption
    assert "between points where no gradients are stored." in both


def test_panels_share_the_width_of_a_slope():
    first, second = picture(plane(lambda x, y: x), plane(lambda x, y: -4 * y)).panels
    assert first.layers == second.layers == (Streamlines(pytest.approx(4.0)),)


def test_a_flat_plane_has_no_lines():
    found = plane(lambda x, y: 1 + 0 * x)
    assert picture(found).panels[0].layers == ()
    figure = draw(picture(found).panels, "field", Scale(0.0, 2.0))
    assert not [each for each in figure.axes[0].collections if each.get_gid() == "field"]


def test_a_panel_without_chosen_layers_has_lines_of_descent(make_panel):
    axes = draw([make_panel(lambda x, y: x**2 + y**2)], "field").axes[0]
    pieces = np.array(lines_of(axes).get_segments())
    starts, ends = (np.hypot(*pieces[:, end].T) for end in (0, 1))
    assert (ends <= starts)[starts > 0.2].all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quiver": True}, "--quiver: --kind field draws lines along the field; use contourf"),
        ({"ascend": "z"}, "--ascend z: choose x or y or xy"),
    ],
)
def test_what_draws_another_field_is_refused(options, message):
    with pytest.raises(UsageError) as error:
        picture(curved("-1:1:5", "-1:1:5"), **options)
    assert str(error.value).startswith(message)


def test_no_field_no_ascent():
    request = Request(ascend="y")
    panels = request.panels([plane(lambda x, y: x)], ["a.h5"])
    with pytest.raises(UsageError, match="--ascend y: no field is drawn; use --kind field, or add"):
        request.picture(panels)


def test_lines_and_rows_are_refused():
    with pytest.raises(UsageError, match="--kind field: a.h5 is a line"):
        picture(surface({("train", "loss"): lambda x: x}, "-1:1:5"))
    with pytest.raises(UsageError, match="--kind field: a.h5 is a plane .*; use --kind heatmap"):
        picture(plane(lambda x, y: x, y="0:0:1"))
