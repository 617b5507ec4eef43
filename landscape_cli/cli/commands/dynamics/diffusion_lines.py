"""Lines that say what a diffusion map shows, and in what it differs from random walks."""

from __future__ import annotations

from landscape_cli.records.dynamics.diffusion import Diffusion, Null
from landscape_cli.records.dynamics.null_comparison import (
    WITHIN,
    compare,
    ordered_nulls,
    walk_words,
)

CHOSEN = {
    "auto": "where the kernel's sum grows fastest, of those that join all checkpoints",
    "median": "the median squared distance",
    "given": "as given",
}


def diffusion_lines(record: Diffusion) -> list[str]:
    """Describe a complete map."""
    assert record.eigenvalues is not None
    network = record.provenance.get("network") or {}
    trainings = f" of {len(record.names)} trainings" if len(record.names) > 1 else ""
    values = ", ".join(f"{value:.6g}" for value in record.eigenvalues[1:].tolist())
    lines = [
        f"{network.get('name', 'network')}: {len(record.labels):,} checkpoints{trainings}, "
        f"{record.parameters:,} parameters",
        f"epsilon:     {record.epsilon:.4g}, {CHOSEN.get(record.chosen, record.chosen)}",
        f"dimension:   {record.dimension:.2f}, from the steepest slope of the kernel's sum (a "
        f"smooth path has 1, a random walk 2){_other_scales(record)}",
        f"eigenvalues: {values}",
    ]
    if record.onto is not None and len(record.onto.labels):
        reach = record.onto.reach
        lines.append(
            f"onto:        {len(reach)} further checkpoints; the kernel reaches {reach.min():.2g} "
            f"to {reach.max():.2g} of its peak"
        )
    return lines + [_null_line(record, null) for null in ordered_nulls(record)]


def _other_scales(record: Diffusion) -> str:
    """Say that there is no one dimension, if so."""
    maxima = record.statistics.get("maxima", 1.0)
    return f"; at this one of {maxima:.0f} scales, where the slope has maxima" * (maxima > 1)


def _null_line(record: Diffusion, null: Null) -> str:
    """Say in what a map differs from a null, and in what it does not."""
    found = [one for one in compare(record) if one.kind == null.kind]
    unlike = ", ".join(one.short for one in found if one.differs) or "nothing measured here"
    alike = ", ".join(one.short for one in found if one.verdict == WITHIN) or "nothing"
    return f"unlike {len(null.epsilons)} {walk_words(null.kind)}: {unlike}; like them: {alike}"
