"""Batches of any kind: their tensors are found, hashed, moved, copied and kept."""

import copy
import threading

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from builders import evaluator
from landscape_cli.errors import ProblemError
from landscape_cli.evaluation import SplitData
from landscape_cli.evaluation.data.batches import batch_length, divisible, nbytes, tensors_in
from landscape_cli.records.tiles import Tile
from support.batch_kinds import CONTAINERS, KINDS, OBJECTS, Frozen, Graph, Pair, xy

CPU, META = torch.device("cpu"), torch.device("meta")
LARGE = 1 << 30


def sample(shift=0.0):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(6, 3, generator=generator, dtype=torch.float64) + shift
    return x, x.sum(dim=1, keepdim=True) ** 2


def load(batches, device=CPU, room=LARGE):
    split = SplitData("train", batches, 16, device)
    return split, list(split.load(room))


def moved(batch):
    """Return the batch on a device that needs no hardware, and that autocast does not know."""
    return SplitData("train", [batch], 16, META)._moved(batch)


class Refilled:
    """Batches of one kind that all have the same two tensors."""

    def __init__(self, make):
        self.make, self.count = make, 3

    def __iter__(self):
        x, y = torch.empty(2, 3), torch.empty(2, 1)
        for number in range(self.count):
            yield self.make(x.fill_(number), y.fill_(-number))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_batch_has_a_fingerprint(kind):
    texts = [load([KINDS[kind](*sample(shift))])[0].fingerprint for shift in (0.0, 0.0, 1e-9)]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_batch_is_moved_as_the_same_type(kind):
    batch = KINDS[kind](*sample())
    away = moved(batch)
    assert type(away) is type(batch)
    assert {tensor.device for tensor in xy(away)} == {META}
    assert {tensor.device for tensor in xy(batch)} == {CPU}, "the user's own stays"


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"hidden"}))
def test_a_source_that_refills_its_tensors_is_copied(kind):
    """A hidden object without ``clone()`` could not be."""
    _, batches = load(Refilled(KINDS[kind]))
    found = [[int(tensor.flatten()[0]) for tensor in xy(batch)] for batch in batches]
    assert found == [[0, 0], [1, -1], [2, -2]]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_batch_gives_the_same_values(kind):
    def objective(model, batch):
        x, y = xy(batch)
        return {"loss": (model(x) - y).square().mean(dim=1)}

    def value(make):
        torch.manual_seed(0)
        model = torch.nn.Linear(3, 1, dtype=torch.float64)
        found = evaluator(model, {"train": [make(*sample()), make(*sample(1.0))]}, objective)
        return found.evaluate(Tile((0,), ((0.5, 0.25),))).values["train", "loss"]

    np.testing.assert_array_equal(value(KINDS[kind]), value(CONTAINERS["tuple"]))


def test_attributes_of_a_mapping_are_its_items_after_a_move():
    away = moved(KINDS["attribute dict"](*sample()))
    assert away.x is away["x"]
    assert moved(KINDS["defaultdict"](*sample())).default_factory is list


def test_only_containers_tell_how_many_samples_there_are():
    for kind, make in KINDS.items():
        assert batch_length(make(*sample())) == (6 if kind in CONTAINERS else None), kind
        assert nbytes(make(*sample())) >= 6 * 4 * 8


@pytest.mark.parametrize("kind", OBJECTS)
def test_objects_are_never_divided(kind):
    assert not divisible([OBJECTS[kind](*sample())])


def test_packed_sequences_are_hashed_moved_and_counted():
    def packed(shift=0.0):
        lengths = (4, 3, 1)
        return pack_sequence([torch.arange(float(n))[:, None] + shift for n in lengths])

    batch = (packed(), torch.zeros(3))
    assert batch_length(batch) == 3
    assert not divisible([batch])
    away, targets = moved(batch)
    assert isinstance(away, PackedSequence)
    assert (away.data.device, away.batch_sizes.device, targets.device) == (META, CPU, META)
    texts = {load([packed(shift)])[0].fingerprint for shift in (0.0, 0.0, 1.0)}
    assert len(texts) == 2


@pytest.mark.filterwarnings("ignore::UserWarning")  # sparse and nested tensors are new to torch
def test_other_tensors_and_arrays_are_hashed():
    one, other = torch.eye(3), torch.eye(3) * 2
    kinds = {
        "coo": lambda dense: dense.to_sparse(),
        "csr": lambda dense: dense.to_sparse_csr(),
        "csc": lambda dense: dense.to_sparse_csc(),
        "nested": lambda dense: torch.nested.nested_tensor([dense, dense[:1]]),
        "jagged": lambda d: torch.nested.nested_tensor([d, d[:1]], layout=torch.jagged),
        "complex": lambda dense: (dense * 1j).conj(),
        "strings": lambda dense: np.array([str(dense)]),
        "objects": lambda dense: np.array([str(dense), 1], dtype=object),
        "read-only": lambda dense: np.broadcast_to(dense.numpy(), (2, 3, 3)),
        "flipped": lambda dense: dense.numpy()[::-1],
        "array of an object": lambda dense: Frozen(dense.numpy(), 0),
    }
    for kind, make in kinds.items():
        texts = [load([(make(dense), one)])[0].fingerprint for dense in (one, one, other)]
        assert texts[0] == texts[1] != texts[2], kind


def test_words_beside_tensors_are_hashed_however_they_are_divided():
    def text(names, size):
        x = torch.arange(float(len(names)))
        pieces = range(0, len(names), size)
        return load([(x[i : i + size], names[i : i + size], 0.5) for i in pieces])[0].fingerprint

    names = list("abcdefgh")
    assert text(names, 8) != text(names[::-1], 8)
    assert text(names, 8) != load([torch.arange(8.0)])[0].fingerprint
    assert len({text(names[:6], size) for size in (6,)} | {text(names[:6], 6)}) == 1


def test_what_a_batch_only_refers_to_is_not_its_data():
    class Referring:
        def __init__(self, x):
            self.x, self.model, self.parent = x, torch.nn.Linear(2, 2), [self]
            self.lock = threading.Lock()

    batch = Referring(torch.ones(2))
    assert tensors_in(batch) == [batch.x]
    assert load([batch])[0].fingerprint == load([Referring(torch.ones(2))])[0].fingerprint
    away = moved(batch)
    assert away.parent == [away]
    assert (away.model, away.lock) == (batch.model, batch.lock)


def test_a_packed_sequence_in_an_object_keeps_its_sizes_on_the_host():
    packed = pack_sequence([torch.ones(3, 1), torch.ones(2, 1)])
    found = moved(Frozen(packed, torch.zeros(2)))
    assert found.x.data.device == found.y.device == META
    assert found.x.batch_sizes is packed.batch_sizes


@pytest.mark.parametrize("batch", [["a", "b"], 3, {"text": ["a"]}, object(), None, [None], {}, ()])
def test_a_batch_without_tensors_is_refused(batch):
    with pytest.raises(ProblemError, match="'train': no tensor was found.*dataclasses, or objects"):
        load([batch])


def test_an_object_may_keep_tensors_on_the_host():
    """As torch_geometric's batches keep the sizes of their graphs."""

    class Keeping(Graph):
        def __init__(self, x, y):
            super().__init__(x, y)
            self.sizes = torch.tensor([2, 4])

    away = moved(Keeping(*sample()))
    assert (away.x.device, away.sizes.device) == (META, CPU)


def test_an_object_of_which_a_part_is_on_the_device_is_moved():
    away = moved(Frozen(sample()[0], torch.ones(6, device=META)))
    assert away.x.device == away.y.device == META


def test_an_object_that_can_not_be_moved_is_refused():
    class Stuck(Graph):
        def to(self, device):
            raise TypeError("no")

        def __deepcopy__(self, memo):
            raise TypeError("not copied")

    with pytest.raises(ProblemError, match=r"Stuck, which can't.*not copied.*to\(device\)"):
        moved(Stuck(*sample()))


def test_a_container_that_can_not_be_copied_is_refused():
    class Odd(Pair):
        @classmethod
        def _make(cls, parts):
            raise TypeError("never")

    with pytest.raises(ProblemError, match=r"Odd, which can't be copied.*never"):
        moved(Odd(*sample()))


def test_copying_is_not_needed_where_nothing_moves():
    batch = Frozen(*sample())
    assert load([batch])[1] == [batch]
    assert copy.copy(batch) is not batch
