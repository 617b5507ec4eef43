import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Dataset, TensorDataset

from landscape_cli.errors import UsageError
from landscape_cli.evaluation.data.subsets import choose, mix, mixed, subset


@given(st.lists(st.integers(0, 5), min_size=1, max_size=200), st.data())
def test_every_class_has_its_share(classes, data):
    classes = np.array(classes)
    count = data.draw(st.integers(1, len(classes)))
    chosen = choose(count, len(classes), classes)
    assert len(chosen) == len(set(chosen.tolist())) == count
    assert (np.diff(chosen) > 0).all()
    for label in np.unique(classes):
        share = count * (classes == label).mean()
        assert abs((classes[chosen] == label).sum() - share) < 1


@given(st.integers(1, 100), st.integers(0, 100))
def test_without_classes_samples_are_drawn_at_random(count, more):
    chosen = choose(count, count + more, None)
    assert len(set(chosen.tolist())) == count
    assert chosen.tolist() == choose(count, count + more, None).tolist()


def test_tensors_targets_and_loaders_are_stratified():
    labels = torch.tensor([0] * 90 + [1] * 10)
    tensors = TensorDataset(torch.arange(100.0), labels)

    class Named(Dataset):
        targets = labels.tolist()

        def __len__(self):
            return 100

        def __getitem__(self, index):
            return tensors[index]

    for dataset in (tensors, Named()):
        part = subset("train", dataset, 20)
        assert sorted(int(label) for _, label in part) == [0] * 18 + [1] * 2
    batches = list(subset("train", DataLoader(tensors, batch_size=8, shuffle=True), 20))
    assert [len(batch[0]) for batch in batches] == [8, 8, 4]
    assert sum(batch[1].sum() for batch in batches) == 2


def test_asking_for_too_many_samples_gives_all():
    data = TensorDataset(torch.arange(5.0))
    assert subset("train", data, 5) is data
    assert subset("train", data, 99) is data


def test_iterables_are_refused():
    with pytest.raises(UsageError, match="split 'train' is a list, whose samples can't"):
        subset("train", [(torch.zeros(3),)], 2)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=200))
def test_the_beginnings_of_a_mixed_order_hold_their_share_of_every_class(classes):
    classes = np.array(classes)
    order = mix(len(classes), classes)
    assert sorted(order.tolist()) == list(range(len(classes)))
    for label in np.unique(classes):
        share = np.arange(1, len(classes) + 1) * (classes == label).mean()
        kinds = len(np.unique(classes))
        assert (np.abs(np.cumsum(classes[order] == label) - share) <= 1 + kinds).all()


def test_mixed_loaders_and_parts_hold_the_same_samples_in_another_order():
    tensors = TensorDataset(torch.arange(40.0), torch.tensor([0, 0, 0, 1] * 10))
    part = subset("train", tensors, 20)
    again = mixed("train", part, "sampling")
    numbers = [int(number) for number, _ in again]
    assert sorted(numbers) == [int(number) for number, _ in part]
    assert numbers != sorted(numbers)
    assert [int(label) for _, label in again].count(1) == 5
    for quarter in range(4):
        assert sum(int(again[index][1]) for index in range(5 * quarter, 5 * quarter + 5)) in (
            0,
            1,
            2,
        )
    loader = mixed("train", DataLoader(tensors, batch_size=8), "sampling")
    assert [len(batch[0]) for batch in loader] == [8] * 5
    with pytest.raises(UsageError, match="^sampling: split 'train' is a list"):
        mixed("train", [(torch.zeros(3),)], "sampling")
