"""The types of those facts in a surface's provenance that are read: files may be foreign.

Facts that are only kept or compared may be anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from landscape_cli.records.grid import Grid

LONGEST = 100_000
"""Upper bound on the number of characters of a name, path or label."""

SHOWN = 60
"""Largest number of characters of a value that a message shows."""

MOST_RANKS = 10_000_000
"""Upper bound on a number of ranks."""


@dataclass(frozen=True)
class Kind:
    """A kind of value.

    Args:
        words: what it is, for messages.
        holds: whether a value is of this kind.
    """

    words: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class Each:
    """A mapping whose values are all alike."""

    value: Any


@dataclass(frozen=True)
class Section:
    """A mapping with known keys, which may have others.

    Args:
        required: the type of each key that must be there.
        optional: the type of others.
    """

    required: Mapping[str, Any] = field(default_factory=dict)
    optional: Mapping[str, Any] = field(default_factory=dict)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_finite(value: Any) -> bool:
    return _is_number(value) and abs(value) < math.inf


TEXT = Kind("a text", lambda value: isinstance(value, str) and len(value) <= LONGEST)
MESSAGE = Kind("a text", lambda value: isinstance(value, str))
WHOLE = Kind("a whole number", lambda value: type(value) is int and abs(value) < 1 << 63)
SHOWN_ONLY = Kind("a number or a text", lambda value: WHOLE.holds(value) or TEXT.holds(value))
RANKS = Kind(
    "a number of ranks",
    lambda value: TEXT.holds(value) or (type(value) is int and 0 <= value <= MOST_RANKS),
)
NUMBER = Kind("a number", _is_number)
FINITE = Kind("a finite number", _is_finite)
LENGTH = Kind("a finite number, or null", lambda value: value is None or _is_finite(value))
TRUTH = Kind("true or false", lambda value: isinstance(value, bool))
SOME_TEXT = Kind("a text, or null", lambda value: value is None or TEXT.holds(value))

FACTS: dict[str, Any] = {
    "network": Section(optional={"name": TEXT, "parameters": WHOLE}),
    "batch_norm": TEXT,
    "quantize": Section(
        {"bits": WHOLE, "per": TEXT}, {"include": [TEXT], "exclude": [TEXT], "clipped": FINITE}
    ),
    "checkpoint": Section({"path": TEXT}, {"sha256": TEXT, "key": TEXT, "prefix": TEXT}),
    "imported": Section({"path": TEXT}, {"sha256": TEXT}),
    "directions": Each(
        Section(
            optional={
                **dict.fromkeys(("kind", "label", "sha256"), TEXT),
                **dict.fromkeys(("path", "axis", "normalize", "key", "prefix"), SOME_TEXT),
            }
        )
    ),
    "slice": Section(
        optional={"origin": [FINITE], "axes": Each(Section(optional={"label": TEXT}))}
    ),
    "curve": Section({"shape": TEXT, "points": WHOLE, "gram": [[FINITE]]}, {"length": FINITE}),
    "curve_plane": Section(
        {
            "shape": TEXT,
            "bend": WHOLE,
            "ends": [TEXT],
            **{key: [[FINITE]] for key in ("points", "coordinates")},
            **{key: [FINITE] for key in ("t", "residuals", "point_residuals")},
        }
    ),
    "splits": Each(Section(optional={"samples": SHOWN_ONLY})),
    "shard": Section({"index": WHOLE, "of": WHOLE}),
    "failures": [Section({"message": MESSAGE, "points": [WHOLE]})],
    "checkpoints": [
        Section({"label": TEXT, "coordinates": [FINITE]}, {"residual": LENGTH, "distance": LENGTH})
    ],
    "adaptive": Section(
        {
            "computed": WHOLE,
            "tolerance": FINITE,
            "quantities": [
                Section(
                    {
                        **dict.fromkeys(("split", "quantity", "scale"), TEXT),
                        "error": NUMBER,
                        "watched": TRUTH,
                    }
                )
            ],
            "held_out": WHOLE,
            "beyond": FINITE,
        }
    ),
    "sampled": Section(
        {"tolerance": FINITE, "first": WHOLE, "halvings": WHOLE},
        {
            "checked": Section(
                {"points": [WHOLE], "values": Each([NUMBER])},
                {"stderr": Each([NUMBER]), "held_out": TRUTH},
            ),
            "beyond": FINITE,
            "error": Each(NUMBER),
        },
    ),
    "settings": Section(
        {"micro_batch": WHOLE},
        {
            "precision": TEXT,
            **dict.fromkeys(
                (
                    *("channels_last", "fold", "compile", "concurrent"),
                    *("point_per_thread", "hwnc", "in_place"),
                ),
                TRUTH,
            ),
        },
    ),
    "runs": [
        Section(
            optional={
                "started": TEXT,
                "seconds": NUMBER,
                "mpi": Section(optional={"size": RANKS}),
                "ranks": [Section(optional={"host": TEXT, "device": TEXT})],
            }
        )
    ],
}
"""By key of the provenance, what is expected if it is there."""

CURVATURE_FACTS: dict[str, Any] = {
    **{key: FACTS[key] for key in ("network", "batch_norm", "splits", "settings", "runs")},
    "split": TEXT,
    "request": Section(),
    "memory": Section({"vectors": WHOLE}),
    "weights": [Section(optional=dict.fromkeys(("path", "sha256", "key", "prefix"), TEXT))],
}
"""By key of a curvature file's provenance, what is expected if it is there."""

CURVE_FACTS: dict[str, Any] = {
    **{key: FACTS[key] for key in ("network", "curve", "runs")},
    "split": TEXT,
    "per_epoch": WHOLE,
    "request": Section(),
    "weights": CURVATURE_FACTS["weights"],
    "diverged": Section({"step": WHOLE, "loss": TEXT}),
}
"""By key of a curve file's provenance, what is expected if it is there."""

DIFFUSION_FACTS: dict[str, Any] = {
    **{key: FACTS[key] for key in ("network", "runs")},
    "request": Section(),
    "weights": CURVATURE_FACTS["weights"],
    "further": CURVATURE_FACTS["weights"],
    "losses": Section(dict.fromkeys(("split", "quantity"), TEXT)),
}
"""By key of a diffusion file's provenance, what is expected if it is there."""

NULLABLE = ("checkpoint", "shard")
"""Keys that may be null."""

KEYS: dict[str, Any] = {
    "splits": [TEXT],
    "batch_size": WHOLE,
    "directions": Each(Section(optional=dict.fromkeys(("kind", "label", "normalize"), SOME_TEXT))),
}
"""By key of the configuration, what is expected if it is there and not null."""


def check_provenance(provenance: Mapping[str, Any], grid: Grid) -> None:
    """Refuse facts that are not of the type that their readers expect.

    Args:
        provenance: of a surface.
        grid: the surface's grid.

    Raises:
        ValueError: naming the fact, its value and what was expected.
    """
    for key, expected in FACTS.items():
        value = provenance.get(key)
        if value is not None or (key in provenance and key not in NULLABLE):
            _check(value, expected, key)
    origin = (provenance.get("slice") or {}).get("origin")
    if origin is not None and len(origin) != len(grid.shape):
        raise ValueError(f"slice.origin: {len(origin)} numbers for {len(grid.shape)} axes")
    for place, (name, axis) in zip(origin or (), grid.axes.items(), strict=False):
        if (np.diff(axis.coordinates - place) <= 0).any():
            raise ValueError(f"slice.origin: {place:g} is too far from the range {axis} of {name}")
    shard = provenance.get("shard")
    if shard is not None and not 1 <= shard["index"] <= shard["of"] <= grid.total:
        raise ValueError(f"shard: there is no shard {shard['index']} of {shard['of']}")
    for failure in provenance.get("failures") or ():
        if not failure["points"] or not all(0 <= one < grid.total for one in failure["points"]):
            raise ValueError("failures: points that the grid lacks")


def check_curvature_provenance(provenance: Mapping[str, Any]) -> None:
    """Refuse facts of a curvature file that are not of the type that their readers expect.

    Raises:
        ValueError: naming the fact, its value and what was expected.
    """
    _check_facts(provenance, CURVATURE_FACTS)


def check_curve_provenance(provenance: Mapping[str, Any]) -> None:
    """Refuse facts of a curve file that are not of the type that their readers expect.

    Raises:
        ValueError: naming the fact, its value and what was expected.
    """
    _check_facts(provenance, CURVE_FACTS)


def check_diffusion_provenance(provenance: Mapping[str, Any]) -> None:
    """Refuse facts of a diffusion file that are not of the type that their readers expect.

    Raises:
        ValueError: naming the fact, its value and what was expected.
    """
    _check_facts(provenance, DIFFUSION_FACTS)


def _check_facts(provenance: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    for key, expected in facts.items():
        if key in provenance:
            _check(provenance[key], expected, key)


def check_config(config: Mapping[str, Any]) -> None:
    """Refuse values in a surface's configuration that are not of the type that is expected.

    Raises:
        ValueError: naming the key, its value and what was expected.
    """
    for key, expected in KEYS.items():
        if (value := config.get(key)) is not None:
            _check(value, expected, key)


def _check(value: Any, expected: Any, place: str) -> None:
    if isinstance(expected, Kind):
        if not expected.holds(value):
            raise _refusal(place, value, expected.words)
    elif isinstance(expected, list):
        if not isinstance(value, list):
            raise _refusal(place, value, "a list")
        for number, entry in enumerate(value):
            _check(entry, expected[0], f"{place}.{number}")
    elif not isinstance(value, Mapping):
        raise _refusal(place, value, "keys and values")
    elif isinstance(expected, Each):
        for key, entry in value.items():
            _check(entry, expected.value, f"{place}.{key}")
    else:
        _check_section(value, expected, place)


def _check_section(value: Mapping[str, Any], section: Section, place: str) -> None:
    for key, expected in {**section.required, **section.optional}.items():
        if key in value:
            _check(value[key], expected, f"{place}.{key}")
        elif key in section.required:
            raise ValueError(f"{place}.{key} is missing")


def _refusal(place: str, value: Any, words: str) -> ValueError:
    shown = repr(value)[:SHOWN]
    return ValueError(f"{place[:SHOWN]} is {shown}, expected {words}")
