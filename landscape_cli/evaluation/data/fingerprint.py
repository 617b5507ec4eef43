"""Hash of a split's samples, by which ranks and later runs check that they have the same data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape_cli.evaluation.data.batches import dense_parts
from landscape_cli.evaluation.data.nesting import WORDS, leaves

SEPARATOR = "+"
"""Between the hash of the tensors in containers and that of everything else."""


MOST_RUNS = 4
"""Largest number of runs of equal batches that are listed."""


class Fingerprint:
    """Hash of samples that does not depend on how they are divided into batches.

    Tensors in mappings, tuples and lists are hashed in order: each continues a column. Anything
    else, such as the attributes of objects, sparse tensors, arrays and words, is hashed by its
    place.
    """

    def __init__(self) -> None:
        self._columns: list[Any] = []
        self._others: dict[str, Any] = {}
        self._words: dict[str, Any] = {}

    @property
    def empty(self) -> bool:
        """True if no tensor and no array was found."""
        return not self._columns and not self._others

    def add(self, batch: Any) -> None:
        """Hash the next batch."""
        column = 0
        for place, leaf, plain in leaves(batch):
            if isinstance(leaf, Tensor) and plain and not leaf.is_nested:
                self._add_column(column, place, leaf)
                column += 1
            elif isinstance(leaf, Tensor):
                self._add_parts(place, leaf)
            elif isinstance(leaf, np.ndarray):
                self._add_array(place, leaf)
            else:
                _hash(self._words, place, _printed(leaf))

    def _add_column(self, index: int, place: str, tensor: Tensor) -> None:
        if index == len(self._columns):
            start = f"{tuple(tensor.shape[1:])}{tensor.dtype}".encode()
            self._columns.append(hashlib.blake2b(start, digest_size=16))
        if tensor.layout == torch.strided:
            self._columns[index].update(_bytes(tensor))
        else:
            self._add_parts(place, tensor)

    def _add_parts(self, place: str, tensor: Tensor) -> None:
        """Hash a tensor that is sparse, nested or among an object's attributes."""
        shape = "nested" if tensor.is_nested else str(tuple(tensor.shape[1:]))
        _hash(self._others, place, f"{tensor.layout}{shape}{tensor.dtype}".encode())
        for part in dense_parts(tensor):
            _hash(self._others, place, _bytes(part))

    def _add_array(self, place: str, array: np.ndarray[Any, Any]) -> None:
        """Hash an array of an object, or one of a dtype that PyTorch lacks."""
        _hash(self._others, place, f"array{array.shape[1:]}{array.dtype}".encode())
        if array.dtype.hasobject:
            for entry in array.flat:
                _hash(self._others, place, _printed(entry))
        else:
            _hash(self._others, place, np.ascontiguousarray(array).tobytes())

    def text(self, words: bool = True) -> str:
        """Return the hash of all columns, 32 hexadecimal digits, and that of other parts.

        The second one follows a ``+``, if there are other parts.

        Args:
            words: whether text and numbers beside the tensors count.
        """
        others = {f"{place}": hash_ for place, hash_ in self._others.items()}
        if words:
            others |= {f"{place}:words": hash_ for place, hash_ in self._words.items()}
        parts = [_digest(column.digest() for column in self._columns)] if self._columns else []
        if others or not parts:
            digests = (f"{place} {hash_.hexdigest()} ".encode() for place, hash_ in others.items())
            parts.append(_digest(digests))
        return SEPARATOR.join(parts)


def comparable(stored: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return the identities of splits as an earlier version would state them.

    Earlier versions hashed only tensors in containers, and did not state the division into batches.

    Args:
        stored: by split, ``samples`` and ``fingerprint`` in a file.
        now: the same of a run that continues the file.
    """

    def reduced(name: str, split: Mapping[str, Any]) -> dict[str, Any]:
        before, text = str(stored.get(name, {}).get("fingerprint")), str(split["fingerprint"])
        tensors, *others = text.split(SEPARATOR)
        earlier = bool(others) and SEPARATOR not in before
        known = {key: value for key, value in split.items() if key in stored.get(name, split)}
        return {**known, "fingerprint": tensors if earlier else text}

    return {name: reduced(name, split) for name, split in now.items()}


def same_tensors(stored: Mapping[str, Any], now: Any) -> bool:
    """Tell whether the tensors in containers are those that a file states, in every split."""

    def tensors(splits: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: {**split, "fingerprint": str(split["fingerprint"]).split(SEPARATOR)[0]}
            for name, split in splits.items()
        }

    return tensors(stored) == tensors(now)


def describe_division(lengths: Sequence[int]) -> str:
    """Describe how samples are divided into batches: "3 of 16, 1 of 2", or by a hash.

    Args:
        lengths: the number of samples in each batch.
    """
    runs = [(len(list(run)), length) for length, run in groupby(lengths)]
    if len(runs) > MOST_RUNS:
        return _digest([repr(lengths).encode()])
    return ", ".join(f"{count} of {length}" for count, length in runs)


def _digest(parts: Any) -> str:
    whole = hashlib.blake2b(digest_size=16)
    for part in parts:
        whole.update(part)
    return whole.hexdigest()


def _hash(hashes: dict[str, Any], place: str, content: Any) -> None:
    hashes.setdefault(place, hashlib.blake2b(digest_size=16)).update(content)


def _bytes(tensor: Tensor) -> Any:
    dense = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous().flatten()
    return dense.view(torch.uint8).numpy().data


def _printed(word: Any) -> bytes:
    """Return a word's type and text; of other objects the type, since they may print an address."""
    word = word.item() if isinstance(word, np.generic) else word
    text = repr(word) if isinstance(word, WORDS) else ""
    return f"{type(word).__qualname__} {text}\0".encode("utf-8", "surrogatepass")
