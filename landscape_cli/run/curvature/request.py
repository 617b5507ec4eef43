"""A request to `landscape curvature`, and its comparison with a file's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from landscape_cli.config.checks import refuse_quantized
from landscape_cli.config.comparison import compare
from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import UsageError
from landscape_cli.evaluation.derivatives.matrices import MATRICES
from landscape_cli.evaluation.spectrum.eigenpairs import products_for
from landscape_cli.records.checkpoint_path import CheckpointPath, identity

VALUE_KEYS = ("problem", "problem_args", "batch_size")
"""Keys of the configuration that decide the values, besides the request and the checkpoints."""


@dataclass(frozen=True)
class Request:
    """The numbers to compute of a matrix of second derivatives.

    Args:
        matrix: a name in ``MATRICES``.
        top: number of largest eigenvalues.
        bottom: number of smallest eigenvalues.
        steps: number of Lanczos steps for them; chosen by their number if None.
        trace: number of random vectors for the trace; 0 for none.
        draws: number of random vectors for the density; 0 for none.
        density_steps: number of Lanczos steps from each of them.
        blocks: patterns of parameter names; the diagonal block of each is treated apart.
        split: the split whose mean is differentiated.
        samples: number of samples of the split; all if None.
        quantity: the objective's value; the first one if None.
        seed: of all random vectors.
    """

    matrix: str = "hessian"
    top: int = 10
    bottom: int = 1
    steps: int | None = None
    trace: int = 0
    draws: int = 0
    density_steps: int = 0
    blocks: tuple[str, ...] = ()
    split: str = "train"
    samples: int | None = None
    quantity: str | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        if self.matrix not in MATRICES:
            raise UsageError(
                f"--matrix: got {self.matrix!r}, expected one of {', '.join(MATRICES)}"
            )
        if self.top + self.bottom < 1:
            raise UsageError("--top: 0 with --bottom 0 leaves no eigenvalue; ask for at least one")

    @property
    def wanted(self) -> int:
        """Number of eigenvalues."""
        return self.top + self.bottom

    def check_size(self, size: int) -> None:
        """Refuse more eigenvalues than a matrix of this many rows has.

        Raises:
            UsageError: if there are not as many.
        """
        if self.wanted > size:
            raise UsageError(
                f"--top {self.top} --bottom {self.bottom}: {self.wanted} eigenvalues, but the "
                f"matrix has {size} rows, one for each parameter; ask for at most {size} in all"
            )

    def krylov_steps(self, size: int) -> int:
        """Return the number of Lanczos steps for the eigenvalues of a matrix of this many rows."""
        chosen = products_for(size, self.wanted)
        return chosen if self.steps is None else min(max(self.steps, self.wanted), size)

    def products(self, size: int) -> int:
        """Return the number of products at a checkpoint, without those for blocks."""
        return sum(self.stage_products(size).values())

    def stage_products(self, size: int) -> dict[str, int]:
        """Return the number of products of each stage at a checkpoint, without those for blocks."""
        steps = self.krylov_steps(size)
        return {
            "eigenvalues": steps + self.wanted,
            "trace": self.trace if steps < size else 0,
            "density": self.draws * min(self.density_steps, size),
        }

    def block_values(self, size: int) -> int:
        """Return the number of eigenvalues of a block of this many rows."""
        return min(max(self.top, 1), size)

    def block_products(self, size: int) -> int:
        """Return the number of products for a block of this many rows."""
        wanted = self.block_values(size)
        steps = products_for(size, wanted)
        return steps + wanted + (self.trace if steps < size else 0)

    def as_mapping(self) -> dict[str, Any]:
        """Return the request as plain values, for a file."""
        values = {**asdict(self), "blocks": list(self.blocks)}
        draws, steps = values.pop("draws"), values.pop("density_steps")
        return {**values, "density": [draws, steps] if draws else None}


def run_config(config: RunConfig, request: Request, checkpoint: CheckpointPath | None) -> RunConfig:
    """Return the configuration of the network at a checkpoint, without grid and directions.

    One short random direction is left, for checks that compare two points.

    Raises:
        UsageError: if the configuration asks for what has no second derivatives.
    """
    refuse_quantized(config, "second derivatives of rounded weights are zero or undefined")
    if config.precision not in ("fp32", "auto"):
        raise UsageError(
            f"precision: got {config.precision!r}, but second derivatives need fp32 (their errors "
            "would be larger than the small eigenvalues); leave it out, or --set precision=fp32"
        )
    if config.batch_norm == "recalibrate":
        raise UsageError(
            "batch_norm: recalibrate: statistics that are estimated at each point would have to be "
            "differentiated too; --set batch_norm=frozen"
        )
    short = {"kind": "random", "seed": 1, "normalize": "none", "ignore": "none"}
    values = {
        **{key: getattr(config, key) for key in (*VALUE_KEYS, "device", "threads", "cache")},
        **{key: getattr(config, key) for key in ("time_limit", "allow_random", "output")},
        "checkpoint": None if checkpoint is None else checkpoint.as_plain(),
        "grid": {"x": [-1e-3, 1e-3, 3]},
        "directions": {"x": short},
        "keep_directions": "streamed",
        "splits": [request.split],
        "samples": request.samples,
        "calibrate": False,
        "compile": "off",
        "allow_flat": True,
    }
    return RunConfig(**values)


def changes(
    stored: Mapping[str, Any],
    stored_config: Mapping[str, Any],
    request: Request,
    config: RunConfig,
    weights: Sequence[Mapping[str, str]],
) -> list[str]:
    """List the differences between a request and a stored file that affect the values.

    Args:
        stored: the file's provenance.
        stored_config: the file's configuration.
        request: what is asked for now.
        config: the configuration now.
        weights: the checkpoints now.
    """
    lines = request_changes(stored, stored_config, request.as_mapping(), config)
    return lines + weights_changes(stored, weights)


def weights_changes(stored: Mapping[str, Any], weights: Sequence[Mapping[str, str]]) -> list[str]:
    """Say which checkpoint is another one, in a line; none if all are the same.

    Args:
        stored: the file's provenance.
        weights: the checkpoints now.
    """
    before = [identity(one) for one in stored.get("weights") or []]
    after = [identity(one) for one in weights]
    return [] if before == after else [_other_weights(before, after, weights)]


def request_changes(
    stored: Mapping[str, Any],
    stored_config: Mapping[str, Any],
    request: Mapping[str, Any],
    config: RunConfig,
    keys: Sequence[str] = VALUE_KEYS,
) -> list[str]:
    """List the differences of requests and of the keys that decide the values.

    Args:
        stored: the file's provenance.
        stored_config: the file's configuration.
        request: what is asked for now, as plain values.
        config: the configuration now.
        keys: those of the configuration that decide the values.
    """
    places = ("in the file", "now")
    lines = compare("", stored.get("request") or {}, request, places)
    lines = [line.removeprefix(".") for line in lines]
    for key in keys:
        lines += compare(key, stored_config.get(key), getattr(config, key), places)
    return lines


def _other_weights(
    before: Sequence[object], after: Sequence[object], weights: Sequence[Mapping[str, str]]
) -> str:
    if len(before) != len(after):
        return f"checkpoints: {len(before)} in the file, {len(after)} now"
    place = next(n for n, (old, new) in enumerate(zip(before, after, strict=True)) if old != new)
    return f"checkpoints: {weights[place].get('path', 'the weights as built')} has changed"
