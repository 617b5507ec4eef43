"""Places on a curve as checkpoints."""

import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.errors import CheckpointError
from landscape_cli.problems.checkpoints import load_weights
from landscape_cli.records.curves import curve_of
from landscape_cli.records.curves.trained import Curve
from landscape_cli.store.curve_file import CurvePoints, write_curve


@pytest.fixture
def points(tmp_path):
    """Write a curve through three networks, and return their weights."""
    found = []
    for seed in range(3):
        torch.manual_seed(seed)
        found.append({name: p.detach().numpy() for name, p in nn.Linear(3, 2).named_parameters()})
    none = np.zeros(0)
    curve = Curve("bezier", 3, ("a.pt", "b.pt"), none, none, done=0, complete=True)
    write_curve(tmp_path / "ab.curve.h5", curve, CurvePoints(found))
    return found


@pytest.mark.parametrize("t", [0.0, 0.25, 0.5, 1.0])
def test_a_place_is_a_network(tmp_path, points, t):
    model = nn.Linear(3, 2)
    load_weights(model, f"{tmp_path}/ab.curve.h5::{t:g}")
    c = curve_of("bezier", 3).coefficients(t)
    for name, tensor in model.named_parameters():
        expected = sum(
            factor * one[name].astype(np.float64) for factor, one in zip(c, points, strict=True)
        )
        np.testing.assert_array_equal(tensor.detach(), expected.astype(np.float32))


@pytest.mark.parametrize("key", ["", "::1.5", "::middle", "::-0.1", "::nan"])
def test_other_places_are_refused(tmp_path, points, key):
    with pytest.raises(CheckpointError, match=r"name a place on it from 0 to 1"):
        load_weights(nn.Linear(3, 2), f"{tmp_path}/ab.curve.h5{key}")


def test_other_networks_are_refused(tmp_path, points):
    with pytest.raises(CheckpointError, match="does not fit the model"):
        load_weights(nn.Linear(4, 2), f"{tmp_path}/ab.curve.h5::0.5")
