"""The samples of a split: held on the device where they fit, streamed otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, RandomSampler

from landscape_cli.errors import ProblemError, cause


class SplitData:
    """One split's batches, in the same order each time.

    Args:
        name: the split's name, for messages.
        source: a data set of samples, a loader, or an iterable of batches. A loader that shuffles
            without leaving samples out is read in the order of its data set: the sums are the same.
        micro_batch: samples in a batch, for data sets of samples; batches of loaders and iterables
            stay as they are.
        device: where batches are put.
    """

    def __init__(self, name: str, source: Any, micro_batch: int, device: torch.device) -> None:
        self.name = name
        self.device = device
        self.fingerprint = ""
        self.held_bytes = 0
        self.samples = 0
        self.divisible = isinstance(source, Dataset)
        self._given = source
        self._channels_last = False
        self._arrangement = micro_batch, False
        self._source = _batches_of(name, source, micro_batch)
        self._held: list[Any] | None = None

    @property
    def cached(self) -> bool:
        """Whether the batches are held on the device."""
        return self._held is not None

    def stream(self) -> Iterator[Any]:
        """Give the batches from their source, each moved to the device.

        Raises:
            ProblemError: if the source fails, or has no batch.
        """
        return (self._moved(batch) for batch in self._read())

    def load(self, budget: int) -> Iterator[Any]:
        """Stream the batches once, taking their fingerprint and holding them if they fit.

        Args:
            budget: bytes that may be held on the device.
        """
        held: list[Any] = []
        size = samples = 0
        fingerprint = _Fingerprint()
        for batch in self._read():
            size += sum(tensor.nbytes for tensor in tensors_in(batch))
            fingerprint.add(batch)
            samples += batch_length(batch) or 1
            moved = self._moved(batch)
            if size <= budget:
                held.append(moved)
            else:
                held.clear()
            yield moved
        self.fingerprint = fingerprint.text()
        self.samples = samples
        if size <= budget:
            self._held, self.held_bytes = held, size

    def _read(self) -> Iterator[Any]:
        """The batches as their source gives them."""
        empty = True
        batches = iter(self._source)
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                break
            except Exception as error:
                raise ProblemError(f"split {self.name!r} can't be read: {cause(error)}") from error
            empty = False
            yield batch
        if empty:
            raise ProblemError(f"split {self.name!r} is empty: it gave no batch")

    def arrange(self, micro_batch: int, channels_last: bool) -> None:
        """Change the size of the batches of a data set of samples, and how images lie in memory.

        Batches of loaders and iterables keep their samples: what an objective does with a batch
        may depend on them.
        """
        if (micro_batch, channels_last) == self._arrangement:
            return
        self._arrangement = micro_batch, channels_last
        self._channels_last = channels_last
        if self.divisible:
            self._source = _batches_of(self.name, self._given, micro_batch)
        if self._held is not None:
            size = micro_batch if self.divisible else None
            self._held = arranged(self._held, size, channels_last)

    def _moved(self, batch: Any) -> Any:
        moved = map_tensors(lambda tensor: tensor.to(self.device), batch)
        return _laid_out(moved, self._channels_last)

    def __iter__(self) -> Iterator[Any]:
        """The batches on the device, from memory if they are held."""
        return self.stream() if self._held is None else iter(self._held)


def map_tensors(function: Callable[[Tensor], Tensor], batch: Any) -> Any:
    """Apply a function to each tensor in a nesting of dicts, tuples and lists.

    NumPy arrays become tensors first; anything else stays as it is.
    """
    if isinstance(batch, np.ndarray) and batch.dtype != object:
        batch = torch.from_numpy(batch)
    if isinstance(batch, Tensor):
        return function(batch)
    if isinstance(batch, Mapping):
        mapped = {key: map_tensors(function, value) for key, value in batch.items()}
        return type(batch)(mapped) if type(batch) is not dict else mapped  # type: ignore[call-arg]
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(map_tensors(function, value) for value in batch))
    if isinstance(batch, (list, tuple)):
        return type(batch)(map_tensors(function, value) for value in batch)
    return batch


def tensors_in(batch: Any) -> list[Tensor]:
    """The tensors of a nesting, in order."""
    found: list[Tensor] = []

    def note(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    map_tensors(note, batch)
    return found


def arranged(batches: list[Any], size: int | None, channels_last: bool) -> list[Any]:
    """The same samples in other batches, or lying otherwise in memory.

    Args:
        batches: at least one, of one structure.
        size: samples in each batch but the last; None leaves the batches as they are.
        channels_last: whether images (n, c, h, w) get their channels last in memory.
    """
    divided = batches if size is None else _divided(batches, size)
    return [_laid_out(batch, channels_last) for batch in divided]


def _laid_out(batch: Any, channels_last: bool) -> Any:
    layout = torch.channels_last if channels_last else torch.contiguous_format

    def lay_out(tensor: Tensor) -> Tensor:
        image = tensor.dim() == 4 and tensor.is_floating_point()
        return tensor.contiguous(memory_format=layout) if image else tensor

    return map_tensors(lay_out, batch)


def _divided(batches: list[Any], size: int) -> list[Any]:
    """Batches of another size; the same ones where they can't be joined."""
    lengths = [batch_length(batch) for batch in batches]
    parts = [tensors_in(batch) for batch in batches]
    if None in lengths or any(t.dim() == 0 for part in parts for t in part):
        return batches
    columns = [torch.cat(column) for column in zip(*parts, strict=True)]
    total = len(columns[0])
    rows = [[column[start : start + size] for column in columns] for start in range(0, total, size)]
    return [_refill(batches[0], iter(row)) for row in rows]


def _refill(batch: Any, tensors: Iterator[Tensor]) -> Any:
    """A nesting like ``batch`` that holds other tensors."""
    return map_tensors(lambda _: next(tensors), batch)


def batch_length(batch: Any) -> int | None:
    """The samples in a batch: the first dimension of its tensors, None where they differ."""
    lengths = {tensor.shape[0] for tensor in tensors_in(batch) if tensor.dim()}
    return lengths.pop() if len(lengths) == 1 else None


def _batches_of(name: str, source: Any, micro_batch: int) -> Iterable[Any]:
    if isinstance(source, DataLoader):
        return _in_order(source)
    if isinstance(source, IterableDataset):
        return DataLoader(source, batch_size=micro_batch)
    if isinstance(source, Dataset):
        try:
            length = len(source)  # type: ignore[arg-type]
        except TypeError:
            raise ProblemError(
                f"split {name!r}: a Dataset needs __len__; give an IterableDataset otherwise"
            ) from None
        if length == 0:
            raise ProblemError(f"split {name!r} is empty: its Dataset has length 0")
        return DataLoader(source, batch_size=micro_batch)
    return source  # type: ignore[no-any-return]


def _in_order(loader: DataLoader[Any]) -> DataLoader[Any]:
    """The loader, or one over the same samples in order if its order is random but complete."""
    sampler = loader.sampler
    whole = (
        type(sampler) is RandomSampler
        and not sampler.replacement
        and sampler.num_samples == len(sampler)
        and sampler.num_samples == len(loader.dataset)  # type: ignore[arg-type]
    )
    if not whole or loader.drop_last or loader.batch_size is None:
        return loader
    return DataLoader(
        loader.dataset,
        batch_size=loader.batch_size,
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
    )


class _Fingerprint:
    """A hash of samples that does not depend on how they are divided into batches."""

    def __init__(self) -> None:
        self._columns: list[Any] = []

    def add(self, batch: Any) -> None:
        """Take in the next batch: each of its tensors continues a column."""
        for place, tensor in enumerate(tensors_in(batch)):
            if place == len(self._columns):
                start = f"{tuple(tensor.shape[1:])}{tensor.dtype}".encode()
                self._columns.append(hashlib.blake2b(start, digest_size=16))
            if not tensor.is_sparse:
                flat = tensor.detach().cpu().contiguous().flatten()
                self._columns[place].update(flat.view(torch.uint8).numpy().data)

    def text(self) -> str:
        """The hash of all columns, 32 hexadecimal digits."""
        whole = hashlib.blake2b(digest_size=16)
        for column in self._columns:
            whole.update(column.digest())
        return whole.hexdigest()
