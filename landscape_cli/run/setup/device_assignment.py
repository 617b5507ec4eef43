"""The assignment of ranks to devices, when each rank sees only some of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from typing import TypeVar

Device = TypeVar("Device", bound=Hashable)


def assign_devices(visible: Sequence[Sequence[Device]]) -> list[int]:
    """Choose a device for each rank so that the most used one has as few ranks as possible.

    The ranks choose in order, each the least used device that it sees; if a rank before it can move
    aside to a less used one, it does. Where all ranks see the same devices, they take them in turn.

    Args:
        visible: for each rank, the physical devices that it sees, at least one, in its own order.

    Returns:
        For each rank, the position of its device among those that it sees.

    References:
        Harvey, Ladner, Lovász, Tamir 2003, *Semi-Matchings for Bipartite Graphs and Load
        Balancing*, section 3.1: the result is optimal, whatever the order of the ranks.

    Example:
        >>> assign_devices(["ab", "cd", "ab", "cd"])
        [0, 0, 1, 1]
    """
    users: dict[Device, list[int]] = {device: [] for sees in visible for device in sees}
    for rank in range(len(visible)):
        enters = _reachable(rank, visible, users)
        device = min(enters, key=lambda one: len(users[one]))  # the first one found of several
        while True:
            mover, left = enters[device]
            users[device].append(mover)
            if left is None:
                break
            users[left].remove(mover)
            device = left
    chosen = {rank: device for device, ranks in users.items() for rank in ranks}
    return [list(sees).index(chosen[rank]) for rank, sees in enumerate(visible)]


def _reachable(
    rank: int, visible: Sequence[Sequence[Device]], users: dict[Device, list[int]]
) -> dict[Device, tuple[int, Device | None]]:
    """Find the devices that can take one more rank if a new rank joins, nearest first.

    Returns:
        For each device, the rank that would move to it, and the device that this rank would leave;
        None for the new rank.
    """
    enters: dict[Device, tuple[int, Device | None]] = {}
    queue: deque[tuple[int, Device | None]] = deque([(rank, None)])
    while queue:
        mover, left = queue.popleft()
        for device in visible[mover]:
            if device not in enters:
                enters[device] = (mover, left)
                queue.extend((user, device) for user in users[device])
    return enters
