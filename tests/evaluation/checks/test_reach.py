"""Points that are taken in place of those where an objective fails."""

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from builders import evaluator
from landscape_cli.evaluation.checks.reach import HALVINGS, all_within_reach, within_reach

UNIT = {"weight": torch.ones(1, 1)}


@pytest.fixture
def failing_beyond():
    """Return a function that makes an evaluator whose objective fails beyond a weight."""

    def build(limit, error=ValueError):
        def objective(model, batch):
            if abs(model.weight.item()) > limit:
                raise error("too far out")
            return {"loss": model(batch[0]).sum(1)}

        model = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(model.weight)
        return evaluator(model, {"train": TensorDataset(torch.ones(4, 1))}, objective, {"x": UNIT})

    return build


@pytest.mark.parametrize(("limit", "taken"), [(9, 8), (8, 8), (7, 4), (1.5, 1), (0.2, 0.125)])
def test_the_distance_is_halved_until_there_are_values(failing_beyond, limit, taken):
    assert within_reach(failing_beyond(limit), (8.0,), 1) == (taken,)


def test_the_centre_is_the_last_resort(failing_beyond):
    assert within_reach(failing_beyond(8 / 2**HALVINGS / 1.5), (8.0,), 1) == (0.0,)


def test_a_repeats_number_stays(failing_beyond):
    found = failing_beyond(1)
    found.slice.write = lambda coordinates, out, write=found.slice.write: write(
        coordinates[:1], out
    )
    assert within_reach(found, (4.0, 3.0), 1) == (1.0, 3.0)


def test_lack_of_memory_moves_no_point(failing_beyond):
    assert within_reach(failing_beyond(1, MemoryError), (8.0,), 1) == (8.0,)


def test_points_that_fall_together_are_one(failing_beyond):
    points = [(0.0,), (-8.0,), (4.0,), (8.0,)]
    assert all_within_reach(failing_beyond(4), points, 1) == [(0.0,), (-4.0,), (4.0,)]
