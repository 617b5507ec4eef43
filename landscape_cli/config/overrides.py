"""Changes to a configuration from the command line, applied before validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from landscape_cli.config.auto_range import is_auto
from landscape_cli.config.yaml_io import brief, load_yaml
from landscape_cli.errors import UsageError
from landscape_cli.records.grid import Axis

EVERY = "directions.*."
"""Beginning of a key that changes the directions of all axes."""

SHORT = {"quantize": "bits", "curvature": "measures"}
"""Keys that the short forms of sections, such as ``quantize: 3``, stand for."""


def parse_changes(settings: Sequence[str]) -> dict[str, Any]:
    """Parse ``--set KEY=VALUE`` options into values by dotted key, each read as YAML.

    Raises:
        UsageError: if a setting has another form.
    """
    values = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise UsageError(f"--set {setting}: expected KEY=VALUE, such as grid.x=[-1,1,25]")
        values[key] = load_yaml(text, f"--set {key}")
    return values


def put_all(
    values: dict[str, Any],
    changes: Mapping[str, Any],
    ranges: Mapping[str, str | None],
    seed: int | None,
) -> None:
    """Apply changes to a configuration's values, in place.

    Args:
        values: the configuration as read from YAML.
        changes: values by dotted key; None removes a key. ``directions.*.KEY`` is the KEY of each
            axis's direction.
        ranges: ``MIN:MAX:N`` or ``auto`` by axis; "none" removes the axis, None keeps it.
        seed: the seed of the first axis's direction, from which later axes count on.

    Raises:
        UsageError: if a key leads through a value that is not a section, or a range is malformed.
    """
    default_directions = values.get("directions") is None
    for key, value in changes.items():
        if not key.startswith(EVERY):
            _put(values, key, value)
    for axis, text in ranges.items():
        if text is not None:
            _put_range(values, axis, text)
    axes = values.get("grid")
    names = list(axes) if isinstance(axes, dict) else []
    for key, value in changes.items():
        for axis in names if key.startswith(EVERY) else ():
            _put(values, f"directions.{axis}.{key.removeprefix(EVERY)}", value)
    if seed is not None:
        for number, axis in enumerate(names):
            _put(values, f"directions.{axis}.seed", seed + number)
    if default_directions and isinstance(values.get("directions"), dict):
        for axis in names:
            values["directions"].setdefault(axis, {})


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    """Set the value at a dotted key, or remove it if the value is None."""
    *sections, last = key.split(".")
    if not all([*sections, last]):
        raise UsageError(f"--set {key}: expected a dotted key such as directions.x.seed")
    parent: Any = values
    if len(sections) == 1:
        _spell_out(values, sections[0])
    for number, section in enumerate(sections):
        if parent.get(section) is None:
            parent[section] = {}
        parent = parent[section]
        if not isinstance(parent, dict):
            raise UsageError(
                f"--set {key}: {'.'.join(sections[: number + 1])} is {brief(parent)}, not a section"
            )
    if value is None:
        parent.pop(last, None)
    else:
        parent[last] = value


def _spell_out(values: dict[str, Any], section: str) -> None:
    """Turn the short form of a section into one with keys."""
    found = values.get(section)
    if section not in SHORT or found is None or isinstance(found, dict):
        return
    values[section] = {} if found == "none" else {SHORT[section]: found}


def _put_range(values: dict[str, Any], axis: str, text: str) -> None:
    if text.strip().lower() == "none":
        _put(values, f"grid.{axis}", None)
        if isinstance(values.get("directions"), dict):
            _put(values, f"directions.{axis}", None)
        return
    try:
        _put(values, f"grid.{axis}", text if is_auto(text) else Axis.parse(text))
    except UsageError as error:
        raise UsageError(f"--{axis}: {error}") from None
    if isinstance(values.get("directions"), dict):
        values["directions"].setdefault(axis, {})
