"""A recording as a whole: its steps, in whichever of its files they are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from landscape_cli.errors import StoreError
from landscape_cli.store.recordings.facts import Facts
from landscape_cli.store.recordings.file_names import recorded_files
from landscape_cli.store.recordings.layout import Layout
from landscape_cli.store.recordings.reading import (
    Contents,
    contents,
    header_bytes,
    single_metadata,
)

T = TypeVar("T")

ATTEMPTS = 5
"""Number of times that a folder is looked at whose files are joined meanwhile."""


class Recording:
    """The steps in a folder, which may grow while it is read.

    A process that is killed while it joins files may leave a step both by itself and among
    others; it counts once.

    Args:
        folder: the folder.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    @staticmethod
    def recognizes(folder: str | Path) -> bool:
        """Return True for a folder with at least one file of a recording."""
        return bool(recorded_files(Path(folder)))

    def facts(self) -> dict[int, Facts]:
        """Return the facts of all steps, by number, in order.

        Raises:
            StoreError: if a file is damaged, or two files have different networks for a step.
        """
        return self._patiently(self._facts)

    def find(self, step: int) -> tuple[Facts, Layout] | None:
        """Return the facts and tensors of a step, without looking at others; None without it."""
        found = self._patiently(lambda: self._holding(step))
        return None if found is None else (_facts_of(found, step), found.layout)

    def read(self, step: int) -> tuple[Layout, bytearray]:
        """Read the bytes of a step's tensors, one after the other as in its layout.

        Raises:
            StoreError: if there is no such step, or it is damaged.
        """

        def read() -> tuple[Layout, bytearray]:
            if (found := self._holding(step)) is None:
                raise StoreError(f"{str(self.folder)!r} has no step {step}")
            return found.layout, found.read(step)

        return self._patiently(read)

    def sha256(self, step: int) -> str:
        """Return the SHA-256 of the file that a step is in before files are joined."""
        layout, data = self.read(step)
        if (found := self.find(step)) is None:
            raise StoreError(f"{str(self.folder)!r} has no step {step}")
        state = hashlib.sha256(header_bytes(layout.header(), single_metadata(found[0], layout)))
        state.update(data)
        return state.hexdigest()

    def _patiently(self, look: Callable[[], T]) -> T:
        """Look again if a file is gone, since its steps have been joined to others."""
        for _ in range(ATTEMPTS):
            try:
                return look()
            except FileNotFoundError:
                continue
        raise StoreError(f"can't read {str(self.folder)!r}: its files keep changing; try again")

    def _facts(self) -> dict[int, Facts]:
        found: dict[int, Facts] = {}
        for file in recorded_files(self.folder):
            for facts in contents(file).facts:
                if repr(found.setdefault(facts.step, facts)) != repr(facts):
                    raise StoreError(
                        f"{str(self.folder)!r} has two different steps {facts.step}, one of them "
                        f"in {file.path.name}; are these files of one training run?"
                    )
        return dict(sorted(found.items()))

    def _holding(self, step: int) -> Contents | None:
        for file in recorded_files(self.folder):
            if file.first <= step <= file.last:
                found = contents(file)
                if any(facts.step == step for facts in found.facts):
                    return found
        return None


def _facts_of(found: Contents, step: int) -> Facts:
    return next(facts for facts in found.facts if facts.step == step)
