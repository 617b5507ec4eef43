"""Perplexities of surfaces: exp of the mean loss, wherever a surface is read."""

import json
import math

import numpy as np
import pytest

from builders import surface
from landscape_cli.analysis.describe import describe
from landscape_cli.plotting.panel import select_panels
from landscape_cli.records.derived import with_derived
from landscape_cli.store import write_surface

KEY = ("train", "perplexity")
AXIS = "-1:1:3"


def language(loss=(0.5, 1.0, 710.0)):
    """Return a line whose loss has the standard error 0.25."""
    values = {("train", "loss"): np.array(loss), ("train", "sequence_loss"): np.zeros(3)}
    errors = {key: np.full(3, 0.25) for key in values}
    return surface(values, AXIS, stderr=errors)


def test_it_is_the_exponential_of_the_mean_loss():
    found = with_derived(language())
    expected = [math.exp(0.5), math.e, math.inf]
    assert found.values[KEY].tolist() == expected
    assert found.stderr[KEY].tolist() == [0.25 * one for one in expected]
    (panel,) = select_panels(language(), "train", "perplexity")
    assert panel.z.tolist() == expected
    assert panel.stderr.tolist()[:2] == found.stderr[KEY].tolist()[:2]
    assert panel.undefined.tolist() == [False, False, True]


def test_a_loss_that_is_not_one_of_tokens_has_none():
    assert with_derived(surface(np.ones(3), AXIS)).values.keys() == {("train", "loss")}


def test_listings_add_it_and_no_map_of_curvature(tmp_path, landscape):
    values = {**language().values, ("train", "hessian_min"): np.ones(3)}
    values["train", "hessian_max"] = np.ones(3)
    path = tmp_path / "lm.h5"
    write_surface(path, surface(values, AXIS))
    code, out, _ = landscape("info", str(path))
    assert code == 0
    expected = "train perplexity: minimum 1.64872 at (-1), maximum 2.71828, centre 2.71828"
    assert expected in out.splitlines()
    assert "hessian_ratio" not in out
    facts = json.loads(landscape("info", str(path), "--json")[1])
    printed = facts["quantities"]["train"]["perplexity"]
    assert printed["centre"] == pytest.approx(math.e, rel=1e-15)


def test_it_is_described():
    (numbers,) = describe(language((1.0, 0.5, 2.0)), quantities=["perplexity"])["numbers"]
    assert numbers["centre"] == pytest.approx(math.exp(0.5), rel=1e-15)
