import numpy as np
import pytest

from builders import curved, surface
from landscape_cli.plotting.layers.slopes import Steepness, has_slopes, slopes_of, steepness
from landscape_cli.plotting.panel import select_panels
from support.surfaces import forget

QUADRATICS = {
    "bilinear": (lambda x, y: x * y, lambda x, y: (y, x)),
    "saddle": (lambda x, y: x**2 - y**2, lambda x, y: (2 * x, -2 * y)),
    "tilted": (
        lambda x, y: x**2 + 3 * y**2 + x * y - x,
        lambda x, y: (2 * x + y - 1, 6 * y + x),
    ),
}


def panel(found, quantity=None):
    return select_panels(found, None, quantity, "run.h5")[0]


@pytest.mark.parametrize("name", QUADRATICS)
@pytest.mark.parametrize("axes", [("-1:1:5", "-0.7:2:9"), ("-1:3:3", "0:1:4")])
def test_differences_are_exact_for_a_quadratic_up_to_the_edges(name, axes):
    value, slopes = QUADRATICS[name]
    shown = panel(surface({("train", "loss"): value}, *axes))
    x, y = np.meshgrid(shown.x, shown.y)
    assert not has_slopes(shown)
    for mine, exact in zip(slopes_of(shown), slopes(x, y), strict=True):
        np.testing.assert_allclose(mine, exact, atol=1e-12)


def test_differences_are_exact_on_the_uneven_points_of_a_level(tmp_path):
    from landscape_cli.store import read_surface, write_surface

    path = tmp_path / "part.h5"
    write_surface(path, surface({("train", "loss"): QUADRATICS["tilted"][0]}, "-1:1:8", "-1:1:6"))
    whole = read_surface(path)
    rows, columns = np.array([0, 2, 3, 5]), np.array([0, 3, 4, 7])
    keep = np.ravel_multi_index(np.meshgrid(rows, columns, indexing="ij"), (6, 8)).ravel()
    forget(path, np.setdiff1d(np.arange(48), keep))
    part = panel(read_surface(path))
    part = type(part)(part.surface, "train", "loss", shown={"x": columns, "y": rows})
    x, y = np.meshgrid(part.x, part.y)
    for mine, exact in zip(slopes_of(part), QUADRATICS["tilted"][1](x, y), strict=True):
        np.testing.assert_allclose(mine, exact, atol=1e-12)
    assert whole.complete


def test_two_points_have_the_slope_between_them():
    shown = panel(surface({("train", "loss"): lambda x, y: x**2 + y}, "0:2:2", "0:1:2"))
    x, y = slopes_of(shown)
    np.testing.assert_allclose(x, 2)
    np.testing.assert_allclose(y, 1)


def test_percentages_have_slopes_in_percent():
    shown = panel(surface({("train", "accuracy"): lambda x, y: 0.01 * x + 0 * y}), "accuracy")
    np.testing.assert_allclose(slopes_of(shown)[0], 1)


def test_stored_gradients_are_those_of_the_quantity_they_belong_to():
    found = curved("-1:1:5", "-1:1:5")
    shown = panel(found)
    assert has_slopes(shown)
    x, y = np.meshgrid(shown.x, shown.y)
    np.testing.assert_allclose(slopes_of(shown)[0], 2 * x - y**2, atol=1e-12)
    other = panel(found, "gradient_x")
    assert not has_slopes(other)
    np.testing.assert_allclose(slopes_of(other)[0], 2, atol=1e-12)


def test_gradients_of_another_quantity_are_not_used():
    slopes = {("train", f"gradient_{axis}"): lambda x, y: 9 + 0 * x for axis in "xy"}
    values = {("train", "loss"): lambda x, y: x, ("train", "accuracy"): lambda x, y: y}
    found = surface({**values, **slopes})
    assert has_slopes(panel(found, "loss"))
    assert not has_slopes(panel(found, "accuracy"))


def test_there_is_no_slope_beside_a_point_without_a_value():
    found = surface({("train", "loss"): lambda x, y: x * y}, "-1:1:7", "-1:1:7")
    found.values["train", "loss"][3, 3] = np.nan
    x, y = slopes_of(panel(found))
    assert {tuple(place) for place in np.argwhere(np.isnan(x)).tolist()} == {(3, 2), (3, 3), (3, 4)}
    assert {tuple(place) for place in np.argwhere(np.isnan(y)).tolist()} == {(2, 3), (3, 3), (4, 3)}


@pytest.mark.parametrize(
    ("ascend", "signs", "name", "words"),
    [
        ("", (-1, -1), "descent", "downhill, along (-∂L/∂x, -∂L/∂y)"),
        ("y", (-1, 1), "x descends, y ascends", "along (-∂L/∂x, ∂L/∂y) (x descends, y ascends)"),
        ("x", (1, -1), "x ascends, y descends", "along (∂L/∂x, -∂L/∂y) (x ascends, y descends)"),
        ("xy", (1, 1), "ascent", "uphill, along (∂L/∂x, ∂L/∂y)"),
    ],
)
def test_a_player_who_maximizes_goes_uphill(ascend, signs, name, words):
    field = Steepness(1.0, ascend=ascend)
    x, y = field.field((np.array([2.0]), np.array([3.0])))
    assert (x[0], y[0]) == (signs[0] * 2, signs[1] * 3)
    assert (field.name, field.words) == (name, words)


def test_slopes_of_all_panels_share_a_scale():
    ones = np.ones((2, 2))
    assert steepness([(ones, 0 * ones), (3 * ones, 4 * ones)]) == (5.0, 0)
    assert steepness([(0 * ones, np.nan * ones)]) is None
