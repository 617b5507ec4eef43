import numpy as np
import pytest

from builders import surface
from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.layers.basins import borders
from landscape_cli.plotting.request import Request
from landscape_cli.plotting.scene3d.camera import Camera

WIDE = ("-1.5:1.5:25", "-1:1:21")


def wells(x, y=0.0):
    return (x**2 - 1) ** 2 + y**2


def picture(found, **options):
    request = Request(basins=True, **options)
    return request.picture(request.panels([found], ["run.h5"]))


def places(axes, gid):
    """Return the places of the marks with a gid."""
    return [
        tuple(place)
        for line in axes.get_lines()
        if line.get_gid() == gid
        for place in np.column_stack(line.get_data()).tolist()
    ]


def marks_in_space(axes, gid, marker):
    """Return the places of the 3-D marks with a gid and a marker, but for those without height."""
    lines = [one for one in axes.get_lines() if one.get_gid() == gid and one.get_marker() == marker]
    places = [place for line in lines for place in zip(*line.get_data_3d(), strict=True)]
    return sorted(tuple(map(float, place)) for place in places if np.isfinite(place[2]))


def axes_of(found, **options):
    drawn = picture(found, **options)
    return draw(drawn.panels, drawn.kind, drawn.scale).axes[0]


@pytest.mark.parametrize("kind", ["contourf", "contour", "heatmap"])
def test_minima_saddles_and_the_border_between_basins(kind, legend):
    axes = axes_of(surface(wells, *WIDE), kind=kind)
    assert places(axes, "minima") == [(-1, 0), (1, 0)]
    assert places(axes, "saddle") == [(0, 0)]
    (border,) = [each for each in axes.collections if each.get_gid() == "basins"][1:]
    (curve,) = border.get_segments()
    # All points at x = 0 step to one side, so the border is half a step beside them.
    assert set(np.abs(curve[:, 0]).round(6)) == {0.0625}
    assert np.ptp(curve[:, 1]) == pytest.approx(2.1)
    assert [t.get_text() for t in axes.texts if t.get_gid() == "minimum"] == ["1", "2"]
    assert legend(axes) == ["border of basins", "2 minima", "1 saddle"]
    if kind != "heatmap":
        assert (axes.get_xlim(), axes.get_ylim()) == ((-1.5, 1.5), (-1, 1))


@pytest.mark.parametrize("kind", ["surface", "relief"])
def test_on_surfaces_minima_are_pins_hollow_where_hidden(kind, legend):
    drawn = picture(surface(wells, "-1.5:1.5:13", "-1:1:9"), kind=kind)
    for elevation, shown, other in ((80, "", "hidden"), (30, "hidden", "")):
        axes = draw(drawn.panels, kind, drawn.scale, camera=Camera(0, elevation)).axes[0]
        assert marks_in_space(axes, shown or "minima", "v") == [(-1, 0, 0), (1, 0, 0)]
        assert marks_in_space(axes, other or "minima", "v") == []
        assert marks_in_space(axes, "saddle", "P") == [(0, 0, 1)]
        assert legend(axes) == ["2 minima", "1 saddle"]
        low = axes.get_zlim()[0]
        feet = [marks_in_space(axes, gid, "o") for gid in ("foot", "hidden")]
        places = {place[:2] for each in feet for place in each if place[2] == low}
        assert places == ({(-1, 0), (0, 0), (1, 0)} if kind == "relief" else {(0, 0)})
    assert drawn.caption.split("Triangles: ")[1].startswith("2 minima of persistence")
    assert "Number 1" not in drawn.caption


def test_panels_in_which_marks_are_hidden_and_not_share_an_entry(legend):
    shapes = (lambda x, y: x**2 + y**2, lambda x, y: x**2 + y**2 + 3 * x)
    request = Request(kind="surface", basins=True)
    surfaces = [surface(shape, "-1:1:9", "-1:1:9") for shape in shapes]
    drawn = request.picture(request.panels(surfaces, ["a.h5", "b.h5"]))
    axes = draw(drawn.panels, "surface", drawn.scale, camera=Camera(0, 30)).axes
    hidden = [bool(marks_in_space(one, "hidden", "v")) for one in axes[:2]]
    assert sorted(hidden) == [False, True]
    assert legend(axes[0]) == ["1 minimum"]


def test_in_renders_minima_are_marked_where_they_are_seen(legend):
    pytest.importorskip("pyvista", reason="no pyvista: make extras")
    drawn = picture(surface(wells, "-1.5:1.5:13", "-1:1:9"), kind="render")
    for elevation, counts in ((80, (2, 0)), (10, (0, 2))):
        camera = Camera(0, elevation)
        axes = draw(drawn.panels, "render", drawn.scale, camera=camera, dpi=30).axes[0]
        lines = [line for line in axes.get_lines() if line.get_marker() == "v"]
        found = {line.get_gid(): len(line.get_xdata()) for line in lines}
        assert (found["minima"], found.get("hidden", 0)) == counts
        assert legend(axes) == ["2 minima", "1 saddle"]


def test_a_single_minimum_has_no_border_and_no_number(legend):
    axes = axes_of(surface(lambda x, y: x**2 + y**2))
    assert (places(axes, "minimum"), places(axes, "saddle")) == ([(0, 0)], [])
    assert not any(each.get_gid() == "basins" for each in axes.collections)
    assert legend(axes) == ["1 minimum"]


def test_which_minima_count_can_be_chosen():
    ripples = surface(lambda x, y: wells(x, y) - 0.1 * np.cos(12 * x), *WIDE)
    counts = [len(places(axes_of(ripples, persistence=p), "minima")) for p in (0.01, 0.05, 0.2)]
    assert counts == [3, 2, 2]
    assert len(places(axes_of(ripples, persistence=1.0), "minimum")) == 1
    noisy = surface(wells, *WIDE, stderr=0.25)
    assert len(places(axes_of(noisy), "minimum")) == 1


def test_four_neighbours_do_not_connect_diagonally():
    values = np.full((5, 5), 9.0)
    values[np.arange(5), np.arange(5)] = 1
    assert len(places(axes_of(surface(values)), "minimum")) == 1
    assert len(places(axes_of(surface(values), neighbours=4), "minima")) == 5


def test_maxima_of_accuracy_are_marked(legend):
    found = surface({("train", "accuracy"): lambda x, y: 1 - wells(x, y) / 4}, *WIDE)
    drawn = picture(found)
    axes = draw(drawn.panels, drawn.kind, drawn.scale).axes[0]
    assert places(axes, "maxima") == [(-1, 0), (1, 0)]
    assert "2 maxima" in legend(axes)
    assert "Triangles: 2 maxima" in drawn.caption
    assert "Number 1 is the highest" in drawn.caption


def test_points_without_a_value_border_on_nothing():
    values = np.array([[0.0, 5, np.nan, 5, 1], [1, 5, np.nan, 4, 0]])
    found = surface(values, "0:4:5", "0:1:2")
    axes = axes_of(found, kind="heatmap")
    assert not any(each.get_gid() == "basins" for each in axes.collections)
    assert len(places(axes, "minima")) == 2


def test_borders_are_the_edges_between_cells_of_different_basins():
    (panel,) = Request().panels([surface(np.zeros((4, 5)), "0:4:5", "0:3:4")], ["run.h5"])
    rng = np.random.default_rng(0)
    for _ in range(50):
        basins = rng.integers(-1, 3, size=(4, 5))
        found = set()
        for curve in borders(panel, basins):
            for one, other in zip(curve[:-1].tolist(), curve[1:].tolist(), strict=True):
                found.add((tuple(one), tuple(other)) if one < other else (tuple(other), tuple(one)))
        wanted = set()
        for row, column in np.ndindex(4, 5):
            own = basins[row, column]
            if (
                column < 4
                and own != basins[row, column + 1]
                and -1 not in basins[row, column : column + 2]
            ):
                wanted.add(((column + 0.5, row - 0.5), (column + 0.5, row + 0.5)))
            if (
                row < 3
                and own != basins[row + 1, column]
                and -1 not in basins[row : row + 2, column]
            ):
                wanted.add(((column - 0.5, row + 0.5), (column + 0.5, row + 0.5)))
        assert found == wanted


def test_the_caption_says_what_counts():
    assert (
        "Triangles: 2 minima of persistence at least 2 % of the range and 4 standard errors (4 "
        "neighbours); crosses: their saddles; lines: borders of their basins. Number 1 is the "
        "lowest."
        in picture(surface(wells, *WIDE, stderr=0.01), persistence=0.02, neighbours=4).caption
    )
    wide = surface(lambda x, y: 10 ** (4 * np.hypot(x, y)))
    assert "at least 1 % of the range of the logarithm (8 neighbours)" in picture(wide).caption


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"neighbours": 6}, "--neighbours 6: a point of run.h5 has 4 or 8; choose one of these"),
        ({"persistence": -0.1}, "--persistence -0.1: choose a fraction from 0 to 1"),
        ({"basins": False, "persistence": 0.1}, "--persistence 0.1: no minima are drawn; add"),
        ({"basins": False, "neighbours": 8}, "--neighbours 8: no minima are drawn; add --basins"),
    ],
)
def test_what_does_not_suit_is_refused(options, words):
    request = Request(**{"basins": True, **options})
    panels = request.panels([surface(wells)], ["run.h5"])
    with pytest.raises(UsageError) as error:
        request.picture(panels)
    assert str(error.value).startswith(words)


def test_a_line_has_no_basins_to_outline():
    with pytest.raises(UsageError, match=r"--basins: does not apply to --kind line; use --kind me"):
        picture(surface(wells, "-1.5:1.5:25"))
