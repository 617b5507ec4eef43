"""The problem of predicting the next byte of an English text."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from landscape_cli.errors import UsageError
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import causal_lm
from scripts.reproduce.language.models import GPT, LSTM

MODELS = {"gpt": GPT, "lstm": LSTM}

PART = 10
"""One in ten bytes, the last ones of the text, is held out."""


def build(
    model: str,
    model_args: Mapping[str, Any],
    text: str | None = None,
    length: int = 64,
    sequences: int | None = None,
) -> Problem:
    """Build the problem; ``problem_args`` in a configuration are this function's arguments.

    Args:
        model: a name in ``MODELS``.
        model_args: arguments of the model's class.
        text: a text file; None for the documentation of Python's language.
        length: number of bytes in a sequence.
        sequences: number of sequences to train on; None for all.
    """
    train, held_out = divide(read(text), length)
    splits = {"train": TensorDataset(train[:sequences]), "test": TensorDataset(held_out)}
    name = f"{model.upper()} that predicts bytes"
    return Problem(MODELS[model](**model_args), splits, causal_lm, name=name)


def read(path: str | None) -> bytes:
    """Return the bytes of a file, or of Python's documentation, its topics in a fixed order."""
    if path is not None:
        return Path(path).read_bytes()
    names = sorted(topics)
    random.Random(0).shuffle(names)  # else the held-out topics would be those of T to Y
    return "\n\n".join(topics[name] for name in names).encode()


def divide(text: bytes, length: int) -> tuple[Tensor, Tensor]:
    """Cut a text into sequences, and hold out its end.

    Returns:
        The sequences to train on and those held out, each (n, length), of int64.
    """
    count = len(text) // length
    if count < PART:
        raise UsageError(f"text of {len(text)} bytes: expected at least {PART * length}")
    rows = torch.frombuffer(bytearray(text), dtype=torch.uint8)[: count * length]
    rows = rows.long().view(count, length)
    first = count - count // PART
    return rows[:first], rows[first:]
