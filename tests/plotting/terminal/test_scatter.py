"""Diffusion maps in characters."""

from dataclasses import replace

import numpy as np
import pytest

from landscape_cli.errors import UsageError
from landscape_cli.plotting.diffusion.colors import coloring
from landscape_cli.plotting.terminal.colors import Depth
from landscape_cli.plotting.terminal.frame import MARGIN
from landscape_cli.plotting.terminal.scatter import map_lines
from support.diffusion_maps import made_map

ONE, THREE = made_map(40), made_map(20, 3)


def lines_of(record, quantity=None, depth=Depth.PLAIN, width=80, height=40):
    return map_lines(record, "a.h5", coloring(record, "a.h5", quantity), width, height, depth)


def test_a_straight_line_rises_from_the_first_to_the_last():
    along = np.linspace(0, 1, 40)
    record = replace(ONE, coordinates=np.stack([along, along], axis=1), eigenvalues=np.ones(3))
    title, *lines = lines_of(record)
    assert title == "MLP: diffusion map, ψ1 across, ψ2 up"
    picture = [line[MARGIN:] for line in lines if line[MARGIN - 1 : MARGIN] in ("|", "+")][:-1]
    assert picture[0].rstrip().endswith("L")
    assert picture[-1].startswith("s")
    columns = [len(line.rstrip()) for line in picture if line.strip()]
    assert columns == sorted(columns, reverse=True)
    assert lines[len(picture) + 2] == "0 .:-=+*o#%@ 39  epoch"


@pytest.mark.parametrize("depth", Depth)
@pytest.mark.parametrize("quantity", ["loss", "training"])
@pytest.mark.parametrize("width", [20, 80])
def test_no_line_is_wider_than_the_terminal(depth, quantity, width):
    lines = lines_of(THREE, quantity, depth, width, 20)
    if depth is Depth.PLAIN:
        assert all(len(line) <= max(width, 48) for line in lines[1:])
        assert len(lines[0]) <= width
    assert any("range" in line for line in lines)


def test_trainings_have_marks_of_their_own():
    legend = next(line for line in lines_of(THREE, "training") if "seed" in line)
    assert legend == "@ seed 0"
    unknown = replace(ONE, losses=np.where(np.arange(40) == 7, np.nan, 1.0))
    assert any("." in line for line in lines_of(unknown, "loss"))


def test_points_at_one_place_are_one_mark():
    same = replace(ONE, coordinates=np.zeros((40, 2)), eigenvalues=np.ones(3))
    assert sum(line.count("L") for line in lines_of(same)[1:-4]) <= 2


def test_checkpoints_without_finite_coordinates_are_left_out():
    places = ONE.coordinates.copy()
    places[3], places[-1] = np.nan, np.inf
    lines = lines_of(replace(ONE, coordinates=places))
    picture = [line[MARGIN:] for line in lines[1:] if line[MARGIN - 1 : MARGIN] in ("|", "+")]
    assert sum(line.count("L") for line in picture) == 1  # the last that has a place
    with pytest.raises(UsageError, match="no checkpoint has finite coordinates"):
        lines_of(replace(ONE, coordinates=np.full_like(places, np.nan)))
