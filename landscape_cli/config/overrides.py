"""Changes to a configuration from the command line, before it is validated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from landscape_cli.config.auto_range import is_auto
from landscape_cli.config.yaml_io import brief, load_yaml
from landscape_cli.errors import UsageError
from landscape_cli.records.grid import Axis


def parse_changes(settings: Sequence[str]) -> dict[str, Any]:
    """The values of ``--set KEY=VALUE`` options by dotted key, each read as YAML.

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
    """Put changes over a configuration's values, in place.

    Args:
        values: the configuration as YAML gave it.
        changes: values by dotted key; None removes a key.
        ranges: ``MIN:MAX:N`` or ``auto`` by axis; "none" removes the axis, None leaves it as it is.
        seed: the seed of the first axis's direction; the next axes count on from it.

    Raises:
        UsageError: if a key leads through something that is no section, or a range is none.
    """
    by_default = values.get("directions") is None
    for key, value in changes.items():
        _put(values, key, value)
    for axis, text in ranges.items():
        if text is not None:
            _put_range(values, axis, text)
    axes = values.get("grid")
    names = list(axes) if isinstance(axes, dict) else []
    if seed is not None:
        for number, axis in enumerate(names):
            _put(values, f"directions.{axis}.seed", seed + number)
    if by_default and isinstance(values.get("directions"), dict):
        for axis in names:
            values["directions"].setdefault(axis, {})


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    """Set, or with None remove, the value at a dotted key."""
    *sections, last = key.split(".")
    if not all([*sections, last]):
        raise UsageError(f"--set {key}: expected a dotted key such as directions.x.seed")
    place: Any = values
    for number, section in enumerate(sections):
        if place.get(section) is None:
            place[section] = {}
        place = place[section]
        if not isinstance(place, dict):
            raise UsageError(
                f"--set {key}: {'.'.join(sections[: number + 1])} is {brief(place)}, not a section"
            )
    if value is None:
        place.pop(last, None)
    else:
        place[last] = value


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
