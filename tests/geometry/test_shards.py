"""Shards: where blocks and parts of tensors overlap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.geometry.blocks import pieces
from landscape_cli.geometry.shards import overlap


@st.composite
def tensors_and_places(draw):
    shape = draw(st.lists(st.integers(1, 5), min_size=0, max_size=3))
    place = []
    for size in shape:
        start = draw(st.integers(0, size))
        place.append(slice(start, draw(st.integers(start, size))))
    return tuple(shape), tuple(place)


@given(tensors_and_places(), st.integers(1, 12))
def test_overlaps_of_all_blocks_are_the_shard(drawn, chunk):
    shape, place = drawn
    whole = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    local = np.full([part.stop - part.start for part in place], -1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("landscape_cli.geometry.blocks.CHUNK", chunk)
        for index in pieces(shape):
            common = overlap(index, place)
            if common is not None:
                assert (local[common.shard] == -1).all()
                local[common.shard] = whole[index][common.block]
    assert (local == whole[place]).all()
