"""Reading one batch ahead: while a batch is evaluated, a thread gets the next one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from queue import SimpleQueue
from typing import Any

import torch
from torch import Tensor

from landscape_cli.evaluation.data.batches import tensors_in

THREAD = "read ahead"

Batches = Generator[Any, None, None]


def prefetched(batches: Batches, device: torch.device) -> Batches:
    """The same batches in the same order, each read while the one before is being used.

    The first is read by the caller: what a source starts for itself, worker processes above all,
    it starts there and before anything runs beside it. All others are read by one thread, which
    is at most one batch ahead. What the source raises is raised here. However this ends, the
    thread has ended too, and the batches are closed.

    Args:
        batches: on the device, or copied to it as they are read.
        device: where they are used; on a GPU the thread copies on a stream of its own.
    """
    lane = _CudaLane(device) if device.type == "cuda" else _Lane()
    reader = _Reader(batches, lane)
    try:
        yield from reader.taken()
    finally:
        reader.close()
        batches.close()


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on a device; from the host to a GPU the copy waits for nothing."""
    if device.type != "cuda" or tensor.is_cuda:
        return tensor.to(device)
    return page_locked(tensor).to(device, non_blocking=True)


def page_locked(tensor: Tensor) -> Tensor:
    """The tensor in memory that a GPU can copy from by itself, if there is any left."""
    try:
        return tensor.pin_memory()
    except RuntimeError:
        return tensor


class _Lane:
    """What has to be done when batches go from one thread to another: nothing on a CPU."""

    def begin(self) -> None:
        """Called by the using thread before the other one starts."""

    def entered(self) -> AbstractContextManager[Any]:
        """A context for the thread that reads."""
        return nullcontext()

    def sent(self) -> Any:
        """Called by the reading thread after a batch; goes with it."""
        return None

    def received(self, batch: Any, mark: Any) -> None:
        """Called by the using thread before a batch is used."""

    def used(self) -> None:
        """Called by the using thread when it has asked for everything it wants of a batch."""


class _CudaLane(_Lane):
    """Copies on a stream of their own, so that they run beside the kernels.

    Batches belong to the copying stream's memory, which may be given out again only when the
    kernels that read them are done; and as kernels are only queued here, the queue is kept to two
    batches, or memory would fill with batches that wait for their turn.
    """

    def __init__(self, device: torch.device) -> None:
        self._stream = _copy_stream(device)
        self._user = torch.cuda.current_stream(device)
        self._used: deque[torch.cuda.Event] = deque()

    def begin(self) -> None:
        # What the source already has on the device was written by the stream that is in use now.
        self._stream.wait_stream(self._user)

    def entered(self) -> AbstractContextManager[Any]:
        return torch.cuda.stream(self._stream)

    def sent(self) -> Any:
        return self._stream.record_event()

    def received(self, batch: Any, mark: torch.cuda.Event | None) -> None:
        if mark is None:
            return
        self._user.wait_event(mark)
        for tensor in tensors_in(batch):
            if tensor.is_cuda:
                tensor.record_stream(self._user)

    def used(self) -> None:
        self._used.append(self._user.record_event())
        if len(self._used) > 1:
            self._used.popleft().synchronize()


@lru_cache
def _copy_stream(device: torch.device) -> torch.cuda.Stream:
    """The one copying stream of a device: memory is cached for each stream apart."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


class _Reader:
    """A thread that reads a batch whenever one is taken, and hands over what comes of it."""

    def __init__(self, batches: Batches, lane: _Lane) -> None:
        self._batches = batches
        self._lane = lane
        self._room = threading.Semaphore(0)
        self._closed = False
        self._ready: SimpleQueue[tuple[Any, Any, BaseException | None]] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=THREAD, daemon=True)

    def taken(self) -> Batches:
        """The batches, as they are taken."""
        for first in self._batches:
            self._lane.begin()
            self._thread.start()
            self._room.release()
            yield first
            break
        else:
            return
        del first
        while True:
            self._lane.used()
            batch, mark, error = self._ready.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            self._room.release()
            self._lane.received(batch, mark)
            yield batch

    def close(self) -> None:
        """End the thread, after the read that it may be in."""
        self._closed = True
        self._room.release()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        with self._lane.entered():
            while self._room.acquire() and not self._closed:
                try:
                    batch = next(self._batches)
                    mark = self._lane.sent()
                except BaseException as error:
                    self._ready.put((None, None, error))
                    return
                self._ready.put((batch, mark, None))
                del batch
