"""Conventions shared by pictures, pages and exports: units, axis names, the choice of scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.surface import Surface

PERCENT = ("accuracy",)
"""Quantities that are stored as a fraction and shown in percent."""

WIDE = 1e3
"""Ratio of largest to smallest value above which a linear scale shows only the largest values."""

COMPONENTS = ("pca", "file")
"""Kinds of direction that may be principal components."""


def axis_facts(surface: Surface, name: str) -> Any:
    """Return what a surface records of an axis, of its direction as a rule; None for nothing."""
    return (
        fact(surface.provenance, "directions", name)
        or fact(surface.config, "directions", name)
        or fact(surface.provenance, "slice", "axes", name)
    )


def axis_name(surface: Surface, name: str) -> str:
    """Return an axis's label, such as "x: random direction, filter-normalized (seed 1)"."""
    direction = axis_facts(surface, name)
    if explained := _explained(surface, name, direction):
        return explained
    if label := fact(direction, "label"):
        return f"{name}: {label}"
    kind = fact(direction, "kind")
    if not kind:
        return name
    text = f"{name}: {kind} direction"
    normalize = fact(direction, "normalize")
    if normalize and normalize != "none":
        text += f", {normalize}-normalized"
    seed = fact(direction, "seed")
    return text if seed is None else f"{text} (seed {seed})"


def share(fraction: float) -> str:
    """Format a positive fraction as a percentage, never rounding to 0 % or up to 100 %."""
    if fraction < 0.001:
        return "less than 0.1 %"
    if 0.999 < fraction < 1:
        return "more than 99.9 %"
    return f"{100 * fraction:.1f} %"


def is_wide(values: NDArray[np.float64]) -> bool:
    """Return whether finite values, at least one, are positive and span more than three decades."""
    return bool(values.min() > 0 and values.max() / WIDE > values.min())


def fact(mapping: Any, *keys: str) -> Any:
    """Look up nested keys, one after the other; None if any of them is missing."""
    for key in keys:
        if not isinstance(mapping, Mapping):
            return None
        mapping = mapping.get(key)
    return mapping


def _explained(surface: Surface, name: str, direction: Any) -> str:
    """Return the variance explained along a principal component; empty if it is unknown."""
    fractions = fact(surface.provenance, "trajectory", "explained")
    component = {"x": 0, "y": 1}.get(str(fact(direction, "axis") or name))
    if fact(direction, "kind") not in COMPONENTS or component is None:
        return ""
    try:
        return f"PCA {component + 1}: {share(float(fractions[component]))} of variance"
    except (TypeError, ValueError, IndexError, KeyError):
        return ""
