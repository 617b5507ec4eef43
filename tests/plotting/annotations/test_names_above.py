"""Names above the frame of a line meet neither each other nor the lines to them."""

from itertools import combinations

import numpy as np
import pytest

from landscape_cli.plotting.annotations.names_above import Name, rows_of

SPACE = 3.0


def boxes(names, ends):
    found = rows_of(names, ends, SPACE)
    return [
        (row, middle - one.width / 2, middle + one.width / 2, one.at)
        for one, (row, middle) in zip(names, found, strict=True)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_crowded_names_stay_apart(seed):
    draw = np.random.default_rng(seed)
    places = np.sort(draw.uniform(0, 300, size=9)) + 4 * np.arange(9)
    names = [Name(at, width) for at, width in zip(places, draw.uniform(10, 150, 9), strict=True)]
    for first, second in combinations(boxes(names, (0, 336)), 2):
        if first[0] == second[0]:
            assert first[2] < second[1] or second[2] < first[1]
        else:
            low, high = sorted((first, second))
            assert not low[1] < high[3] < low[2]


def test_names_with_room_are_centred_in_the_first_row_and_inside_the_frame():
    names = [Name(0, 40), Name(150, 50), Name(300, 40)]
    assert rows_of(names, (0, 300), SPACE) == [(0, 20), (0, 150), (0, 280)]
