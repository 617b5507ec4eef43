"""Fixtures of tests of evaluations."""

import pytest
import torch


@pytest.fixture
def two_threads():
    """Let PyTorch use two threads, also where the machine has one; a test leaves it at that."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)
