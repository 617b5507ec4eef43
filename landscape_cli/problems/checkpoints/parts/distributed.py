"""Parts of tensors in folders of ``torch.distributed.checkpoint``."""

from __future__ import annotations

import io
import os
from functools import partial
from typing import Any

import torch
from torch import Tensor

from landscape_cli.errors import CheckpointError, cause
from landscape_cli.problems.checkpoints.formats.distributed import (
    METADATA,
    DistributedFolder,
    chunks_by_place,
    listed_entries,
    nest,
    read_chunk,
)
from landscape_cli.problems.checkpoints.formats.metadata import read_metadata
from landscape_cli.problems.checkpoints.parts.base import PartReader, Place, StoredTensor


class DistributedParts(PartReader):
    """A folder with a ``.metadata`` file; each chunk that a part overlaps is read."""

    @staticmethod
    def recognizes(path: str) -> bool:
        """Return True for a folder with metadata."""
        return DistributedFolder.recognizes(path)

    def tensors(self, path: str) -> dict[Any, Any]:
        """Return the stored tensors, nested as they were saved."""
        metadata = read_metadata(os.path.join(path, METADATA))
        try:
            entries = listed_entries(path, metadata, contents=False)
            stored = {
                name: StoredTensor(
                    tuple(entry.size),
                    entry.properties.dtype,
                    partial(_read, path, name, entry, chunks_by_place(metadata, name)),
                )
                for name, entry in entries.items()
                if hasattr(entry, "properties")
            }
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"checkpoint: the metadata of {path!r} is damaged ({type(error).__name__})"
            ) from None
        return nest(path, metadata, stored)


def _read(
    path: str, name: str, entry: Any, files: dict[tuple[int, ...], Any], place: Place
) -> Tensor:
    """Read a rectangle of a tensor, chunk by chunk."""
    part = torch.empty([one.stop - one.start for one in place], dtype=entry.properties.dtype)
    for chunk in entry.chunks:
        starts = [max(o, one.start) for o, one in zip(chunk.offsets, place, strict=True)]
        stops = [
            min(o + size, one.stop)
            for o, size, one in zip(chunk.offsets, chunk.sizes, place, strict=True)
        ]
        if any(start >= stop for start, stop in zip(starts, stops, strict=True)):
            continue
        content = _load_chunk(path, name, files[tuple(chunk.offsets)])
        inside = _ranges(starts, stops, chunk.offsets)
        part[_ranges(starts, stops, [one.start for one in place])] = content[inside]
    return part


def _ranges(starts: list[int], stops: list[int], offsets: Any) -> Place:
    return tuple(
        slice(start - offset, stop - offset)
        for start, stop, offset in zip(starts, stops, offsets, strict=True)
    )


def _load_chunk(path: str, name: str, info: Any) -> Tensor:
    content = io.BytesIO(read_chunk(path, name, info))
    try:
        chunk: Tensor = torch.load(content, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged file raises
        file = os.path.join(path, info.relative_path)
        raise CheckpointError(
            f"checkpoint: can't read {name} from {file!r}: {cause(error)}"
        ) from None
    return chunk
