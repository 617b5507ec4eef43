"""Blocks of checkpoints: every pair once, and few reads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.records.tiles import TileResult
from landscape_cli.run.diffusion.blocks import BLOCK_BYTES, Blocks, PairSource, Resident

some = st.integers(1, 60)
sizes = st.lists(some, min_size=1, max_size=3), st.lists(some, max_size=2)


def result(tile, rank=0, seconds=1.0, **more):
    return TileResult(tile.indices, {}, {}, np.array([seconds], np.float32), rank, **more)


@given(*sizes, st.sampled_from([4, 1 << 20, 1 << 26, 1 << 31]))
def test_every_distance_is_in_one_pair_of_blocks(counts, further, row_bytes):
    blocks = Blocks.of(counts, further, row_bytes)
    count, more = sum(counts), sum(further)
    assert [n for span in blocks.spans for n in span] == list(range(count + more))
    starts = np.cumsum([0, *counts, *further])[:-1].tolist()
    assert {span.start for span in blocks.spans} >= set(starts)
    assert all(len(span) == 1 or len(span) * row_bytes <= BLOCK_BYTES for span in blocks.spans)
    assert sum(map(blocks.size, blocks.pairs)) == count * (count - 1) // 2 + count * more
    assert len(set(blocks.pairs)) == len(blocks.pairs)
    for one, other in blocks.pairs:
        assert one <= other
        assert one < blocks.own


@given(*sizes, st.lists(st.integers(2, 40), min_size=1, max_size=4), st.randoms())
def test_every_pair_is_handed_out_once_whichever_rank_asks(counts, further, rooms, random):
    pairs = Blocks.of(counts, further, 4).pairs
    source = PairSource(pairs, rooms, Stop())
    found = []
    while (tile := source.take(random.randrange(len(rooms)))) is not None:
        found.append(tile.indices)
    assert sorted(found) == sorted(pairs)
    assert not source.left


def reads(pairs, rooms):
    """Return the number of blocks that each rank reads if ranks take turns."""
    source = PairSource(pairs, rooms, Stop())
    resident = [Resident(room) for room in rooms]
    counts = [0] * len(rooms)
    tiles = True
    while tiles:
        tiles = False
        for rank, one in enumerate(resident):
            if (tile := source.take(rank)) is not None:
                tiles = True
                counts[rank] += len(set(tile.indices) - set(one.numbers))
                one.use(tile.indices)
    return counts


def test_each_block_is_read_once_where_memory_holds_all():
    pairs = Blocks.of([2000], [], 4).pairs
    assert reads(pairs, [16]) == [16]
    assert max(reads(pairs, [16, 16])) <= 16


def test_with_room_for_two_blocks_one_stays_while_its_partners_are_read():
    # With b blocks, each of which stays once: b (b - 1) / 2 other pairs, and one read to begin
    # each row at most.
    pairs = Blocks.of([2000], [], 4).pairs
    (alone,) = reads(pairs, [2])
    assert alone <= 16 * 15 / 2 + 16
    assert sum(reads(pairs, [2, 2])) <= 16 * 15 / 2 + 3 * 16
    assert sum(reads(pairs, [8])) < alone / 2


def test_nothing_is_handed_out_without_time_or_after_a_failure():
    pairs = Blocks.of([40], [], 4).pairs
    stop = Stop(10)
    source = PairSource(pairs, [2], stop)
    tile = source.take()
    source.returned(result(tile, seconds=9.5))
    assert source.take() is None
    assert source.left
    source = PairSource(pairs, [2], Stop())
    source.returned(result(source.take(), failures={0: "broken"}))
    assert source.take() is None
    stop = Stop()
    source = PairSource(pairs, [2], stop)
    stop.ask("SIGTERM")
    assert source.take() is None


@pytest.mark.parametrize("room", [0, 1, 2])
def test_there_is_always_room_for_a_pair(room):
    resident = Resident(room)
    assert resident.use((0, 1)) == []
    assert resident.use((0, 2)) == [1]
    assert resident.use((2, 2)) == []
    assert sorted(resident.numbers) == [0, 2]
