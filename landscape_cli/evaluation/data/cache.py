"""Where the samples of a split are kept: on the device, on the host, or at their source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch

from landscape_cli.errors import UsageError
from landscape_cli.evaluation.data.batches import map_tensors, nbytes
from landscape_cli.evaluation.devices import free_memory

Cache = Literal["auto", "device", "host", "none"]
"""What a user may wish for."""

Place = Literal["device", "host", "none"]
"""Where a split is; on a CPU what is held is on the device, which the host is."""

DATA_SHARE = 0.5
"""The part of the free memory that data may take, all ranks together."""

PAGE_LOCKED = 2
"""Page-locked memory is given out in powers of two: a tensor may take up to twice its size."""

MEBIBYTE = 1 << 20


@dataclass
class Room:
    """Bytes that data may still take, all splits together.

    Args:
        device: on the device.
        host: on the host, where that is not the device.
        wish: what the user insists on, for messages; what does not fit is then an error.
    """

    device: int
    host: int = 0
    wish: Cache = "auto"

    @classmethod
    def of(cls, bytes_or_room: int | Room) -> Room:
        """A number of bytes is room on the device."""
        return bytes_or_room if isinstance(bytes_or_room, Room) else cls(bytes_or_room)

    def place(self, size: int) -> Place:
        """Where so many bytes go."""
        if size <= self.device:
            return "device"
        return "host" if size <= self.host else "none"

    def take(self, place: Place, size: int) -> None:
        """Note that so many bytes are taken."""
        if place == "device":
            self.device -= size
        elif place == "host":
            self.host -= size


def room_for(cache: Cache, device: torch.device, on_device: int, on_host: int) -> Room:
    """The room that a rank has for data.

    Args:
        cache: ``auto`` takes at most half of the free memory, ``device`` and ``host`` all that
            they need, ``none`` nothing.
        device: the rank's device.
        on_device: how many ranks share the device.
        on_host: how many ranks share the host.
    """
    if cache == "none":
        return Room(0, 0, cache)
    share = DATA_SHARE if cache == "auto" else 1.0
    own = int(free_memory(device) * share) // on_device
    if device.type == "cpu":
        return Room(own, 0, cache)
    host = int(free_memory(torch.device("cpu")) * share / PAGE_LOCKED) // on_host
    return Room(0 if cache == "host" else own, 0 if cache == "device" else host, cache)


class Keeper:
    """Keeps the batches of a split as they come, where there is room for them.

    Args:
        name: the split's name, for messages.
        room: what there is.
        device: where batches are used.
    """

    def __init__(self, name: str, room: Room, device: torch.device) -> None:
        self.name = name
        self.room = room
        self.device = device
        self.place: Place = "device"
        self.held: list[Any] = []
        self.size = 0

    def add(self, batch: Any, expected: int) -> None:
        """Keep one more batch, which is on the device.

        Args:
            batch: the next one.
            expected: how many bytes all batches are likely to have at least. What does not seem
                to fit is not begun; what the user insists on is tried.

        Raises:
            UsageError: if there is no room where the user insists on it.
        """
        self.size += nbytes(batch)
        insists = self.room.wish in ("device", "host")
        place = self.room.place(self.size if insists else max(self.size, expected))
        if insists and place == "none":
            raise self._refusal()
        if place != self.place:
            self.held = [] if place == "none" else [_on_host(one) for one in self.held]
            self.place = place
        if place != "none":
            self.held.append(batch if place == "device" else _on_host(batch))

    def finish(self) -> list[Any] | None:
        """Take the room that the batches need; gives them, or None if they are not kept."""
        self.room.take(self.place, self.size)
        return None if self.place == "none" else self.held

    def _refusal(self) -> UsageError:
        wish = self.room.wish
        there = max(self.room.device, self.room.host) // MEBIBYTE
        where = f"on {self.device}" if wish == "device" else "in this host's memory"
        return UsageError(
            f"cache: got {wish!r}, but split {self.name!r} has more than "
            f"{self.size // MEBIBYTE} MiB, and {there} MiB are free {where} for this rank and "
            "split; leave cache out, or choose samples, fewer splits or fewer ranks"
        )


def _on_host(batch: Any) -> Any:
    return map_tensors(lambda tensor: tensor.cpu(), batch)
