"""Prefetching: while a batch is evaluated, a thread reads the next one."""

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

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.data.batches import tensors_in
from landscape_cli.util import accelerators

THREAD = "read ahead"

Batches = Generator[Any, None, None]


def prefetch(batches: Batches, device: torch.device) -> Batches:
    """Yield the same batches in the same order, each read while the previous one is used.

    The first batch is read by the caller, so that anything the source starts, such as worker
    processes, starts in the calling thread before another one runs. One thread reads all other
    batches, at most one ahead. The source's exceptions are raised here. In every case, the thread
    has ended and the batches are closed when this returns.

    Args:
        batches: batches that are on the device, or are copied to it as they are read.
        device: the device on which they are used; with streams, the thread copies on its own.
    """
    lane = _StreamLane(device) if accelerators.has_streams(device) else _Lane()
    reader = _Reader(batches, lane)
    try:
        yield from reader.taken()
    finally:
        reader.close()
        batches.close()


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Move a tensor to a device; copies from the host to a device with streams are asynchronous.

    Raises:
        ProblemError: if the device can't hold the tensor's dtype.
    """
    if not accelerators.holds(device, tensor.dtype):
        raise ProblemError(
            f"splits: batches have tensors in {tensor.dtype}, which {device.type} can't hold; use "
            "float32 data, or --device cpu"
        )
    if tensor.device.type == device.type or not accelerators.has_streams(device):
        return tensor.to(device)
    return accelerators.page_locked(tensor).to(device, non_blocking=True)


class _Lane:
    """Synchronization of the reading and the consuming thread; a CPU needs none."""

    def begin(self) -> None:
        """Prepare in the consuming thread, before the reading thread starts."""

    def entered(self) -> AbstractContextManager[Any]:
        """Return a context for the reading thread."""
        return nullcontext()

    def sent(self) -> Any:
        """Return a marker that goes with a batch, in the reading thread after reading it."""
        return None

    def received(self, batch: Any, mark: Any) -> None:
        """Wait in the consuming thread until a batch can be used."""

    def used(self) -> None:
        """Note in the consuming thread that all work on a batch has been queued."""


class _StreamLane(_Lane):
    """Copies on a separate stream, in parallel with the kernels.

    Batches are allocated on the copying stream, whose memory may be reused only after the kernels
    that read them. Kernels are only queued here, so the queue is limited to two batches; otherwise
    memory would fill with batches waiting for their turn.
    """

    def __init__(self, device: torch.device) -> None:
        self._kind = device.type
        self._streams = accelerators.module(device.type)
        self._stream = _copy_stream(device)
        self._user = self._streams.current_stream(device)
        self._used: deque[Any] = deque()

    def begin(self) -> None:
        # Tensors that the source already has on the device were written on the current stream.
        self._stream.wait_stream(self._user)

    def entered(self) -> AbstractContextManager[Any]:
        context: AbstractContextManager[Any] = self._streams.stream(self._stream)
        return context

    def sent(self) -> Any:
        return self._stream.record_event()

    def received(self, batch: Any, mark: Any) -> None:
        if mark is None:
            return
        self._user.wait_event(mark)
        for tensor in tensors_in(batch):
            if tensor.device.type == self._kind:
                tensor.record_stream(self._user)

    def used(self) -> None:
        self._used.append(self._user.record_event())
        if len(self._used) > 1:
            self._used.popleft().synchronize()


@lru_cache
def _copy_stream(device: torch.device) -> Any:
    """Return a device's copying stream; one for all, because memory is cached per stream."""
    return accelerators.module(device.type).Stream(device)


class _Reader:
    """A thread that reads the next batch whenever one is taken."""

    def __init__(self, batches: Batches, lane: _Lane) -> None:
        self._batches = batches
        self._lane = lane
        self._room = threading.Semaphore(0)
        self._closed = False
        self._ready: SimpleQueue[tuple[Any, Any, BaseException | None]] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=THREAD, daemon=True)

    def taken(self) -> Batches:
        """Yield the batches; taking one lets the thread read the next."""
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
        """Stop the thread after its current read."""
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
