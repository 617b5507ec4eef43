"""The watch over a run: it says what stands still, and ends what will not end by itself."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import NoReturn

from landscape_cli.parallel import last_words
from landscape_cli.parallel.abort import end_ranks
from landscape_cli.parallel.activity import Report
from landscape_cli.parallel.alerts import Alerts
from landscape_cli.parallel.executor import Executor
from landscape_cli.run import standing
from landscape_cli.run.recording import Recording
from landscape_cli.run.standing import Standing
from landscape_cli.store import Lock
from landscape_cli.util.logs import tell

LOOK = 0.5
"""Seconds between two looks at what the ranks are doing."""

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
        self._standing = Standing(executor)
        self._stopped: float | None = None
        self._over = threading.Event()
        self._alerts: Alerts | None = None
        self._ending = threading.Lock()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
        self._exit, self._process = os._exit, os.getpid()

    def __enter__(self) -> Watch:
        if self._end is not None:
            os._exit = self._leave
            self._listen()
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
        if self._alerts is not None:
            self._alerts.close()

    def computing(self, recording: Recording) -> None:
        """Learn on rank 0 that tiles are computed from now on."""
        self._recording = self._standing.recording = recording

    def done(self) -> None:
        """Learn that nothing is computed any more, so that this process is not ended."""
        with self._ending:
            self._over.set()
        self._executor.stop.wake()
        self._thread.join()
        if self._end is not None:
            faulthandler.cancel_dump_traceback_later()

    def _listen(self) -> None:
        """Tell every rank's guardian, if there are several, where rank 0 listens for alerts."""
        rank, hosts = self._executor.rank, self._executor.hosts
        with suppress(OSError):
            self._alerts = Alerts(hosts) if rank == 0 and len(hosts) > 1 else None
        address = self._executor.lead(lambda: self._alerts and self._alerts.address)
        last_words.say(address=address, output=str(self._lock.output))

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
            last_words.say(what=self._executor.activity.look()[0])
            self._executor.stop.wait(LOOK)
            if self._executor.rank:
                self._report()
            else:
                self._hear()
                self._standing.speak()
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
        if (what and seconds >= standing.REPORTED) or stop is not None:
            rank, hosts = self._executor.rank, self._executor.hosts
            self._executor.report(Report(rank, hosts[rank], what, seconds, stop))

    def _hear(self) -> None:
        if self._alerts is not None and (text := self._alerts.heard()):
            self._end_run(Ending("", text, self._left()))
        for report in self._executor.reports():
            self._standing.hear(report)
            if report.stop is not None:
                self._executor.stop.ask(report.stop)
            if report.leaving:
                self._end_run(Ending("", _leaving(report), self._left()))

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
        self._end_run(Ending(reason, self._standing.longest(), self._left()))

    def _latest(self, stopped: float) -> float:
        """Return the time until which a run that was to stop may go on."""
        if self._recording is None:
            return stopped + SET_UP_GRACE
        most = MOST_GRACE.get(self._executor.stop.reason or "", TIME_LIMIT_GRACE)
        due = [
            begun + 2 * self._standing.expected(rank)
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
            last_words.say(expected=True)
            sys.stdout.flush()
            sys.stderr.flush()
            end_ranks(ending.code)
            self._exit(ending.code)

    def _close(self) -> None:
        if self._recording is not None:
            self._recording.finish()
        self._lock.release()


def _leaving(report: Report) -> str:
    """Describe the end of a rank that ends without the others."""
    return f"rank {report.rank} on {report.host} was {report.what} and called {report.leaving}"
