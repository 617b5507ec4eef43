"""Caching of a split's batches on the device, on the host, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch

from landscape_cli.errors import UsageError
from landscape_cli.evaluation.data.batches import map_tensors, nbytes
from landscape_cli.evaluation.data.objects import move_object
from landscape_cli.evaluation.devices import CPU, free_memory

Cache = Literal["auto", "device", "host", "none"]
"""The user's choices."""

Place = Literal["device", "host", "none"]
"""Location of a cached split; on a CPU, the host is the device, and cached data are on it."""

DATA_SHARE = 0.5
"""Largest fraction of the free memory that data may take, for all ranks together."""

PAGE_LOCKED = 2
"""Bound on a page-locked tensor's memory relative to its size: blocks are powers of two."""

LEAST_FREE = 0.25
"""Fraction of the free memory that is left alone however little the data count: between the
batches that are kept, an allocator may leave as much unused."""

MEBIBYTE = 1 << 20

WATCHED = 32 * MEBIBYTE
"""Bytes of cached data after which the free memory is looked at again."""


@dataclass
class Room:
    """Bytes that data may still take, for all splits together.

    Args:
        device: bytes left on the device.
        host: bytes left on the host, if the device is an accelerator.
        wish: the user's choice; with ``device`` or ``host``, data that do not fit are an error.
        least: bytes of the host's memory that have to stay free for each of ``processes``.
        processes: number of ranks that share the host.
    """

    device: int
    host: int = 0
    wish: Cache = "auto"
    least: int = 0
    processes: int = 1

    @classmethod
    def of(cls, bytes_or_room: int | Room) -> Room:
        """Return a ``Room`` as it is, and a number of bytes as room on the device."""
        return bytes_or_room if isinstance(bytes_or_room, Room) else cls(bytes_or_room)

    def place(self, size: int) -> Place:
        """Choose the location for a number of bytes."""
        if size <= self.device:
            return "device"
        return "host" if size <= self.host else "none"

    @property
    def exhausted(self) -> bool:
        """True if less of the host's memory is free than has to stay free."""
        return self.least > 0 and free_memory(CPU, self.processes) < self.least

    def take(self, place: Place, size: int) -> None:
        """Subtract a number of bytes from the room at a location."""
        if place == "device":
            self.device -= size
        elif place == "host":
            self.host -= size


def room_for(cache: Cache, device: torch.device, on_device: int, on_host: int) -> Room:
    """Compute a rank's room for data.

    Args:
        cache: ``auto`` allows half of the free memory, ``device`` and ``host`` all of it there,
            ``none`` nothing.
        device: the rank's device.
        on_device: the number of ranks that share the device.
        on_host: the number of ranks that share the host.
    """
    if cache == "none":
        return Room(0, 0, cache)
    share = DATA_SHARE if cache == "auto" else 1.0
    on_this_device = int(free_memory(device, on_device) * share)
    free = free_memory(CPU, on_host)
    least = int(free * LEAST_FREE) if cache == "auto" else 0
    if device.type == "cpu":
        return Room(on_this_device, 0, cache, least, on_host)
    host = int(free * share / PAGE_LOCKED)
    on_this_device = 0 if cache == "host" else on_this_device
    return Room(on_this_device, 0 if cache == "device" else host, cache, least, on_host)


class Keeper:
    """Caches the batches of a split as they are read, where there is room for them.

    Args:
        name: the split's name, for messages.
        room: the room for all splits; ``finish`` subtracts what this split takes.
        device: the device on which batches are used.
    """

    def __init__(self, name: str, room: Room, device: torch.device) -> None:
        self.name = name
        self.room = room
        self.device = device
        self.place: Place = "device"
        self.batches: list[Any] = []
        self.size = 0
        self._watched = 0

    def add(self, batch: Any, expected: int) -> None:
        """Cache one more batch, which is on the device.

        Args:
            batch: the next batch.
            expected: estimate of the bytes of all batches, at least. A location that looks too
                small is not used at all, unless the user insists on it.

        Raises:
            UsageError: if the user insists on a location without enough room.
        """
        self.size += nbytes(batch)
        insists = self.room.wish in ("device", "host")
        place = self.room.place(self.size if insists else max(self.size, expected))
        if insists and place == "none":
            raise self._refusal()
        if self._is_of_host(place) and self._exhausted():
            place = "none"
        if place != self.place:
            self.batches = [] if place == "none" else [_on_host(kept) for kept in self.batches]
            self.place = place
        if place != "none":
            self.batches.append(batch if place == "device" else _on_host(batch))

    def finish(self) -> list[Any] | None:
        """Take the batches' bytes from the room, and return the batches; None if not cached."""
        self.room.take(self.place, self.size)
        return None if self.place == "none" else self.batches

    def _is_of_host(self, place: Place) -> bool:
        return place == "host" or (place == "device" and self.device.type == "cpu")

    def _exhausted(self) -> bool:
        """Tell whether the host has too little left, asking it now and then."""
        if self.place == "none":
            return True
        if self.size < self._watched + WATCHED:
            return False
        self._watched = self.size
        return self.room.exhausted

    def _refusal(self) -> UsageError:
        wish = self.room.wish
        free = max(self.room.device, self.room.host) // MEBIBYTE
        where = f"on {self.device}" if wish == "device" else "in this host's memory"
        return UsageError(
            f"cache: got {wish!r}, but split {self.name!r} has more than "
            f"{self.size // MEBIBYTE} MiB, and {free} MiB are free {where} for this rank and "
            "split; leave cache out, or choose samples, fewer splits or fewer ranks"
        )


def _on_host(batch: Any) -> Any:
    return map_tensors(
        lambda tensor: tensor.cpu(), batch, lambda value: move_object(value, CPU, fresh=False)
    )
