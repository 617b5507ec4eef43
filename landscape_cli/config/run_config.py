"""The configuration of a run, validated and typed."""

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
from landscape_cli.config.fields import (
    Adaptive,
    AxisField,
    CheckpointField,
    CurvatureField,
    MeasuresField,
    NoCheckpointField,
    QuantizeField,
    TimeLimitField,
)
from landscape_cli.config.yaml_io import dump_yaml, load_yaml
from landscape_cli.errors import UsageError
from landscape_cli.records.grid import Axis
from landscape_cli.records.shards import Shard

MOST_REPEATS = 1000
"""Largest number of repeats of a grid."""

LEFT_OUT: dict[str, Any] = {
    "slice": DEFAULT_SLICE,
    "auto_points": [],
    "measures": {},
    "curvature": None,
    "even_if_slower": False,
    "allow_flat": False,
    "ranks_per_model": 1,
    "sampling": None,
    "quantize": None,
}
"""Defaults that are not written, so that files equal those of versions without these keys."""


class RunConfig(BaseModel):
    """One run: what to evaluate, where, and into which file.

    Attributes:
        problem: import path ``module:callable`` of the user's problem.
        problem_args: keyword arguments of the callable.
        checkpoint: file or folder with the trained weights, relative to the current folder:
            ``PATH``, ``PATH::KEY``, or ``path``, ``key`` (the entry that holds the weights) and
            ``prefix`` (of the names to take); if left out, the model keeps its own weights.
        checkpoints: other checkpoints, as paths or patterns in the same forms: they are marked on
            the surface, and ``kind: pca`` fits the plane to them and the centre by least squares.
        slice: the kind of slice and its settings; affine, which has directions, if left out.
        directions: a section for each axis; kind random with the axis's own seed if left out.
        orthogonal: make the directions orthogonal before they are normalized.
        keep_directions: ``resident`` in memory, ``streamed`` (drawn again for each point, with only
            a few blocks in memory), or ``auto``: resident where they fit easily.
        perturb: tensors that directions move: ``parameters``, or ``states``, which adds the
            floating-point buffers.
        batch_norm: running statistics of batch norm: ``frozen`` as in the checkpoint, moved along
            the directions (``perturb``), or re-estimated at each point (``recalibrate``). By
            default they are moved with ``perturb: states`` and frozen otherwise.
        batch_norm_samples: with ``recalibrate``, number of samples of the split ``train`` from
            which statistics are estimated; 2048 if left out.
        quantize: round the weights of each point to a grid of ``2^bits - 1`` values whose scale is
            fixed at the centre: a number of bits, or ``bits``, ``per`` (``filter`` or ``tensor``),
            ``include`` and ``exclude``; weights are not rounded if left out.
        grid: a range for each axis, or ``auto`` or ``auto:N``, which probes the direction.
        repeats: number of slices to compute; those after the first have independent random
            directions, and the same directions of other kinds.
        auto: axes whose range is not known yet; filled in from ``grid``.
        auto_points: axes in ``auto`` whose number of points follows from the slice or direction.
        splits: the problem's splits to evaluate; all if left out.
        samples: number of samples of each split to evaluate, stratified by class; all if left out.
        adaptive: compute points only where interpolation from coarser points errs by more than a
            tolerance; all points if left out.
        target_stderr: instead of ``samples``, the standard error of the mean of the objective's
            first value; each split gets the samples needed for it at the centre and all corners.
        sampling: evaluate each point on as many samples as its standard error needs to be below
            this fraction of a quantity's range; on all samples if left out. Scale and quantities
            are those of ``adaptive``.
        measures: numbers of each point besides the objective's means: a list of kinds, or the
            settings of each by kind.
        curvature: measures that need derivatives, with settings that they share: a list of kinds,
            or ``measures``, ``split``, ``quantity``, ``samples``, ``steps``, ``seed`` and
            ``parameters`` (``all`` or ``weights``). A file lists them under ``measures``.
        output: the HDF5 file to write.
        shard: compute only part I of N of the grid, ``I/N``, into its own file beside the output;
            ``landscape merge`` joins the parts into one surface. Shards are not calibrated.
        device: ``auto``, ``cpu``, or an accelerator: ``cuda``, ``xpu``, ``mps`` (each rank takes
            its own of those it sees), or ``cuda:1``, which each rank takes. A model that is spread
            over several devices stays where it is, under ``auto`` alone.
        ranks_per_model: ranks that hold one model together, each a part of every tensor, and
            evaluate each point together; for models larger than one device.
        batch_size: samples per forward pass, for data sets of samples; chosen if left out.
        threads: CPU threads per rank; an equal share of the node's cores if left out.
        precision: ``fp32``, or ``tf32``, ``bf16``, ``fp16`` for a faster forward pass; weights
            and sums keep their precision. Where ``bf16`` or ``fp16`` turns out to be slower than
            fp32 on the first batch, fp32 is used. ``auto`` is ``bf16`` where it is also as exact as
            a picture shows, at the centre and all corners, and fp32 elsewhere.
        even_if_slower: use ``precision`` even if it is slower than fp32.
        cache: where samples are kept: ``device``, ``host`` or ``none``, which reads them for each
            tile; ``auto`` takes the first of these that has room. This does not affect values.
        calibrate: before a long run, time alternatives to the forward pass chosen by the model's
            shapes, in at most 5 s and 2 % of the run, and use one that is clearly faster.
        compile: ``on`` compiles the model with torch.compile if that works and gives the same
            values; ``auto`` does so if the run is long and calibrated, and it is clearly faster.
        time_limit: stop early so that the run ends within this time, such as ``55m`` or
            ``1:30:00``; the same command continues it. The end of a Slurm job counts too.
        keep_going: mark points at which the objective fails and go on, instead of ending the run.
        allow_random: accept an objective whose values differ between evaluations.
        allow_flat: accept a direction that moves only parameters without effect on the values.

    Example:
        >>> config = RunConfig(problem="my_module:build", grid={"x": [-1, 1, 5]})
        >>> config.directions
        {'x': {'kind': 'random', 'seed': 1}}
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    problem: str
    problem_args: dict[str, Any] = Field(default_factory=dict)
    checkpoint: NoCheckpointField = None
    checkpoints: list[CheckpointField] | None = Field(default=None, min_length=1)
    slice: dict[str, Any] = Field(default_factory=lambda: dict(DEFAULT_SLICE))
    directions: dict[str, dict[str, Any]] = Field(default_factory=dict)
    orthogonal: bool = False
    keep_directions: Literal["auto", "resident", "streamed"] = "auto"
    perturb: Literal["parameters", "states"] = "parameters"
    batch_norm: Literal["frozen", "perturb", "recalibrate"] = "frozen"
    batch_norm_samples: int | None = Field(default=None, ge=2)
    quantize: QuantizeField = None
    grid: dict[str, AxisField]
    repeats: int = Field(default=1, ge=1, le=MOST_REPEATS)
    auto: list[str] = Field(default_factory=list)
    auto_points: list[str] = Field(default_factory=list)
    splits: list[str] | None = None
    samples: int | None = Field(default=None, ge=1)
    adaptive: Adaptive | None = None
    target_stderr: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    sampling: float | None = Field(default=None, gt=0, lt=1)
    measures: MeasuresField = Field(default_factory=dict)
    curvature: CurvatureField = None
    output: str = "surface.h5"
    shard: str | None = None
    device: str = "auto"
    ranks_per_model: int = Field(default=1, ge=1)
    batch_size: int | None = Field(default=None, ge=1)
    threads: int | None = Field(default=None, ge=1)
    precision: Literal["fp32", "tf32", "bf16", "fp16", "auto"] = "fp32"
    even_if_slower: bool = False
    cache: Literal["auto", "device", "host", "none"] = "auto"
    calibrate: bool = True
    compile: Literal["auto", "on", "off"] = "auto"
    time_limit: TimeLimitField = None
    keep_going: bool = False
    allow_random: bool = False
    allow_flat: bool = False

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
        """Omit keys of ``LEFT_OUT`` that have their defaults."""
        values: dict[str, Any] = handler(self)
        for key, default in LEFT_OUT.items():
            if values.get(key) == default:
                del values[key]
        return values

    @property
    def part(self) -> Shard | None:
        """The part of the grid that this run computes; None for the whole grid."""
        return None if self.shard is None else Shard.parse(self.shard)

    @property
    def file(self) -> Path:
        """Absolute path of the file that this run writes: the output, or the shard's beside it."""
        output = Path(self.output).absolute()
        return output if self.part is None else self.part.file(output)

    def with_ranges(self, ranges: Mapping[str, tuple[float, float]]) -> RunConfig:
        """Return a copy with ranges for all axes in ``auto``, which becomes empty."""
        axes = {axis: Axis(*ranges[axis], self.grid[axis].points) for axis in self.auto}
        update = {"grid": {**self.grid, **axes}, "auto": [], "auto_points": []}
        return self.model_copy(update=update)

    def with_points(self, points: Mapping[str, int]) -> RunConfig:
        """Return a copy with numbers of points for all axes in ``auto_points``."""
        axes = {axis: replace(self.grid[axis], points=points[axis]) for axis in self.auto_points}
        return self.model_copy(update={"grid": {**self.grid, **axes}, "auto_points": []})

    def as_yaml(self) -> str:
        """Return the configuration as YAML text, which ``parse_config`` reads back.

        Raises:
            UsageError: if ``problem_args`` contain objects that YAML can't represent, or too much.
        """
        try:
            text = dump_yaml(self.model_dump())
            load_yaml(text, "problem_args")
        except yaml.YAMLError as error:
            raise UsageError(f"problem_args: can't be written as YAML: {error}") from None
        return text
