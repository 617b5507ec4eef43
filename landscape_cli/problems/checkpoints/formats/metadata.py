"""The metadata of distributed checkpoints: a pickle, of which nothing is run."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import IO, Any

import torch

from landscape_cli.errors import CheckpointError
from landscape_cli.problems.checkpoints.pickled_globals import globals_of, runs_code
from landscape_cli.problems.checkpoints.refusals import (
    allowed_by_user,
    code_refusal,
    objects_refusal,
)

CLASSES = {
    "torch.distributed.checkpoint.metadata": (
        *("Metadata", "MetadataIndex", "TensorStorageMetadata", "BytesStorageMetadata"),
        *("ChunkStorageMetadata", "TensorProperties", "StorageMeta", "_MEM_FORMAT_ENCODING"),
    ),
    "torch.distributed.checkpoint.filesystem": ("_StorageInfo", "_StoragePrefix"),
    "torch.distributed._shard.sharded_tensor.metadata": ("TensorProperties", "MEM_FORMAT_ENCODING"),
    "torch.serialization": ("_get_layout",),
    "pathlib": ("Path", "PosixPath", "PurePath", "PurePosixPath", "WindowsPath"),
    "pathlib._local": ("Path", "PosixPath", "PurePath", "PurePosixPath", "WindowsPath"),
    "collections": ("OrderedDict", "defaultdict"),
    "builtins": ("set", "frozenset", "dict", "list", "tuple"),
}
"""Parts that the pickled metadata may consist of, besides torch's sizes and dtypes."""


def read_metadata(path: str) -> Any:
    """Unpickle metadata, building nothing but the classes that belong into it.

    Returns:
        PyTorch's ``Metadata``.

    Raises:
        CheckpointError: if it can't be read, is damaged, or asks for anything else.
    """
    try:
        with open(path, "rb") as file:
            metadata = _Unpickler(file, path).load()
    except CheckpointError:
        raise
    except OSError as error:
        raise CheckpointError(f"checkpoint: can't read {path!r}: {error.strerror}") from None
    except Exception as error:  # whatever a damaged pickle raises
        raise CheckpointError(
            f"checkpoint: {path!r} is not the metadata of a distributed checkpoint, or is damaged "
            f"({type(error).__name__})"
        ) from None
    known = isinstance(getattr(metadata, "state_dict_metadata", None), Mapping)
    if not known or not isinstance(getattr(metadata, "storage_data", None), Mapping):
        raise CheckpointError(f"checkpoint: {path!r} is not the metadata of tensors in files")
    return metadata


class _Unpickler(pickle.Unpickler):
    """Builds the classes of ``CLASSES``, and those that the user allows; runs nothing else."""

    def __init__(self, file: IO[bytes], path: str) -> None:
        names = globals_of(file)
        file.seek(0)
        if code := [name for name in names if runs_code(name)]:
            raise code_refusal(path, code)
        super().__init__(file)
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        """Return a class that belongs into metadata."""
        if name in CLASSES.get(module, ()):
            module = "pathlib" if module == "pathlib._local" else module
            return super().find_class(module, name)
        if module == "torch" and isinstance(value := getattr(torch, name, None), torch.dtype):
            return value
        if (module, name) == ("torch", "Size"):
            return torch.Size
        if (allowed := allowed_by_user().get(f"{module}.{name}")) is not None:
            return allowed
        raise objects_refusal(self._path, [f"{module}.{name}"])
