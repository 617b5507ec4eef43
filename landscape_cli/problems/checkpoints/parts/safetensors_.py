"""Parts of tensors in safetensors files, of one or of all that an index names."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from landscape_cli.errors import CheckpointError, some
from landscape_cli.problems.checkpoints.formats.index import ShardIndex, weight_map
from landscape_cli.problems.checkpoints.formats.safetensors_ import SafetensorsFile, reading
from landscape_cli.problems.checkpoints.parts.base import PartReader, Place, StoredTensor

DTYPES = {
    **{"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16},
    **{"I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8},
    **{"U8": torch.uint8, "BOOL": torch.bool, "C64": torch.complex64},
}
"""PyTorch's dtypes by the names of the format."""


class SafetensorsParts(PartReader):
    """A ``.safetensors`` file, or an index of several."""

    @staticmethod
    def recognizes(path: str) -> bool:
        """Return True by the ending, or for an index that names such files only."""
        if ShardIndex.recognizes(path):
            return all(one.endswith(".safetensors") for one in weight_map(path).values())
        return SafetensorsFile.recognizes(path)

    def tensors(self, path: str) -> dict[str, StoredTensor]:
        """Return the stored tensors by name."""
        if not ShardIndex.recognizes(path):
            return _tensors(path)
        places = weight_map(path)
        found: dict[str, StoredTensor] = {}
        for shard in sorted(set(places.values())):
            file = str(Path(path).parent / shard)
            own = _tensors(file)
            expected = [name for name, place in places.items() if place == shard]
            if absent := [name for name in expected if name not in own]:
                raise CheckpointError(
                    f"checkpoint: {file!r} lacks {some(absent)}, which {path!r} places in it; "
                    "are these files of one checkpoint?"
                )
            found |= {name: one for name, one in own.items() if places.get(name, shard) == shard}
        return found


def _tensors(file: str) -> dict[str, StoredTensor]:
    from safetensors import safe_open

    with reading(file), safe_open(file, framework="pt") as opened:
        return {name: _stored(file, name, opened) for name in opened.keys()}  # noqa: SIM118


def _stored(file: str, name: str, opened: Any) -> StoredTensor:
    stored = opened.get_slice(name)
    dtype = DTYPES[stored.get_dtype()]
    return StoredTensor(tuple(stored.get_shape()), dtype, partial(_read, file, name))


def _read(file: str, name: str, place: Place) -> Tensor:
    from safetensors import safe_open

    with reading(file), safe_open(file, framework="pt") as opened:
        entries: Tensor = opened.get_slice(name)[place] if place else opened.get_tensor(name)
    shape = [one.stop - one.start for one in place]
    return entries if list(entries.shape) == shape else torch.empty(shape, dtype=entries.dtype)
