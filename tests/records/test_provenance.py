"""Tests of the types of facts that foreign files state."""

import json
import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import builders
from landscape_cli.records.provenance import FACTS, check_config, check_provenance
from landscape_cli.store import read_surface, write_surface
from support.hdf5 import unsealed

GRID = builders.grid("-1:1:5", "-1:1:4")
ORDINARY = {
    "network": {"name": "net", "parameters": 12, "sha256": "ab"},
    "batch_norm": "frozen",
    "quantize": {"bits": 3, "per": "filter", "exclude": ["norms"], "clipped": 0.1},
    "checkpoint": {"path": "net.pt", "sha256": "cd"},
    "directions": {"x": {"kind": "random", "seed": 1, "label": "random"}, "y": {"path": None}},
    "slice": {"origin": [0, 0.5], "axes": {"x": {"label": "t"}}},
    "curve": {"shape": "chain", "points": 2, "gram": [[0.0, 0.0], [0.0, 4.0]], "length": 2.0},
    "curve_plane": {
        "shape": "chain",
        "ends": ["a.pt", "b.pt"],
        "bend": 1,
        "points": [[0.0, 0.0], [1.0, 2.0], [3.0, 0.0]],
        "point_residuals": [0.0, 0.0, 0.0],
        "t": [0.0, 1.0],
        "coordinates": [[0.0, 0.0], [3.0, 0.0]],
        "residuals": [0.0, 0.0],
    },
    "splits": {"train": {"samples": 5, "fingerprint": "1"}},
    "shard": {"index": 1, "of": 20},
    "failures": [{"message": "bad", "points": [0, 19]}],
    "checkpoints": [{"label": "a", "coordinates": [0.0, 1.0], "residual": None}],
    "adaptive": {
        "tolerance": 0.1,
        "computed": 9,
        "held_out": 3,
        "beyond": 0.2,
        "quantities": [
            {"split": "train", "quantity": "loss", "error": 0.1, "watched": True, "scale": "log"}
        ],
    },
    "sampled": {
        "tolerance": 0.005,
        "first": 64,
        "halvings": 1,
        "checked": {
            "points": [3],
            "values": {"train/loss": [0.5]},
            "stderr": {"train/loss": [0.1]},
        },
        "beyond": 0.2,
        "error": {"train/loss": 0.01},
    },
    "settings": {"micro_batch": 64, "fold": False, "precision": "fp32"},
    "runs": [{"started": "now", "seconds": 1.5, "mpi": {"size": 2}, "ranks": [{"host": "a"}]}],
    "anything": [{"else": None}],
}


def test_ordinary_facts_are_accepted():
    assert set(FACTS) <= {*ORDINARY, "imported"}
    check_provenance(ORDINARY, GRID)
    check_provenance({}, GRID)
    check_provenance({"checkpoint": None}, GRID)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"network": ["a"]}, r"network is \['a'\], expected keys and values"),
        ({"network": {"name": "A" * 200_000}}, "network.name is 'AAA.{0,80}, expected a text"),
        ({"network": {"name": 3}}, "network.name is 3, expected a text"),
        ({"runs": {"a": 1}}, "runs is {'a': 1}, expected a list"),
        ({"runs": None}, "runs is None, expected a list"),
        ({"runs": [{"mpi": {"size": 10**12}}]}, "runs.0.mpi.size is 1000000000000, expected"),
        ({"runs": [{"ranks": [5]}]}, "runs.0.ranks.0 is 5, expected keys and values"),
        ({"directions": 5}, "directions is 5"),
        ({"directions": {"x": {"label": [1]}}}, "directions.x.label"),
        ({"checkpoint": {"sha256": "ab"}}, "checkpoint.path is missing"),
        ({"slice": {"origin": [0]}}, "slice.origin: 1 numbers for 2 axes"),
        ({"slice": {"origin": [0, 2**53]}}, r"slice.origin: 9.0072e\+15 is too far from the range"),
        ({"slice": {"origin": [0, float("nan")]}}, "slice.origin.1 is nan, expected a finite"),
        ({"shard": {"index": 3, "of": 2}}, "there is no shard 3 of 2"),
        ({"shard": {"index": 1, "of": 10**12}}, "there is no shard"),
        ({"failures": [{"message": "a", "points": []}]}, "points that the grid lacks"),
        ({"failures": [{"message": "a", "points": [20]}]}, "points that the grid lacks"),
        ({"failures": [{"message": "a", "points": [True]}]}, "failures.0.points.0 is True"),
        ({"checkpoints": [{"label": "a", "coordinates": ["1"]}]}, "checkpoints.0.coordinates.0"),
        ({"adaptive": {"computed": 1}}, "adaptive.tolerance is missing"),
        ({"settings": {"micro_batch": "a"}}, "settings.micro_batch is 'a'"),
    ],
)
def test_facts_of_other_types_are_refused_by_name(facts, words):
    with pytest.raises(ValueError, match=words):
        check_provenance({**ORDINARY, **facts}, GRID)


def test_a_configuration_has_types_too():
    check_config({"splits": ["train"], "directions": {"x": {"kind": "random"}}, "problem": 5})
    for config in ({"splits": 7}, {"directions": [1]}, {"directions": {"x": 3}}):
        with pytest.raises(ValueError, match="expected"):
            check_config(config)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=4,
)


def places(facts, above=()):
    """Yield the path to each value inside of nested facts."""
    members = facts.items() if isinstance(facts, dict) else enumerate(facts)
    for key, value in members:
        yield (*above, key)
        if isinstance(value, dict | list):
            yield from places(value, (*above, key))


def put(facts, place, value):
    """Return a copy of nested facts with another value in one place."""
    copy = json.loads(json.dumps(facts))
    inner = copy
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return copy


@pytest.fixture
def foreign(workplace):
    """Write a surface with given facts, as another program may."""
    path = workplace.folder / "foreign.h5"
    ordinary = {key: ORDINARY[key] for key in ORDINARY if key != "shard"}
    surface = builders.surface(builders.bowl, "-1:1:5", "-1:1:4", config={"problem": "a:b"})
    write_surface(path, replace(surface, provenance=ordinary))

    def foreign(place, value):
        with unsealed(path) as file:
            file.attrs["provenance"] = json.dumps(put(ordinary, place, value))
        return path

    return foreign


@settings(max_examples=15)
@given(st.sampled_from(list(places({k: v for k, v in ORDINARY.items() if k != "shard"}))), values)
def test_any_fact_is_shown_or_refused_in_one_line(landscape, foreign, place, value):
    path = foreign(place, value)
    for command in (["info"], ["info", "--json"], ["describe", "--json"], ["plot", "--terminal"]):
        code, _, errors = landscape(*command, path)
        assert code == 0 or (code == 2 and errors.count(os.linesep) == 1), errors


@pytest.mark.parametrize(
    ("place", "value"), [(("runs",), []), (("network",), {}), (("splits",), {"train": {}})]
)
def test_facts_that_are_missing_are_unknown(landscape, foreign, place, value):
    path = foreign(place, value)
    assert read_surface(path).provenance[place[0]] == value
    for command in (
        ["info"],
        ["plot", "--output", "a.svg", "--caption"],
        ["export", "-o", "a.npz"],
    ):
        code, _, errors = landscape(*command, path)
        assert code == 0, errors
