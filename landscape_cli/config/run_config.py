"""The description of a run: validated and typed, from YAML and back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from landscape_cli.config.auto_range import fill_auto
from landscape_cli.config.durations import parse_duration
from landscape_cli.config.overrides import put_all
from landscape_cli.config.yaml_io import brief, dump_yaml, load_yaml
from landscape_cli.errors import UsageError
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.shards import Shard

BATCH_NORM_SAMPLES = 2048
MOST_REPEATS = 1000

DEFAULT_SEEDS = {"x": 1, "y": 2, "z": 3}


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


AxisField = Annotated[
    Axis,
    PlainValidator(_axis),
    PlainSerializer(lambda axis: [axis.low, axis.high, axis.points], return_type=list),
]


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


DEFAULT_SLICE = {"kind": "affine"}
"""The slice of a configuration that names none: a direction for each axis."""

LEFT_OUT: dict[str, Any] = {"slice": DEFAULT_SLICE, "auto_points": [], "measures": {}}
"""Values by key that are not written, so that files are those of versions without the keys."""


class RunConfig(BaseModel):
    """One run: what is evaluated, where, and into which file.

    Attributes:
        problem: import path ``module:callable`` of the user's problem.
        problem_args: keyword arguments of the callable.
        checkpoint: file with the trained weights, relative to the current folder; left out, the
            model keeps the weights that it comes with.
        checkpoints: other checkpoints, as paths or patterns: they are marked on the surface, and
            ``kind: pca`` lays the least-squares plane through them and the centre.
        slice: the kind of slice and its settings; affine, which has directions, if left out.
        directions: a section for each axis; kind random with the axis's own seed if left out.
        orthogonal: make the directions orthogonal before they are normalized.
        keep_directions: ``resident`` in memory, ``streamed`` (made anew for each point, in the
            memory of a few blocks), or ``auto``: resident where they fit easily.
        perturb: what directions move: ``parameters``, or ``states``, which are the parameters and
            the floating-point buffers.
        batch_norm: the running statistics of batch norm: ``frozen`` as in the checkpoint, moved
            along the directions (``perturb``), or measured anew at each point (``recalibrate``).
            Left out, they are moved with ``perturb: states``, and frozen otherwise.
        batch_norm_samples: with ``recalibrate``, how many samples of the split ``train`` the
            statistics are measured on; 2048 if left out.
        grid: a range for each axis, or ``auto`` or ``auto:N``, which probes the direction.
        repeats: on how many slices to compute it; those after the first have independent random
            directions, and the same ones of other kinds.
        auto: the axes whose range is not known yet; ``grid`` fills this.
        auto_points: those among them whose number of points follows from the slice or direction.
        splits: the problem's splits to evaluate; all of them if left out.
        samples: how many samples of each split to evaluate, a fixed part of every class; all of
            them if left out.
        adaptive: compute points only where interpolation from coarser ones errs by more than a
            tolerance; all of them if left out.
        target_stderr: in place of ``samples``, the standard error of the mean of the objective's
            first value; each split gets the samples that it takes at the centre and all corners.
        measures: numbers of each point besides the objective's means: a list of their kinds, or
            the settings of each by its kind.
        output: the HDF5 file to write.
        shard: compute only the I-th of N parts of the grid, ``I/N``, into a file of its own beside
            the output; ``landscape merge`` makes one surface of them. Shards are not calibrated.
        device: ``auto``, ``cpu``, ``cuda`` (each rank takes its own GPU) or ``cuda:N``.
        batch_size: samples in one forward pass for data sets of samples; chosen if left out.
        threads: CPU threads of each rank; the node's cores shared out if left out.
        precision: ``fp32``, or ``tf32``, ``bf16``, ``fp16`` for a faster forward pass; weights
            and sums stay as they are.
        cache: where samples are kept: ``device``, ``host`` or ``none``, which reads them for each
            tile; ``auto`` takes the first of the three that has room. It does not change values.
        calibrate: before a long run, measure whether another way to do a forward pass than follows
            from the model's shapes is clearly faster here, in at most 5 s and 2 % of the run.
        compile: ``on`` compiles the model by torch.compile where that works and gives the same
            values; ``auto`` if the run is long and calibrated, and it is clearly faster too.
        time_limit: stop early, so that the run ends within this time, such as ``55m`` or
            ``1:30:00``; the same command continues it. A Slurm job's own end counts as well.
        keep_going: mark a point at which the objective fails, and go on, instead of ending the run.
        allow_random: accept an objective that gives another value each time.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    problem: str
    problem_args: dict[str, Any] = Field(default_factory=dict)
    checkpoint: str | None = None
    checkpoints: list[str] | None = Field(default=None, min_length=1)
    slice: dict[str, Any] = Field(default_factory=lambda: dict(DEFAULT_SLICE))
    directions: dict[str, dict[str, Any]] = Field(default_factory=dict)
    orthogonal: bool = False
    keep_directions: Literal["auto", "resident", "streamed"] = "auto"
    perturb: Literal["parameters", "states"] = "parameters"
    batch_norm: Literal["frozen", "perturb", "recalibrate"] = "frozen"
    batch_norm_samples: int | None = Field(default=None, ge=2)
    grid: dict[str, AxisField]
    repeats: int = Field(default=1, ge=1, le=MOST_REPEATS)
    auto: list[str] = Field(default_factory=list)
    auto_points: list[str] = Field(default_factory=list)
    splits: list[str] | None = None
    samples: int | None = Field(default=None, ge=1)
    adaptive: Adaptive | None = None
    target_stderr: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    measures: dict[str, dict[str, Any]] = Field(default_factory=dict)
    output: str = "surface.h5"
    shard: str | None = None
    device: str = "auto"
    batch_size: int | None = Field(default=None, ge=1)
    threads: int | None = Field(default=None, ge=1)
    precision: Literal["fp32", "tf32", "bf16", "fp16"] = "fp32"
    cache: Literal["auto", "device", "host", "none"] = "auto"
    calibrate: bool = True
    compile: Literal["auto", "on", "off"] = "auto"
    time_limit: str | None = None
    keep_going: bool = False
    allow_random: bool = False

    @model_validator(mode="before")
    @classmethod
    def _fill_directions(cls, values: Any) -> Any:
        """Put directions in the grid's order, in which coordinates are.

        Without any directions each axis of the grid gets a random one with its own seed.
        """
        if isinstance(values, Mapping) and isinstance(values.get("grid"), Mapping):
            given = values.get("directions")
            if given is None and _has_directions(values):
                given = {axis: {} for axis in values["grid"]}
            if isinstance(given, Mapping):
                names = [*(axis for axis in values["grid"] if axis in given), *given]
                filled = {axis: _with_defaults(axis, given[axis]) for axis in names}
                return {**values, "directions": filled}
        return values

    @model_validator(mode="before")
    @classmethod
    def _fill_batch_norm(cls, values: Any) -> Any:
        """With states, running statistics move along; to be measured, they need some samples."""
        if not isinstance(values, Mapping):
            return values
        default = "perturb" if values.get("perturb") == "states" else "frozen"
        mode = values.get("batch_norm") or default
        values = {**values, "batch_norm": mode}
        if mode == "recalibrate" and values.get("batch_norm_samples") is None:
            values["batch_norm_samples"] = BATCH_NORM_SAMPLES
        return values

    @model_validator(mode="after")
    def _check_batch_norm(self) -> RunConfig:
        if self.batch_norm != "recalibrate" and self.batch_norm_samples is not None:
            raise ValueError(
                f"batch_norm_samples: {self.batch_norm_samples} makes sense with batch_norm: "
                f"recalibrate only, not with {self.batch_norm}; drop one of the two"
            )
        if self.batch_norm == "recalibrate" and self.compile == "on":
            raise ValueError(
                "compile: on excludes batch_norm: recalibrate, in which batch norm changes modes "
                "at each point; drop one of the two"
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _fill_auto(cls, values: Any) -> Any:
        """The range ``auto`` becomes one that stands for it, and an entry of the key ``auto``."""
        return fill_auto(values)

    @model_validator(mode="after")
    def _check_axes(self) -> RunConfig:
        try:
            names = Grid(self.grid, self.repeats).names
        except UsageError as error:
            raise ValueError(str(error)) from None
        for axis in names if _has_directions({"slice": self.slice}) else ():
            if axis not in self.directions:
                raise ValueError(f"grid.{axis} has no direction: add directions.{axis}, or drop it")
        for axis in self.directions:
            if axis not in names:
                raise ValueError(f"directions.{axis} has no range: add grid.{axis}, or drop it")
        splits = self.splits
        if splits is not None and (not splits or len(set(splits)) < len(splits)):
            raise ValueError(f"splits: expected different names, at least one; got {splits}")
        return self

    @model_validator(mode="after")
    def _check_repeats(self) -> RunConfig:
        if self.repeats > 1 and self.adaptive is not None:
            raise ValueError(
                f"repeats: {self.repeats} are computed at all points, which excludes adaptive; "
                "drop one of the two"
            )
        return self

    @model_validator(mode="after")
    def _check_samples(self) -> RunConfig:
        if self.samples is not None and self.target_stderr is not None:
            raise ValueError(
                f"target_stderr: {self.target_stderr:g} chooses how many samples are evaluated, "
                f"and so excludes samples: {self.samples}; drop one of the two"
            )
        return self

    @model_validator(mode="after")
    def _check_shard(self) -> RunConfig:
        if self.shard is None:
            return self
        try:
            shard, total = Shard.parse(self.shard), Grid(self.grid, self.repeats).total
        except UsageError as error:
            raise ValueError(f"shard: {error}") from None
        if self.adaptive is not None:
            raise ValueError(
                f"shard: {shard} is computed without the other shards' values, which adaptive "
                "needs; drop one of the two"
            )
        if shard.of > total:
            raise ValueError(f"shard: {shard} of a grid of {total} points; make it {total} or less")
        return self

    @field_validator("measures", mode="before")
    @classmethod
    def _list_measures(cls, value: Any) -> Any:
        """Kinds alone are sections without settings."""
        if isinstance(value, list) and all(isinstance(kind, str) for kind in value):
            return {kind: {} for kind in value}
        if isinstance(value, Mapping):
            return {kind: {} if section is None else section for kind, section in value.items()}
        return value

    @field_validator("time_limit", mode="before")
    @classmethod
    def _check_time(cls, value: Any) -> str | None:
        if value is None:
            return None
        # YAML 1.1 reads 1:30:00 as a number: of seconds.
        text = f"{value}s" if type(value) in (int, float) else str(value)
        try:
            parse_duration(text)
        except UsageError as error:
            raise ValueError(str(error)) from None
        return text

    @model_serializer(mode="wrap")
    def _leave_out_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Files and YAML name these only where they are not the defaults."""
        values: dict[str, Any] = handler(self)
        for key, default in LEFT_OUT.items():
            if values.get(key) == default:
                del values[key]
        return values

    @property
    def part(self) -> Shard | None:
        """The part of the grid that this run computes; None for all of it."""
        return None if self.shard is None else Shard.parse(self.shard)

    @property
    def file(self) -> Path:
        """The file that this run writes, absolute: the output, or the shard's own beside it."""
        output = Path(self.output).absolute()
        return output if self.part is None else self.part.file(output)

    def with_ranges(self, ranges: Mapping[str, tuple[float, float]]) -> RunConfig:
        """The same with the ends of the axes in ``auto`` known, by axis; none is left there."""
        found = {axis: Axis(*ranges[axis], self.grid[axis].points) for axis in self.auto}
        update = {"grid": {**self.grid, **found}, "auto": [], "auto_points": []}
        return self.model_copy(update=update)

    def with_points(self, points: Mapping[str, int]) -> RunConfig:
        """Return the same with the number of points of axes in ``auto_points`` known, by axis."""
        found = {axis: replace(self.grid[axis], points=points[axis]) for axis in self.auto_points}
        return self.model_copy(update={"grid": {**self.grid, **found}, "auto_points": []})

    def as_yaml(self) -> str:
        """The configuration as YAML text, which ``parse_config`` reads back.

        Raises:
            UsageError: if ``problem_args`` hold objects that YAML has no form for.
        """
        try:
            return dump_yaml(self.model_dump())
        except yaml.YAMLError as error:
            raise UsageError(f"problem_args: can't be written as YAML: {error}") from None


def parse_config(
    text: str | bytes,
    source: str,
    changes: Mapping[str, Any] | None = None,
    ranges: Mapping[str, str | None] | None = None,
    seed: int | None = None,
) -> RunConfig:
    """Read a configuration from YAML text.

    Args:
        text: the YAML document.
        source: where it comes from, for messages.
        changes: values by dotted key, such as ``{"directions.x.seed": 3}``, put over the text's;
            None removes a key.
        ranges: ``MIN:MAX:N`` by axis, put over the grid's; an axis that had none gets a default
            direction, "none" removes the axis, and None leaves it as it is.
        seed: the seed of the first axis's direction; the next axes count on from it.

    Raises:
        UsageError: naming the key, the value received and what was expected.
    """
    values = load_yaml(text, source)
    if not isinstance(values, dict):
        raise UsageError(f"{source}: expected keys and values, got {brief(values)}")
    put_all(values, changes or {}, ranges or {}, seed)
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        raise UsageError(f"{source}: {_first_error(error, values)}") from None


def load_config(
    path: str,
    changes: Mapping[str, Any] | None = None,
    ranges: Mapping[str, str | None] | None = None,
    seed: int | None = None,
) -> RunConfig:
    """Read a configuration file; see ``parse_config``."""
    try:
        text = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"CONFIG: can't read {path!r}: {reason}") from None
    return parse_config(text, path, changes, ranges, seed)


def _has_directions(values: Mapping[str, Any]) -> bool:
    """Return True for the kind of slice that has a direction for each axis."""
    section = values.get("slice")
    kind = section.get("kind") if isinstance(section, Mapping) else None
    return kind in (None, DEFAULT_SLICE["kind"])


def _with_defaults(axis: Any, section: Any) -> Any:
    if section is None:
        section = {}
    if isinstance(section, Mapping) and section.get("kind", "random") == "random":
        return {"kind": "random", "seed": DEFAULT_SEEDS.get(axis, 1), **section}
    return section


def _first_error(error: ValidationError, values: Mapping[str, Any]) -> str:
    """The first of pydantic's errors as "key: what is wrong"; unknown keys before the rest."""
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    place = ".".join(str(part) for part in first["loc"] if part != "[key]")
    if first["type"] == "extra_forbidden":
        return f"unknown key {place!r}; the keys are {', '.join(RunConfig.model_fields)}"
    message = re.sub(r"^Value error, ", "", first["msg"])
    if first["type"] == "missing":
        return f"{place}: this key is required"
    if first["type"] == "value_error":
        return f"{place}: {message}" if place else message
    got: Any = values
    for part in first["loc"]:
        got = got.get(part, part) if isinstance(got, Mapping) else got
    return f"{place}: {message}, got {brief(got)}"
