"""Folders of ``torch.distributed.checkpoint``, which FSDP, accelerate and Lightning write too."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

import torch

from landscape_cli.errors import CheckpointError, some
from landscape_cli.problems.checkpoints.formats.base import Format
from landscape_cli.problems.checkpoints.formats.metadata import read_metadata
from landscape_cli.problems.checkpoints.zip_records import MAGIC, check_records

METADATA = ".metadata"

OPTIMIZER = "optim"
"""Beginning of the entries that hold no weights, and are not read."""


class DistributedFolder(Format):
    """A folder with a ``.metadata`` file and the tensors' chunks in ``.distcp`` files.

    The metadata is a pickle, which PyTorch itself would run; here, it can only build the few
    classes that PyTorch writes into it. Chunks are loaded with ``weights_only``.
    """

    @staticmethod
    def recognizes(path: str) -> bool:
        """Return True for a folder with metadata."""
        return os.path.isfile(os.path.join(path, METADATA))

    def files(self, path: str) -> list[str]:
        """Return the metadata and all files of chunks."""
        return sorted(
            str(file)
            for file in Path(path).iterdir()
            if file.name == METADATA or file.suffix == ".distcp"
        )

    def read(self, path: str) -> Any:
        """Read all entries but those of the optimizer, nested as they were saved."""
        metadata = read_metadata(os.path.join(path, METADATA))
        try:
            return _content(path, metadata)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"checkpoint: the metadata of {path!r} is damaged ({type(error).__name__})"
            ) from None


def _content(path: str, metadata: Any) -> dict[Any, Any]:
    """Read the entries that the metadata lists."""
    return nest(path, metadata, _load(path, metadata, listed_entries(path, metadata)))


def listed_entries(path: str, metadata: Any, contents: bool = True) -> dict[str, Any]:
    """Return the entries of the metadata but those of the optimizer, once their chunks are checked.

    Args:
        path: the folder.
        metadata: its metadata.
        contents: read each chunk to check it, too.

    Raises:
        CheckpointError: if a chunk is missing or damaged.
    """
    entries = {
        name: entry
        for name, entry in metadata.state_dict_metadata.items()
        if not str(_place(metadata, name)[0]).startswith(OPTIMIZER)
    }
    _check_chunks(path, metadata, entries, contents)
    return entries


def nest(path: str, metadata: Any, values: Mapping[str, Any]) -> dict[Any, Any]:
    """Return values by the names of entries nested as the entries were saved.

    Raises:
        CheckpointError: if an entry has others below it.
    """
    content: dict[Any, Any] = {}
    for name, value in values.items():
        _put(content, _place(metadata, name), value, path)
    return content


def chunks_by_place(metadata: Any, name: str) -> dict[tuple[int, ...], Any]:
    """Return the place in a file of each chunk of an entry, by its offsets in the tensor."""
    return {
        tuple(index.offset): info
        for index, info in metadata.storage_data.items()
        if index.fqn == name and index.offset is not None
    }


def _place(metadata: Any, name: str) -> tuple[Any, ...]:
    """Return the keys under which an entry was saved."""
    places = metadata.planner_data if isinstance(metadata.planner_data, Mapping) else {}
    return tuple(places.get(name) or (name,))


def _put(content: dict[Any, Any], place: tuple[Any, ...], value: Any, path: str) -> None:
    """Put an entry where it was saved, in nested sections."""
    *sections, last = place
    for key in sections:
        content = content.setdefault(key, {})
        if not isinstance(content, dict):
            raise CheckpointError(f"checkpoint: {path!r} has both {key!r} and entries below it")
    content[last] = value


def _check_chunks(path: str, metadata: Any, entries: Mapping[str, Any], contents: bool) -> None:
    """Refuse tensors whose chunks do not cover them, files elsewhere, and damaged chunks."""
    for name, entry in entries.items():
        if hasattr(entry, "chunks"):
            covered = sum(math.prod(chunk.sizes) for chunk in _inside(entry))
            if covered != math.prod(entry.size):
                raise CheckpointError(
                    f"checkpoint: {path!r} has {covered} of the {math.prod(entry.size)} numbers "
                    f"of {name}; is a rank's file missing, or the metadata damaged?"
                )
    places: dict[Any, str] = {}
    for index, info in metadata.storage_data.items():
        if index.fqn in entries:
            read_chunk(path, index.fqn, info, contents)
            first = places.setdefault((info.relative_path, info.offset), index.fqn)
            if first != index.fqn:
                raise CheckpointError(
                    f"checkpoint: the metadata of {path!r} is damaged: it has {first} and "
                    f"{index.fqn} in the same place"
                )


def _inside(entry: Any) -> list[Any]:
    """Return the chunks that lie within their tensor, one for each place."""
    chunks = {tuple(chunk.offsets): chunk for chunk in entry.chunks}
    return [
        chunk
        for offsets, chunk in chunks.items()
        if all(
            min(offset, length) >= 0 and offset + length <= size
            for offset, length, size in zip(offsets, chunk.sizes, entry.size, strict=True)
        )
    ]


def read_chunk(path: str, name: str, info: Any, contents: bool = True) -> bytes:
    """Read a chunk of a tensor, or only see that it is there.

    Raises:
        CheckpointError: if it lies outside of the folder, is cut off or damaged.
    """
    relative = PurePath(info.relative_path)
    if relative.is_absolute() or ".." in relative.parts:
        raise CheckpointError(
            f"checkpoint: {path!r} places {name} in {str(relative)!r}, outside of the folder"
        )
    file = os.path.join(path, info.relative_path)
    try:
        with open(file, "rb") as stream:
            stream.seek(info.offset)
            content = stream.read(info.length if contents else 0)
            length = os.fstat(stream.fileno()).st_size - info.offset
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise CheckpointError(f"checkpoint: can't read {name} from {file!r}: {why}") from None
    if length < info.length:
        raise CheckpointError(f"checkpoint: {file!r} is cut off in {name}; copy it again")
    if content.startswith(MAGIC):
        check_records(file, content)
    return content


def _load(path: str, metadata: Any, entries: Mapping[str, Any]) -> dict[str, Any]:
    """Load entries by PyTorch's own reader, in this process alone."""
    from torch.distributed.checkpoint.api import CheckpointException
    from torch.distributed.checkpoint.default_planner import DefaultLoadPlanner
    from torch.distributed.checkpoint.filesystem import FileSystemReader
    from torch.distributed.checkpoint.state_dict_loader import load

    class Reader(FileSystemReader):
        """Uses the metadata that was unpickled safely."""

        def read_metadata(self, *args: Any, **kwargs: Any) -> Any:
            """Return the metadata."""
            return metadata

    class Planner(DefaultLoadPlanner):
        """Loads no objects but those that ``weights_only`` allows."""

        def load_bytes(self, read_item: Any, value: Any) -> None:
            """Load an object; leave it out if it is not allowed."""
            name = read_item.dest_index.fqn
            try:
                values[name] = torch.load(value, map_location="cpu", weights_only=True)
            except Exception:  # an object that may need code to be built, such as a sampler's
                del values[name]

    values: dict[str, Any] = {
        name: torch.empty(entry.size, dtype=entry.properties.dtype)
        if hasattr(entry, "properties")
        else None
        for name, entry in entries.items()
    }
    loaded = dict(values)
    planner = Planner(flatten_state_dict=False, flatten_sharded_tensors=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            load(loaded, storage_reader=Reader(path), planner=planner)
    except (Exception, CheckpointException) as error:  # which is no Exception
        text = str(error).strip().splitlines()
        raise CheckpointError(
            f"checkpoint: {path!r} is not a distributed checkpoint, or is damaged "
            f"({some(text[-1:])[:160] or type(error).__name__})"
        ) from None
    return values
