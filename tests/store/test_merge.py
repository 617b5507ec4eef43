"""Tests of merging parts of a surface."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import builders
from landscape_cli.errors import StoreError
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.shards import Shard
from landscape_cli.records.tiles import Status
from landscape_cli.store.merge import Gap, gaps, merge_surfaces
from support.surfaces import assert_same_bits

KEYS = [("train", "loss"), ("test", "loss")]
CONFIG = {"problem": "a:b", "grid": {"x": [0.0, 1.0, 3]}, "splits": ["train", "test"]}
FACTS = {
    "checkpoint": {"path": "net.pt", "sha256": "12"},
    "network": {"name": "net", "sha256": "34"},
    "directions": {"x": {"sha256": "56"}},
    "splits": {"train": {"samples": 5, "fingerprint": "78"}},
    "settings": {"micro_batch": 64},
}


def whole(shape, seed=0):
    """Make a complete surface, with infinities and NaN."""
    random = np.random.default_rng(seed)
    special = np.array([np.nan, np.inf, -np.inf, -0.0])

    def array():
        values = random.standard_normal(shape)
        return np.where(random.random(shape) < 0.2, random.choice(special, shape), values)

    return builders.surface(
        {key: array() for key in KEYS},
        *(Axis(0, points > 1, points) for points in shape[::-1]),
        stderr={key: array() for key in KEYS},
        seconds=random.random(shape),
        rank=random.integers(0, 9, shape),
        config=CONFIG,
        provenance={**FACTS, "runs": [{"started": "whole"}]},
    )


def part(surface, mask, status=Status.TODO, **facts):
    """Keep only some points of a surface; the others get another status."""
    return replace(
        surface,
        values={key: np.where(mask, array, np.nan) for key, array in surface.values.items()},
        stderr={key: np.where(mask, array, np.nan) for key, array in surface.stderr.items()},
        status=np.where(mask, surface.status, status).astype(np.uint8),
        seconds=np.where(mask, surface.seconds, 0).astype(np.float32),
        rank=np.where(mask, surface.rank, -1).astype(np.int32),
        provenance={**surface.provenance, **facts},
    )


def named(surfaces):
    return [(f"{number}.h5", surface) for number, surface in enumerate(surfaces)]


def assert_same_arrays(surface, other):
    assert_same_bits(surface, other, also=("seconds", "rank"))


shapes = st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple)


@given(shapes, st.integers(1, 5), st.integers(0, 999), st.booleans())
def test_any_parts_merge_to_the_whole(shape, count, seed, overlapping):
    surface = whole(shape, seed)
    random = np.random.default_rng(seed)
    owner = random.integers(0, count, shape)
    masks = [owner == number for number in range(count)]
    if overlapping:
        masks = [mask | (random.random(shape) < 0.3) for mask in masks]
    files = named(part(surface, mask) for mask in random.permutation(np.array(masks)))
    assert_same_arrays(merge_surfaces(files), part(surface, np.ones(shape, bool)))


@given(shapes, st.integers(1, 7))
def test_shards_merge_to_the_whole(shape, of):
    surface = whole(shape)
    shards = [Shard(index, of) for index in range(1, of + 1)]
    files = named(part(surface, s.points(shape), shard=s.as_dict()) for s in shards)
    merged = merge_surfaces(files)
    assert_same_arrays(merged, surface)
    assert merged.complete
    assert "shard" not in merged.provenance
    assert gaps(merged, files) == []


def test_values_take_precedence_over_failures_and_failures_over_nothing():
    surface = whole((4,))
    first = np.array([True, False, False, False])
    second = np.array([False, True, False, False])
    failed = part(surface, first, Status.FAILED)
    failed.status[3] = Status.TODO
    merged = merge_surfaces(named([part(surface, second), failed]))
    kinds = [*surface.status[:2], Status.FAILED, Status.TODO]
    np.testing.assert_array_equal(merged.status, kinds)
    again = merge_surfaces(named([failed, part(surface, second)]))
    np.testing.assert_array_equal(again.status, kinds)


def test_merging_does_not_change_its_inputs():
    surface = whole((5,))
    mask = np.arange(5) < 2
    one = part(surface, mask)
    merge_surfaces(named([one, part(surface, ~mask)]))
    assert_same_arrays(one, part(surface, mask))


def test_a_file_without_any_point_changes_nothing():
    surface = whole((3,))
    empty = part(surface, np.zeros(3, bool))
    nothing = replace(empty, values={}, stderr={})
    assert_same_arrays(merge_surfaces(named([nothing, surface])), surface)
    assert_same_arrays(merge_surfaces(named([surface, nothing])), surface)


def test_the_runs_of_all_are_kept_once_and_in_order():
    surface = whole((4,))
    mask = np.arange(4) < 2
    one = part(surface, mask, runs=[{"started": 1}, {"started": 2}])
    other = part(surface, ~mask, runs=[{"started": 2}, {"started": 3}])
    merged = merge_surfaces(named([one, other]))
    assert [run["started"] for run in merged.provenance["runs"]] == [1, 2, 3]
    assert {**merged.provenance, "runs": None} == {**FACTS, "runs": None}


def test_gaps_name_the_shards_that_lack_points():
    surface = whole((10,))
    one, two, three = (Shard(index, 3) for index in (1, 2, 3))
    half = one.points((10,)) & (np.arange(10) > 0)
    files = named(
        [
            part(surface, half, shard=one.as_dict()),
            part(surface, two.points((10,)), shard=two.as_dict()),
        ]
    )
    assert gaps(merge_surfaces(files), files) == [Gap(one, 1, True), Gap(three, 3, False)]
    mixed = [*files, ("x.h5", part(surface, half, shard=Shard(1, 2).as_dict()))]
    assert gaps(merge_surfaces(mixed), mixed) == []


@pytest.mark.parametrize(
    ("config", "facts", "words"),
    [
        ({"problem": "c:d"}, {}, "problem: 'a:b' in 0.h5, 'c:d' in 1.h5"),
        ({"splits": ["train"]}, {}, "splits: "),
        ({"precision": "bf16"}, {}, "precision: 'fp32' in 0.h5, 'bf16' in 1.h5"),
        ({"grid": {"x": [0.0, 2.0, 3]}}, {}, r"grid.x: \[0.0, 1.0, 3\] in 0.h5, "),
        (
            {},
            {"checkpoint": {"path": "net.pt", "sha256": "13"}},
            "checkpoint .*'12'.*'13'",
        ),
        ({}, {"checkpoint": None}, "checkpoint .*, None in 1.h5"),
        ({}, {"network": {"name": "net", "sha256": "35"}}, "network.sha256: '34' in 0.h5, '35'"),
        ({}, {"directions": {"x": {"sha256": "57"}}}, "directions.x.sha256: '56' in 0.h5, '57'"),
        (
            {},
            {"splits": {"train": {"samples": 6, "fingerprint": "78"}}},
            "splits.train.samples: 5 in 0.h5, 6",
        ),
        ({}, {"settings": {"micro_batch": 32}}, "settings.micro_batch: 64 in 0.h5, 32 in 1.h5"),
    ],
)
def test_files_of_another_configuration_are_refused(config, facts, words):
    surface = whole((3,))
    mask = np.arange(3) < 1
    other = replace(part(surface, ~mask, **facts), config={**CONFIG, **config})
    with pytest.raises(StoreError, match=f"^1.h5: made with a different configuration.*{words}"):
        merge_surfaces(named([part(surface, mask), other]))


def test_settings_that_do_not_affect_values_may_differ():
    surface = whole((3,))
    mask = np.arange(3) < 1
    facts = {"checkpoint": {"path": "copy.pt", "sha256": "12"}}
    other = replace(part(surface, ~mask, **facts), config={**CONFIG, "device": "cpu"})
    assert_same_arrays(merge_surfaces(named([part(surface, mask), other])), surface)


def test_axes_that_differ_from_the_configuration_are_refused():
    surface = whole((3,))
    other = replace(surface, grid=Grid({"x": Axis(0, 2, 3)}))
    with pytest.raises(StoreError, match=r"1.h5: .*axes: different in 1.h5 and 0.h5"):
        merge_surfaces(named([surface, other]))


def test_adaptive_files_are_refused():
    surface = replace(whole((3,)), config={**CONFIG, "adaptive": {"tolerance": 0.1}})
    with pytest.raises(StoreError, match=r"^0.h5: runs with adaptive choose their own points"):
        merge_surfaces(named([surface]))


@given(st.sampled_from(["values", "stderr"]), st.sampled_from(KEYS), st.integers(0, 5))
def test_a_point_with_two_values_is_refused(group, key, place):
    surface = whole((2, 3), seed=4)
    other = part(surface, np.ones((2, 3), bool))
    array = getattr(other, group)[key]
    before = float(array.ravel()[place])
    array.ravel()[place] = np.nextafter(before, 9) if np.isfinite(before) else 0.5
    after = float(array.ravel()[place])
    x, y = surface.grid.coordinates([place])[0]
    with pytest.raises(StoreError) as caught:
        merge_surfaces(named([surface, other]))
    assert str(caught.value) == (
        f"1.h5: {' '.join(key)} ({group}) at ({x:g}, {y:g}) is {after!r}, but {before!r} in the "
        "files before (1 such points); leave out the file that is wrong"
    )
