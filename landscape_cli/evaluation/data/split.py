"""Samples of a split: cached where they fit, streamed otherwise."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from landscape_cli.errors import ProblemError, cause
from landscape_cli.evaluation.data.batches import (
    batch_length,
    divisible,
    map_tensors,
    nbytes,
    pop_batches,
    regroup,
    set_layout,
)
from landscape_cli.evaluation.data.cache import Keeper, Place, Room
from landscape_cli.evaluation.data.fingerprint import Fingerprint, describe_division
from landscape_cli.evaluation.data.objects import move_object
from landscape_cli.evaluation.data.prefetch import prefetch, to_device
from landscape_cli.evaluation.data.sources import (
    batches_of,
    blocks_on_read,
    estimate_bytes,
    makes_new_batches,
)
from landscape_cli.util.accelerators import page_locked


class SplitData:
    """Batches of one split, in the same order each time.

    Args:
        name: the split's name, for messages.
        source: a dataset of samples, a loader, or an iterable of batches. A loader that shuffles
            all samples is read in the order of its dataset, which gives the same sums.
        micro_batch: samples in a batch, for datasets of samples; batches of loaders and iterables
            are not divided.
        device: the device that batches are moved to.

    Attributes:
        arrangement: the micro-batch, and whether images are in channels-last format.
        samples: the number of samples, once loaded.
        fingerprint: the hash of the samples, once loaded.
        division: the numbers of samples in its batches, once loaded, in words or as a hash.
        reordered: True if a loader that shuffles is read in order.
        repeats: False if the samples were others, or in another order, when read again.
        words_count: whether words beside tensors are part of the fingerprint.
        dependence: how values depend on which samples share a batch, in words; None if they were
            not seen to.
    """

    def __init__(self, name: str, source: Any, micro_batch: int, device: torch.device) -> None:
        self.name = name
        self.device = device
        self.fingerprint = self.division = ""
        self.samples = 0
        self.repeats = self.words_count = True
        self.dependence: str | None = None
        self.place: Place = "none"
        self.divisible = isinstance(source, Dataset)
        self._given = source
        self._channels_last = False
        self._source = batches_of(name, source, micro_batch)
        self.reordered = isinstance(source, DataLoader) and self._source is not source
        self._makes_new_batches = makes_new_batches(self._source)
        self.arrangement = micro_batch, False
        self._cached_batches: list[Any] | None = None
        self._hash = Fingerprint()

    @property
    def cached(self) -> bool:
        """True if the batches are cached on the device."""
        return self.place == "device"

    def stream(self) -> Generator[Any, None, None]:
        """Yield the batches from their source, each moved to the device.

        Raises:
            ProblemError: if the source fails, or yields no batch.
        """
        return (self._moved(batch) for batch in self._read())

    def ahead(self) -> Generator[Any, None, None]:
        """Yield the batches as ``__iter__`` does, reading the next one while one is evaluated.

        Close the generator if it is not iterated over to the end.
        """
        batches = (batch for batch in self)
        helps = self.device.type != "cpu" or blocks_on_read(self._source)
        return prefetch(batches, self.device) if helps and not self.cached else batches

    def load(self, room: int | Room) -> Iterator[Any]:
        """Stream the batches once, computing their fingerprint and caching them if they fit.

        Args:
            room: the room for caching, or bytes on the device; the bytes used are subtracted.

        Raises:
            UsageError: if they do not fit where the user insists on caching them.
        """
        keeper = Keeper(self.name, Room.of(room), self.device)
        lengths: list[int] = []
        likely = 0
        self._hash = Fingerprint()
        for batch in self._read():
            likely = likely or estimate_bytes(self._source, nbytes(batch))
            self._add(self._hash, batch)
            lengths.append(batch_length(batch) or 1)
            moved = self._moved(batch)
            keeper.add(moved, likely)
            yield moved
        self.fingerprint = self._hash.text()
        self.samples, self.division = sum(lengths), describe_division(lengths)
        self._cached_batches, self.place = keeper.finish(), keeper.place

    def load_again(self) -> Iterator[Any]:
        """Stream the batches once more, and find out whether they repeat.

        Words that differ, such as a time, have no part in the fingerprint from then on.
        """
        if isinstance(self._source, list | tuple):
            yield from self.stream()
            return
        again = Fingerprint()
        for batch in self._read():
            self._add(again, batch)
            yield self._moved(batch)
        self.repeats = again.text(words=False) == self._hash.text(words=False)
        if self.repeats and again.text() != self.fingerprint:
            self.forget_words()

    def forget_words(self) -> None:
        """Leave words and numbers beside the tensors out of the fingerprint."""
        self.fingerprint = self._hash.text(words=False)
        self.words_count = False

    def _read(self) -> Iterator[Any]:
        """Yield the batches as they come from the source."""
        empty, batches = True, None
        while True:
            try:
                with torch.no_grad(), torch.autocast(self.device.type, enabled=False):
                    batches = iter(self._source) if batches is None else batches
                    batch = next(batches)
            except StopIteration:
                break
            except Exception as error:
                raise self._unreadable(error) from error
            empty = False
            yield batch
        if empty and self.samples:
            raise ProblemError(
                f"split {self.name!r} can be read only once: it yielded {self.samples} samples, "
                "then none; give a list of its batches, or an object whose __iter__ starts again"
            )
        if empty:
            raise ProblemError(f"split {self.name!r} is empty: it yielded no batch")

    def arrange(self, micro_batch: int, channels_last: bool) -> None:
        """Change the micro-batch of a dataset of samples, and the memory format of images.

        Batches of loaders and iterables keep their samples, because an objective may depend on
        which samples share a batch.
        """
        if (micro_batch, channels_last) == self.arrangement:
            return
        self.arrangement = micro_batch, channels_last
        self._channels_last = channels_last
        if self.divisible:
            self._source = batches_of(self.name, self._given, micro_batch)
        if self._cached_batches is not None:
            batches: Any = pop_batches(self._cached_batches)
            if self.divisible and divisible(self._cached_batches):
                batches = regroup(batches, micro_batch)
            self._cached_batches = [set_layout(batch, channels_last) for batch in batches]

    def _moved(self, batch: Any) -> Any:
        def move(tensor: Tensor) -> Tensor:
            moved = to_device(tensor, self.device)
            return moved if moved is not tensor or self._makes_new_batches else tensor.clone()

        def move_attributes(value: Any) -> Any:
            return move_object(value, self.device, not self._makes_new_batches)

        return set_layout(map_tensors(move, batch, move_attributes), self._channels_last)

    def _unreadable(self, error: Exception) -> ProblemError:
        remedy = ""
        if self.divisible and "default_collate" in str(error):
            remedy = "; give a DataLoader whose collate_fn makes batches of such samples"
        return ProblemError(f"split {self.name!r} can't be read: {cause(error)}{remedy}")

    def _add(self, fingerprint: Fingerprint, batch: Any) -> None:
        """Add a batch to the fingerprint, and refuse one whose data can't be found."""
        try:
            fingerprint.add(batch)
        except Exception as error:  # attributes may be computed by anything
            raise self._unreadable(error) from error
        if fingerprint.empty:
            raise ProblemError(
                f"split {self.name!r}: no tensor was found in its first batch, a "
                f"{type(batch).__name__}, so its data could neither be compared between runs nor "
                "moved to a device; yield tensors, tuples, dicts, dataclasses, or objects with "
                "tensors as attributes or from to_dict()"
            )

    def _from_host(self, batches: list[Any]) -> Iterator[Any]:
        """Yield batches from the host's memory, keeping each in page-locked memory from then on."""
        for index, batch in enumerate(batches):
            batches[index] = map_tensors(page_locked, batch)
            yield self._moved(batches[index])

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches on the device, from the cache if there is one."""
        if self._cached_batches is None:
            return self.stream()
        return iter(self._cached_batches) if self.cached else self._from_host(self._cached_batches)
