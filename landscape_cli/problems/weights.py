"""Reading of several checkpoints of one network as tensors, one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn

from landscape_cli.errors import CheckpointError
from landscape_cli.problems.checkpoints import file_hash, read_weights
from landscape_cli.records.checkpoint_path import CheckpointPath, identity
from landscape_cli.util.logs import tell


class Hashes:
    """SHA-256 of checkpoints; a file with several of them is read once, a recording is not."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str | None], str] = {}

    def __call__(self, path: CheckpointPath) -> str:
        """Return the SHA-256 of a checkpoint's file, with key and prefix, as one text.

        Raises:
            CheckpointError: if it can't be read.
        """
        place = (path.path, path.key if os.path.isdir(path.path) else None)
        if place not in self._known:
            self._known[place] = file_hash(path)
        return str(identity({**vars(path), "sha256": self._known[place]}))


@dataclass
class VerifiedReader:
    """Reads checkpoints of known hashes.

    Args:
        model: the network, whose names and shapes every checkpoint must have.
        tensors: the tensors to read, by name; checkpoints are converted to their dtypes.
    """

    model: nn.Module
    tensors: Mapping[str, Tensor]
    _hashes: Hashes = field(default_factory=Hashes)

    def __call__(self, path: CheckpointPath, sha256: str) -> dict[str, Tensor]:
        """Read the tensors of a checkpoint.

        Raises:
            CheckpointError: if it can't be read, or has another hash.
        """
        if self._hashes(path) != sha256:
            raise CheckpointError(
                f"checkpoint: {str(path)!r} has changed since the run began, or is another file on "
                "this host; keep it as it is while the run reads it, or --overwrite"
            )
        return read_weights(path, self.model, self.tensors, lambda note: None)[0]


@dataclass
class Reader:
    """Reads checkpoints by index, and refuses those of another network.

    What there is to say about one of them is said once, for the first that it holds for.

    Args:
        paths: the checkpoints.
        model: the network, whose names and shapes every checkpoint must have.
        tensors: the tensors to read, by name; checkpoints are converted to their dtypes.
        after: called after each checkpoint.
        say: tells the user one line.
    """

    paths: Sequence[CheckpointPath]
    model: nn.Module
    tensors: Mapping[str, Tensor]
    after: Callable[[], None] = lambda: None
    say: Callable[[str], None] = tell
    stored: dict[int, object] = field(default_factory=dict)
    """By index, the entry ``epoch`` of each checkpoint read so far; None if there is none."""
    _said: set[str] = field(default_factory=set)

    def __call__(self, number: int) -> dict[str, Tensor]:
        """Read the tensors of one checkpoint.

        Raises:
            CheckpointError: if the file can't be read, belongs to another network, or holds
                numbers that are not finite; the message names the file.
        """
        path = self.paths[number]
        tensors, self.stored[number] = read_weights(
            path, self.model, self.tensors, lambda note: self._say(note, str(path))
        )
        self.after()
        return tensors

    def _say(self, note: str, path: str) -> None:
        general = note.replace(path, "")
        if general not in self._said:
            self._said.add(general)
            self.say(note)
