import pytest

from builders import curved
from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure import draw_picture
from landscape_cli.plotting.figure_size import size_of
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.request import Request

BOTH = ("loss", "hessian_ratio")


def picture(*surfaces, quantity=BOTH, **options):
    request = Request(quantity=quantity, **options)
    names = [f"{number}.h5" for number in range(len(surfaces))]
    return request.picture(request.panels(surfaces, names))


def places(figure):
    """Return the row and column of each panel, and the labels of the colour bars."""
    panels = [axes for axes in figure.axes if axes.get_subplotspec() is not None]
    spans = [(axes.get_subplotspec().rowspan, axes.get_subplotspec().colspan) for axes in panels]
    bars = [axes.get_ylabel() for axes in figure.axes if axes.get_subplotspec() is None]
    return [(rows.start, columns.start) for rows, columns in spans], bars


def test_a_surface_s_quantities_are_side_by_side_with_a_colour_bar_each():
    found = picture(curved())
    assert [part.kind for part in found.parts] == ["contourf", "heatmap"]
    assert [part.scale.log for part in found.parts] == [False, True]
    figure = draw_picture(found, Page())
    assert places(figure) == (
        [(0, 0), (0, 1)],
        ["train loss", "train |λmin/λmax| (log scale)"],
    )
    loss, ratio = (axes for axes in figure.axes if axes.get_subplotspec() is not None)
    first, second = (axes for axes in figure.axes if axes.get_subplotspec() is None)
    assert ratio.get_xlabel() == loss.get_xlabel() == "x"
    assert first.get_position().x0 < ratio.get_position().x0 < second.get_position().x0


def test_several_surfaces_have_a_row_for_each_quantity():
    found = picture(curved(), curved(shift=0.5), curved(shift=1.0))
    rows = [(row, column) for row in (0, 1) for column in (0, 1, 2)]
    assert places(draw_picture(found, Page()))[0] == rows
    assert len(places(draw_picture(found, Page()))[1]) == 2
    scales = [(part.scale.low, part.scale.high) for part in found.parts]
    assert len(set(scales)) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("columns", "size", "expected"),
    [
        (1, None, [(0, 0), (1, 0), (2, 0)]),
        (2, None, [(0, 0), (0, 1), (1, 0)]),
        (None, "column", [(0, 0), (1, 0), (2, 0)]),
        (None, "double", [(0, 0), (0, 1), (1, 0)]),
        (None, "16x4", [(0, 0), (0, 1), (0, 2)]),
    ],
)
def test_quantities_are_wrapped_into_rows(columns, size, expected):
    found = picture(curved(), quantity=[*BOTH, "hessian_min"])
    page = Page(columns=columns, size=size and size_of(size))
    assert places(draw_picture(found, page))[0] == expected


def test_surfaces_wrap_within_the_rows_of_a_quantity():
    figure = draw_picture(picture(*[curved()] * 3), Page(columns=2))
    assert places(figure)[0] == [(0, 0), (0, 1), (1, 0), (2, 0), (2, 1), (3, 0)]


def test_lines_have_an_axes_for_each_quantity():
    figure = draw_picture(picture(curved("-1:1:9")), Page())
    assert places(figure) == ([(0, 0), (0, 1)], [])
    assert [axes.get_ylabel() for axes in figure.axes] == ["train loss", "train |λmin/λmax|"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "size"),
    [("heatmap", "7x4"), ("contour", "column"), ("surface", None), ("relief", "column")],
)
def test_every_kind_and_size_draws_them(kind, size):
    found = picture(curved("-1:1:5", "-1:1:5"), kind=kind)
    figure = draw_picture(found, Page(size=size and size_of(size), caption=True))
    figure.draw_without_rendering()
    assert len(places(figure)[0]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("quantity", [BOTH, ("loss", "gradient_norm")])
def test_rows_and_the_caption_do_not_overlap(quantity):
    axes = {name: {"label": f"{name}: {'a long way ' * 4}"} for name in "xy"}
    found = curved(provenance={"network": {"name": "A"}, "directions": axes})
    figure = draw_picture(picture(found, found, quantity=quantity), Page(caption=True))
    figure.draw_without_rendering()
    boxes = [axes.get_tightbbox() for axes in figure.axes if axes.get_subplotspec() is not None]
    assert min(box.y0 for box in boxes[:2]) > max(box.y1 for box in boxes[2:])
    assert min(box.y0 for box in boxes) > figure._supxlabel.get_window_extent().y1


def test_the_caption_states_each_quantity_and_shared_facts_once():
    text = picture(curved()).caption
    assert text.startswith(
        "Train loss and ratio |λmin/λmax| of the Hessian of the train loss of 0.h5: 11 x 11 points"
    )
    assert text.count("11 x 11 points, x and y") == 1
    assert "The loss ranges from 3 to 5.5. The ratio |λmin/λmax| ranges from" in text


def test_a_quantity_that_is_named_twice_is_drawn_once():
    assert picture(curved(), quantity=["loss", "loss"]).beside == ()


def test_notes_of_all_quantities_are_given_once():
    found = curved(error=0.3)
    notes = picture(found, quantity=["loss", "hessian_ratio", "hessian_max"]).notes()
    assert len(notes) == len(set(notes)) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vmin": 0.5}, r"--vmin 0\.5: --quantity is given 2 times; draw one, or leave --vmin out"),
        ({"vmax": 2}, r"--vmax 2: --quantity is given 2 times; draw one, or leave --vmax out"),
        ({"quantity": ["loss", "entropy"]}, r"--quantity 'entropy': 0\.h5 has .*choose one of"),
    ],
)
def test_options_for_one_quantity_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        picture(curved(), **options)


def test_a_twin_is_refused():
    request = Request(quantity=BOTH, twin="hessian_max")
    line = [curved("-1:1:9")]
    with pytest.raises(UsageError, match="--twin hessian_max: --quantity is given 2 times"):
        request.picture(request.panels(line, ["a"]), request.twins(line, ["a"]))
