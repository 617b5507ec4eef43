"""Sums of many batches at a time: NumPy's means and errors, and bits for each point alone."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.evaluation.plain_sums import BATCHES, ENTRIES, LENGTHS, MOMENTS, PlainSums


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
    ),
]


def batches(lengths, quantities, seed=0, device="cpu"):
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.randn(quantities, n, generator=generator) for n in lengths]
    return [list(each.to(device)) for each in drawn]


def summed(points, mine):
    sums = PlainSums(points, len(mine[0][1]))
    for point, values in mine:
        sums.add(point, values)
    return np.array(sums.means())


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=30),
    st.integers(1, 3),
    st.integers(1, 5),
    st.floats(-1e7, 1e7),
    st.integers(0, 9),
)
def test_means_and_errors_are_those_of_all_samples(lengths, quantities, points, offset, seed):
    random = np.random.default_rng(seed)
    drawn = [
        (int(random.integers(points)), random.normal(offset, 1, (quantities, n))) for n in lengths
    ]
    means, errors = summed(points, [(k, list(torch.tensor(table))) for k, table in drawn])
    for point in {k for k, _ in drawn}:
        whole = np.concatenate([table for k, table in drawn if k == point], axis=1)
        n = whole.shape[1]
        np.testing.assert_allclose(means[point], whole.mean(axis=1), rtol=1e-13, atol=1e-13)
        exact = whole.std(axis=1, ddof=1) / np.sqrt(n) if n > 1 else np.full(quantities, np.nan)
        np.testing.assert_allclose(errors[point], exact, rtol=1e-6)


@pytest.mark.parametrize(
    ("lengths", "quantities"),
    [
        ([33, 33, 5], 2),
        ([1797], 2),
        ([ENTRIES], 1),  # a row that PyTorch divides among threads
        ([ENTRIES // 2 + 1, 3], 1),
        ([7] * (BATCHES + 3), 1),
        (list(range(1, LENGTHS + 4)) * 2, 3),
        ([1, 1], 1),
    ],
)
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.usefixtures("two_threads")
def test_a_point_has_the_same_bits_alone_and_among_others(lengths, quantities, device):
    points = 5
    values = [batches(lengths, quantities, seed, device) for seed in range(points)]
    one_by_one = summed(points, [(k, one) for k in range(points) for one in values[k]])
    in_turns = summed(
        points, [(k, values[k][i]) for i in range(len(lengths)) for k in range(points)]
    )
    alone = [summed(1, [(0, one) for one in mine])[:, 0] for mine in values]
    np.testing.assert_array_equal(one_by_one, np.stack(alone, axis=1))
    np.testing.assert_array_equal(in_turns, one_by_one)


def test_merging_early_changes_no_bit(monkeypatch):
    values = [(k % 3, one) for k, one in enumerate(batches([4] * 5 * BATCHES, 2))]
    whole = summed(3, values)
    assert len(values) < MOMENTS
    monkeypatch.setattr("landscape_cli.evaluation.plain_sums.MOMENTS", 1)
    np.testing.assert_array_equal(summed(3, values), whole)


def test_means_may_be_read_between_batches():
    first, second = batches([6, 6], 2)
    sums = PlainSums(1, 2)
    sums.add(0, first)
    np.testing.assert_array_equal(np.array(sums.means()), summed(1, [(0, first)]))
    sums.add(0, second)
    np.testing.assert_array_equal(np.array(sums.means()), summed(1, [(0, first), (0, second)]))


def test_values_that_are_overwritten_afterwards_count_as_they_were():
    values = torch.ones(4)
    sums = PlainSums(1, 1)
    for number in (1.0, 2.0):
        sums.add(0, [values.fill_(number)])
    assert sums.means()[0].item() == 1.5


def test_integers_truth_and_empty_batches():
    large = 2**40 + 1
    sums = PlainSums(2, 2)
    sums.add(0, [torch.zeros(0), torch.zeros(0)])
    sums.add(0, [torch.tensor([large, large]), torch.tensor([True, False])])
    means, errors = sums.means()
    assert means[0].tolist() == [large, 0.5]
    assert errors[0].tolist() == [0.0, 0.5]
    assert np.isnan(means[1]).all()


def test_what_is_not_finite_stays_with_its_point_and_quantity():
    sums = PlainSums(2, 2)
    sums.add(0, [torch.tensor([1.0, torch.inf]), torch.tensor([1.0, 3.0])])
    sums.add(1, [torch.tensor([1.0, 3.0]), torch.tensor([torch.nan, 3.0])])
    means, errors = sums.means()
    np.testing.assert_array_equal(means, [[np.inf, 2.0], [2.0, np.nan]])
    np.testing.assert_array_equal(errors, [[np.nan, 1.0], [1.0, np.nan]])
