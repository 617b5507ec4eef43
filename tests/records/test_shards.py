from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.config.loading import parse_config
from landscape_cli.errors import UsageError
from landscape_cli.records.levels import coarse_to_fine
from landscape_cli.records.shards import Shard

shapes = st.one_of(
    st.tuples(st.integers(1, 99)),
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
    st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 7)),
)


@given(shapes, st.integers(1, 9))
def test_every_point_is_in_one_shard_and_sizes_are_balanced(shape, of):
    masks = [Shard(index, of).points(shape) for index in range(1, of + 1)]
    assert (np.sum(masks, axis=0) == 1).all()
    sizes = [int(mask.sum()) for mask in masks]
    assert max(sizes) - min(sizes) <= 1
    assert sizes == sorted(sizes, reverse=True)


@given(shapes, st.integers(1, 9), st.data())
def test_a_shard_takes_its_turn_from_coarse_to_fine(shape, of, data):
    index = data.draw(st.integers(1, of))
    order = coarse_to_fine(shape, np.arange(np.prod(shape)))
    expected = {int(point) for turn, point in enumerate(order) if turn % of == index - 1}
    assert set(np.flatnonzero(Shard(index, of).points(shape)).tolist()) == expected


@given(shapes, st.integers(2, 4), st.integers(1, 9))
def test_shards_cover_every_repeat_from_coarse_to_fine(shape, repeats, of):
    whole = (repeats, *shape[-2:])
    masks = [Shard(index, of).points(whole, repeated=True) for index in range(1, of + 1)]
    assert (np.sum(masks, axis=0) == 1).all()
    order = coarse_to_fine(whole, np.arange(np.prod(whole)), repeated=True)
    assert set(np.flatnonzero(masks[0]).tolist()) == set(order[::of].tolist())


def test_a_line_s_shards_by_hand():
    # Nine points: the coarsest level holds 0, 2, 4, 6, 8, the finest the others.
    assert np.flatnonzero(Shard(1, 2).points((9,))).tolist() == [0, 3, 4, 7, 8]
    assert np.flatnonzero(Shard(2, 2).points((9,))).tolist() == [1, 2, 5, 6]


@given(st.integers(1, 999), st.integers(0, 999))
def test_a_shard_survives_text_and_provenance(index, more):
    shard = Shard(index, index + more)
    assert Shard.parse(str(shard)) == shard
    assert Shard.of_file({"shard": shard.as_dict()}) == shard
    assert Shard.of_file({}) is None


@pytest.mark.parametrize(
    "text", ["0/4", "5/4", "a/b", "1", "1/", "1/0", "-1/4", "1/4/2", "", "\u0661/4"]
)
def test_malformed_shards_are_refused(text):
    with pytest.raises(UsageError, match=r"got '.*', expected I/N with I from 1 to N"):
        Shard.parse(text)


CONFIG = "{problem: 'a:b', grid: {x: [0, 1, 3]}, output: out/s.h5}"


def test_a_shard_s_file_is_beside_the_output():
    assert parse_config(CONFIG, "test").file == Path("out/s.h5").absolute()
    config = parse_config(CONFIG, "test", {"shard": "2/3"})
    assert config.file == Path("out/s.shard-2-of-3.h5").absolute()
    config = parse_config(CONFIG, "test", {"shard": "2/3", "output": "a.b/plain"})
    assert config.file == Path("a.b/plain.shard-2-of-3.h5").absolute()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shard": "4/3"}, "shard: got '4/3'"),
        ({"shard": 2}, "shard: .*got 2"),
        ({"shard": "1/4"}, "shard: 1/4 of a grid of 3 points; make it 3 or less"),
        ({"shard": "1/2", "adaptive.tolerance": 0.1}, "shard: 1/2 .* adaptive needs; drop one"),
    ],
)
def test_impossible_shards_are_refused_by_name(changes, words):
    with pytest.raises(UsageError, match=words):
        parse_config(CONFIG, "test", changes)
