"""Concurrent forward passes: several batches at once, each on one thread.

Threads that share every operation wait for each other after each, which costs much of the time of
small layers. With a batch each, they wait once per point, and a core's activations stay in its own
cache. A batch's values do not depend on the thread that computes them, nor on their number.
"""

from __future__ import annotations

import copy
import functools
import operator
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.evaluation.forward.isolation import keeps_apart
from landscape_cli.problems.problem import Objective

AHEAD = 2
"""Batches per thread that are submitted ahead of the one whose values are awaited."""


class Concurrency:
    """The means of evaluating several batches at once, for models that allow it.

    Args:
        model: the model, in eval mode.
        objective: ``(model, batch) -> {name: Tensor[n]}``.
        devices: the model's devices; empty if it is unsuited for other reasons.
        forward: runs one small forward pass of the model.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        devices: Sequence[torch.device],
        forward: Callable[[], Any],
    ) -> None:
        self._model = model
        self._objective = objective
        self._forward = forward
        self._suited = bool(devices)
        self._on_cpu = [device.type for device in devices] == ["cpu"]
        self._workers: dict[tuple[Any, ...], Workers] = {}

    @functools.cached_property
    def isolated(self) -> bool:
        """True if evaluations at the same time can't affect each other, on whatever device."""
        return self._suited and keeps_apart(self._model, self._objective, self._forward)

    @functools.cached_property
    def possible(self) -> bool:
        """True if threads of a CPU may evaluate batches at the same time."""
        if not (self._on_cpu and self.isolated):
            return False
        try:
            replica = replicate(self._model)
        except Exception:  # a module may hold what can't be copied
            return False
        return all(map(operator.is_, _tensors(replica), _tensors(self._model)))

    def workers(self, shared: Sequence[Tensor] = (), how: tuple[bool, ...] = ()) -> Workers | None:
        """Return workers, one per thread that PyTorch may use here.

        Args:
            shared: tensors besides parameters and buffers that replicas share with the model.
            how: what else says how the model computes now; replicas compute like it.

        Returns:
            None if there is a single thread, or the model is evaluated batch by batch.
        """
        threads = torch.get_num_threads()
        if threads < 2 or not self.possible:
            return None
        key = (threads, how, *map(id, shared))
        if key not in self._workers:
            self._workers[key] = Workers(self._model, self._objective, threads, shared)
        return self._workers[key]


class Workers:
    """Threads that evaluate an objective, each with a replica of the model.

    Replicas share the model's parameters and buffers, and have their own copies of all else that a
    module may hold, so that what a forward pass sets in one is not seen by another.

    Args:
        model: the model; the caller ensures that a forward pass leaves it as it was.
        objective: ``(model, batch) -> {name: Tensor[n]}``.
        threads: number of batches evaluated at once.
        shared: further tensors that replicas share with the model, such as folded weights.

    Raises:
        Exception: whatever copying the model raises.
    """

    def __init__(
        self, model: nn.Module, objective: Objective, threads: int, shared: Iterable[Tensor] = ()
    ) -> None:
        self.threads = threads
        self._objective = objective
        self._ahead = AHEAD * threads
        self._pool = pool_of(threads)
        self._replicas: SimpleQueue[nn.Module] = SimpleQueue()
        for _ in range(threads):
            self._replicas.put(replicate(model, shared))

    def each(self, batches: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """Yield each batch with the objective's values for it, in the order of the batches."""
        evaluate = functools.partial(self._evaluate, Modes())
        waiting: deque[tuple[Any, Future[Any]]] = deque()
        try:
            for batch in batches:
                waiting.append((batch, self._pool.submit(evaluate, batch)))
                if len(waiting) > self._ahead:
                    yield _first(waiting)
            while waiting:
                yield _first(waiting)
        finally:
            rest = [future for _, future in waiting]
            for future in rest:
                future.cancel()
            wait(rest)

    def _evaluate(self, modes: Modes, batch: Any) -> Any:
        replica = self._replicas.get()
        try:
            with modes.entered():
                return self._objective(replica, batch)
        finally:
            self._replicas.put(replica)


def _first(waiting: deque[tuple[Any, Future[Any]]]) -> tuple[Any, Any]:
    """Take the first batch, and wait for its values, or raise what its evaluation raised."""
    batch, future = waiting[0]
    values = future.result()
    waiting.popleft()
    return batch, values


def _tensors(model: nn.Module) -> Iterator[Tensor]:
    yield from model.parameters()
    yield from model.buffers()


def replicate(model: nn.Module, shared: Iterable[Tensor] = ()) -> nn.Module:
    """Copy a model without its parameters, its buffers and other shared tensors."""
    memo = {id(tensor): tensor for tensor in (*_tensors(model), *shared)}
    return copy.deepcopy(model, memo)


class Modes:
    """PyTorch's modes in the thread that makes this object, for use in another."""

    def __init__(self) -> None:
        self._gradients = torch.is_grad_enabled()
        self._casting = torch.is_autocast_enabled("cpu")
        self._dtype = torch.get_autocast_dtype("cpu")

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Set these modes in a block."""
        casting = torch.autocast("cpu", dtype=self._dtype, enabled=self._casting)
        with torch.set_grad_enabled(self._gradients), casting:
            yield


@functools.cache
def pool_of(workers: int, threads: int = 1) -> ThreadPoolExecutor:
    """Start workers, whose operations run on some threads each; they last as long as the process.

    Args:
        workers: the number of Python's threads.
        threads: the number of PyTorch's for each of them.
    """
    before = torch.get_num_threads()
    started = threading.Barrier(workers)

    def start() -> None:
        torch.get_num_threads()  # a thread's first operation would reset it to the process's number
        torch.set_num_threads(threads)
        started.wait()

    pool = ThreadPoolExecutor(workers, "forward", initializer=start)
    wait([pool.submit(int) for _ in range(workers)])
    torch.set_num_threads(before)  # the threads of others, started later, begin with this number
    return pool


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool_of.cache_clear)
