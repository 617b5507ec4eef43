"""Ranks spread over the devices that they see, as every binding of Slurm lets them see some."""

from collections import Counter
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landscape_cli.run.setup.device_assignment import assign_devices

ALL = "abcd"  # four GPUs of a node


def chosen(visible):
    """Return the physical device of each rank."""
    return [sees[number] for sees, number in zip(visible, assign_devices(visible), strict=True)]


BINDINGS = {
    "none": [ALL] * 4,
    "--gpus-per-task=1": ["a", "b", "c", "d"],
    "--gpus-per-task=2": ["ab", "cd"],
    "--ntasks-per-gpu=2": ["a", "a", "b", "b", "c", "c", "d", "d"],
    "--gpu-bind=single:2": ["a", "a", "b", "b"],
    "--gpu-bind=map_gpu:3,2,1,0": ["d", "c", "b", "a"],
    "--gpu-bind=mask_gpu:3,3,c,c": ["ab", "ab", "cd", "cd"],
    "--gpu-bind=closest, block": ["ab", "ab", "cd", "cd"],
    "--gpu-bind=closest, cyclic": ["ab", "cd", "ab", "cd"],
    "CUDA_VISIBLE_DEVICES=3,2,1,0": [ALL[::-1]] * 4,
    "its own order on each rank": ["abcd", "bcda", "cdab", "dabc"],
}


@pytest.mark.parametrize("binding", BINDINGS)
def test_no_device_is_idle_or_crowded(binding):
    visible = BINDINGS[binding]
    devices, ranks = set("".join(visible)), Counter(chosen(visible))
    assert len(ranks) == min(len(visible), len(devices))
    assert max(ranks.values()) == -(-len(visible) // len(devices))


def test_devices_that_all_ranks_see_are_taken_in_turn():
    assert assign_devices([ALL] * 6) == [0, 1, 2, 3, 0, 1]
    assert assign_devices([("cpu",)] * 3) == [0, 0, 0]


def test_earlier_ranks_move_aside_for_those_that_see_less():
    assert chosen(["ab", "a"]) == ["b", "a"]
    assert chosen(["abc", "ab", "a"]) == ["c", "b", "a"]


SEEN = st.lists(
    st.lists(st.sampled_from("abcde"), min_size=1, max_size=4, unique=True), min_size=1, max_size=6
)


@settings(max_examples=300, deadline=None)
@given(SEEN)
def test_the_assignment_is_the_best_there_is(visible):
    """No assignment has smaller loads, compared from the largest down, as trying all shows."""

    def loads(devices):
        return sorted(Counter(devices).values(), reverse=True)

    best = min(loads(devices) for devices in product(*visible))
    found = chosen(visible)
    assert loads(found)[0] == best[0]
    assert sum(load**2 for load in loads(found)) == min(
        sum(load**2 for load in loads(devices)) for devices in product(*visible)
    )


def test_thousands_of_ranks_are_assigned_at_once():
    visible = [[f"node{node}:{gpu}" for gpu in range(8)] for node in range(500) for _ in range(8)]
    assert assign_devices(visible) == [0, 1, 2, 3, 4, 5, 6, 7] * 500
