"""Problem of the benchmarks: a small ResNet, the same on every rank."""

from __future__ import annotations

from typing import Any

import torch

from landscape_cli.problems import Problem, zoo


def build(depth: int = 8, width: float = 0.5, samples: int = 256) -> Problem:
    """Build a ResNet on the first digits, initialized with a fixed seed."""
    torch.manual_seed(0)
    arguments: dict[str, Any] = {"depth": depth, "width": width}
    return zoo.build(model_args=arguments, samples={"train": samples, "test": 64})
