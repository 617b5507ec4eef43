import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread

from builders import bowl
from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.figure_files import save
from landscape_cli.plotting.figure_size import Size, parse_size
from landscape_cli.plotting.layout.sheet import FOOTNOTE


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("column", Size(3.5)),
        ("double", Size(7.2)),
        (" Column ", Size(3.5)),
        ("5x3", Size(5, 3)),
        ("5.5x3in", Size(5.5, 3)),
        ("254x127mm", Size(10, 5)),
        ("25.4x12.7cm", Size(10, 5)),
    ],
)
def test_sizes_are_parsed(text, size):
    found = parse_size(text)
    assert found.width == pytest.approx(size.width)
    assert found.height == pytest.approx(size.height) if size.height else found.height is None


@pytest.mark.parametrize("text", ["", "5", "5x", "x3", "5x3px", "0x3", "5x0.5", "-5x3", "5x999"])
def test_invalid_sizes_are_refused(text):
    with pytest.raises(UsageError, match="--size"):
        parse_size(text)


@given(st.text())
def test_any_text_is_parsed_or_refused(text):
    try:
        found = parse_size(text)
    except UsageError:
        return
    assert found.width >= 1


@pytest.mark.parametrize("kind", ["contourf", "surface", "line"])
def test_a_width_alone_is_exact(make_panel, kind, tmp_path):
    panel = make_panel(bowl, y=None if kind == "line" else "-1:1:5")
    size = parse_size("column")
    figure = draw([panel], kind, size=size, text="word " * 60)
    save(figure, tmp_path / "a.png", 100, size)
    height, width, _ = imread(tmp_path / "a.png").shape
    assert width == 350
    assert 250 < height < 700


def test_width_and_height_are_exact(make_panel, tmp_path):
    size = parse_size("5x3")
    for name, look in (("a.png", "paper"), ("b.pdf", "talk")):
        save(draw([make_panel(bowl)], look=look, size=size), tmp_path / name, 100, size)
    assert imread(tmp_path / "a.png").shape[:2] == (300, 500)
    box = re.search(rb"/MediaBox \[ ([0-9. ]+) \]", (tmp_path / "b.pdf").read_bytes())
    assert box[1].split()[2:] == [b"360", b"216"]


def test_panels_of_a_narrow_figure_are_stacked(make_panel):
    panels = [make_panel(bowl), make_panel(bowl)]
    for text, rows in (("column", 2), ("double", 1)):
        axes = draw(panels, size=parse_size(text)).axes[0]
        assert axes.get_subplotspec().get_gridspec().nrows == rows


def test_a_caption_does_not_change_the_shape_of_lines(make_panel):
    shapes = []
    for text in ("", "a long caption " * 50):
        figure = draw([make_panel(bowl, y=None)], size=parse_size("column"), text=text)
        figure.draw_without_rendering()
        box = figure.axes[0].get_window_extent()
        shapes.append(box.height / box.width)
    assert shapes == pytest.approx([0.6, 0.6], rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("look", ["paper", "talk", "dark"])
@pytest.mark.parametrize("count", [1, 2])
def test_boxes_fill_most_of_a_narrow_figure(make_panel, look, count):
    known = {"directions": {k: {"kind": "random", "seed": n} for n, k in enumerate("xy")}}
    panels = [make_panel(bowl, provenance=known)] * count
    figure = draw(panels, "surface", look=look, size=parse_size("column"), text="caption " * 30)
    figure.draw_without_rendering()
    *boxes, bar = [axes.get_window_extent() for axes in figure.axes]
    assert len(boxes) == count
    for box in boxes:
        # Two boxes in large text above their bar would be higher than a page.
        assert box.width > (0.55 if look == "talk" and count == 2 else 0.66) * figure.bbox.width
        assert bar.y1 < box.y0 or bar.x0 > box.x1
    if look == "talk":
        (note,) = [t.get_text() for t in figure.texts if t.get_gid() == FOOTNOTE]
        assert note.replace("\n", " ").startswith("x, y: random directions (seeds 0 and 1)")


def test_a_wide_box_has_its_colour_bar_beside_it(make_panel):
    figure = draw([make_panel(bowl)], "surface", size=parse_size("double"))
    figure.draw_without_rendering()
    box, bar = [axes.get_window_extent() for axes in figure.axes]
    assert bar.x0 > box.x1


def test_titles_are_not_cropped(make_panel, tmp_path):
    size = parse_size("double")
    panel = make_panel(bowl, provenance={"network": {"name": "ResNet-56"}})
    save(draw([panel, panel], size=size, text="caption " * 40), tmp_path / "a.png", 100, size)
    picture = imread(tmp_path / "a.png")[..., :3]
    border = np.concatenate([picture[:2].ravel(), picture[-2:].ravel()])
    assert (border == 1).all()


@pytest.mark.slow
def test_contours_of_a_chaotic_surface_are_rasterized(make_panel, tmp_path):
    values = np.random.default_rng(0).normal(size=(201, 201))
    smooth = make_panel(bowl, x="-1:1:201", y="-1:1:201")
    chaotic = make_panel(values, x="-1:1:201", y="-1:1:201")
    for panel, image in ((smooth, False), (chaotic, True)):
        save(draw([panel], "contourf"), tmp_path / "a.pdf", 100)
        content = (tmp_path / "a.pdf").read_bytes()
        assert (b"/Subtype /Image" in content) == image
        assert len(content) < 400_000
