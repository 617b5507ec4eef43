"""Typed records that the stages of set-up hand on, and their form in a surface file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.geometry.slices.base import SliceFacts
from landscape_cli.run.setup.sample_choice import Sampling

Json = Mapping[str, object]
"""Plain values, as they are written into a file's provenance."""


@dataclass(frozen=True)
class RankPlacement:
    """The place of a rank: where it computes, and where it keeps directions and data.

    Args:
        host: the host's name.
        device: ``cpu`` or ``cuda:N``.
        threads: of the CPU.
        instruction_set: a CPU's, such as AVX2; None on another device.
        directions: ``resident`` in memory or ``streamed``; None before that is decided, and for
            slices without directions.
        data: for each split ``device``, ``host`` or ``none``; None before the data is loaded.
    """

    host: str
    device: str
    threads: int
    instruction_set: str | None = None
    directions: str | None = None
    data: Mapping[str, str] | None = None

    @property
    def on_cpu(self) -> bool:
        """True if the rank computes on CPU cores."""
        return self.device == "cpu"

    @property
    def device_name(self) -> str:
        """The device, a CPU with its instruction set: ``cpu (AVX2)``, ``cuda:0``."""
        return f"{self.device} ({self.instruction_set})" if self.instruction_set else self.device

    def as_mapping(self) -> Json:
        """Return what is known, as plain values."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class NetworkFacts:
    """The identity of a network.

    Args:
        name: the problem's, or the model's class.
        parameters: the number of floating-point parameters.
        sha256: of the state dict at the centre.
    """

    name: str
    parameters: int
    sha256: str


@dataclass(frozen=True)
class SplitFacts:
    """The identity of a split's data.

    Args:
        samples: the number of samples evaluated.
        fingerprint: a hash of them.
    """

    samples: int
    fingerprint: str


@dataclass(frozen=True)
class ForwardFacts:
    """The way the forward pass is done, and how it was chosen.

    Args:
        settings: of the forward pass.
        dtypes: of the parameters.
        calibration: seconds and candidates tried; None if nothing was tried.
        compilation: outcome and times; None if compiling was not tried.
        precision_errors: relative errors of a reduced precision at the centre and the corners.
    """

    settings: Settings
    dtypes: tuple[str, ...] = ()
    calibration: Json | None = None
    compilation: Json | None = None
    precision_errors: tuple[Json, ...] | None = None


@dataclass(frozen=True)
class RunFacts:
    """The facts of a run that its file states; the same on all ranks.

    Args:
        network: the network at the centre.
        slice_: the slice.
        splits: the data by split.
        forward: the forward pass.
        batch_norm: the treatment of running statistics; None for a network without any.
        sampling: the choice of samples for a standard error, if there was one.
        marks: checkpoints and a training's path on the slice, by key of the provenance.
        ranges: the choice of ranges by probing, by key of the provenance.
    """

    network: NetworkFacts
    slice_: SliceFacts
    splits: Mapping[str, SplitFacts]
    forward: ForwardFacts
    batch_norm: str | None = None
    sampling: Sampling | None = None
    marks: Json = field(default_factory=dict)
    ranges: Json = field(default_factory=dict)

    def with_ranges(self, ranges: Json) -> RunFacts:
        """Return the same with the choice of ranges."""
        return replace(self, ranges=ranges)

    def with_forward(self, forward: ForwardFacts) -> RunFacts:
        """Return the same with another forward pass."""
        return replace(self, forward=forward)

    def compared(self, allow_random: bool) -> Json:
        """Return what must be the same on every rank and in a file that is continued.

        Args:
            allow_random: leave the data out, which may differ each time it is read.
        """
        identity = dict(self.identity())
        if allow_random:
            del identity["splits"]
        return identity

    def identity(self) -> Json:
        """Return what decides the values besides the configuration, by key of the provenance."""
        return {
            "network": asdict(self.network),
            **self.slice_.identity,
            "splits": {name: asdict(split) for name, split in self.splits.items()},
        }

    def as_mapping(self) -> Json:
        """Return all facts by key of the provenance."""
        settings = self.forward.settings
        optional = {
            "batch_norm": self.batch_norm,
            "calibration": self.forward.calibration,
            "compilation": self.forward.compilation,
            **self.slice_.details,
            **self.marks,
            "settings": settings.as_dict(),
            "micro_batch": settings.micro_batch,
            "precision": settings.precision,
            "dtypes": list(self.forward.dtypes),
            "sampling": None if self.sampling is None else self.sampling.as_mapping(),
            "precision_errors": self.forward.precision_errors and [*self.forward.precision_errors],
            **self.ranges,
        }
        known = {key: value for key, value in optional.items() if value is not None}
        return {**self.identity(), **known}
