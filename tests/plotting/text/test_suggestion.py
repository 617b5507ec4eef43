"""Another scale is suggested where a picture shows next to nothing, and nowhere else."""

import numpy as np
import pytest

from landscape_cli.plotting.panel import select_panels
from landscape_cli.plotting.request import Request

STEEP = 10.0 ** np.linspace(-2, 3, 31) + 0.5


def notes(surface, **options):
    request = Request(**options)
    return request.picture(request.panels([surface], ["a.h5"])).notes()


def test_a_line_that_is_flat_but_for_its_end_could_be_logarithmic(make_surface):
    line = make_surface(STEEP, x="0:1:31", y=None)
    (note,) = notes(line)
    assert note.endswith("of the linear scale; try --log or --vmax 2")
    assert note.startswith("67.7 % of the train loss values lie in the lowest 3 %")
    assert notes(line, vmax=2.0) == [
        "54.8 % of the train loss values in a.h5 lie above --vmax 2 and are cut off"
    ]
    assert notes(line, log=True) == []
    assert notes(line, log=False) == [note.replace("--log or ", "")]


def test_values_of_both_signs_get_a_limit(make_surface):
    values = np.append(np.linspace(-1, 1, 60), 1e4)
    (note,) = notes(make_surface(values, x="0:1:61", y=None))
    assert note.endswith("; try --vmax 1")


@pytest.mark.parametrize(
    ("values", "log"),
    [
        (lambda x, y: x**2 + y**2, None),
        (lambda x, y: np.exp(6 * (x**2 + y**2)), True),
        (lambda x, y: 10.0 ** (6 * x), None),
        (lambda x, y: 0 * x + 3, None),
    ],
)
def test_readable_planes_get_none(make_surface, values, log):
    assert notes(make_surface(values, x="-1:1:21", y="-1:1:21"), log=log) == []


def test_a_logarithmic_plane_with_one_tiny_value_gets_a_lower_limit(make_surface):
    def tiny(x, y):
        return np.where((x == 0) & (y == 0), 1e-30, 1 + x**2 + y**2)

    (note,) = notes(make_surface(tiny, x="-1:1:21", y="-1:1:21"))
    assert note.endswith("in the highest 3 % of the logarithmic scale; try --vmin 1")


def test_a_logarithmic_plane_that_hides_most_values_could_be_linear(make_surface):
    plane = make_surface(lambda x, y: x - 0.5, x="-1:1:21", y="-1:1:21")
    *_, note = notes(plane, log=True)
    assert note == "76.2 % of the train loss values are not positive; --linear shows them"


def test_accuracies_at_chance_are_no_empty_picture(make_surface):
    values = np.append(np.full(30, 0.1), 1.0)
    surface = make_surface({("train", "accuracy"): values}, x="0:1:31", y=None)
    (panel,) = select_panels(surface, None, None, "a.h5")
    assert panel.quantity == "accuracy"
    assert notes(surface) == []
