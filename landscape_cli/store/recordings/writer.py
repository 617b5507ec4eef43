"""The growing of a recording: a file for each step, and files of many steps in their place."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

from landscape_cli.errors import StoreError, UsageError
from landscape_cli.store.locks.lock import Lock
from landscape_cli.store.recordings.facts import Facts
from landscape_cli.store.recordings.file_names import PART, RecordedFile, recorded_files
from landscape_cli.store.recordings.layout import Layout
from landscape_cli.store.recordings.reading import contents
from landscape_cli.store.recordings.writing import write_joined, write_single
from landscape_cli.util.logs import tell

MOST_FILES = 100
"""Number of files of one step that are joined."""

MOST_BYTES = 1 << 26
"""Bytes in files of one step that are joined, if there are at least two."""


class Writer:
    """Adds steps to a recording, which no other process may do at the same time.

    Args:
        folder: the folder, which is created if necessary.
        step: the first step to come.
        resume: whether steps from that one on, which are there already, are removed.

    Raises:
        UsageError: if they are there, and ``resume`` is false.
        StoreError: if a file is damaged or can't be written, or another process adds steps.
    """

    def __init__(self, folder: Path, step: int, resume: bool) -> None:
        self.folder = folder
        _create(folder)
        self._lock = Lock(folder / "recording", tell)
        self._take_lock()
        try:
            self._check_free(step, resume)
            self._tidy()
            self._cut(step)
            self.last, self._layout = self._end()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let other processes add steps."""
        self._lock.release()

    @property
    def alive(self) -> bool:
        """False if the last step has been removed, by whomever."""
        return self.last is None or any(
            file.first <= self.last <= file.last for file in recorded_files(self.folder)
        )

    def add(self, facts: Facts, layout: Layout, data: memoryview) -> None:
        """Add a step; once this returns, the step outlives the process.

        Args:
            facts: what is known of it; its checksum is added.
            layout: its tensors.
            data: their bytes, one after the other.

        Raises:
            UsageError: if it is not after the last one, or of another network.
            StoreError: if it can't be written.
        """
        if self.last is not None and facts.step <= self.last:
            raise UsageError(
                f"record: step {facts.step} comes after step {self.last} in {str(self.folder)!r}; "
                "count steps over the whole training run, and record each once"
            )
        self._check_network(layout)
        self._lock.check()
        write_single(self.folder, replace(facts, data=zlib.crc32(data)), layout, data)
        self.last, self._layout = facts.step, layout
        self._join()

    def _take_lock(self) -> None:
        try:
            self._lock.take()
        except StoreError as error:
            raise StoreError(
                f"record: another process adds steps to {str(self.folder)!r}; wait for it to end, "
                f"or name another folder ({error})"
            ) from None

    def _check_free(self, step: int, resume: bool) -> None:
        last = max((file.last for file in recorded_files(self.folder)), default=-1)
        if last >= step and not resume:
            raise UsageError(
                f"record: {str(self.folder)!r} holds steps up to {last} of an earlier training "
                f"run, and this one begins with step {step}; name another folder, or give "
                f"resume=True, which removes those from step {step} on"
            )

    def _tidy(self) -> None:
        """Remove what a process has left that was killed."""
        for path in self.folder.iterdir():
            if PART.fullmatch(path.name):
                path.unlink(missing_ok=True)
        files = recorded_files(self.folder)
        joined = {f.step for file in files if file.joined for f in contents(file).facts}
        for file in files:
            if not file.joined and file.first in joined:
                file.path.unlink(missing_ok=True)

    def _cut(self, step: int) -> None:
        """Remove the steps from one on, the last ones first."""
        for file in reversed(recorded_files(self.folder)):
            if file.last < step:
                continue
            found = contents(file)
            if kept := [facts for facts in found.facts if facts.step < step]:
                data = [memoryview(found.read(facts.step)) for facts in kept]
                write_joined(self.folder, kept, found.layout, data)
            file.path.unlink()

    def _end(self) -> tuple[int | None, Layout | None]:
        """Return the last step and its tensors, and check all that will be joined."""
        files = recorded_files(self.folder)
        if not files:
            return None, None
        self._layout = contents(files[-1]).layout
        for found in [contents(file) for file in files if not file.joined]:
            found.read(found.facts[0].step)
            self._check_network(found.layout)
        return files[-1].last, self._layout

    def _check_network(self, layout: Layout) -> None:
        if self._layout is None or layout == self._layout:
            return
        ours, theirs = set(layout.specs), set(self._layout.specs)
        spec = min(ours ^ theirs, key=lambda one: one.name)
        raise UsageError(
            f"record: {str(self.folder)!r} holds steps of another network, or in another dtype "
            f"(see {spec.name}, {spec.dtype} {list(spec.shape)} in "
            f"{'this one' if spec in ours else 'the folder'} alone); name another folder"
        )

    def _join(self) -> None:
        """Join the files of one step if they are many, or large."""
        files = [file for file in recorded_files(self.folder) if not file.joined]
        if len(files) < 2 or (
            len(files) < MOST_FILES and sum(_size(file) for file in files) < MOST_BYTES
        ):
            return
        found = [contents(file) for file in files]
        data = [memoryview(one.read(one.facts[0].step)) for one in found]
        write_joined(self.folder, [one.facts[0] for one in found], found[0].layout, data)
        for file in files:
            file.path.unlink(missing_ok=True)


def _create(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"record: can't create the folder {str(folder)!r}: {error.strerror}"
        ) from None


def _size(file: RecordedFile) -> int:
    return file.path.stat().st_size
