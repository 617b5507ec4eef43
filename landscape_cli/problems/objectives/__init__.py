"""Objectives for common tasks: per-sample values from one forward pass."""

from landscape_cli.problems.objectives.language import causal_lm, masked_lm, seq2seq
from landscape_cli.problems.objectives.supervised import (
    REMEDY,
    binary_cross_entropy,
    binary_predictions,
    class_predictions,
    cross_entropy,
    mean_squared_error,
)
from landscape_cli.problems.problem import Objective

OBJECTIVES: dict[str, Objective] = {
    "cross_entropy": cross_entropy,
    "mean_squared_error": mean_squared_error,
    "binary_cross_entropy": binary_cross_entropy,
    "causal_lm": causal_lm,
    "masked_lm": masked_lm,
    "seq2seq": seq2seq,
}
"""The objectives of this package by name."""

__all__ = [
    "OBJECTIVES",
    "REMEDY",
    "binary_cross_entropy",
    "binary_predictions",
    "causal_lm",
    "class_predictions",
    "cross_entropy",
    "masked_lm",
    "mean_squared_error",
    "seq2seq",
]
