"""Ranks that share a device or a host."""

import pytest

from landscape_cli.run.setup.placement import count_sharing
from landscape_cli.run.setup.records import RankPlacement

PLACEMENTS = [
    RankPlacement(host, device, 1)
    for host, device in [("a", "cuda:0"), ("a", "cuda:1"), ("a", "cuda:0"), ("b", "cuda:0")]
]


@pytest.mark.parametrize(("rank", "counts"), [(0, (2, 3)), (1, (1, 3)), (2, (2, 3)), (3, (1, 1))])
def test_ranks_on_the_same_device_and_host_are_counted(rank, counts):
    assert count_sharing(PLACEMENTS, rank) == counts
