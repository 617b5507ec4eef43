"""Tests that values do not depend on where samples are cached."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from builders import evaluator
from landscape_cli.errors import ProblemError, UsageError
from landscape_cli.evaluation import SplitData
from landscape_cli.evaluation.data import cache
from landscape_cli.evaluation.data.cache import Room, room_for
from landscape_cli.evaluation.data.prefetch import THREAD
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.problems.objectives import mean_squared_error
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.tiles import Tile

CPU = torch.device("cpu")
GRID = Grid({"x": Axis(-1, 1, 3), "y": Axis(-1, 2, 2)})
TILE = Tile(tuple(range(6)), GRID.coordinates(range(6)))
LARGE = 1 << 30
ROOMS = {
    "device": Room(LARGE),
    "host": Room(0, LARGE),
    "none": Room(0),
}

DEVICES = [
    CPU,
    pytest.param(
        torch.device("cuda", 0),
        marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
    ),
]


def tensors():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(53, 3, generator=generator)
    return inputs, inputs.square().sum(dim=1, keepdim=True)


class Counting(Dataset):
    """A dataset that counts how often each sample is read."""

    def __init__(self):
        self.inputs, self.targets = tensors()
        self.reads = [0] * len(self.inputs)

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, index):
        self.reads[index] += 1
        return self.inputs[index], self.targets[index]


class Samples(IterableDataset):
    def __iter__(self):
        yield from zip(*tensors(), strict=True)


class Stream:
    """Batches from a generator that refills one buffer."""

    def __iter__(self):
        inputs, targets = tensors()
        buffer = torch.empty(16, 3), torch.empty(16, 1)
        for start in range(0, len(inputs), 16):
            count = len(inputs[start : start + 16])
            buffer[0][:count] = inputs[start : start + 16]
            buffer[1][:count] = targets[start : start + 16]
            yield buffer[0][:count], buffer[1][:count]


class Failing(Stream):
    """A source that fails in the middle of its third pass."""

    times = 0

    def __iter__(self):
        self.times += 1
        for number, batch in enumerate(super().__iter__()):
            if self.times > 2 and number == 2:
                raise OSError("the disk is gone")
            yield batch


SOURCES = {
    "data set": lambda: TensorDataset(*tensors()),
    "iterable data set": Samples,
    "loader with workers": lambda: DataLoader(
        TensorDataset(*tensors()), batch_size=16, num_workers=2
    ),
    "generator": Stream,
    "list": lambda: [tuple(pair) for pair in zip(*(t.split(16) for t in tensors()), strict=True)],
}


def make(source, room, device=CPU, objective=mean_squared_error):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))
    room = replace(room)
    return evaluator(model, {"train": source}, objective, room=room, device=device)


def reading():
    return [thread for thread in threading.enumerate() if thread.name == THREAD]


@pytest.mark.bits
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("micro_batch", [16, 7])
def test_values_are_bit_identical_wherever_the_samples_are_cached(source, device, micro_batch):
    results = {}
    for place, room in ROOMS.items():
        evaluator = make(SOURCES[source](), room, device)
        assert evaluator.splits["train"].place == place
        evaluator.apply(Settings(micro_batch))
        results[place] = [evaluator.evaluate(TILE) for _ in range(2)]
    first = results["device"][0]
    for found in results.values():
        for result in found:
            for quantity, values in first.values.items():
                np.testing.assert_array_equal(result.values[quantity], values)
                np.testing.assert_array_equal(result.stderr[quantity], first.stderr[quantity])
    assert not reading()


@pytest.mark.bits
def test_every_kind_of_source_caches_the_same_samples():
    """The generator is the hard case: batches cached from its buffer must not change later."""
    values = [
        make(source(), ROOMS["device"]).evaluate(TILE).values["train", "loss"]
        for source in SOURCES.values()
    ]
    for other in values[1:]:
        np.testing.assert_array_equal(other, values[0])


def test_streamed_samples_are_read_once_per_tile():
    source = Counting()
    evaluator = make(source, ROOMS["none"])
    assert set(source.reads) == {1}
    for tiles in (2, 3, 4):
        evaluator.evaluate(TILE)
        assert set(source.reads) == {tiles}


@pytest.mark.parametrize("place", ["device", "host"])
def test_cached_samples_are_never_read_again(place):
    source = Counting()
    evaluator = make(source, ROOMS[place])
    evaluator.evaluate(TILE)
    evaluator.evaluate(TILE)
    assert set(source.reads) == {1}


def test_a_source_that_fails_in_the_middle_of_a_tile_is_named():
    evaluator = make(Failing(), ROOMS["none"])
    evaluator.evaluate(TILE)
    with pytest.raises(ProblemError, match="'train' can't be read: OSError: the disk is gone"):
        evaluator.evaluate(TILE)
    assert not reading()


def test_an_objective_that_fails_leaves_no_thread():
    calls = []

    def objective(model, batch):
        calls.append(1)
        if len(calls) > 7:
            raise ValueError("broke down")
        return mean_squared_error(model, batch)

    evaluator = make(Stream(), ROOMS["none"], objective=objective)
    with pytest.raises(ValueError, match="broke down"):
        evaluator.evaluate(TILE)
    assert not reading()


def test_data_are_read_outside_autocast():
    """A dataset's own arithmetic keeps its own precision in any thread."""
    seen = []

    class Looking(Counting):
        def __getitem__(self, index):
            seen.append((torch.is_autocast_enabled("cpu"), torch.is_grad_enabled()))
            return super().__getitem__(index)

    evaluator = make(Looking(), ROOMS["none"])
    evaluator.apply(Settings(16, precision="bf16"))
    evaluator.evaluate(TILE)
    assert set(seen) == {(False, False)}


def test_splits_take_room_in_order():
    size = 53 * 4 * 4
    sources = {name: TensorDataset(*tensors()) for name in ("first", "second", "third")}
    room = Room(size + 1, size)
    places = []
    for name, source in sources.items():
        split = SplitData(name, source, 16, CPU)
        list(split.load(room))
        places.append(split.place)
    assert places == ["device", "host", "none"]
    assert (room.device, room.host) == (1, 0)


def test_batches_that_turn_out_too_large_are_moved():
    """The size of an iterable is unknown, so it starts on the device."""
    size = 53 * 4 * 4
    for room, place in ((Room(size // 2, size), "host"), (Room(size // 2, size - 1), "none")):
        evaluator = make(Stream(), room)
        assert evaluator.splits["train"].place == place


@pytest.mark.parametrize(("least", "place"), [(1, "device"), (1 << 60, "none")])
def test_nothing_more_is_kept_once_the_host_has_little_left(least, place, monkeypatch):
    """Allocators may need more than the data; once let go, data are not kept again."""
    monkeypatch.setattr(cache, "WATCHED", 600)
    evaluator = make(Stream(), Room(LARGE, 0, least=least))
    assert evaluator.splits["train"].place == place


@pytest.mark.parametrize("wish", ["device", "host"])
def test_an_insisted_location_without_room_is_refused(wish):
    with pytest.raises(UsageError, match=f"cache: got '{wish}', but split 'train' has more than"):
        make(TensorDataset(*tensors()), Room(100, 0, wish))
    assert make(TensorDataset(*tensors()), Room(900, 0, wish)).splits["train"].cached


def test_ranks_share_the_room():
    alone, shared = (room_for("device", CPU, ranks, ranks) for ranks in (1, 4))
    assert shared.device == pytest.approx(alone.device / 4, rel=0.2)
    assert room_for("auto", CPU, 1, 1).device == pytest.approx(alone.device / 2, rel=0.2)
    nothing = room_for("none", CPU, 1, 1)
    assert (nothing.device, nothing.host) == (0, 0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_has_its_own_room_and_page_locked_room_on_the_host():
    device = torch.device("cuda", 0)
    rooms = {cache: room_for(cache, device, 1, 1) for cache in ("device", "host", "auto")}
    assert rooms["device"].host == rooms["host"].device == 0
    assert rooms["auto"].device > 0 < rooms["auto"].host
    evaluator = make(TensorDataset(*tensors()), Room(0, LARGE), device)
    evaluator.evaluate(TILE)
    held = evaluator.splits["train"]._cached_batches
    assert all(tensor.is_pinned() for batch in held for tensor in batch)
