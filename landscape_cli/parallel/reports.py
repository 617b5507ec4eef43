"""Messages from the watches of other ranks to the one of rank 0, beside the tiles."""

from __future__ import annotations

import time
from typing import Any

from landscape_cli.parallel.activity import Report

POLL = 0.05
"""Seconds between polls while a last message is sent."""


class Reports:
    """Sends and receives reports in threads of their own.

    Args:
        comm: a communicator for nothing else; None if MPI does not support several threads, so that
            nothing is sent.
    """

    def __init__(self, comm: Any) -> None:
        self._comm = comm
        self._request: Any = None

    def send(self, report: Report) -> None:
        """Send a report to rank 0, unless an earlier one is still on its way."""
        if self._comm is not None and (self._request is None or self._request.test()[0]):
            self._request = self._comm.isend(report, 0)

    def send_last(self, report: Report, seconds: float) -> None:
        """Send a report to rank 0, and wait at most some seconds until it is on its way."""
        if self._comm is not None:
            request, end = self._comm.isend(report, 0), time.monotonic() + seconds
            while not request.test()[0] and time.monotonic() < end:
                time.sleep(POLL)

    def receive(self) -> list[Report]:
        """Return the reports that have arrived at rank 0."""
        arrived = []
        while self._comm is not None and self._comm.iprobe():
            arrived.append(self._comm.recv())
        return arrived
