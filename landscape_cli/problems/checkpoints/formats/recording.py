"""Folders of ``landscape_cli.record``, every step of which is a network: ``runs/walk::1200``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from landscape_cli.errors import CheckpointError, StoreError
from landscape_cli.problems.checkpoints.formats.base import Format
from landscape_cli.problems.checkpoints.formats.tensor_bytes import tensors_of
from landscape_cli.store.recordings import Recording
from landscape_cli.store.recordings.file_names import recorded_file

T = TypeVar("T")


class Steps(Mapping[str, Mapping[str, Tensor]]):
    """The networks of a recording, by step as text; each is read when it is asked for.

    None is listed: which one is meant must be said.

    Args:
        path: the folder.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._recording = Recording(path)

    @property
    def remedy(self) -> str:
        """Steps that are there, and the way to name one."""
        steps = list(_checked(self._recording.facts))
        return (
            f"it is a recording of {len(steps):,} steps from {steps[0]} to {steps[-1]}; name one "
            f"of them, as in {self._path}::{steps[-1]}"
        )

    def epoch(self, key: str) -> int | None:
        """Return the number of whole epochs that were done at a step; None if it is not known."""
        found = _checked(lambda: self._recording.find(int(key)))
        return None if found is None else found[0].whole_epochs

    def __getitem__(self, key: str) -> Mapping[str, Tensor]:
        """Return the tensors of a step."""
        if key not in self:
            raise KeyError(key)
        return tensors_of(*_checked(lambda: self._recording.read(int(key))))

    def __contains__(self, key: object) -> bool:
        """Return True for a step that there is."""
        if (step := step_of(key)) is None:
            return False
        return _checked(lambda: self._recording.find(step)) is not None

    def __iter__(self) -> Iterator[str]:
        """Iterate over nothing."""
        return iter(())

    def __len__(self) -> int:
        """Return 0."""
        return 0


class RecordingFolder(Format):
    """A folder that grows with a training run."""

    @staticmethod
    def recognizes(path: str) -> bool:
        """Return True for a folder with a file of a recording."""
        return os.path.isdir(path) and Recording.recognizes(path)

    def read(self, path: str) -> Steps:
        """Return the steps."""
        return Steps(path)

    def entry_hash(self, path: str, key: str | None) -> str:
        """Return the SHA-256 of a step's own file."""
        steps = Steps(path)
        if key is None or key not in steps:
            said = "" if key is None else f" has no step {key!r};"
            raise CheckpointError(f"checkpoint: {path!r}{said} {steps.remedy}")
        return _checked(lambda: Recording(path).sha256(int(key)))


def step_of(key: object) -> int | None:
    """Return the step that a key names; None if it names none."""
    text = str(key)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 16 else None


def refuse_joined(path: str) -> None:
    """Refuse a file with several steps of a recording.

    Raises:
        CheckpointError: naming its folder.
    """
    file = recorded_file(Path(path))
    if file is not None and file.joined:
        raise CheckpointError(
            f"checkpoint: {path!r} holds several steps of a recording; name its folder and the "
            f"step, {os.path.dirname(path) or '.'}::{file.last}"
        )


def _checked(look: Callable[[], T]) -> T:
    try:
        return look()
    except StoreError as error:
        raise CheckpointError(f"checkpoint: {error}") from None
