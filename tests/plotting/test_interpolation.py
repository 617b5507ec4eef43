"""Interpolated values pass through the points and never leave the range of a cell's corners."""

import numpy as np
import pytest

from landscape_cli.plotting import KINDS
from landscape_cli.plotting.figure import draw, draw_picture
from landscape_cli.plotting.interpolation import smooth
from landscape_cli.plotting.kinds.painter import load
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.panel import select_panels
from landscape_cli.plotting.request import Request
from landscape_cli.plotting.value_range import fit


def corners_of(values, parts):
    """Return the least and the greatest corner of the cell of each point of the finer grid."""
    y, x = (
        np.minimum(np.arange(p * (n - 1) + 1) // p, n - 2)
        for n, p in zip(values.shape, parts, strict=True)
    )
    each = [values[np.ix_(y + i, x + j)] for i in (0, 1) for j in (0, 1)]
    return np.min(each, axis=0), np.max(each, axis=0)


def test_rough_values_are_passed_through_and_no_extremum_is_invented(make_panel):
    values = np.random.default_rng(0).lognormal(0, 3, size=(9, 13))
    panel = make_panel(values, x="-1:1:13", y="0:3:9")
    scale = fit([panel])
    assert scale.log
    x, y, drawn = smooth(panel, scale)
    parts = [(len(fine) - 1) // (n - 1) for fine, n in zip((y, x), values.shape, strict=True)]
    assert min(parts) > 1
    assert not drawn.mask.any()
    np.testing.assert_array_equal(drawn[:: parts[0], :: parts[1]], np.log10(values))
    np.testing.assert_allclose(x[:: parts[1]], panel.x, atol=1e-15)
    np.testing.assert_allclose(y[:: parts[0]], panel.y, atol=1e-15)
    low, high = corners_of(np.log10(values), parts)
    assert (drawn >= low).all()
    assert (drawn <= high).all()


def test_planes_are_exact_and_axes_can_change_places(make_panel):
    panel = make_panel(lambda x, y: 2 * x - 3 * y, x="-1:1:5", y="-1:1:7")
    x, y, drawn = smooth(panel, fit([panel]))
    np.testing.assert_allclose(drawn, 2 * x - 3 * y[:, None], atol=1e-12)
    values = np.random.default_rng(1).normal(size=(6, 6))
    one, other = (make_panel(each, x="0:1:6", y="0:1:6") for each in (values, values.T))
    scale = fit([one])
    np.testing.assert_allclose(smooth(one, scale)[2], smooth(other, scale)[2].T, atol=1e-14)


def test_nothing_is_drawn_in_cells_that_lack_a_corner(make_panel):
    values = np.add.outer(np.arange(5.0), np.arange(5.0) ** 2)
    values[1, 2], values[4, 4] = np.nan, np.inf
    panel = make_panel(values)
    _, _, drawn = smooth(panel, fit([panel]))
    part = (len(drawn) - 1) // 4
    for row, column in ((part + 1, 2 * part - 1), (part - 1, 2 * part + 1), (4 * part - 1,) * 2):
        assert drawn.mask[row, column]
    assert not drawn.mask[2 * part : 3 * part + 1, : 3 * part + 1].any()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if load(kind).smooth])
def test_interpolation_is_stated_and_can_be_left_out(make_surface, kind):
    if kind == "render":
        pytest.importorskip("pyvista", reason="no pyvista: make extras")
    surface = make_surface(lambda x, y: x**2 + y**2)
    noun = "contours" if kind.startswith("contour") or kind == "field" else "surface"
    for raw, note in ((False, f"{noun} interpolated from 5 x 5 points"), (True, "")):
        (panel,) = select_panels(surface, None, None, "a.h5", raw)
        texts = " ".join(text.get_text() for text in draw([panel], kind, dpi=20).texts)
        assert ("interpolated" in texts) is (not raw)
        assert note in " ".join(texts.split())
        caption = Request(kind=kind, raw=raw).picture([panel]).caption
        assert caption.endswith(f" {note.capitalize()}.") is (not raw)
        assert load(kind).smooth.words(panel) == note
    fine = make_surface(lambda x, y: x + y, x="0:1:301", y="0:1:301")
    assert load(kind).smooth.words(select_panels(fine, None, None, "a.h5")[0]) == ""


def test_panels_with_different_numbers_of_points_are_said_to_be_interpolated(make_panel):
    panels = [make_panel(lambda x, y: x + y, x=f"-1:1:{n}", y="-1:1:5") for n in (5, 7)]
    for kind, noun in (("contour", "contours"), ("surface", "surface")):
        texts = " ".join(text.get_text() for text in draw(panels, kind).texts)
        assert f"{noun} interpolated between the points" in " ".join(texts.split())


def test_a_figure_with_a_caption_says_once_that_it_is_interpolated(make_panel):
    panels = [make_panel(lambda x, y: x + y, x=f"-1:1:{n}", y="-1:1:5") for n in (5, 7)]
    picture = Request(kind="contour").picture(panels)
    assert picture.caption.endswith(" Contours interpolated from 5 x 5 and 7 x 5 points.")
    texts = " ".join(text.get_text() for text in draw_picture(picture, Page(caption=True)).texts)
    assert texts.lower().count("interpolated") == 1
    texts = " ".join(text.get_text() for text in draw(panels, "contour", text="Mine.").texts)
    assert "contours interpolated between the points" in " ".join(texts.split())


def test_holes_are_as_large_in_surfaces_as_in_contours(make_panel):
    values = np.random.default_rng(2).normal(size=(6, 7))
    values[2, 3] = np.nan
    panel = make_panel(values, x="-1:1:7", y="-1:1:6")
    scale = fit([panel])
    drawn = scale.drawn(panel).filled(np.nan)
    for kind in ("contour", "surface", "render"):
        smooth = load(kind).smooth
        _, _, fine = smooth.refine(panel, drawn)
        rows, columns = smooth.parts(panel)
        empty = np.isnan(fine)
        inside = empty[rows + 1 : 3 * rows, 2 * columns + 1 : 4 * columns]
        assert inside.all()
        assert empty.sum() == inside.sum()
