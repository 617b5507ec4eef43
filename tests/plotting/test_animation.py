from dataclasses import replace

import numpy as np
import pytest

from landscape_cli.errors import UsageError
from landscape_cli.plotting import animation
from landscape_cli.plotting.animation import check_frames, frames
from landscape_cli.plotting.figure import draw_parts
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.request import Request
from landscape_cli.plotting.style import colormap
from landscape_cli.plotting.text import labels


def picture_of(surfaces, **options):
    request = Request(**options)
    names = [f"{number}.h5" for number in range(len(surfaces))]
    return request.picture(request.panels(surfaces, names))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["heatmap", "surface"])
def test_frames_share_a_scale_and_a_shape(make_surface, kind):
    heights = (0.0, 5.0, 10.0)
    surfaces = [make_surface(np.full((4, 5), height), y="-1:1:4") for height in heights]
    found = list(frames(picture_of(surfaces, kind=kind), Page(dpi=50)))
    assert len({frame.shape for frame in found}) == 1
    height, width, _ = found[0].shape
    assert (height % 2, width % 2) == (0, 0)
    for place, frame in zip((0.0, 0.5, 1.0), found, strict=True):
        color = np.round(255 * np.array(colormap()(place)[:3]))
        near = np.abs(frame.astype(int) - color).max(axis=-1) < 40  # edges of faces
        assert near.mean() > 0.1


def test_frames_of_lines_share_a_shape(make_surface):
    good, bad = np.arange(5.0), np.array([0, np.nan, 1, 2, np.inf])
    surfaces = [make_surface(values, y=None) for values in (good, bad, good)]
    shapes = {frame.shape for frame in frames(picture_of(surfaces), Page(style="dark", dpi=50))}
    assert len(shapes) == 1


def test_frames_of_one_network_are_told_apart_by_file(make_panel, monkeypatch):
    shown = []

    def note(part, page):
        shown.append([labels.title(panel) for panel in part.panels])
        return draw_parts(part, page=page)

    monkeypatch.setattr(animation, "draw_parts", note)
    page = Page(dpi=30, style="dark")
    for provenance, expected in (
        ({"network": {"name": "net"}}, [["net, epoch_1"], ["net, epoch_2"]]),
        ({}, [["epoch_1"], ["epoch_2"]]),
    ):
        panels = [make_panel(lambda x, y: x + y, source=f"epoch_{n}.h5") for n in (1, 2)]
        panels = [replace(p, surface=replace(p.surface, provenance=provenance)) for p in panels]
        assert len(list(frames(Request(kind="heatmap").picture(panels), page))) == 2
        assert shown == expected
        shown.clear()


def test_frames_with_different_grids_are_refused(make_panel):
    panels = [make_panel(lambda x, y: x, x=f"-1:1:{n}", source=f"{n}.h5") for n in (5, 5, 6)]
    check_frames(panels[:2])
    with pytest.raises(UsageError, match=r"6\.h5 has a different grid than 5\.h5"):
        check_frames(panels)
    with pytest.raises(UsageError, match="give two or more files"):
        check_frames(panels[:1])
