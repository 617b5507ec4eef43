"""Quantities derived from stored ones when a surface is read, and never stored themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from landscape_cli.records.derived.base import Derived
from landscape_cli.records.derived.eigenvalue_ratio import RATIO
from landscape_cli.records.derived.perplexity import PERPLEXITY
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status

SAMPLES = "samples"
"""The number of samples that each point was evaluated on, of a surface with sampled points; 0 where
it was interpolated."""

DERIVED: dict[str, Derived] = {
    "hessian_ratio": RATIO,
    "perplexity": PERPLEXITY,
}
"""Every derived quantity; a stored quantity of the same name takes precedence."""


def with_derived(surface: Surface, listed: bool = False) -> Surface:
    """Return a surface with every quantity that can be derived from those it has.

    Args:
        surface: the surface.
        listed: add only those that summaries list.
    """
    values, errors = dict(surface.values), dict(surface.stderr)
    for split in surface.splits:
        for name, derived in DERIVED.items():
            needed = [(split, one) for one in (*derived.inputs, *derived.beside)]
            if (split, name) in values or not all(key in values for key in needed):
                continue
            if listed and not derived.listed:
                continue
            keys = [(split, one) for one in derived.inputs]
            inputs = [(values[k], errors.get(k, np.full_like(values[k], np.nan))) for k in keys]
            values[split, name], errors[split, name] = derived.compute(*inputs)
    if not listed:
        known = ~np.isin(surface.status, (Status.TODO, Status.FAILED))
        for split, numbers in surface.samples.items():
            values.setdefault((split, SAMPLES), np.where(known, numbers, np.nan))
    return (
        surface
        if len(values) == len(surface.values)
        else replace(surface, values=values, stderr=errors)
    )
