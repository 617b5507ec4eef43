"""The diffusion file of a run, on rank 0: distances as they arrive, then the map."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from landscape_cli.errors import StoreError
from landscape_cli.records.dynamics.diffusion import Diffusion
from landscape_cli.records.tiles import TileResult
from landscape_cli.run.diffusion.blocks import Blocks, Pair
from landscape_cli.run.diffusion.worker import PairResult
from landscape_cli.store.atomic_write import Check, rescue, unchecked
from landscape_cli.store.diffusion_file import write_diffusion
from landscape_cli.store.recorder import interval


class DiffusionRecorder:
    """Holds what is known of a map, and publishes its file.

    A file that temporarily can't be written does not stop the run.

    Args:
        path: the file.
        record: the record to continue, or a new one; its arrays of distances are filled.
        warn: receives a message when the file can't be written.
        check: called before each replacement of the file; raises to prevent it.
        say: tells the user one line.
    """

    def __init__(
        self,
        path: Path,
        record: Diffusion,
        warn: Callable[[str], None] = lambda text: None,
        check: Check = unchecked,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.path, self.record = path, record
        self.failure: str | None = None
        self._warn, self._check, self._tell = warn, check, say
        self._lock = threading.Lock()
        self._said: set[str] = set()
        self._interval, self._published = 1.0, -math.inf

    def todo(self, blocks: Blocks) -> list[Pair]:
        """Return the pairs of blocks whose distances are not known."""
        return [pair for pair in blocks.pairs if np.isnan(self._part(blocks, pair)).any()]

    def add(self, blocks: Blocks, result: TileResult) -> None:
        """Record the distances of a pair of blocks; called by any thread."""
        assert isinstance(result, PairResult)
        with self._lock:
            for note in result.notes:
                self._say(note)
            for text in result.failures.values():
                self.failure = self.failure or text
            if result.failures:
                return
            pair = result.indices[0], result.indices[1]
            self._part(blocks, pair)[:] = result.distances2
            count = len(self.record.labels)
            if pair[1] < blocks.own:
                self._part(blocks, pair[::-1])[:] = result.distances2.T
            for number, epoch in result.stored.items():
                self._date(number, count, epoch)

    def set(self, **values: Any) -> None:
        """Change attributes of the record."""
        self.record = replace(self.record, **values)

    def note(self, facts: Mapping[str, Any]) -> None:
        """Add entries to the file's provenance."""
        self.set(provenance={**self.record.provenance, **facts})

    def publish(self) -> None:
        """Write the file now.

        Raises:
            StoreError: if it can't be written.
        """
        with self._lock:
            write_diffusion(self.path, self.record, self._check)

    def publish_if_due(self, due: bool = False) -> None:
        """Write the file if it is due, or was not written a moment ago; if that fails, warn."""
        start = time.monotonic()
        if not due and start - self._published < self._interval:
            return
        try:
            self.publish()
        except StoreError as error:
            self._warn(f"{error}; computing continues")
        self._published = time.monotonic()
        self._interval = interval(self._published - start)

    def end(self) -> None:
        """Write the file for the last time, if necessary as a rescue file in the current folder.

        Raises:
            PublishError: if the file itself can't be written; the message says where the distances
                are.
        """
        try:
            return self.publish()
        except StoreError as error:
            failure = error
        raise rescue(self.path, failure, lambda path: write_diffusion(path, self.record))

    def discard(self) -> None:
        """Remove the file of a run that can't have a result."""
        self._check()
        self.path.unlink(missing_ok=True)

    def _part(self, blocks: Blocks, pair: Pair) -> Any:
        """Return the distances of a pair of blocks, which can be filled."""
        rows, columns = (blocks.spans[number] for number in pair)
        if pair[1] < blocks.own:
            return self.record.distances2[rows.start : rows.stop, columns.start : columns.stop]
        assert self.record.onto is not None
        assert self.record.onto.distances2 is not None
        first = len(self.record.labels)
        further = slice(columns.start - first, columns.stop - first)
        return self.record.onto.distances2[further, rows.start : rows.stop].T

    def _date(self, number: int, count: int, epoch: object) -> None:
        """Keep the epoch that a checkpoint stores, for a run that continues this one."""
        if isinstance(epoch, int) and not isinstance(epoch, bool):
            epochs = self.record.epochs if number < count else self._onto_epochs()
            assert epochs is not None
            epochs[number if number < count else number - count] = epoch

    def _onto_epochs(self) -> Any:
        assert self.record.onto is not None
        return self.record.onto.epochs

    def _say(self, note: str) -> None:
        """Tell the user what a rank says of a checkpoint, once for all of the same kind."""
        where, _, text = note.partition(": ")
        general = text.replace(where.removeprefix("checkpoint "), "")
        if general not in self._said:
            self._said.add(general)
            self._tell(note)
