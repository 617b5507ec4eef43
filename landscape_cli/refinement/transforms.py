"""Transforms after which a field may be smoother: powers and the logarithm.

Source: Box & Cox 1964, "An analysis of transformations".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from landscape_cli.refinement.fields import Field
from landscape_cli.refinement.matrices import Values

POWERS = (0.0, 0.25, 0.5, 1.0)
"""Powers of a positive field; 0 stands for the logarithm."""


@dataclass(frozen=True)
class Transform:
    """A function of a field's values on the field's own scale, and its inverse."""

    forward: Callable[[Values], Values]
    inverse: Callable[[Values], Values]


IDENTITY = Transform(np.array, np.array)


def transforms_of(field: Field, values: Values) -> Sequence[Transform]:
    """Return the transforms of a field with these finite values: several if it is positive."""
    if field.log:
        return [_power_of_logarithm(power, float(values.max(initial=0))) for power in POWERS]
    if values.min(initial=1) > 0:
        return [_power(power) for power in POWERS]
    return (IDENTITY,)


def _power(power: float) -> Transform:
    if power == 1:
        return IDENTITY
    if power == 0:
        return Transform(np.log, lambda values: np.exp(np.minimum(values, 700)))
    return Transform(
        lambda values: values**power, lambda values: np.maximum(values, 0) ** (1 / power)
    )


def _power_of_logarithm(power: float, top: float) -> Transform:
    """Return the transform from a logarithm to a power, relative to the largest one, ``top``."""
    if power == 0:
        return IDENTITY

    def inverse(values: Values) -> Values:
        with np.errstate(divide="ignore"):
            result: Values = np.log(np.maximum(values, 0)) / power + top
        return result

    return Transform(lambda values: np.exp(power * (values - top)), inverse)
