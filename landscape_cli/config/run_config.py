"""The description of a run: validated and typed, from YAML and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from landscape_cli.config.checks import check_config
from landscape_cli.config.defaults import DEFAULT_SLICE, fill_defaults
from landscape_cli.config.fields import Adaptive, AxisField, MeasuresField, TimeLimitField
from landscape_cli.config.yaml_io import dump_yaml
from landscape_cli.errors import UsageError
from landscape_cli.records.grid import Axis
from landscape_cli.records.shards import Shard

MOST_REPEATS = 1000

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

    Example:
        >>> config = RunConfig(problem="my_module:build", grid={"x": [-1, 1, 5]})
        >>> config.directions
        {'x': {'kind': 'random', 'seed': 1}}
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
    measures: MeasuresField = Field(default_factory=dict)
    output: str = "surface.h5"
    shard: str | None = None
    device: str = "auto"
    batch_size: int | None = Field(default=None, ge=1)
    threads: int | None = Field(default=None, ge=1)
    precision: Literal["fp32", "tf32", "bf16", "fp16"] = "fp32"
    cache: Literal["auto", "device", "host", "none"] = "auto"
    calibrate: bool = True
    compile: Literal["auto", "on", "off"] = "auto"
    time_limit: TimeLimitField = None
    keep_going: bool = False
    allow_random: bool = False

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, values: Any) -> Any:
        return fill_defaults(values)

    @model_validator(mode="after")
    def _check(self) -> RunConfig:
        check_config(self)
        return self

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
