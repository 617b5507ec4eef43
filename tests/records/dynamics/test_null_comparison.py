"""What differs from random walks is what lies outside their range, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.records.dynamics.null_comparison import (
    Comparison,
    chance,
    compare,
    sentences,
    statistic_words,
    walk_words,
)
from support.diffusion_maps import made_map

SMALL = made_map(12, draws=3, components=2)


def with_values(value, walks, name="gap", kind="walk"):
    """Return a record with one statistic of it and of some walks."""
    null = replace(
        SMALL.nulls[0],
        kind=kind,
        epsilons=np.ones(len(walks)),
        eigenvalues=np.ones((len(walks), 3)),
        statistics={name: np.array(walks, dtype=float)},
    )
    return replace(SMALL, statistics={name: value}, nulls=(null,))


@pytest.mark.parametrize(
    ("value", "walks", "verdict"),
    [
        (3.0, [1, 2], "above"),
        (0.5, [1, 2], "below"),
        (1.0, [1, 2], "within"),
        (2.0, [1, 2], "within"),
        (1.5, [1, np.nan, 2], "within"),
        (1.5, [np.nan, np.inf], "unknown"),
        (np.nan, [1, 2], "unknown"),
        (np.inf, [1, 2], "unknown"),
        (1.0, [1], "within"),
    ],
)
def test_the_verdict_is_the_place_in_the_range_of_finite_values(value, walks, verdict):
    (found,) = compare(with_values(value, walks))
    assert found.verdict == verdict
    assert found.differs == (verdict in ("above", "below"))


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=9), st.floats(-6, 6))
def test_a_map_never_differs_within_the_range(walks, value):
    (found,) = compare(with_values(value, walks))
    room = 1e-9 * abs(value)
    assert found.differs == (value < min(walks) - room or value > max(walks) + room)
    assert found.draws == len(walks)


def test_sentences_name_what_differs_and_what_does_not():
    first, second = with_values(3.0, [1, 2]), with_values(1.5, [1, 2])
    assert sentences(first) == [
        "Outside the range (in brackets) of 2 random walks with the same step lengths: spectral "
        "gap 3 (1 to 2)."
    ]
    assert sentences(second) == [
        "Nothing measured here distinguishes the map from 2 random walks with the same step "
        "lengths.",
        "Within their range: spectral gap.",
    ]
    assert "Not comparable: spectral gap." in sentences(with_values(np.nan, [1, 2]))


def test_random_directions_come_first_and_unknown_names_are_shown():
    found = compare(SMALL)
    assert [one.kind for one in found] == ["walk"] * 3 + ["permuted"] * 3
    assert statistic_words("arc_length") == "arc length"
    assert [one.short for one in found[:2]] == ["ψ₁ against step", "ψ₂ against ψ₁²"]
    assert walk_words("brownian") == "walks of kind brownian"
    assert Comparison("a", "b", 1.0, np.nan, np.nan, 0).text == "a 1 (none)"


def test_rounding_is_no_difference():
    (found,) = compare(with_values(0.1 + 0.2, [0.3, 0.3]))
    assert found.verdict == "within"


def test_statistics_that_a_null_lacks_are_not_compared():
    record = with_values(3.0, [1, 2])
    assert compare(replace(record, statistics={"other": 1.0})) == []
    assert sentences(replace(record, statistics={})) == []
    assert sentences(replace(record, nulls=())) == []


def test_the_chance_is_that_of_the_extremes_of_exchangeable_values():
    assert chance(19) == pytest.approx(0.1)
    draws = np.random.default_rng(0).normal(size=(20_000, 20))
    walks, own = draws[:, :19], draws[:, 19]
    outside = (own < walks.min(1)) | (own > walks.max(1))
    assert outside.mean() == pytest.approx(chance(19), abs=0.01)
