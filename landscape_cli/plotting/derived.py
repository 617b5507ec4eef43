"""Quantities derived from stored ones when they are drawn, and never stored themselves.

A new one is a function and a line in ``DERIVED``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.surface import Surface

Floats = NDArray[np.float64]
Known = tuple[Floats, Floats]
"""Values and their numerical errors, of the same shape; an error is NaN where it is unknown."""


@dataclass(frozen=True)
class Derived:
    """A quantity computed from stored quantities of the same split, point by point.

    Args:
        inputs: the names of the stored quantities.
        compute: turns their values and errors into those of the quantity.
        undefined: says in a few words where finite inputs give no value.
    """

    inputs: tuple[str, ...]
    compute: Callable[..., Known]
    undefined: str


def eigenvalue_ratio(smallest: Known, largest: Known) -> Known:
    """Return |λmin / λmax|, the convexity map of Li et al. 2018, section 6 and figure 7.

    It is NaN where λmax is not positive, or might not be within its error e_max. Elsewhere the
    error is a bound: |λmin/λmax| differs from the true ratio by at most
    (e_min + ratio e_max) / (λmax - e_max).

    Args:
        smallest: λmin and its error.
        largest: λmax and its error.
    """
    (low, low_error), (high, high_error) = smallest, largest
    sure = np.nan_to_num(high_error)
    with np.errstate(all="ignore"):
        ratio = np.where(high > sure, np.abs(low / high), np.nan)
        error = (low_error + ratio * high_error) / (high - sure)
    return ratio, error


DERIVED = {
    "hessian_ratio": Derived(("hessian_min", "hessian_max"), eigenvalue_ratio, "λmax ≤ 0"),
}
"""Every derived quantity; a stored quantity of the same name takes precedence."""


def with_derived(surface: Surface) -> Surface:
    """Return a surface with every quantity that can be derived from those it has."""
    values, errors = dict(surface.values), dict(surface.stderr)
    for split in surface.splits:
        for name, derived in DERIVED.items():
            keys = [(split, one) for one in derived.inputs]
            if (split, name) in values or not all(key in values for key in keys):
                continue
            inputs = [(values[k], errors.get(k, np.full_like(values[k], np.nan))) for k in keys]
            values[split, name], errors[split, name] = derived.compute(*inputs)
    return (
        surface
        if len(values) == len(surface.values)
        else replace(surface, values=values, stderr=errors)
    )
