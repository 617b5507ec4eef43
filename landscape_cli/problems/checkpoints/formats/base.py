"""The contract of a format of checkpoints."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


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
