"""Random numbers of a training step, which depend on a seed and on the step alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

EPOCHS, STEPS, PLACES = 1, 2, 3
"""Streams of random numbers of one seed: of epochs, of steps, and of places on a curve."""


def place_of(seed: int, step: int) -> float:
    """Return the place t of a step, uniform in [0, 1)."""
    return float(np.random.default_rng([seed, PLACES, step]).random())


def generator_of(seed: int, epoch: int) -> torch.Generator:
    """Return the generator of an epoch, on the CPU."""
    generator = torch.Generator()
    generator.manual_seed(_number(seed, EPOCHS, epoch))
    return generator


def seed_all(seed: int, stream: int, number: int) -> None:
    """Seed the generators that a loader or a network may draw from: Python's, NumPy's, PyTorch's.

    Args:
        seed: of the training.
        stream: ``EPOCHS`` or ``STEPS``.
        number: of the epoch or step.
    """
    chosen = _number(seed, stream, number)
    random.seed(chosen)
    np.random.seed(chosen % (1 << 32))
    torch.manual_seed(chosen)


@contextmanager
def generators_kept() -> Iterator[None]:
    """Restore the state of these generators after a block."""
    ours, theirs = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        yield
    random.setstate(ours)
    np.random.set_state(theirs)


def _number(*key: int) -> int:
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))
