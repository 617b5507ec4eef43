import numpy as np
import pytest

from builders import curved, surface
from landscape_cli.errors import UsageError
from landscape_cli.plotting.annotations.contour_values import CONTOUR_VALUE
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.request import Request


def picture(found, **options):
    request = Request(**options)
    return request.picture(request.panels([found], ["run.h5"]))


def lines_of(drawn):
    """Return the contour lines on a picture's axes that are lines in white."""
    axes = draw(drawn.panels, drawn.kind, drawn.scale).axes[0]
    found = [each for each in axes.collections if getattr(each, "filled", None) is False]
    return axes, [each for each in found if each.get_edgecolor()[0].tolist() == [1, 1, 1, 1]]


@pytest.mark.parametrize("kind", [None, "contourf"])
def test_maps_of_curvature_have_contour_lines_of_the_loss(kind, legend):
    axes, (lines,) = lines_of(picture(curved(), quantity="hessian_ratio", kind=kind))
    assert "train loss, interpolated" in legend(axes)
    over = 0
    for level, segments in zip(lines.levels, lines.allsegs, strict=True):
        for x, y in (segment.T for segment in segments):
            np.testing.assert_allclose(x**2 + y**2 / 2 - x * y**2 + 3, level, atol=0.05)
            over += len(x)
    assert over > 50


@pytest.mark.parametrize(
    "options",
    [{"quantity": "loss"}, {"quantity": "hessian_min", "contours_of": "none"}],
)
def test_other_maps_and_those_that_want_none_have_no_lines(options):
    assert lines_of(picture(curved(), **options))[1] == []


def test_any_quantity_can_lie_over_any_other():
    axes, (lines,) = lines_of(picture(curved(), contours_of="hessian_ratio", kind="heatmap"))
    assert lines.levels.max() <= 0  # decimal logarithms of ratios below 1
    axes.figure.draw_without_rendering()
    values = [text for text in axes.texts if text.get_gid() == CONTOUR_VALUE]
    written = [text.get_text() for text in values if text.get_visible()]
    assert written
    assert all(0 < float(text) < 1 for text in written)


def test_filled_contours_leave_out_their_own_lines_under_others():
    axes = draw(*_parts(picture(curved(), contours_of="gradient_norm"))).axes[0]
    lines = [each for each in axes.collections if getattr(each, "filled", None) is False]
    assert len(lines) == 2  # the lines and their edges


def test_levels_are_those_of_the_lines_over_a_heat_map():
    _, (lines,) = lines_of(picture(curved(), quantity="hessian_ratio", levels=3))
    assert len(lines.levels) == 3


def test_levels_without_lines_are_refused():
    drawn = picture(curved(), quantity="hessian_ratio", levels=3, contours_of="none")
    with pytest.raises(UsageError, match="--levels 3: --kind heatmap has no levels"):
        draw(*_parts(drawn))


def test_a_surface_without_a_loss_has_no_lines_unless_they_are_asked_for():
    found = surface({("train", "hessian_max"): lambda x, y: 3 + x + y})
    assert picture(found).panels[0].layers == ()
    with pytest.raises(UsageError, match=r"--contours-of loss: run\.h5 has hessian_max for train"):
        picture(found, contours_of="loss")


def test_a_loss_that_is_nowhere_finite_has_no_lines():
    found = curved()
    found.values["train", "loss"][...] = np.nan
    assert lines_of(picture(found, quantity="hessian_max"))[1] == []


def test_a_plane_one_point_wide_has_no_lines():
    found = curved("-1:1:5", "0:0:1")
    assert lines_of(picture(found, quantity="hessian_max"))[1] == []
    with pytest.raises(UsageError, match="at least two points along each axis"):
        picture(found, quantity="hessian_max", contours_of="loss")


@pytest.mark.parametrize("kind", ["contour", "surface", "relief"])
def test_other_kinds_refuse_them(kind):
    assert picture(curved(), quantity="hessian_max", kind=kind).panels[0].layers == ()
    with pytest.raises(UsageError, match=rf"--contours-of loss: does not apply to --kind {kind}"):
        picture(curved(), quantity="hessian_max", kind=kind, contours_of="loss")


def test_the_caption_names_them_and_their_range():
    text = picture(curved(), quantity="hessian_max").caption
    assert "Contour lines: train loss, from 3 to 5.5, interpolated." in text


def _parts(drawn):
    return drawn.panels, drawn.kind, drawn.scale
