"""Records that the stages of set-up pass on, and their form in a surface file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.geometry.slices.base import SliceFacts
from landscape_cli.run.setup.measure_setup import MeasureFacts
from landscape_cli.run.setup.sample_choice import Sampling

FULL = ("float32", "float64", "complex64", "complex128")
"""Dtypes of weights that have at least the precision fp32."""

NARROW = {"bfloat16": "bf16", "float16": "fp16"}
"""Short names of other dtypes."""

Json = Mapping[str, object]
"""Plain values by key, as in a file's provenance."""


@dataclass(frozen=True)
class RankPlacement:
    """The placement of a rank, and the storage of its directions and data.

    Args:
        host: name of the host.
        device: ``cpu``, or such as ``cuda:1`` by the rank's own numbers; ``cuda:0 + cuda:1`` for a
            model that is spread.
        threads: number of CPU threads.
        instruction_set: instruction set of a CPU, such as AVX2; None on other devices.
        directions: ``resident`` in memory or ``streamed``; None before this is decided, and for
            slices without directions.
        data: ``device``, ``host`` or ``none`` for each split; None before the data is loaded.
        identity: identifies the accelerators, such as by UUID; None on a CPU alone.
    """

    host: str
    device: str
    threads: int
    instruction_set: str | None = None
    directions: str | None = None
    data: Mapping[str, str] | None = None
    identity: str | None = None

    @property
    def on_cpu(self) -> bool:
        """True if the rank computes on CPU cores."""
        return self.device == "cpu"

    @property
    def physical_device(self) -> tuple[str, str]:
        """An identity that is equal for ranks on the same device, and only for them."""
        return (self.host, self.device) if self.identity is None else ("", self.identity)

    @property
    def device_name(self) -> str:
        """The device, with the instruction set of a CPU: ``cpu (AVX2)``, ``cuda:0``."""
        return f"{self.device} ({self.instruction_set})" if self.instruction_set else self.device

    def as_mapping(self) -> Json:
        """Return the known entries as plain values."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class NetworkFacts:
    """The identity of a network.

    Args:
        name: name of the problem, or of the model's class.
        parameters: number of floating-point parameters.
        sha256: SHA-256 of the state dict at the centre.
    """

    name: str
    parameters: int
    sha256: str


@dataclass(frozen=True)
class SplitFacts:
    """The identity of a split's data.

    Args:
        samples: number of evaluated samples.
        fingerprint: hash of these samples.
        batches: their division into batches, if values depend on it; else None.
    """

    samples: int
    fingerprint: str
    batches: str | None = None

    def as_mapping(self) -> Json:
        """Return the known entries as plain values."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class GroupFacts:
    """The groups of ranks that hold one model each.

    Args:
        ranks: ranks of a group.
        divided: whether each of them evaluates its own batches, instead of all the same.
    """

    ranks: int
    divided: bool


@dataclass(frozen=True)
class ForwardFacts:
    """The settings of the forward pass, and how they were chosen.

    Args:
        settings: settings of the forward pass.
        dtypes: dtypes of the parameters.
        calibration: duration and candidates of the calibration; None if nothing was tried.
        compilation: outcome and times of compiling; None if it was not tried.
        precision_timing: seconds of a reduced precision and of fp32, and which is used; None if
            nothing was timed.
        precision_errors: relative errors of a reduced precision at the centre and the corners.
    """

    settings: Settings
    dtypes: tuple[str, ...] = ()
    calibration: Json | None = None
    compilation: Json | None = None
    precision_timing: Json | None = None
    precision_errors: tuple[Json, ...] | None = None

    @property
    def precision(self) -> str:
        """The precision of the forward pass, with the dtype of weights narrower than float32."""
        narrow = [NARROW.get(dtype, dtype) for dtype in self.dtypes if dtype not in FULL]
        weights = [f"{name} weights" for name in narrow]
        if self.settings.precision != "fp32" or not weights:
            weights.insert(0, self.settings.precision)
        return ", ".join(weights)


@dataclass(frozen=True)
class RunFacts:
    """The facts of a run that its file states, equal on all ranks.

    Args:
        network: the network at the centre.
        slice_: the slice.
        splits: the data by split.
        forward: the forward pass.
        batch_norm: treatment of running statistics; None for a network without any.
        quantize: what is rounded at each point; None if nothing is.
        sampling: choice of samples for a standard error, if there was one.
        marks: provenance entries on checkpoints and a training's path on the slice.
        ranges: provenance entries on the choice of ranges by probing.
        changed: tensors of the model that its forward pass changes, restored for each point.
        idle: parameters that the slice moves without effect on the values.
        measures: what measures are computed on, and how; None without any.
        groups: the groups of ranks; None if each rank has its own model.
    """

    network: NetworkFacts
    slice_: SliceFacts
    splits: Mapping[str, SplitFacts]
    forward: ForwardFacts
    batch_norm: str | None = None
    quantize: Json | None = None
    sampling: Sampling | None = None
    marks: Json = field(default_factory=dict)
    ranges: Json = field(default_factory=dict)
    changed: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    measures: MeasureFacts | None = None
    groups: GroupFacts | None = None

    def with_ranges(self, ranges: Json) -> RunFacts:
        """Return a copy with the choice of ranges."""
        return replace(self, ranges=ranges)

    def with_forward(self, forward: ForwardFacts) -> RunFacts:
        """Return a copy with another forward pass."""
        return replace(self, forward=forward)

    def compared(self, allow_random: bool) -> Json:
        """Return the facts that must be equal on all ranks, and when a file is continued.

        Args:
            allow_random: leave out the data, which may differ each time it is read.
        """
        identity = dict(self.identity())
        if allow_random:
            del identity["splits"]
            identity.pop("measured_samples", None)
        return identity

    def identity(self) -> Json:
        """Return the facts that determine the values, by key of the provenance."""
        own_samples = [] if self.measures is None else self.measures.identity()
        return {
            "network": asdict(self.network),
            **self.slice_.identity,
            "splits": {name: split.as_mapping() for name, split in self.splits.items()},
            **({"measured_samples": own_samples} if own_samples else {}),
        }

    def as_mapping(self) -> Json:
        """Return all facts by key of the provenance."""
        settings = self.forward.settings
        optional = {
            "batch_norm": self.batch_norm,
            "quantize": self.quantize,
            "calibration": self.forward.calibration,
            "compilation": self.forward.compilation,
            **self.slice_.details,
            **self.marks,
            "settings": settings.as_dict(),
            "micro_batch": settings.micro_batch,
            "precision": self.forward.precision,
            "dtypes": list(self.forward.dtypes),
            "sampling": None if self.sampling is None else self.sampling.as_mapping(),
            "precision_timing": self.forward.precision_timing,
            "precision_errors": self.forward.precision_errors and [*self.forward.precision_errors],
            "restored": [*self.changed] or None,
            "without_effect": [*self.idle] or None,
            "measures": None if self.measures is None else self.measures.as_mapping(),
            **self.ranges,
        }
        known = {key: value for key, value in optional.items() if value is not None}
        return {**self.identity(), **known}
