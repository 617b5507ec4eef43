"""Reading of one file of a recording: its header once, and the bytes of single steps."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from landscape_cli.errors import StoreError
from landscape_cli.store.recordings.facts import Facts
from landscape_cli.store.recordings.file_names import RecordedFile
from landscape_cli.store.recordings.layout import Layout

LONGEST_HEADER = 100_000_000
"""Largest header that the safetensors format allows, in bytes."""

VERSION = "1"


@dataclass(frozen=True)
class Contents:
    """Facts that a file's header states.

    Args:
        path: the file.
        begin: where the tensors' bytes begin.
        layout: the tensors of each step.
        facts: those of each step, in order.
    """

    path: Path
    begin: int
    layout: Layout
    facts: tuple[Facts, ...]

    def read(self, step: int) -> bytearray:
        """Read the bytes of a step, and nothing else.

        Raises:
            StoreError: if they are damaged, or can't be read.
            FileNotFoundError: if the file is gone.
        """
        number = next(n for n, facts in enumerate(self.facts) if facts.step == step)
        data = bytearray(self.layout.bytes)
        filled = 0
        try:
            with open(self.path, "rb", buffering=0) as file:
                for place, size in self.layout.parts(number, len(self.facts)):
                    file.seek(self.begin + place)
                    _fill(file, memoryview(data)[filled : filled + size])
                    filled += size
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StoreError(f"can't read {str(self.path)!r}: {error.strerror}") from None
        if zlib.crc32(data) != self.facts[number].data:
            raise damaged(self.path, f"step {step} does not have its checksum")
        return data


def contents(file: RecordedFile) -> Contents:
    """Read a file's header, or return it as it was read before if the file is the same.

    Raises:
        StoreError: if it is damaged, or can't be read.
        FileNotFoundError: if the file is gone.
    """
    status = os.stat(file.path)
    return _contents(file, status.st_ino, status.st_size, status.st_mtime_ns)


def damaged(path: Path, why: str) -> StoreError:
    """Return the error for a damaged file."""
    return StoreError(
        f"{str(path)!r} is damaged ({why[:120]}); copy it again, or remove it to leave out its "
        "steps"
    )


def header_bytes(entries: Mapping[str, Any], metadata: Mapping[str, str]) -> bytes:
    """Return the beginning of a file: the header's length and the header."""
    text = json.dumps({"__metadata__": metadata, **entries}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def single_metadata(facts: Facts, layout: Layout) -> dict[str, str]:
    """Return the metadata of a file of one step."""
    return {"format": "pt", "recording": VERSION, **facts.as_metadata(layout)}


@lru_cache(maxsize=4096)
def _contents(file: RecordedFile, inode: int, size: int, changed: int) -> Contents:
    try:
        with open(file.path, "rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if length > min(LONGEST_HEADER, size - 8):
                raise ValueError("it is cut off, or no safetensors file")
            header = json.loads(stream.read(length))
        found = _parsed(file, 8 + length, header)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(f"can't read {str(file.path)!r}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise damaged(file.path, str(error) or type(error).__name__) from None
    except (RecursionError, MemoryError) as error:
        raise damaged(file.path, type(error).__name__) from None
    expected = found.begin + found.layout.bytes * len(found.facts)
    if size != expected:
        raise damaged(file.path, f"it has {size} bytes instead of {expected}")
    return found


def _parsed(file: RecordedFile, begin: int, header: dict[str, Any]) -> Contents:
    """Return what a header says, if it is exactly as this program would write it."""
    metadata = dict(header.pop("__metadata__"))
    if metadata.pop("recording") != VERSION:
        raise ValueError("it is from another version of this program")
    metadata.pop("format")
    each = json.loads(metadata["steps"]) if file.joined else [metadata]
    steps = [int(one["step"]) for one in each]
    prefixes = [step_prefix(step) for step in steps] if file.joined else [""]
    layout = Layout.of_header(header, prefixes[0])
    facts = tuple(Facts.of_metadata(one, layout) for one in each)
    if (steps[0], steps[-1]) != (file.first, file.last) or steps != sorted(set(steps)):
        raise ValueError(f"it holds steps {steps[0]} to {steps[-1]}")
    if layout.header(prefixes) != header:
        raise ValueError("the places of its tensors are not as they were written")
    return Contents(file.path, begin, layout, facts)


def step_prefix(step: int) -> str:
    """Return what is before the names of a step's tensors in a file of several."""
    return f"{step}/"


def _fill(file: IO[bytes], view: memoryview) -> None:
    while view:
        count = file.readinto(view)  # type: ignore[attr-defined]
        if not count:
            raise OSError(0, "it is cut off")
        view = view[count:]
