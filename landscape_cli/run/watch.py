"""The watch over a run: it says what stands still, and ends what will not end by itself."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import NoReturn

from landscape_cli.parallel.abort import end_ranks
from landscape_cli.parallel.activity import Report
from landscape_cli.parallel.executor import Executor
from landscape_cli.records.grid import coordinates_text
from landscape_cli.run.recording import Recording
from landscape_cli.store import Lock
from landscape_cli.util.logs import tell

LOOK = 0.5
"""Seconds between two looks at what the ranks are doing."""

STILL = 30.0
"""Seconds after which a rank stands still, unless its tiles are known to take long."""

USUAL = 3.0
"""Multiple of a tile's expected duration after which its rank stands still."""

AGAIN = 60.0
"""Seconds after which the same line is repeated."""

REPORTED, FORGOTTEN = 10.0, 15.0
"""Seconds after which a rank reports to rank 0 what it is doing, and rank 0 forgets it."""

LEAST_GRACE = 5.0
"""Seconds that everything in progress may still take once the run is to stop."""

MOST_GRACE = {"SIGTERM": 20.0, "SIGUSR1": 50.0}
"""Upper bounds in seconds on what a tile that is expected to end soon may take: a batch system
kills a job some 30 s after SIGTERM, and a minute after the SIGUSR1 that job scripts ask for."""

TIME_LIMIT_GRACE = 10.0
"""The same bound after a time limit, whose tiles were cut to end before it."""

SET_UP_GRACE = 20.0
"""Seconds that the set-up of a run may still take once the run is to stop."""

LEAVING = 20.0
"""Seconds that a rank which is about to vanish waits for rank 0 to end all ranks."""

STARVED = 60.0
"""Seconds after which the code that keeps all threads waiting is shown."""

PUBLISHING = 15.0
"""Seconds after which the last publication is given up, when it hangs, too."""


@dataclass(frozen=True)
class Ending:
    """The end of a run in the midst of its work.

    Args:
        reason: what the run was stopped by, such as ``the time limit``; empty if it failed.
        what: which rank was in the way, or has failed.
        left: number of points left to do; None if the run was still being set up.
    """

    reason: str
    what: str
    left: int | None

    @property
    def code(self) -> int:
        """The exit code."""
        return 75 if self.reason else 1


class Watch:
    """A thread on each rank that looks at what the rank is doing; a context manager.

    Rank 0's says when a rank stands still. If the run is to stop but does not, because an objective
    hangs for example, it publishes what has arrived, releases the lock and ends all ranks.

    Args:
        executor: the ranks.
        lock: the lock of the output.
        end: called before this process is ended, to report it; None if the process must go on, as
            in a notebook.
    """

    def __init__(
        self, executor: Executor, lock: Lock, end: Callable[[Ending], None] | None = None
    ) -> None:
        self._executor, self._lock, self._end = executor, lock, end
        self._recording: Recording | None = None
        self._heard: dict[int, tuple[Report, float]] = {}
        self._said, self._said_at = (-1, ""), float("-inf")
        self._stopped: float | None = None
        self._over = threading.Event()
        self._ending = threading.Lock()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
        self._exit, self._process = os._exit, os.getpid()

    def __enter__(self) -> Watch:
        if self._end is not None:
            os._exit = self._leave
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.done()
        os._exit = self._exit

    def computing(self, recording: Recording) -> None:
        """Learn on rank 0 that tiles are computed from now on."""
        self._recording = recording

    def done(self) -> None:
        """Learn that nothing is computed any more, so that this process is not ended."""
        with self._ending:
            self._over.set()
        self._executor.stop.wake()
        self._thread.join()
        if self._end is not None:
            faulthandler.cancel_dump_traceback_later()

    def _leave(self, status: int) -> NoReturn:
        """Take the place of ``os._exit``, which launchers may take for success.

        Forked processes, such as those of data loaders, end as they do without this.
        """
        if os.getpid() == self._process and not self._over.is_set():
            rank, (what, seconds) = self._executor.rank, self._executor.activity.look()
            host, leaving = self._executor.hosts[rank], f"os._exit({status})"
            report = Report(rank, host, what, seconds, leaving=leaving)
            if rank == 0:
                self._end_run(Ending("", _leaving(report), self._left()))
            else:
                self._executor.report(report, LEAVING)
                time.sleep(LEAVING)  # until rank 0 has published, and ends all ranks
                tell(f"landscape: {_leaving(report)}")
            status = status or 1
        self._exit(status)

    def _look(self) -> None:
        while not self._over.is_set():
            self._keep_traceback()
            self._executor.stop.wait(LOOK)
            if self._executor.rank:
                self._report()
            else:
                self._hear()
                self._speak()
                self._end_if_due()

    def _keep_traceback(self) -> None:
        """Have tracebacks printed if this thread does not come back, nor any other.

        Code that holds Python's lock stops all threads but the one of ``faulthandler``. It can end
        the process as well, but not with an exit code of choice.
        """
        if self._end is not None:
            late = self._executor.stop.left + TIME_LIMIT_GRACE + PUBLISHING
            limited = self._executor.rank == 0 and late < STARVED
            seconds = max(late, PUBLISHING) if limited else STARVED
            faulthandler.dump_traceback_later(seconds, repeat=True, file=2, exit=limited)

    def _report(self) -> None:
        """Tell rank 0 what this rank is doing, if that takes long, and of a signal."""
        what, seconds = self._executor.activity.look()
        stop = self._executor.stop.reason
        if (what and seconds >= REPORTED) or stop is not None:
            rank, hosts = self._executor.rank, self._executor.hosts
            self._executor.report(Report(rank, hosts[rank], what, seconds, stop))

    def _hear(self) -> None:
        for report in self._executor.reports():
            self._heard[report.rank] = report, time.monotonic()
            if report.stop is not None:
                self._executor.stop.ask(report.stop)
            if report.leaving:
                self._end_run(Ending("", _leaving(report), self._left()))

    def _speak(self) -> None:
        """Say which rank has stood still for longest, if there is one."""
        standing = [one for one in self._reports() if one.seconds >= self._patience(one.rank)]
        if not standing:
            return
        longest = max(standing, key=lambda one: one.seconds)
        same = (longest.rank, longest.what) == self._said
        now = time.monotonic()
        if now - self._said_at >= (AGAIN if same else STILL):
            self._said, self._said_at = (longest.rank, longest.what), now
            tell(_text(longest) + _others(len(standing) - 1))

    def _reports(self) -> list[Report]:
        """Return what every rank is doing, as far as it is known and has lasted."""
        now = time.monotonic()
        hosts, what = self._executor.hosts, self._executor.activity.look()
        found = {0: Report(0, hosts[0], *what)} if what[0] else {}
        for rank, (tile, begun) in list(self._executor.busy.items()):
            if rank and now - begun >= REPORTED:
                first = coordinates_text(tile.coordinates[0])
                found[rank] = Report(rank, hosts[rank], f"in the tile from {first}", now - begun)
        for rank, (report, heard) in self._heard.items():
            if report.what and now - heard < FORGOTTEN:
                found[rank] = report
        return list(found.values())

    def _expected(self, rank: int) -> float:
        """Seconds that a rank's tile is expected to take; 0 if that is not known."""
        if self._recording is None or rank not in self._executor.busy:
            return 0.0
        speed = self._recording.speed(rank)
        return len(self._executor.busy[rank][0].indices) / speed if speed else 0.0

    def _patience(self, rank: int) -> float:
        return max(STILL, USUAL * self._expected(rank))

    def _left(self) -> int | None:
        return None if self._recording is None else self._recording.left

    def _end_if_due(self) -> None:
        """End the run if it was to stop some time ago."""
        stop = self._executor.stop
        if self._end is None or stop.left > 0:
            return
        if self._stopped is None:
            self._stopped = time.monotonic()
        if time.monotonic() < self._latest(self._stopped) and stop.signals < 2:
            return
        reason = stop.reason or "the time limit"
        longest = max(self._reports(), key=lambda one: one.seconds, default=None)
        what = _text(longest) if longest else ""
        self._end_run(Ending(reason, what, self._left()))

    def _latest(self, stopped: float) -> float:
        """Return the time until which a run that was to stop may go on."""
        if self._recording is None:
            return stopped + SET_UP_GRACE
        most = MOST_GRACE.get(self._executor.stop.reason or "", TIME_LIMIT_GRACE)
        due = [
            begun + 2 * self._expected(rank)
            for rank, (_, begun) in list(self._executor.busy.items())
        ]
        return max(stopped + LEAST_GRACE, min(max(due, default=0.0), stopped + most))

    def _end_run(self, ending: Ending) -> None:
        """Publish, release the lock, and end this process and all other ranks."""
        with self._ending:
            if self._over.is_set() or self._end is None:
                return
            closing = threading.Thread(target=self._close, name="closing", daemon=True)
            closing.start()
            closing.join(PUBLISHING)
            self._end(ending)
            sys.stdout.flush()
            sys.stderr.flush()
            end_ranks(ending.code)
            self._exit(ending.code)

    def _close(self) -> None:
        if self._recording is not None:
            self._recording.finish()
        self._lock.release()


def _text(report: Report) -> str:
    return f"rank {report.rank} on {report.host} has been {report.what} for {report.seconds:.0f} s"


def _leaving(report: Report) -> str:
    """Describe the end of a rank that ends without the others."""
    return f"rank {report.rank} on {report.host} was {report.what} and called {report.leaving}"


def _others(number: int) -> str:
    if number == 0:
        return ""
    return f"; so {'has 1 other rank' if number == 1 else f'have {number} other ranks'}"
