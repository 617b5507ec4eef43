"""All numbers of a surface, as a tree of plain values."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from landscape_cli.analysis import NUMBERS
from landscape_cli.analysis.field import Field, MeaninglessError, Options, UnknownError
from landscape_cli.analysis.field_selection import Selection, select
from landscape_cli.errors import UsageError
from landscape_cli.records.derived import with_derived
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity

DEFAULT_QUANTITY = "loss"

CIRCUMSTANCES = frozenset(
    {
        *("radius", "directions", "points", "left_out", "reach", "lines", "level"),
        *("fraction", "errors"),
    }
)
"""Keys that say how a number was computed; beside standard deviations, their means are given."""

APART = frozenset({"threshold", "list"})
"""Keys of the topology that mean nothing over several repeats, and are None for them."""


def describe(
    surface: Surface,
    splits: Sequence[str] = (),
    quantities: Sequence[str] = (),
    options: Options | None = None,
) -> dict[str, Any]:
    """Compute all numbers of the chosen quantities of a surface.

    Args:
        surface: complete or not.
        splits: names of splits; all if empty.
        quantities: names of quantities; ``loss`` if empty.
        options: settings of the individual numbers.

    Returns:
        ``axes``, ``complete``, ``repeats``, and under ``numbers`` a list with a mapping for each
        split and quantity, whose keys docs/describe.md lists.

    Raises:
        UsageError: if the surface lacks a split or quantity, or has too few points.
    """
    surface = with_derived(surface, listed=True)
    chosen = _choose(surface, splits, quantities)
    selection = select(surface)
    return {
        "axes": {name: axis.tolist() for name, axis in selection.axes.items()},
        "complete": surface.complete,
        "repeats": selection.repeats,
        "numbers": [_numbers(selection, key, options or Options()) for key in chosen],
    }


def _choose(surface: Surface, splits: Sequence[str], quantities: Sequence[str]) -> list[Quantity]:
    for name in splits:
        if name not in surface.splits:
            raise UsageError(
                f"--split {name}: the surface has {', '.join(surface.splits) or 'none'}"
            )
    names = sorted({name for _, name in surface.values})
    wanted = quantities or (DEFAULT_QUANTITY,)
    for name in wanted:
        if name not in names:
            raise UsageError(
                f"--quantity {name}: the surface has {', '.join(names) or 'none'}; choose one of "
                "these"
            )
    keys = [(split, name) for split in splits or surface.splits for name in wanted]
    return [key for key in dict.fromkeys(keys) if key in surface.values]


def _numbers(selection: Selection, key: Quantity, options: Options) -> dict[str, Any]:
    each = [_field_numbers(field, options) for field in selection.fields(key)]
    several = len(each) > 1
    known = [_without(numbers, "unknown") for numbers in each]
    return {
        "split": key[0],
        "quantity": key[1],
        "points": selection.counts(key),
        **combine_trees(each, _mean),
        "std": combine_trees(known, _std, CIRCUMSTANCES) if several else None,
        "each": each if several else None,
    }


def _field_numbers(field: Field, options: Options) -> dict[str, Any]:
    """Compute the numbers of one repeat; ``unknown`` gives the reasons for missing ones."""
    numbers: dict[str, Any] = {"centre": None}
    unknown: dict[str, str] = {}
    try:
        numbers["centre"] = field.centre
    except UnknownError as reason:
        unknown["centre"] = str(reason)
    for name, number in NUMBERS.items():
        numbers[name] = None
        try:
            numbers[name] = number.compute(field, options)
        except MeaninglessError:
            continue
        except UnknownError as reason:
            unknown[name] = str(reason)
    return {**numbers, "unknown": unknown}


def combine_trees(
    trees: Sequence[Any],
    combine: Callable[[list[float]], float | None],
    averaged: Collection[str] = (),
) -> Any:
    """Combine trees with the same keys entry by entry.

    A number that is missing from some trees is combined from the others; what is in ``APART`` is
    None. Booleans are true if all are; other entries are taken from the first tree that has them.

    Args:
        trees: the trees, of dictionaries, lists and plain values.
        combine: computes one number from several.
        averaged: keys whose numbers are averaged instead.
    """
    known = [tree for tree in trees if tree is not None]
    if not known:
        return None
    first = known[0]
    if isinstance(first, dict):
        keys = dict.fromkeys(key for tree in known for key in tree)
        combined = {
            key: combine_trees(
                [tree.get(key) for tree in known], _mean if key in averaged else combine, averaged
            )
            for key in keys
        }
        return combined if len(trees) == 1 else {**combined, **dict.fromkeys(APART & set(keys))}
    if isinstance(first, list):
        return [combine_trees(entries, combine, averaged) for entries in zip(*known, strict=False)]
    if isinstance(first, bool):
        return all(known)
    if isinstance(first, (int, float)):
        return known[0] if len(trees) == 1 else combine([float(number) for number in known])
    return first


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def _std(values: list[float]) -> float | None:
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def _without(tree: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in tree.items() if name != key}
