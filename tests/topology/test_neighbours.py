import itertools

import numpy as np
import pytest

from landscape_cli.topology.neighbours import NEIGHBOURS, offsets, pairs

KINDS = [(dimensions, count) for dimensions, counts in NEIGHBOURS.items() for count in counts]


@pytest.mark.parametrize(("dimensions", "count"), KINDS)
def test_half_of_the_neighbours_and_their_opposites_are_all(dimensions, count):
    half = offsets(dimensions, count)
    both = {*half, *(tuple(-move for move in step) for step in half)}
    assert len(both) == count
    reach = 1 if count == 2 * dimensions else dimensions
    steps = itertools.product((-1, 0, 1), repeat=dimensions)
    assert both == {step for step in steps if 0 < sum(map(abs, step)) <= reach}


@pytest.mark.parametrize(("dimensions", "count"), KINDS)
def test_pairs_are_those_of_neighbouring_points(dimensions, count):
    shape = (4, 3, 2)[:dimensions]
    places = np.stack(np.indices(shape), -1)
    found = set()
    for here, there in pairs(dimensions, count):
        for one, other in zip(
            places[here].reshape(-1, dimensions), places[there].reshape(-1, dimensions), strict=True
        ):
            found.add(frozenset([tuple(one.tolist()), tuple(other.tolist())]))
    points = list(itertools.product(*map(range, shape)))
    near = {
        frozenset([a, b])
        for a, b in itertools.combinations(points, 2)
        if max(abs(i - j) for i, j in zip(a, b, strict=True)) == 1
        and (count > 2 * dimensions or sum(abs(i - j) for i, j in zip(a, b, strict=True)) == 1)
    }
    assert found == near


def test_other_numbers_are_refused():
    with pytest.raises(ValueError, match="neighbours: got 6, expected 4 or 8"):
        offsets(2, 6)
