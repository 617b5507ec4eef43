"""The batches of a training, epoch after epoch, from any step on."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from landscape_cli.errors import LandscapeError, ProblemError, UsageError, cause
from landscape_cli.evaluation.data.batches import map_tensors
from landscape_cli.evaluation.data.objects import move_object
from landscape_cli.evaluation.data.prefetch import to_device
from landscape_cli.evaluation.training.seeds import EPOCHS, STEPS, generator_of, seed_all

DEFAULT_SIZE = 128
"""Samples in a batch of a dataset, unless another number is given."""


class TrainingBatches:
    """The batches of a split for training.

    The samples of a dataset are shuffled in each epoch. A loader, or any other iterable of batches,
    is taken as it is: with its own order, batch size and augmentation. All random numbers are drawn
    after seeding by epoch and step, so that training that begins at any step sees the batches, with
    their augmentation, that it would have seen without an interruption. To get there, a loader
    reads the epoch's earlier batches again.

    Args:
        name: the split's name, for messages.
        split: a dataset, a loader, or an iterable of batches.
        size: samples in a batch of a dataset; ``DEFAULT_SIZE`` if None.
        seed: of the order of samples, and of everything else that is random.
        device: where batches are moved.

    Attributes:
        per_epoch: number of batches in an epoch.

    Raises:
        UsageError: if a size is given for a split that has batches of its own.
        ProblemError: if the split has no batches.
    """

    def __init__(
        self, name: str, split: Any, size: int | None, seed: int, device: torch.device
    ) -> None:
        self._name, self._split, self._seed, self._device = name, split, seed, device
        self._dataset = isinstance(split, Dataset) and not isinstance(split, IterableDataset)
        if size is not None and not isinstance(split, Dataset):
            raise UsageError(
                f"--batch-size {size}: the split {name!r} is a {type(split).__name__} with batches "
                "of its own; leave it out"
            )
        self._size = DEFAULT_SIZE if size is None else size
        self.per_epoch = self._count()
        if self.per_epoch < 1:
            raise ProblemError(f"split {name!r} is empty: there is no batch to train on")

    def steps(self, start: int, stop: int) -> Generator[Any]:
        """Yield the batches of the steps from one number up to another, on the device."""
        step = start
        while step < stop:
            epoch, first = divmod(step, self.per_epoch)
            for batch in self._epoch(epoch, first):
                yield self._moved(batch)
                step += 1
                if step == stop:
                    return
            if step != (epoch + 1) * self.per_epoch:
                raise self._other_number(step - epoch * self.per_epoch)

    def _epoch(self, epoch: int, first: int) -> Iterator[Any]:
        """Yield an epoch's batches from a number on, each drawn after seeding by its step."""
        seed_all(self._seed, EPOCHS, epoch)
        batches = iter(self._dataset_batches(epoch, first) if self._dataset else self._own(epoch))
        for number in range(first if self._dataset else 0, self.per_epoch + 1):
            seed_all(self._seed, STEPS, epoch * self.per_epoch + number)
            batch = self._next(batches)
            if batch is _END:
                return
            if number == self.per_epoch:
                raise self._other_number(number + 1)
            if number >= first:
                yield batch

    def _moved(self, batch: Any) -> Any:
        """Return a batch on the device, with the tensors of its objects."""
        device = self._device
        return map_tensors(
            lambda tensor: to_device(tensor, device),
            batch,
            lambda value: move_object(value, device, fresh=False),
        )

    def _next(self, batches: Iterator[Any]) -> Any:
        try:
            return next(batches, _END)
        except LandscapeError:
            raise
        except Exception as error:
            raise ProblemError(f"split {self._name!r}: it failed: {cause(error)}") from error

    def _dataset_batches(self, epoch: int, first: int) -> Iterable[Any]:
        rows = self._shuffled(epoch)[first:]
        if isinstance(self._split, TensorDataset):
            return (tuple(one[part] for one in self._split.tensors) for part in rows)
        return DataLoader(self._split, batch_sampler=[part.tolist() for part in rows])

    def _shuffled(self, epoch: int) -> list[Tensor]:
        """Return the numbers of each batch's samples."""
        count = len(self._split)
        order = torch.randperm(count, generator=generator_of(self._seed, epoch))
        return list(torch.split(order, self._size))[: self.per_epoch]

    def _own(self, epoch: int) -> Iterable[Any]:
        """Return the split's own batches, with its loader's generators seeded."""
        source = self._split
        if isinstance(source, IterableDataset):
            source = DataLoader(source, self._size)
        for holder in (source, getattr(source, "sampler", None)):
            own = getattr(holder, "generator", None)
            if isinstance(own, torch.Generator):
                own.set_state(generator_of(self._seed, epoch).get_state())
        return source  # type: ignore[no-any-return]

    def _count(self) -> int:
        """Count an epoch's batches, if need be by reading them once."""
        if self._dataset:
            full, rest = divmod(len(self._split), self._size)
            # Batch norm can't train on a single remaining sample.
            return full + (rest > 1 or (rest == 1 and full == 0))
        try:
            return len(self._split) if not isinstance(self._split, IterableDataset) else _unknown()
        except TypeError:
            return sum(1 for _ in self._own(0))

    def _other_number(self, found: int) -> ProblemError:
        return ProblemError(
            f"split {self._name!r}: it yields {found} batches or more in one epoch, and "
            f"{self.per_epoch} in another or by its length; training needs the same number in each"
        )


_END = object()


def _unknown() -> int:
    raise TypeError
