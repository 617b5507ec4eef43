"""Indices of sharded checkpoints, as Hugging Face's libraries write them."""

from __future__ import annotations

import json
from pathlib import Path, PurePath
from typing import Any

from landscape_cli.errors import CheckpointError, some
from landscape_cli.problems.checkpoints.formats.base import Format
from landscape_cli.problems.checkpoints.formats.safetensors_ import SafetensorsFile
from landscape_cli.problems.checkpoints.formats.torch_ import TorchFile

ENDING = ".index.json"

LARGEST = 1 << 28
"""Largest index that is read, in bytes."""


class ShardIndex(Format):
    """An index such as ``model.safetensors.index.json``, which names the file of each tensor."""

    @staticmethod
    def recognizes(path: str) -> bool:
        """Return True by the ending."""
        return path.endswith(ENDING)

    def files(self, path: str) -> list[str]:
        """Return the index and the shards that it names."""
        folder = Path(path).parent
        return sorted([path, *(str(folder / shard) for shard in set(weight_map(path).values()))])

    def read(self, path: str) -> Any:
        """Read all shards, and check that each holds the tensors that the index expects in it."""
        places = weight_map(path)
        tensors: dict[str, Any] = {}
        for shard in sorted(set(places.values())):
            file = str(Path(path).parent / shard)
            content = (SafetensorsFile if SafetensorsFile.recognizes(file) else TorchFile)().read(
                file
            )
            expected = [name for name, place in places.items() if place == shard]
            if absent := [name for name in expected if name not in content]:
                raise CheckpointError(
                    f"checkpoint: {file!r} lacks {some(absent)}, which {path!r} places in it; "
                    "are these files of one checkpoint?"
                )
            tensors |= {
                name: value for name, value in content.items() if places.get(name, shard) == shard
            }
        return tensors


def weight_map(path: str) -> dict[str, str]:
    """Read the shard of each tensor: names of files beside the index or below it."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(LARGEST + 1)
    except OSError as error:
        raise CheckpointError(f"checkpoint: can't read {path!r}: {error.strerror}") from None
    except ValueError:
        text = ""
    try:
        found = json.loads(text)["weight_map"] if len(text) <= LARGEST else None
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if not isinstance(found, dict) or not found:
        raise CheckpointError(
            f"checkpoint: {path!r} is not an index of shards: expected JSON with a weight_map of "
            "tensors to files"
        )
    for name, shard in found.items():
        inside = isinstance(shard, str) and shard and not PurePath(shard).is_absolute()
        if not inside or ".." in PurePath(shard).parts:
            raise CheckpointError(
                f"checkpoint: {path!r} places {name} in {shard!r}, which is not a file beside it"
            )
    return found
