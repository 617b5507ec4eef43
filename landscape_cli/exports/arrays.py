"""The arrays and metadata of a surface that are exported, and their names in other formats."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace

from landscape_cli.errors import UsageError
from landscape_cli.exports import Options, Source
from landscape_cli.records.grid import AXIS_NAMES
from landscape_cli.records.repeats import mean_surface, one_repeat
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity

STDERR = "_stderr"
LOG = "_log10"
RESERVED = {*AXIS_NAMES, "repeat", "status", "seconds", "rank"}
"""Names that quantities must not take."""


def selected(source: Source, options: Options) -> Surface:
    """Reduce the surface to the requested repeat and quantities; by default all of them.

    Raises:
        UsageError: if there is no such repeat, split or quantity.
    """
    surface = source.surface
    if options.repeat is not None:
        surface = one_repeat(surface, _repeat(source, options.repeat))
    return only(surface, wanted(source, options))


def one_surface(source: Source, options: Options) -> tuple[Surface, list[str]]:
    """Return the requested repeat, or the mean over all, with every quantity, and notes for users.

    Raises:
        UsageError: if there is no such repeat.
    """
    surface, repeat = source.surface, options.repeat
    if repeat is not None:
        return one_repeat(surface, _repeat(source, repeat)), []
    if not surface.grid.repeated:
        return surface, []
    repeats = surface.grid.repeats
    note = f"{source.file}: the mean of {repeats} repeats; --repeat K writes one of them"
    return mean_surface(surface), [note]


def shown(source: Source, options: Options) -> Quantity:
    """Return the quantity to show as heights, preferring "loss", then "train".

    Raises:
        UsageError: if there is no such split or quantity.
    """
    return min(wanted(source, options), key=lambda key: (key[1] != "loss", key[0] != "train"))


def wanted(source: Source, options: Options) -> list[Quantity]:
    """Return the quantities that match the options, at least one.

    Raises:
        UsageError: if there is no such split or quantity, or none at all.
    """
    surface, split, quantity = source.surface, options.split, options.quantity
    if not surface.values:
        raise UsageError(f"{source.file}: holds no values; compute it first")
    if split is not None and split not in surface.splits:
        raise UsageError(
            f"--split {split!r}: {source.file} has {', '.join(surface.splits)}; choose one of these"
        )
    in_split = [key for key in surface.values if split in (None, key[0])]
    matching = [key for key in in_split if quantity in (None, key[1])]
    if not matching:
        offered = ", ".join(dict.fromkeys(name for _, name in in_split))
        raise UsageError(
            f"--quantity {quantity!r}: {source.file} has {offered}; choose one of these"
        )
    return matching


def only(surface: Surface, keys: Iterable[Quantity]) -> Surface:
    """Return the surface with only some of its quantities."""
    kept = list(keys)
    splits = {split for split, _ in kept}
    return replace(
        surface,
        samples={split: one for split, one in surface.samples.items() if split in splits},
        values={key: surface.values[key] for key in kept},
        stderr={key: surface.stderr[key] for key in kept if key in surface.stderr},
    )


def array_names(surface: Surface) -> dict[Quantity, str]:
    """Choose an array name for each quantity, such as ``train_loss``.

    Returns:
        Names of letters, digits and ``_ . + -``. They differ from each other and from ``RESERVED``,
        also with ``STDERR`` or ``LOG`` appended; a number is added where they would not.
    """
    used = set(RESERVED)
    names: dict[Quantity, str] = {}
    for key in surface.values:
        plain = name = _permitted("_".join(key))
        number = 2
        while used & (with_suffixes := {name, name + STDERR, name + LOG}):
            name = f"{plain}_{number}"
            number += 1
        used |= with_suffixes
        names[key] = name
    return names


def _permitted(name: str) -> str:
    """Replace characters that names of arrays must not have."""
    return re.sub(r"[^\w.+-]", "_", name, flags=re.ASCII)


def sample_names(surface: Surface) -> dict[str, str]:
    """Choose an array name for each split's numbers of samples, such as ``train_samples``.

    They differ from those of quantities; empty unless points took as many samples as they need.
    """
    taken = [name + end for name in array_names(surface).values() for end in ("", STDERR, LOG)]
    used, names = {*RESERVED, *taken}, {}
    for split in surface.samples:
        name = _permitted(f"{split}_samples")
        while name in used:
            name += "_"
        used.add(name)
        names[split] = name
    return names


def metadata(surface: Surface) -> dict[str, str]:
    """Return the configuration and the provenance of a surface, each as a JSON object."""
    both = {"config": surface.config, "provenance": surface.provenance}
    return {name: json.dumps(dict(values), default=str) for name, values in both.items()}


def _repeat(source: Source, number: int) -> int:
    """Return the number of a repeat after checking that it exists."""
    repeats = source.surface.grid.repeats
    if repeats == 1:
        raise UsageError(f"--repeat {number}: {source.file} has no repeats; leave --repeat out")
    if not 0 <= number < repeats:
        raise UsageError(
            f"--repeat {number}: {source.file} has {repeats} repeats; choose one from 0 to "
            f"{repeats - 1}"
        )
    return number
