import json

import numpy as np
import pytest


def test_every_array_is_read_back_exactly_without_pickle(write, any_surface):
    with np.load(write(any_surface, "npz")[0], allow_pickle=False) as found:
        expected = {
            **{f"axes/{name}": axis.coordinates for name, axis in any_surface.grid.axes.items()},
            **{f"values/{s}/{q}": array for (s, q), array in any_surface.values.items()},
            **{f"stderr/{s}/{q}": array for (s, q), array in any_surface.stderr.items()},
            **{name: getattr(any_surface, name) for name in ("status", "seconds", "rank")},
        }
        assert set(found) == {*expected, "config", "provenance"}
        for name, array in expected.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype
        for name in ("config", "provenance"):
            assert json.loads(str(found[name])) == getattr(any_surface, name)


@pytest.mark.parametrize(("repeat", "first"), [(0, 0.0), (1, 2.0)])
def test_a_repeat_has_no_dimension_for_repeats(write, make_surface, repeat, first):
    surface = make_surface(np.arange(4.0).reshape(2, 2), "0:1:2", repeats=2)
    with np.load(write(surface, "npz", repeat=repeat)[0]) as found:
        np.testing.assert_array_equal(found["values/train/loss"], [first, first + 1])
