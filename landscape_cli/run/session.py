"""The session of a run: one start of the command, as the file's ``runs`` list it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from landscape_cli.run.setup.records import Json, RankPlacement
from landscape_cli.store import Recorder
from landscape_cli.util.versions import now


@dataclass
class Session:
    """One start of the command that computes a file.

    Args:
        command: the command line.
        versions: of Python and the packages that decide the numbers.
        mpi: the number of ranks and the MPI library.
        ranks: the placement of each.
        shard: the part of the grid, if it is not all of it.
        started: in UTC, as ISO 8601.
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
        """Return what is known, as plain values."""
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
        """Start measuring the time that the points take."""
        self._begin = time.monotonic()

    def remark(self, note: str, recorder: Recorder) -> None:
        """Add a remark, also to the file's next version."""
        self.notes.append(note)
        self._record(recorder)

    def end(self, recorder: Recorder) -> None:
        """Note when the session ended, also for the file's next version."""
        self._end = now(), round(time.monotonic() - self._begin, 3)
        self._record(recorder)

    def _record(self, recorder: Recorder) -> None:
        """Replace the last of the file's runs, which is this one."""
        *earlier, _ = recorder.surface.provenance["runs"]
        recorder.note("runs", [*earlier, self.as_mapping()])
