"""Which ranks share what they compute with."""

import pytest

from landscape_cli.run.setup.placement import sharing

PLACES = [
    {"host": host, "device": device, "threads": 1}
    for host, device in [("a", "cuda:0"), ("a", "cuda:1"), ("a", "cuda:0"), ("b", "cuda:0")]
]


@pytest.mark.parametrize(("rank", "counts"), [(0, (2, 3)), (1, (1, 3)), (2, (2, 3)), (3, (1, 1))])
def test_ranks_on_a_device_and_on_a_host_are_counted(rank, counts):
    assert sharing(PLACES, rank) == counts
