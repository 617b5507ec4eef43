"""Files of the safetensors format, which can hold nothing but tensors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from landscape_cli.errors import CheckpointError
from landscape_cli.problems.checkpoints.formats.base import Format, refuse_pointer
from landscape_cli.problems.checkpoints.formats.recording import refuse_joined

LONGEST_HEADER = 100_000_000
"""Largest header that the format allows, in bytes."""


class SafetensorsFile(Format):
    """One ``.safetensors`` file, under this or another name."""

    @staticmethod
    def recognizes(path: str) -> bool:
        """Return True by the ending, or by the length and first byte of the JSON header."""
        if path.endswith(".safetensors"):
            return True
        try:
            with open(path, "rb") as file:
                start, size = file.read(9), os.fstat(file.fileno()).st_size
        except (OSError, ValueError):
            return False
        length = int.from_bytes(start[:8], "little")
        return start[8:] == b"{" and length <= min(size - 8, LONGEST_HEADER)

    def read(self, path: str) -> Any:
        """Read the file's tensors by name."""
        from safetensors.torch import load_file

        with reading(path):
            return load_file(path)


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Read a file within the block.

    Raises:
        CheckpointError: if it can't be read, is damaged, or is no file of this format.
    """
    from safetensors import SafetensorError

    try:
        refuse_pointer(path)
        refuse_joined(path)
        yield
    except OSError as error:
        raise CheckpointError(f"checkpoint: can't read {path!r}: {error.strerror}") from None
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"checkpoint: {path!r} is not a safetensors file, or is damaged or cut off "
            f"({str(error)[:160]})"
        ) from None
