"""The sessions of a run: starts of the command, as listed in the file's ``runs``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from landscape_cli.run.setup.records import Json, RankPlacement
from landscape_cli.store import Recorder
from landscape_cli.util.versions import now

R = TypeVar("R")


@dataclass(frozen=True)
class RecordOutcome(Generic[R]):
    """The result of a run whose file holds one record.

    Args:
        path: the file.
        record: its content; known on rank 0.
        computed: False if the file already had everything.
        stopped: what stopped the run before that, or None.
    """

    path: Path
    record: R | None
    computed: bool
    stopped: str | None = None


@dataclass
class Session:
    """One start of the command that computes a file.

    Args:
        command: the command line.
        versions: versions of Python and of the packages that affect the numbers.
        mpi: the number of ranks and the MPI library.
        ranks: placement of each rank.
        shard: the part of the grid; None for the whole grid.
        started: time of the start in UTC, as ISO 8601.
        notes: remarks on how points were computed.
    """

    command: tuple[str, ...]
    versions: Mapping[str, str]
    mpi: Json
    ranks: tuple[RankPlacement, ...]
    shard: Json | None = None
    started: str = field(default_factory=now)
    notes: list[str] = field(default_factory=list)
    _end: tuple[str, float] | None = None
    _begin: float = field(default_factory=time.monotonic)

    def as_mapping(self) -> Json:
        """Return the known entries as plain values."""
        finished, seconds = self._end or (None, None)
        known: dict[str, object] = {
            "command": list(self.command),
            "started": self.started,
            "versions": dict(self.versions),
            "mpi": self.mpi,
            "ranks": [rank.as_mapping() for rank in self.ranks],
            "shard": self.shard,
            "notes": list(self.notes) or None,
            "finished": finished,
            "seconds": seconds,
        }
        return {key: value for key, value in known.items() if value is not None}

    def begin(self) -> None:
        """Start the clock for the points."""
        self._begin = time.monotonic()

    def remark(self, note: str, recorder: Recorder) -> None:
        """Add a remark, which the next published file includes."""
        self.notes.append(note)
        self._record(recorder)

    def end(self, recorder: Recorder) -> None:
        """Set the end of the session, which the next published file includes."""
        self._end = now(), round(time.monotonic() - self._begin, 3)
        self._record(recorder)

    def _record(self, recorder: Recorder) -> None:
        """Update this session in the file's runs, of which it is the last."""
        *earlier, _ = recorder.surface.provenance["runs"]
        recorder.note("runs", [*earlier, self.as_mapping()])
