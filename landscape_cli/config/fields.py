"""Field types of a configuration, with the forms that they accept."""

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
    SerializerFunctionWrapHandler,
    model_serializer,
)

from landscape_cli.config.durations import parse_duration
from landscape_cli.errors import UsageError
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.records.grid import Axis
from landscape_cli.records.presentation import quantized_words

MOST_BITS = 16
"""Largest number of bits of a rounded weight; float32 weights have hardly more."""

PatternsField = Annotated[
    list[str] | None,
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
]
"""Glob patterns, or a single one."""


class Adaptive(BaseModel):
    """Adaptive refinement: compute some points and interpolate the others.

    Attributes:
        tolerance: largest accepted error of interpolation, as a fraction of a quantity's range.
        scale: scale on which errors and ranges are measured: ``linear``, ``log``, or ``auto``,
            which is log for positive values that span more than three decades.
        quantities: quantities that must meet the tolerance; ``loss`` if left out, or all if there
            is no loss.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    tolerance: float = Field(gt=0, lt=1)
    scale: Literal["auto", "linear", "log"] = "auto"
    quantities: list[str] | None = Field(default=None, min_length=1)


class Curvature(BaseModel):
    """Numbers of each point that need derivatives, with settings that they share.

    Attributes:
        measures: kinds of measure.
        split: the split whose data is used; the first evaluated split if left out.
        quantity: the objective's value to differentiate; the first if left out.
        samples: the number of samples, stratified by class, or ``all`` that are evaluated.
        steps: of Lanczos's algorithm, of one product with the Hessian each.
        seed: of its first vector.
        parameters: ``all``, or ``weights``: those of more than one dimension.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    measures: list[str] = Field(min_length=1)
    split: str | None = None
    quantity: str | None = None
    samples: Annotated[int, Field(ge=1)] | Literal["all"] = 512
    steps: int = Field(default=40, ge=2)
    seed: int = 1
    parameters: Literal["all", "weights"] = "all"


class Quantize(BaseModel):
    """Rounding of each point's weights to a uniform symmetric grid that the centre fixes.

    Attributes:
        bits: of a weight: 2^bits - 1 values, or two with one bit.
        per: weights that share a scale: those of a ``filter`` or a ``tensor``.
        include: patterns of parameters to round, as in ``directions``; all tensors of more than one
            dimension if left out.
        exclude: patterns of parameters that keep full precision.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    bits: Annotated[int, Field(ge=1, le=MOST_BITS, strict=True)]
    per: Literal["filter", "tensor"] = "filter"
    include: PatternsField = None
    exclude: PatternsField = None

    @model_serializer(mode="wrap")
    def _leave_out_patterns(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit patterns that are not given."""
        return {key: value for key, value in handler(self).items() if value is not None}

    def words(self) -> str:
        """Return what is rounded, such as "weights at 3 bits per filter"."""
        return quantized_words(self.model_dump())


def _quantize(value: Any) -> Any:
    """Turn a number of bits into a section, and the word none into none."""
    if value is None or value == "none":
        return None
    if not isinstance(value, int | Mapping | Quantize) or isinstance(value, bool):
        raise ValueError(
            f"expected a number of bits from 1 to {MOST_BITS}, a section, or none; got {value!r}"
        )
    return {"bits": value} if isinstance(value, int) else value


def _curvature(value: Any) -> Any:
    """Turn a list of kinds, or a text with commas, into a section without settings."""
    if isinstance(value, str | list):
        return {"measures": _words(value)}
    if isinstance(value, Mapping) and isinstance(value.get("measures"), str):
        return {**value, "measures": _words(value["measures"])}
    return value


def _words(value: Any) -> Any:
    return [word.strip() for word in value.split(",")] if isinstance(value, str) else value


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
    hint = " (YAML reads an unquoted MIN:MAX:N as a number)" if type(value) is int else ""
    raise ValueError(f"expected [MIN, MAX, N] or 'MIN:MAX:N', got {value!r}{hint}")


def _measures(value: Any) -> Any:
    """Turn a list of kinds into sections without settings."""
    if isinstance(value, list) and all(isinstance(kind, str) for kind in value):
        return {kind: {} for kind in value}
    if isinstance(value, Mapping):
        return {kind: {} if section is None else section for kind, section in value.items()}
    return value


def _time_limit(value: Any) -> str | None:
    if value is None:
        return None
    # YAML 1.1 reads 1:30:00 as a number of seconds.
    text = f"{value}s" if type(value) in (int, float) else str(value)
    try:
        parse_duration(text)
    except UsageError as error:
        raise ValueError(str(error)) from None
    return text


def _no_checkpoint(value: Any) -> CheckpointPath | None:
    return None if value is None else CheckpointPath.parse(value)


AxisField = Annotated[
    Axis,
    PlainValidator(_axis),
    PlainSerializer(lambda axis: [axis.low, axis.high, axis.points], return_type=list),
]

CheckpointField = Annotated[
    CheckpointPath,
    PlainValidator(CheckpointPath.parse),
    PlainSerializer(CheckpointPath.as_plain),
]
"""A path, ``PATH::KEY``, or path, key and prefix."""

NoCheckpointField = Annotated[
    CheckpointPath | None,
    PlainValidator(_no_checkpoint),
    PlainSerializer(lambda path: None if path is None else path.as_plain()),
]
"""The same, or None."""

CurvatureField = Annotated[Curvature | None, BeforeValidator(_curvature)]
"""A section, a list of kinds, or their names with commas."""

QuantizeField = Annotated[Quantize | None, BeforeValidator(_quantize)]
"""A section, a number of bits, or none."""

MeasuresField = Annotated[dict[str, dict[str, Any]], BeforeValidator(_measures)]

TimeLimitField = Annotated[str | None, BeforeValidator(_time_limit)]
