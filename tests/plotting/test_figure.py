import subprocess
import sys

import numpy as np
import pytest
from matplotlib.image import imread

from builders import bowl
from landscape_cli.errors import UsageError
from landscape_cli.plotting import FORMATS, KINDS, THREE_DIMENSIONAL
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.figure_files import save
from landscape_cli.plotting.kinds.painter import load
from landscape_cli.plotting.kinds.suitability import choose_kind
from landscape_cli.plotting.layout.sheet import FOOTNOTE
from landscape_cli.plotting.layout.spatial import SUBTITLE
from landscape_cli.plotting.panel import select_panels
from landscape_cli.plotting.value_range import fit

FLAT = [name for name, kind in KINDS.items() if kind.axes == 2]
NETWORK = {
    "network": {"name": "ResNet-56"},
    "directions": {
        "x": {"kind": "random", "seed": 1, "normalize": "filter"},
        "y": {"kind": "random", "seed": 2, "normalize": "filter"},
    },
}


def panel_of(make_panel, kind, **kwargs):
    flat = KINDS[kind].axes == 2
    return make_panel(bowl, y="-1:1:5" if flat else None, **kwargs)


def texts(artist, gid):
    found = [child for child in artist.get_children() if child.get_gid() == gid]
    return [child.get_text() for child in found if child.get_text()]


def saved(figure, path):
    """Save a figure, and check that there is a picture and no other file."""
    save(figure, path, dpi=60)
    assert path.stat().st_size > 1000
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    if path.suffix == ".png":
        assert imread(path)[..., :3].std() > 0.05


@pytest.mark.slow
@pytest.mark.parametrize("ending", [ending for ending in FORMATS if ending != "png"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_to_every_format(make_panel, kind, ending, tmp_path):
    saved(draw([panel_of(make_panel, kind)], kind), tmp_path / f"picture.{ending}")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_and_marks_the_centre_and_labels_network_axes_and_values(
    make_panel, kind, tmp_path
):
    figure = draw([panel_of(make_panel, kind, provenance=NETWORK)], kind, dpi=60)
    saved(figure, tmp_path / "picture.png")
    axes, *bar = figure.axes
    if kind != "render":  # a render has a ball instead
        assert any(line.get_gid() == "centre" for line in axes.get_lines())
    assert axes.get_title() == "ResNet-56"
    assert texts(axes, SUBTITLE) == []
    words = [axes.get_xlabel(), axes.get_ylabel(), *texts(axes.figure, FOOTNOTE)]
    words += [b.get_ylabel() for b in bar]
    assert "train loss" in words
    text = "\n".join(words)
    if KINDS[kind].three_dimensional:  # a box has no room for more than letters
        assert "x, y: random directions, filter-normalized (seeds 1 and 2)" in text
        return
    assert "x: random direction, filter-normalized (seed 1)" in text
    if KINDS[kind].axes == 2:
        assert "y: random direction, filter-normalized (seed 2)" in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_centre_outside_the_grid_is_not_marked(make_panel, kind):
    y = "1:2:3" if KINDS[kind].axes == 2 else None
    axes = draw([make_panel(bowl, x="1:2:3", y=y)], kind, dpi=60).axes[0]
    assert not any(line.get_gid() == "centre" for line in axes.get_lines())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not load(kind).joint])
def test_panels_share_limits_and_one_colour_bar(make_panel, kind):
    y = "-1:1:5" if KINDS[kind].axes == 2 else None
    small = make_panel(bowl, y=y)
    large = make_panel(lambda *xy: 3 * bowl(*xy), y=y)
    scale = fit([small, large])
    figure = draw([small, large], kind, scale, dpi=60)
    first, second, *bars = figure.axes
    assert len(bars) == (1 if KINDS[kind].axes == 2 else 0)
    limits = "get_zlim" if kind == "surface" else "get_ylim"
    assert getattr(first, limits)() == getattr(second, limits)()
    if bars:
        assert bars[0].get_ylim() == pytest.approx(scale.ends)
        for axes in (first, second):
            mapped = [a for a in axes.collections if a.get_array() is not None]
            assert {(a.norm.vmin, a.norm.vmax) for a in mapped[:1]} <= {scale.ends}


@pytest.mark.parametrize("kind", FLAT)
def test_a_logarithmic_colour_bar_is_labelled_as_such_with_powers_of_ten(make_panel, kind):
    figure = draw([make_panel(lambda x, y: 10 ** (2 + 4 * x + y / 10))], kind, dpi=60)
    bar = figure.axes[-1]
    assert bar.get_ylabel() == "train loss (log scale)"
    labels = [label.get_text() for label in bar.get_yticklabels()]
    assert r"$10^{2}$" in labels
    assert bar.get_ylim() == pytest.approx((-2.1, 6.1))


@pytest.mark.parametrize("kind", FLAT)
def test_the_legend_states_the_fraction_clipped(make_panel, legend, kind):
    panel = make_panel([[0, 1, 2], [3, 4, 20]], x="0:1:3", y="0:1:2")
    axes, bar = draw([panel], kind, fit([panel], vmax=10), dpi=60).axes
    text = "above 10 (16.7 %)"
    assert legend(axes) == [f"cut off {text}" if kind in THREE_DIMENSIONAL else text]
    assert bar.get_ylim() == (0, 10)


def test_different_splits_are_named_above_their_panels(make_surface):
    ones = np.arange(25.0).reshape(5, 5)
    surface = make_surface({("train", "loss"): ones, ("test", "loss"): 2 * ones})
    panels = [select_panels(surface, split, None, "run.h5")[0] for split in ("train", "test")]
    first, second, bar = draw(panels).axes
    assert texts(first, SUBTITLE) == ["train"]
    assert texts(second, SUBTITLE) == ["test"]
    assert bar.get_ylabel() == "loss"


def test_the_subtitle_of_an_incomplete_surface_states_its_progress(make_panel):
    status = np.ones((5, 5))
    status[3:] = 0
    assert texts(draw([make_panel(bowl, status=status)]).axes[0], SUBTITLE) == ["(60 % computed)"]


def test_five_panels_take_two_rows(make_panel):
    figure = draw([make_panel(bowl)] * 5)
    rows = {axes.get_subplotspec().rowspan.start for axes in figure.axes[:5]}
    assert rows == {0, 1}


@pytest.mark.slow
def test_panels_are_arranged_in_the_requested_columns(make_panel):
    for columns, rows in ((1, 5), (2, 3), (3, 2), (5, 1), (9, 1)):
        axes = draw([make_panel(bowl)] * 5, columns=columns).axes
        shape = axes[0].get_subplotspec().get_gridspec().get_geometry()
        assert shape == (rows, min(columns, 5))


@pytest.mark.parametrize(
    ("x", "y", "kind"),
    [
        ("-1:1:5", None, "line"),
        ("-1:1:5", "-1:1:5", "contourf"),
        ("-1:1:5", "0:0:1", "heatmap"),
        ("0:0:1", "0:0:1", "heatmap"),
        ("0:0:1", None, "line"),
    ],
)
def test_the_default_kind_depends_on_the_shape(make_panel, x, y, kind):
    panel = make_panel(bowl, x=x, y=y)
    assert choose_kind([panel], None) == kind
    draw([panel]).draw_without_rendering()


@pytest.mark.parametrize(("kind", "y"), [("surface", None), ("contour", None), ("line", "0:1:5")])
def test_kinds_of_another_dimension_are_refused(make_panel, kind, y):
    with pytest.raises(UsageError, match=rf"--kind {kind}: run\.h5 is a \w+ \(5") as error:
        draw([make_panel(bowl, y=y)], kind)
    for name, entry in KINDS.items():
        assert (name in str(error.value).split(";")[1]) == (entry.axes == (2 if y else 1))


@pytest.mark.parametrize("kind", ["contour", "contourf", "surface"])
def test_a_plane_one_point_wide_is_refused_with_a_remedy(make_panel, kind):
    with pytest.raises(UsageError, match="--kind heatmap"):
        draw([make_panel(bowl, y="0:0:1")], kind)


def test_panels_of_different_dimension_or_quantity_are_refused(make_panel):
    line, plane = make_panel(bowl, y=None, source="l.h5"), make_panel(bowl, source="p.h5")
    other = make_panel({("train", "margin"): np.ones((5, 5))}, source="m.h5")
    with pytest.raises(UsageError, match=r"p\.h5 is a plane .* and l\.h5 is a line"):
        draw([plane, line])
    with pytest.raises(UsageError, match=r"p\.h5 shows loss and m\.h5 shows margin"):
        draw([plane, other])


def test_levels_are_refused_for_kinds_without_levels(make_panel):
    panel = make_panel(bowl)
    with pytest.raises(UsageError, match=r"--levels 7: --kind heatmap has no levels"):
        draw([panel], "heatmap", fit([panel], levels=7))


def test_a_failed_write_leaves_the_old_picture(make_panel, tmp_path, monkeypatch):
    path = tmp_path / "old.png"
    path.write_bytes(b"old")
    figure = draw([make_panel(bowl)])

    def fail(partial, **_):
        partial.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(UsageError, match="No space left"):
        save(figure, path, 60)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("old.png", b"old")]


def test_drawing_changes_no_matplotlib_settings_and_opens_no_pyplot_figure(tmp_path):
    code = """
import sys, matplotlib, numpy as np
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.panel import Panel
from landscape_cli.records.grid import (Axis, Grid)
from landscape_cli.records.surface import Surface
grid = Grid({"x": Axis(-1, 1, 3), "y": Axis(-1, 1, 2)})
ones = np.ones(grid.shape, dtype=np.uint8)
values = {("train", "loss"): np.arange(6.0).reshape(2, 3)}
before = dict(matplotlib.rcParams)
draw([Panel(Surface(grid, values, values, ones, ones, ones), "train", "loss")])
assert dict(matplotlib.rcParams) == before
assert "matplotlib.pyplot" not in sys.modules or not matplotlib.pyplot.get_fignums()
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_registry_imports_nothing_heavy():
    code = """
import sys, landscape_cli.plotting, landscape_cli.cli.commands.plot
assert not {"numpy", "matplotlib", "torch", "h5py"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
