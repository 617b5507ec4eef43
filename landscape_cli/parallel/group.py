"""A group of ranks that hold one model together: a leader, and members that do as it says."""

from __future__ import annotations

import pickle
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import LandscapeError, RankError, UsageError
from landscape_cli.parallel.activity import Activity

Value = TypeVar("Value")

CHUNK = 1 << 30
"""Bytes in one broadcast; MPI counts are 32-bit."""

PATIENCE = 30.0
"""Seconds that a rank whose part has failed waits for the others of its group.

They fail at the same place, if the cause is the point or the data. If they do not, they wait in the
forward pass for tensors of the rank that has left it, and the run has to end."""

FIRST_PAUSE, PAUSE, LONG_PAUSE = 0.0002, 0.001, 0.01
"""Seconds between polls: at first; at most for an order or an answer; at most for other ranks."""


@dataclass(frozen=True)
class Answer:
    """The outcome of an order at one member.

    Args:
        value: the result; None if it failed.
        failure: the message of the failure; empty if it succeeded.
        traceback: where it failed.
        memory: True if memory ran out.
        stop: the signal that asked this rank to stop, or None.
    """

    value: Any = None
    failure: str = ""
    traceback: str = ""
    memory: bool = False
    stop: str | None = None


class MemberError(RankError):
    """An order that another rank of the group could not carry out."""


class LostGroupError(RankError):
    """A failure of one rank while others of its group are in the middle of a forward pass."""


class Group:
    """The ranks of one model, as one of them sees them.

    All ranks call ``share`` and ``gather`` at the same point of the program. Besides, the leader
    gives orders, which members carry out in ``serve`` while they wait for other ranks.

    Args:
        comm: mpi4py's communicator of these ranks, for nothing else.
        ranks: the numbers of these ranks in the world; the first one leads.
        hosts: their hosts.
        activity: is told what a member does.
    """

    def __init__(
        self, comm: Any, ranks: Sequence[int], hosts: Sequence[str], activity: Activity
    ) -> None:
        self._comm = comm
        self._activity = activity
        self._due: float | None = None
        self._failure = ""
        self.ranks, self.hosts = tuple(ranks), tuple(hosts)
        self.size = len(self.ranks)
        self.member: int = comm.Get_rank()
        self.answer: Callable[[Any], Answer] | None = None

    @property
    def leads(self) -> bool:
        """True on the rank that gets tiles and gives orders."""
        return self.member == 0

    def share(self, value: Value) -> Value:
        """Give every rank of the group the leader's value."""
        self._meet()
        shared: Value = self._comm.bcast(value)
        return shared

    def gather(self, value: Value) -> list[Value]:
        """Give every rank of the group the values of all, in rank order."""
        self._meet()
        return list(self._comm.allgather(value))

    def spread(self, array: NDArray[np.uint8], member: int) -> None:
        """Overwrite every rank's array of contiguous bytes with that of one member."""
        broadcast(self._comm, array, member)

    def order(self, orders: Sequence[Any]) -> None:
        """Tell each member what to do; called by the leader.

        Args:
            orders: one for each member but the leader.

        Raises:
            UsageError: if one of them can't be sent to another process.
        """
        try:
            packed = [pickle.dumps(each, pickle.HIGHEST_PROTOCOL) for each in orders]
        except Exception as error:  # whatever an object's own way of pickling raises
            raise UsageError(
                f"ranks_per_model: a batch can't be sent to the group's other ranks ({error}); "
                "make batches of tensors in tuples, lists and dicts"
            ) from None
        for member, each in enumerate(packed, start=1):
            self._comm.send(each, member)

    def answers(self, patience: float | None = None) -> list[Answer] | None:
        """Wait for an answer from each member; called by the leader.

        Args:
            patience: seconds after which to give up; None waits for as long as it takes.

        Returns:
            The answers in rank order; None if time was up. Members that failed are told that their
            failure is known.
        """
        found, pause = [], FIRST_PAUSE
        end = None if patience is None else time.monotonic() + patience
        for member in range(1, self.size):
            while not self._comm.iprobe(source=member):
                if end is not None and time.monotonic() > end:
                    return None
                time.sleep(pause)
                pause = min(2 * pause, PAUSE)
            found.append(self._comm.recv(source=member))
        if any(answer.failure for answer in found):
            self.order([None] * (self.size - 1))
        return found

    def serve(self) -> bool:
        """Carry out an order of the leader, if there is one; called by members that wait.

        Returns:
            True if there was one.

        Raises:
            LostGroupError: if this member has failed, and the leader is stuck without it.
        """
        if self.leads or not self._comm.iprobe(source=0):
            if self._due is not None and time.monotonic() > self._due:
                raise LostGroupError(self._failure)
            return False
        order, self._due = pickle.loads(self._comm.recv(source=0)), None
        if order is None:  # the leader knows of a failure
            return True
        assert self.answer is not None
        answer = self.answer(order)
        if answer.failure:
            self._due, self._failure = time.monotonic() + PATIENCE, answer.traceback
        self._comm.send(answer, 0)
        return True

    def _meet(self) -> None:
        meet(self._comm, self._activity)


def meet(comm: Any, activity: Activity, group: Group | None = None) -> None:
    """Wait for every rank of a communicator without keeping a core busy, as MPI's barrier would.

    Args:
        comm: the communicator.
        activity: is told that this rank waits.
        group: whose leader may give this rank orders in the meantime.
    """
    request, pause = comm.Ibarrier(), FIRST_PAUSE
    longest = LONG_PAUSE if group is None else PAUSE
    with activity.resting():
        while not request.Test():
            if group is not None and group.serve():
                pause = FIRST_PAUSE
                continue
            time.sleep(pause)
            pause = min(2 * pause, longest)


def broadcast(comm: Any, array: NDArray[np.uint8], root: int = 0) -> None:
    """Overwrite every rank's array of contiguous bytes with that of one rank."""
    for start in range(0, array.size, CHUNK):
        comm.Bcast(array[start : start + CHUNK], root=root)


def failed(error: BaseException, place: str, memory: bool, stop: str | None) -> Answer:
    """Return the answer of a member that has failed.

    Args:
        error: the failure.
        place: the rank and its host.
        memory: True if memory ran out.
        stop: the signal that asked this rank to stop, or None.
    """
    text = str(error) if isinstance(error, LandscapeError) else f"{type(error).__name__}: {error}"
    lines = "".join(traceback.format_exception(error))
    return Answer(None, f"{place}: {text}", f"{place} failed:\n{lines}", memory, stop)


def refuse_size(size: int, ranks: int) -> None:
    """Refuse a number of ranks for each model that the ranks can't be divided by.

    Raises:
        UsageError: with the numbers that are possible.
    """
    if ranks % size:
        possible = ", ".join(str(each) for each in range(1, ranks + 1) if ranks % each == 0)
        raise UsageError(
            f"ranks_per_model: {size} does not divide the {ranks} rank{'s' * (ranks > 1)} of this "
            f"run; choose one of {possible}, or start another number of ranks with mpirun -n"
        )
