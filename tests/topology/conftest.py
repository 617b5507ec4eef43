from collections.abc import Iterator

import numpy as np
import pytest

from landscape_cli.topology.neighbours import NEIGHBOURS


@pytest.fixture
def random_grids():
    """Return a function that yields arrays with ties, plateaus and walls, and a neighbourhood."""

    def grids(count: int, seed: int, most: int = 8) -> Iterator[tuple[np.ndarray, int]]:
        rng = np.random.default_rng(seed)
        for number in range(count):
            dimensions = number % 3 + 1
            sizes = (40, most, most // 2 + 1)
            shape = tuple(rng.integers(1, sizes[dimensions - 1], size=dimensions))
            values = rng.integers(-5, rng.choice([-3, 0, 4, 100]), size=shape).astype(float)
            if number % 4 == 0:
                values = rng.normal(size=shape)
            if number % 2 == 0:
                walls = rng.random(shape) < rng.choice([0.1, 0.4])
                values[walls] = rng.choice([np.nan, np.inf, -np.inf], size=walls.sum())
            for neighbours in NEIGHBOURS[dimensions]:
                yield values, neighbours

    return grids
