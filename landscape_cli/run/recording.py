"""Recording of results as they arrive, in a thread of its own on rank 0.

Rank 0's main thread computes tiles too, and one of its points may take minutes: what other ranks
send meanwhile has to reach the file without it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

from landscape_cli.errors import PublishError
from landscape_cli.records.tiles import TileResult
from landscape_cli.run.rank_speed import Pace
from landscape_cli.run.session import Session
from landscape_cli.store import Recorder
from landscape_cli.util.logs import warn
from landscape_cli.util.progress import Progress


class Recording:
    """Records results, shows progress and publishes the file; a context manager.

    When its block ends, everything that has arrived is recorded and published, also after an error.
    ``computed`` counts the points of this run.

    Args:
        recorder: the recorder, which nobody else may use except within ``paused``.
        session: the session, which ends with the recording.
        bar: the progress bar.
        pace: learns the ranks' speeds.
    """

    def __init__(self, recorder: Recorder, session: Session, bar: Progress, pace: Pace) -> None:
        self.computed = 0
        self.error: BaseException | None = None
        self._recorder, self._session, self._bar, self._pace = recorder, session, bar, pace
        self._arrived: SimpleQueue[TileResult | threading.Event | None] = SimpleQueue()
        self._unpublished = self._finished = False
        self._using = threading.RLock()
        self._thread = threading.Thread(target=self._record, name="recording", daemon=True)

    def __enter__(self) -> Recording:
        self._session.begin()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        try:
            self.finish()
        except PublishError as error:
            if kind is None:
                raise
            warn(str(error))
        if kind is None and self.error is not None:
            raise self.error

    @property
    def left(self) -> int:
        """Number of points left to do."""
        return len(self._recorder.todo)

    def speed(self, rank: int) -> float:
        """Points per second of a rank; 0 as long as no speed is known."""
        return self._pace.speed(rank)

    def arrived(self, result: TileResult) -> None:
        """Take a result to record; called by any thread.

        Raises:
            BaseException: whatever has ended the recording before.
        """
        self._arrived.put(result)
        if self.error is not None:
            raise self.error

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Wait until every result that has arrived is recorded, and pause during the block.

        Raises:
            BaseException: whatever has ended the recording before.
        """
        settled = threading.Event()
        self._arrived.put(settled)
        settled.wait()
        with self._using:
            if self.error is not None:
                raise self.error
            yield

    def finish(self) -> None:
        """Record what has arrived, end the session and publish, once; called by any thread.

        Raises:
            LandscapeError: if the file can't be written, or is no longer this run's.
        """
        self._arrived.put(None)
        self._thread.join()
        with self._using:
            if not self._finished:
                self._finished = True
                self._bar.update(self._recorder.done - self._bar.done)
                self._session.end(self._recorder)
                self._recorder.finish()

    def _record(self) -> None:
        """Record until the end; results that arrive before it are never left out."""
        while True:
            wait = self._recorder.due_in if self._unpublished and self.error is None else None
            try:
                one = self._arrived.get(timeout=wait)
                if one is None:
                    return
                if isinstance(one, threading.Event):
                    one.set()
                else:
                    self._add(one)
            except Empty:
                self._publish()

    def _add(self, result: TileResult) -> None:
        with self._using, self._keeping_error():
            self._recorder.add(result)
            self._unpublished = True
            self._pace.add(result)
            self.computed += len(result.indices)
            for note in result.notes:
                self._session.remark(note, self._recorder)
                warn(note)
            self._bar.update(self._recorder.done - self._bar.done)
        if not (self._recorder.due_in or self.error):
            self._publish()

    def _publish(self) -> None:
        with self._using, self._keeping_error():
            self._unpublished = not self._recorder.publish_if_due()

    @contextmanager
    def _keeping_error(self) -> Iterator[None]:
        """Keep an error for the threads that call this recording."""
        try:
            yield
        except BaseException as error:
            self.error = self.error or error
