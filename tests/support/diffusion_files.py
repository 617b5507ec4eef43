"""Comparison of diffusion files."""

from dataclasses import fields, is_dataclass

import numpy as np

ELSEWHERE = ("config", "provenance")


def same_record(found, expected, path="record"):
    """Compare all numbers and names of records, bit by bit, but not what made them."""
    if is_dataclass(expected):
        for field in fields(expected):
            if field.name not in ELSEWHERE:
                one, other = getattr(found, field.name), getattr(expected, field.name)
                same_record(one, other, f"{path}.{field.name}")
    elif isinstance(expected, tuple) and expected and is_dataclass(expected[0]):
        assert len(found) == len(expected), path
        for one, other in zip(found, expected, strict=True):
            same_record(one, other, path)
    elif isinstance(expected, dict):
        assert list(found) == list(expected), path
        for name in expected:
            same_record(found[name], expected[name], f"{path}[{name}]")
    elif isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype, path
        assert found.tobytes() == expected.tobytes(), path
    else:
        assert found == expected, path
