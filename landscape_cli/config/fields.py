"""Types of a configuration's fields that are more than pydantic's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
)

from landscape_cli.config.durations import parse_duration
from landscape_cli.errors import UsageError
from landscape_cli.records.grid import Axis


class Adaptive(BaseModel):
    """Where to compute points, and where to interpolate them.

    Attributes:
        tolerance: by how much interpolation may err, as a part of a quantity's range.
        scale: of the values for errors and ranges: ``linear``, ``log``, or ``auto``, which is log
            for positive values that span more than three decades.
        quantities: which ones are watched; ``loss`` if left out, or all without a loss.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    tolerance: float = Field(gt=0, lt=1)
    scale: Literal["auto", "linear", "log"] = "auto"
    quantities: list[str] | None = Field(default=None, min_length=1)


def _axis(value: Any) -> Axis:
    try:
        if isinstance(value, Axis):
            return value
        if isinstance(value, str):
            return Axis.parse(value)
        if isinstance(value, Sequence) and len(value) == 3:
            return Axis.parse(":".join(str(part) for part in value))
    except UsageError as error:
        raise ValueError(str(error)) from None
    # YAML 1.1 reads -1:1:31 as a number of seconds.
    hint = " (YAML makes a number of MIN:MAX:N without quotes)" if type(value) is int else ""
    raise ValueError(f"expected [MIN, MAX, N] or 'MIN:MAX:N', got {value!r}{hint}")


def _measures(value: Any) -> Any:
    """Kinds alone are sections without settings."""
    if isinstance(value, list) and all(isinstance(kind, str) for kind in value):
        return {kind: {} for kind in value}
    if isinstance(value, Mapping):
        return {kind: {} if section is None else section for kind, section in value.items()}
    return value


def _time_limit(value: Any) -> str | None:
    if value is None:
        return None
    # YAML 1.1 reads 1:30:00 as a number: of seconds.
    text = f"{value}s" if type(value) in (int, float) else str(value)
    try:
        parse_duration(text)
    except UsageError as error:
        raise ValueError(str(error)) from None
    return text


AxisField = Annotated[
    Axis,
    PlainValidator(_axis),
    PlainSerializer(lambda axis: [axis.low, axis.high, axis.points], return_type=list),
]

MeasuresField = Annotated[dict[str, dict[str, Any]], BeforeValidator(_measures)]

TimeLimitField = Annotated[str | None, BeforeValidator(_time_limit)]
