"""Defaults of a configuration that depend on its other keys, filled in before validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landscape_cli.config.auto_range import fill_auto

BATCH_NORM_SAMPLES = 2048
"""Samples from which batch norm's statistics are re-estimated."""

DEFAULT_SEEDS = {"x": 1, "y": 2, "z": 3}
"""Seeds of random directions by axis."""

DEFAULT_SLICE = {"kind": "affine"}
"""The slice with a direction for each axis."""

RECALIBRATED = ("curve", "curve-plane")
"""Kinds of slice whose networks need batch norm's statistics of their own."""


def fill_defaults(values: Any) -> Any:
    """Return a configuration's values with the defaults that depend on other keys.

    Args:
        values: a configuration that has not been validated yet.

    Raises:
        ValueError: naming an axis whose range ``auto`` is wrong, or that does not exist.
    """
    filled = fill_auto(values)
    if not isinstance(filled, Mapping):
        return filled
    return _fill_directions(_fill_batch_norm(filled))


def has_directions(values: Mapping[str, Any]) -> bool:
    """Return True for the kind of slice that has a direction for each axis."""
    section = values.get("slice")
    kind = section.get("kind") if isinstance(section, Mapping) else None
    return kind in (None, DEFAULT_SLICE["kind"])


def recalibrates(values: Mapping[str, Any]) -> bool:
    """Return True for the kind of slice on which batch norm is recalibrated by default."""
    section = values.get("slice")
    return isinstance(section, Mapping) and section.get("kind") in RECALIBRATED


def _fill_directions(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put directions in the order of the grid's axes, and fill in random ones.

    Without any directions, each axis of the grid gets a random one with its own seed.
    """
    if isinstance(values.get("grid"), Mapping):
        sections = values.get("directions")
        if sections is None and has_directions(values):
            sections = {axis: {} for axis in values["grid"]}
        if isinstance(sections, Mapping):
            names = [*(axis for axis in values["grid"] if axis in sections), *sections]
            filled = {axis: _with_defaults(axis, sections[axis]) for axis in names}
            return {**values, "directions": filled}
    return values


def _fill_batch_norm(values: Mapping[str, Any]) -> dict[str, Any]:
    """Choose the treatment of running statistics, and the samples to re-estimate them from."""
    default = "perturb" if values.get("perturb") == "states" else "frozen"
    default = "recalibrate" if recalibrates(values) else default
    mode = values.get("batch_norm") or default
    filled = {**values, "batch_norm": mode}
    if mode == "recalibrate" and filled.get("batch_norm_samples") is None:
        filled["batch_norm_samples"] = BATCH_NORM_SAMPLES
    return filled


def _with_defaults(axis: Any, section: Any) -> Any:
    if section is None:
        section = {}
    if isinstance(section, Mapping) and section.get("kind", "random") == "random":
        return {"kind": "random", "seed": DEFAULT_SEEDS.get(axis, 1), **section}
    return section
