"""Sums over batches: the same bits however the batches are divided among ranks."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.evaluation.derivatives.tree_sums import nodes_of, root, share, summed


@given(batches=st.integers(1, 70), ranks=st.integers(1, 9))
def test_ranks_share_all_batches(batches, ranks):
    spans = [share(batches, rank, ranks) for rank in range(ranks)]
    assert [number for span in spans for number in span] == list(range(batches))
    assert max(map(len, spans)) - min(map(len, spans)) <= 1


@pytest.mark.bits
@given(batches=st.integers(1, 70), ranks=st.integers(1, 9), seed=st.integers(0, 99))
def test_bits_do_not_depend_on_the_ranks(batches, ranks, seed):
    generator = torch.Generator().manual_seed(seed)
    leaves = torch.randn(batches, 3, generator=generator, dtype=torch.float64).exp()

    def total(ranks):
        known = {
            node: summed(node, batches, lambda number: leaves[number].clone())
            for rank in range(ranks)
            for node in nodes_of(share(batches, rank, ranks), batches)
        }
        return root(known, batches)

    assert torch.equal(total(ranks), total(1))
    torch.testing.assert_close(total(1), leaves.sum(0))


@given(batches=st.integers(1, 300), ranks=st.integers(1, 20))
def test_a_rank_passes_on_few_nodes_in_order(batches, ranks):
    for rank in range(ranks):
        span = share(batches, rank, ranks)
        nodes = list(nodes_of(span, batches))
        covered = [
            number
            for level, index in nodes
            for number in range(index << level, min((index + 1) << level, batches))
        ]
        assert covered == list(span)
        assert len(nodes) <= 2 * max(1, len(span)).bit_length()
