"""The contract of a format of checkpoints."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from landscape_cli.errors import CheckpointError

POINTER = b"version https://git-lfs.github.com/"
"""Beginning of the small text that Git leaves in place of a large file."""


class Format(ABC):
    """A way in which trainers store weights: in one file, or in several that belong together."""

    @staticmethod
    @abstractmethod
    def recognizes(path: str) -> bool:
        """Return True if a path is to be read in this format, whether or not it is damaged."""

    @abstractmethod
    def read(self, path: str) -> Any:
        """Read everything that may be weights onto the CPU, without running code from the file.

        Returns:
            A state dict, or a nesting of mappings that holds some.

        Raises:
            CheckpointError: if it can't be read, is damaged, or holds objects that would run code.
        """

    def files(self, path: str) -> list[str]:
        """Return the files to read, sorted by name; by default the path itself.

        Raises:
            CheckpointError: if they can't be found.
        """
        return [path]

    def entry_hash(self, path: str, key: str | None) -> str | None:
        """Return the SHA-256 of an entry alone, where it and not its file is the checkpoint.

        Raises:
            CheckpointError: if it can't be read.
        """
        return None


def refuse_pointer(path: str) -> None:
    """Refuse the text that Git LFS puts in place of a file that was not downloaded.

    Raises:
        CheckpointError: if the file is such a text.
        OSError: if it can't be read.
    """
    with open(path, "rb") as file:
        if file.read(len(POINTER)) == POINTER:
            raise CheckpointError(
                f"checkpoint: {path!r} is a pointer of Git LFS, not the file itself; fetch it with "
                "git lfs pull"
            )
