"""Batches of a training: from any step on, they are those of an uninterrupted one."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from landscape_cli.errors import ProblemError, UsageError
from landscape_cli.evaluation.training.batches import TrainingBatches

CPU = torch.device("cpu")
NUMBERS = torch.arange(10.0)


class Augmented(Dataset):
    """Samples with random shifts from all three generators."""

    def __len__(self):
        return 10

    def __getitem__(self, number):
        return torch.tensor(number + random.random()), np.random.rand(), torch.rand(1)


class Stream(IterableDataset):
    """Ten samples without a length."""

    def __iter__(self):
        return iter(NUMBERS + torch.rand(10))


class Batches:
    """Four batches with random noise, and no length."""

    def __iter__(self):
        return (NUMBERS[:5].numpy() + np.random.rand(5) for _ in range(4))


def shuffling_loader():
    return DataLoader(
        Augmented(), batch_size=3, shuffle=True, generator=torch.Generator().manual_seed(5)
    )


SPLITS = {
    "tensors": lambda: TensorDataset(NUMBERS, 2 * NUMBERS),
    "dataset": Augmented,
    "loader": shuffling_loader,
    "loader without a generator": lambda: DataLoader(Augmented(), batch_size=4, shuffle=True),
    "stream": Stream,
    "list": lambda: [NUMBERS[:5], NUMBERS[5:]],
    "iterable": Batches,
}


def batches(kind, seed=0, size=3):
    split = SPLITS[kind]()
    size = size if isinstance(split, Dataset) else None
    return TrainingBatches("train", split, size, seed, CPU)


def flat(batch):
    parts = batch if isinstance(batch, list | tuple) else [batch]
    return torch.cat([torch.as_tensor(part).double().reshape(-1) for part in parts])


def read(source, start, stop):
    return [flat(batch) for batch in source.steps(start, stop)]


@pytest.mark.parametrize("kind", SPLITS)
@given(st.data())
@settings(max_examples=15)
def test_steps_from_any_number_on_are_those_of_a_whole_training(kind, data):
    whole = read(batches(kind), 0, 11)
    start = data.draw(st.integers(0, 10))
    for one, other in zip(whole[start:], read(batches(kind), start, 11), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("kind", ["tensors", "dataset", "loader"])
def test_epochs_and_seeds_differ(kind):
    source = batches(kind)
    per_epoch = source.per_epoch
    whole = read(source, 0, 2 * per_epoch)
    assert not torch.equal(torch.cat(whole[:per_epoch]), torch.cat(whole[per_epoch:]))
    if kind != "loader":
        other = read(batches(kind, seed=1), 0, per_epoch)
        assert not torch.equal(torch.cat(whole[:per_epoch]), torch.cat(other))


def test_an_epoch_has_every_sample_once():
    source = TrainingBatches("train", TensorDataset(NUMBERS), 4, 0, CPU)
    found = torch.cat(read(source, 0, source.per_epoch))
    assert source.per_epoch == 3
    assert torch.equal(found.sort().values, NUMBERS.double())


def test_a_single_sample_that_remains_is_left_out():
    source = TrainingBatches("train", TensorDataset(NUMBERS), 3, 0, CPU)
    assert [len(one) for one in read(source, 0, 3)] == [3, 3, 3]
    assert source.per_epoch == 3
    alone = TrainingBatches("train", TensorDataset(NUMBERS[:1]), 3, 0, CPU)
    assert [len(one) for one in read(alone, 0, 2)] == [1, 1]


def test_a_batch_size_is_refused_for_what_has_batches():
    with pytest.raises(UsageError, match="--batch-size 4: the split 'train' is a list"):
        TrainingBatches("train", [NUMBERS], 4, 0, CPU)


class Graph:
    """A batch that is an object with tensors."""

    def __init__(self, values):
        self.values = values


def test_tensors_of_objects_are_moved():
    source = TrainingBatches("train", [Graph(NUMBERS)], None, 0, torch.device("meta"))
    (batch,) = source.steps(0, 1)
    assert batch.values.is_meta


class Shrinking:
    """Yields fewer batches than its length says."""

    def __len__(self):
        return 3

    def __iter__(self):
        return iter([NUMBERS, NUMBERS])


class Growing(Shrinking):
    """Yields more batches than its length says."""

    def __len__(self):
        return 1


class Failing(Dataset):
    """A dataset that can't read its samples."""

    def __len__(self):
        return 3

    def __getitem__(self, number):
        raise OSError("no such image")


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (Shrinking(), "yields 2 batches or more in one epoch, and 3 in another"),
        (Growing(), "yields 2 batches or more in one epoch, and 1 in another"),
        (Failing(), "split 'train': it failed: OSError: no such image"),
    ],
)
def test_what_can_not_be_trained_on_is_refused(split, words):
    source = TrainingBatches("train", split, None, 0, CPU)
    with pytest.raises(ProblemError, match=words):
        read(source, 0, 7)


def test_an_empty_split_is_refused():
    with pytest.raises(ProblemError, match="empty"):
        TrainingBatches("train", [], None, 0, CPU)
