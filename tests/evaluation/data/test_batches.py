import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

from landscape_cli.evaluation.data.batches import divisible, nbytes, pop_batches, regroup


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(1, 30))
def test_divided_batches_are_those_of_a_loader(lengths, size):
    total = sum(lengths)
    inputs, targets = torch.arange(3.0 * total).reshape(total, 3), torch.arange(total)
    cut = [inputs.split(lengths), targets.split(lengths)]
    found = list(regroup(zip(*cut, strict=True), size))
    expected = list(DataLoader(TensorDataset(inputs, targets), batch_size=size))
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
        assert all(tensor.storage_offset() == 0 for tensor in one)


def test_batches_of_scalars_or_unequal_lengths_are_not_divisible():
    assert divisible([(torch.zeros(3), {"t": torch.zeros(3, 2)})])
    assert not divisible([(torch.zeros(3), torch.zeros(()))])
    assert not divisible([(torch.zeros(3), torch.zeros(2))])


def test_consumed_batches_are_released():
    batches = [1, 2, 3]
    rest = [(number, list(batches)) for number in pop_batches(batches)]
    assert rest == [(1, [3, 2]), (2, [3]), (3, [])]


def test_bytes_are_those_of_all_tensors():
    assert nbytes({"a": torch.zeros(3, 2), "b": [torch.zeros(5, dtype=torch.int64), "word"]}) == 64
