"""The checks and choices that measures need, made on rank 0 for all ranks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import UsageError
from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.checks.differentiability import refuse_unreached, slope_warning
from landscape_cli.evaluation.measures.extremes import ExtremesMeasure
from landscape_cli.evaluation.spectrum.operator import holds
from landscape_cli.parallel.executor import Executor

Basis = Literal["kept", "dropped"]


@dataclass(frozen=True)
class MeasuredSamples:
    """The samples of a measure that are not those of the means.

    Args:
        split: the split.
        samples: their number.
        fingerprint: hash of these samples.
    """

    split: str
    samples: int
    fingerprint: str


@dataclass(frozen=True)
class MeasureFacts:
    """Facts of how measures are computed, and on which samples.

    Args:
        products: number of products with the Hessian that a point takes.
        samples: samples that are not those of the means.
        basis: whether all vectors of Lanczos's algorithm are kept; None without it.
        warning: what is doubtful about the derivatives; empty if nothing is.
    """

    products: int = 0
    samples: tuple[MeasuredSamples, ...] = field(default_factory=tuple)
    basis: Basis | None = None
    warning: str = ""

    def identity(self) -> list[dict[str, object]]:
        """Return the facts that determine values, as plain values."""
        return [asdict(one) for one in self.samples]

    def as_mapping(self) -> dict[str, object]:
        """Return the other facts that are known, as plain values."""
        others = {"products": self.products, "basis": self.basis, "warning": self.warning}
        return {key: value for key, value in others.items() if value}

    @classmethod
    def from_mapping(cls, stored: Mapping[str, Any]) -> MeasureFacts:
        """Return the choices stored in a file."""
        if (basis := stored.get("basis")) not in (None, "kept", "dropped"):
            raise ValueError(f"basis is {basis!r}")
        return cls(basis=basis)


def prepare_measures(
    evaluator: Evaluator, config: RunConfig, executor: Executor, stored: MeasureFacts | None
) -> MeasureFacts | None:
    """Check that derivatives can be taken, and decide how; called by every rank.

    Args:
        evaluator: of this rank, with loaded data.
        config: the run.
        executor: the ranks.
        stored: the choices of a continued file.

    Returns:
        The facts; None without measures.

    Raises:
        LandscapeError: if a measure's quantity is missing, or derivatives would be wrong.
    """
    if not evaluator.measures.all:
        return None
    neighbours = executor.hosts.count(executor.hosts[0])
    facts = executor.lead(lambda: _prepare(evaluator, config, neighbours, stored))
    evaluator.measures.workspace.keep_basis = facts.basis != "dropped"
    return facts


def _prepare(
    evaluator: Evaluator, config: RunConfig, neighbours: int, stored: MeasureFacts | None
) -> MeasureFacts:
    _refuse_unknown_quantity(evaluator)
    warning = ""
    if not config.allow_random:
        refuse_unreached(evaluator)
        warning = slope_warning(evaluator)
    return MeasureFacts(
        evaluator.measures.products(evaluator.parameters),
        tuple(
            MeasuredSamples(split, data.samples, data.fingerprint)
            for (split, _), data in evaluator.measures.data.items()
        ),
        (None if stored is None else stored.basis) or _basis(evaluator, neighbours),
        warning,
    )


def _refuse_unknown_quantity(evaluator: Evaluator) -> None:
    names = evaluator.values(evaluator.slice.origin, [next(iter(evaluator.first_split))]).names
    for measure in evaluator.measures.all:
        quantity = getattr(measure, "quantity", None)
        if quantity is not None and quantity not in names:
            raise UsageError(
                f"measures.{measure.kind}.quantity: the objective returns no {quantity!r} to "
                f"differentiate, but {', '.join(names)}"
            )


def _basis(evaluator: Evaluator, neighbours: int) -> Basis | None:
    """Decide whether all vectors of Lanczos's algorithm are kept; None without it."""
    measures = [one for one in evaluator.measures.all if isinstance(one, ExtremesMeasure)]
    if not measures:
        return None
    needs = (
        holds(
            evaluator.measures.view(evaluator, one).derivatives(one.quantity, one.parameters),
            one.steps + 1,
            neighbours,
        )
        for one in measures
    )
    return "kept" if all(needs) else "dropped"


def measure_lines(facts: MeasureFacts | None) -> list[str]:
    """Say what the measures of a point take."""
    if facts is None:
        return []
    lines = [facts.warning] if facts.warning else []
    if facts.products:
        samples = ", ".join(f"{one.samples} {one.split}" for one in facts.samples)
        line = f"curvature: {facts.products} products with the Hessian a point"
        lines.append(line + (f", of {samples} samples" if samples else ""))
    if facts.basis == "dropped":
        lines.append(
            "curvature: memory has no room for all vectors of Lanczos's algorithm, so only the "
            "last two are kept; the extreme eigenvalues stay right"
        )
    return lines
