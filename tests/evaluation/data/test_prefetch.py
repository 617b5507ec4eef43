"""Tests of prefetching: the same batches in the same order, and no thread left behind."""

import threading
from collections import deque

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.evaluation.data.prefetch import THREAD, prefetch

CPU = torch.device("cpu")
PATIENCE = 30


def reading():
    return [thread for thread in threading.enumerate() if thread.name == THREAD]


class Source:
    """A source that counts its reads, and records whether it was closed."""

    def __init__(self, length, failure=None):
        self.length = length
        self.failure = failure
        self.given = []
        self.threads = []
        self.closed = False
        self.read = threading.Condition()

    def __iter__(self):
        try:
            for number in range(self.length):
                with self.read:
                    self.given.append(number)
                    self.threads.append(threading.current_thread())
                    self.read.notify_all()
                yield number
            if self.failure is not None:
                raise self.failure
        finally:
            self.closed = True

    def wait_for(self, number):
        with self.read:
            assert self.read.wait_for(lambda: number in self.given, PATIENCE)


@given(st.integers(0, 20))
def test_all_batches_come_in_order(length):
    source = Source(length)
    assert list(prefetch(iter(source), CPU)) == list(range(length))
    assert source.closed
    assert not reading()


def test_the_next_batch_is_read_while_one_is_used():
    """The consumer has not asked for the next batch, so only a thread can have read it."""
    source = Source(4)
    batches = prefetch(iter(source), CPU)
    for number in range(3):
        assert next(batches) == number
        source.wait_for(number + 1)
        assert source.given == list(range(number + 2)), "one batch ahead, and no more"
    assert list(batches) == [3]


def test_the_first_batch_is_read_by_the_caller_and_the_others_by_one_thread():
    source = Source(9)
    list(prefetch(iter(source), CPU))
    first, *others = source.threads
    assert first is threading.current_thread()
    assert len(set(others)) == 1
    assert others[0] is not first


@pytest.mark.parametrize("taken", [0, 1, 2, 5])
def test_closing_early_leaves_no_thread_and_closes_the_source(taken):
    source = Source(9)
    batches = prefetch(iter(source), CPU)
    for _ in range(taken):
        next(batches)
    batches.close()
    assert not reading()
    assert source.closed == bool(taken)
    assert len(source.given) <= taken + 1


@pytest.mark.parametrize("length", [0, 1, 2, 5])
@pytest.mark.parametrize("failure", [OSError("gone"), KeyboardInterrupt()])
def test_the_sources_error_comes_after_its_batches(length, failure):
    batches = prefetch(iter(Source(length, failure)), CPU)
    got = []
    with pytest.raises(type(failure)) as raised:
        deque(map(got.append, batches))
    assert raised.value is failure
    assert got == list(range(length))
    assert not reading()


def test_the_consumers_error_ends_the_thread():
    def use():
        batches = prefetch(iter(Source(9)), CPU)
        try:
            for batch in batches:
                if batch == 3:
                    raise ValueError("the user's")
        finally:
            batches.close()

    with pytest.raises(ValueError, match="the user's"):
        use()
    assert not reading()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_copies_on_a_separate_stream_are_complete_when_used():
    device = torch.device("cuda", 0)
    sources = [torch.full((1 << 22,), float(number)) for number in range(24)]

    def copies():
        for source in sources:
            yield source.pin_memory().to(device, non_blocking=True)

    sums = []
    weight = torch.randn(2048, 2048, device=device)
    for batch in prefetch(copies(), device):
        for _ in range(8):  # work that the copies could overtake
            weight = torch.tanh(weight @ weight)
        sums.append(batch.double().sum() + 0 * weight.double().sum())
    expected = [float(number) * (1 << 22) for number in range(24)]
    assert torch.stack(sums).tolist() == expected
