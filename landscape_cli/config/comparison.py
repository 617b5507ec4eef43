"""Comparison of configurations by the keys that determine a run's values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landscape_cli.config.defaults import DEFAULT_SLICE
from landscape_cli.config.run_config import RunConfig
from landscape_cli.config.yaml_io import brief

RESULT_KEYS = (
    *("problem", "problem_args", "slice", "directions", "orthogonal", "grid", "repeats", "splits"),
    *("samples", "target_stderr", "sampling", "precision", "adaptive", "measures"),
    *("perturb", "batch_norm", "batch_norm_samples", "quantize"),
)
"""Keys that determine the values; a file made with other values of them can't be continued. The
checkpoint determines them too, but by its content rather than its path."""

BEFORE = {
    "precision": "fp32",
    "perturb": "parameters",
    "batch_norm": "frozen",
    "repeats": 1,
    "slice": DEFAULT_SLICE,
    "measures": {},
}
"""Values of keys that are missing from older files, or that are left out when written."""


def differences(
    stored: Mapping[str, Any],
    config: RunConfig | Mapping[str, Any],
    places: tuple[str, str] = ("in the file", "now"),
) -> list[str]:
    """List the keys whose values differ between a file's configuration and another one.

    Only ``RESULT_KEYS`` are compared. If ``config`` leaves splits out, they equal the file's.

    Args:
        stored: the file's configuration.
        config: the other configuration, which may come from a file too.
        places: phrases that say where each configuration comes from, for the lines.

    Returns:
        Lines such as "grid.x: [-1.0, 1.0, 51] in the file, [-1.0, 1.0, 25] now".
    """
    now = config.model_dump() if isinstance(config, RunConfig) else config
    lines = []
    for key in RESULT_KEYS:
        old, new = (values.get(key, BEFORE.get(key)) for values in (stored, now))
        if key != "splits" or new is not None:
            lines += compare(key, old, new, places)
    return lines


def compare(key: str, old: Any, new: Any, places: tuple[str, str]) -> list[str]:
    """Return a line for each value that differs, with dotted keys for those in mappings."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return [
            line
            for name in dict.fromkeys([*old, *new])
            for line in compare(f"{key}.{name}", old.get(name), new.get(name), places)
        ]
    return [] if old == new else [f"{key}: {brief(old)} {places[0]}, {brief(new)} {places[1]}"]
