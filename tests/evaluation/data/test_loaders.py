"""Loaders of every class and sampler: read in order where that is known, or refused."""

import pytest
import torch
from torch import nn
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from builders import evaluator
from landscape_cli.errors import ProblemError, UsageError
from landscape_cli.evaluation import SplitData
from landscape_cli.evaluation.checks.centre_check import check_centre
from landscape_cli.evaluation.data.subsets import subset
from landscape_cli.records.tiles import Tile
from support.batch_kinds import Frozen

CPU = torch.device("cpu")
ORIGIN = Tile((0,), ((0.0, 0.0),))
DATA = TensorDataset(torch.arange(20.0)[:, None])
CHOSEN = [7, 3, 11, 5]


class Doubling(DataLoader):
    """A loader with its own iteration, over that of PyTorch's."""

    def __iter__(self):
        for (x,) in super().__iter__():
            yield (2 * x,)


class Reshuffling(DataLoader):
    """A loader that shuffles in its own way, each time."""

    def __iter__(self):
        for batch in torch.randperm(len(self.dataset)).split(self.batch_size):
            yield tuple(tensor[batch] for tensor in self.dataset.tensors)


class Collating(DataLoader):
    """A loader as torch_geometric's, with only a constructor of its own."""

    def __init__(self, data, batch_size, shuffle):
        super().__init__(data, batch_size, shuffle, collate_fn=self.collate)

    def collate(self, samples):
        return (torch.stack([x for (x,) in samples]) + 100,)


class Refilling(DataLoader):
    """A loader that yields one buffer again and again."""

    def __iter__(self):
        buffer = torch.empty(1, 1)
        for number in range(3):
            yield (buffer.fill_(number),)


def read(loader):
    split = SplitData("train", loader, 16, CPU)
    return [batch[0].flatten().tolist() for batch in split.load(1 << 20)]


def whole(loader):
    return [number for batch in read(loader) for number in batch]


@pytest.mark.parametrize("more", [{}, {"generator": torch.Generator()}, {"num_workers": 1}])
def test_a_shuffling_loader_is_read_in_order(more):
    if "num_workers" in more:
        more = {**more, "persistent_workers": True, "timeout": 60, "prefetch_factor": 1}
    assert whole(DataLoader(DATA, 8, shuffle=True, **more)) == list(range(20))


def test_a_class_that_iterates_in_its_own_way_still_does():
    """Its sampler is put in order, its iteration is its own."""
    assert whole(Doubling(DATA, 8, shuffle=True)) == [2 * x for x in range(20)]
    assert whole(Collating(DATA, 8, shuffle=True)) == [100 + x for x in range(20)]
    assert read(Refilling(DATA, 8)) == [[0], [1], [2]]


def test_a_shuffled_part_is_read_in_the_order_of_its_indices():
    assert read(DataLoader(DATA, 3, sampler=SubsetRandomSampler(CHOSEN))) == [[7, 3, 11], [5]]


SHUFFLING = {
    "in its own way": lambda: Reshuffling(DATA, 8),
    "in batches": lambda: DataLoader(
        DATA, batch_sampler=BatchSampler(RandomSampler(DATA), 8, False)
    ),
    "an iterable": lambda: Shuffled(),
}


class Shuffled:
    def __iter__(self):
        return iter([(x[:, None],) for x in torch.randperm(20).double().split(6)])


def check(source, allow_random=False, objective=lambda m, b: {"loss": m(b[0].double())[:, 0]}):
    model = nn.Linear(1, 1, dtype=torch.float64)
    data = {"train": source}
    found = evaluator(model, data, objective, room=0)
    return check_centre(found, ORIGIN, 1 << 20, allow_random)


@pytest.mark.parametrize("kind", SHUFFLING)
def test_an_order_that_does_not_repeat_is_refused(kind):
    with pytest.raises(ProblemError, match=r"yields its samples in another order.*--allow-"):
        check(SHUFFLING[kind]())
    assert check(SHUFFLING[kind](), allow_random=True) == {"train": 20}


class Once(IterableDataset):
    def __init__(self):
        self.stream = iter(torch.arange(5.0)[:, None].split(1))

    def __iter__(self):
        return ((x[0],) for x in self.stream)


class Holding:
    """An iterable of batches that holds a generator."""

    def __init__(self, batches):
        self.batches = (batch for batch in batches)

    def __iter__(self):
        return self.batches


@pytest.mark.parametrize(
    "make",
    [Once, lambda: Holding([(torch.ones(5, 1),)]), lambda: DataLoader(Once(), 2)],
    ids=["data set", "iterable", "loader"],
)
@pytest.mark.parametrize("allow_random", [False, True])
def test_what_can_be_read_only_once_is_said(make, allow_random):
    source, model = make(), nn.Linear(1, 1)
    split = {"train": SplitData("train", source, 16, CPU)}
    found = evaluator(model, {"train": [torch.ones(1, 1)]}, lambda m, b: {"loss": m(b[0])[:, 0]})
    found.splits = split
    with pytest.raises(ProblemError, match="only once: it yielded 5 samples, then none; give"):
        check_centre(found, ORIGIN, 1 << 20, allow_random)


def test_a_stream_that_goes_on_where_it_ended_is_refused():
    class Counter:
        def __init__(self):
            self.times = 0

        def __iter__(self):
            self.times += 1
            return iter([(torch.ones(2 + self.times, 1),)])

    with pytest.raises(ProblemError, match="random, or a stream that goes on.* 4 samples, then 5"):
        check(Counter())


def test_words_that_change_have_no_part_in_the_fingerprint():
    class Timed:
        def __init__(self, shift=0):
            self.shift, self.times = shift, 0

        def __iter__(self):
            self.times += 1
            return iter([(torch.ones(3, 1) + self.shift, f"read {self.times} times")])

    def text(source):
        found = evaluator(nn.Linear(1, 1), {"train": source}, lambda m, b: {"loss": m(b[0])[:, 0]})
        check_centre(found, ORIGIN, 1 << 20, False)
        return found.splits["train"].fingerprint

    assert text(Timed()) == text(Timed()) == text([(torch.ones(3, 1),)]) != text(Timed(1))
    assert text([(torch.ones(3, 1), "a")]) != text([(torch.ones(3, 1), "b")])


KNOWN = {
    "sequential": lambda: DataLoader(DATA, 3),
    "shuffling": lambda: DataLoader(DATA, 3, shuffle=True),
    "its own collation": lambda: Collating(DATA, 3, shuffle=True),
    "batches in order": lambda: DataLoader(
        DATA, batch_sampler=BatchSampler(SequentialSampler(DATA), 3, False)
    ),
}


@pytest.mark.parametrize("kind", KNOWN)
def test_samples_of_known_loaders_can_be_chosen(kind):
    part = subset("train", KNOWN[kind](), 7)
    assert [len(batch[0]) for batch in part] == [3, 3, 1]
    assert len(set(whole(part))) == 7


def test_samples_are_chosen_among_those_that_a_loader_reads():
    """Not among all of the data set, of which others may be for validation."""
    loader = DataLoader(DATA, 3, sampler=SubsetRandomSampler(CHOSEN))
    assert set(whole(subset("train", loader, 3))) < set(CHOSEN)
    assert subset("train", loader, 4) is loader


class Sized(IterableDataset):
    def __len__(self):
        return 9

    def __iter__(self):
        return iter(range(9))


UNKNOWN = {
    "is a Doubling, a DataLoader that iterates in its own way": lambda: Doubling(DATA, 3),
    r"its own choice of samples \(WeightedRandomSampler": lambda: DataLoader(
        DATA, 3, sampler=WeightedRandomSampler(torch.ones(20), 9)
    ),
    r"its own choice of samples \(SequentialSampler and list\)": lambda: DataLoader(
        DATA, batch_sampler=[[1, 2], [3]]
    ),
    r"its own choice of samples \(SequentialSampler\)": lambda: DataLoader(DATA, None),
    "is a DataLoader over a Sized": lambda: DataLoader(Sized(), 3),
    "is a Sized, whose samples": Sized,
}


@pytest.mark.parametrize("words", UNKNOWN)
def test_samples_of_other_loaders_are_not_chosen(words):
    with pytest.raises(UsageError, match=f"samples: split 'train' .*{words}.*or leave samples out"):
        subset("train", UNKNOWN[words](), 2)


@pytest.mark.parametrize(
    ("objective", "batch"),
    [
        (lambda m, b: {"loss": m(b[0].div_(2))[:, 0]}, (torch.ones(3, 1),)),
        (lambda m, b: {"loss": m(b.pop("x"))[:, 0]}, {"x": torch.ones(3, 1), "y": torch.ones(3)}),
        (lambda m, b: {"loss": m(b.pop())[:, 0]}, [torch.ones(3, 1), torch.ones(3, 1)]),
        (lambda m, b: {"loss": m(b.__dict__["x"].mul_(0))[:, 0]}, None),
    ],
)
@pytest.mark.parametrize("room", [0, 1 << 20])
def test_an_objective_that_changes_its_batch_is_refused(objective, batch, room):
    """Points would see batches that were changed by those before."""
    if batch is None:
        batch = type("Object", (), {})()
        batch.x = torch.ones(3, 1)
    found = evaluator(nn.Linear(1, 1), {"train": [batch]}, objective, room=room)
    with pytest.raises(ProblemError, match=r"changes the batch.*'train'.*dict\(batch\) before pop"):
        check_centre(found, ORIGIN, room, False)


def test_a_data_set_of_objects_needs_a_loader():
    class Objects(Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return Frozen(torch.ones(2), torch.ones(1))

    with pytest.raises(ProblemError, match="can't be read: TypeError.*whose collate_fn"):
        read(Objects())
    loader = DataLoader(Objects(), 2, collate_fn=lambda all_: (torch.stack([x.x for x in all_]),))
    assert read(loader) == [[1.0] * 4] * 2


def test_a_source_that_fails_to_start_is_named():
    class Failing:
        def __iter__(self):
            raise OSError("no such archive")

    with pytest.raises(ProblemError, match="'train' can't be read: OSError: no such archive"):
        read(Failing())
