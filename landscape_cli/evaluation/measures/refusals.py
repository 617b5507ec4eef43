"""Refusals that measures share."""

from __future__ import annotations

from collections.abc import Collection

from landscape_cli.errors import UsageError


def refuse_run(
    kind: str, what: str, moved_buffers: Collection[str], recalibrated: bool, precision: str
) -> None:
    """Refuse a run in which derivatives by the parameters would not describe the surface.

    Args:
        kind: of the measure.
        what: it computes.
        moved_buffers: names of the buffers that the slice moves besides parameters.
        recalibrated: True if batch norm's statistics are re-estimated at each point.
        precision: of the run's forward passes.

    Raises:
        UsageError: naming the key, the value and the remedy.
    """
    if recalibrated or moved_buffers:
        mode = "recalibrate" if recalibrated else "perturb"
        raise UsageError(
            f"measures.{kind}: with batch_norm: {mode} the loss also depends on statistics "
            f"that the {what} ignores; use batch_norm: frozen, or drop one of the two"
        )
    if precision != "fp32":
        raise UsageError(
            f"measures.{kind}: the {what} would be off by percents in {precision}, and beside a "
            f"surface in {precision} it would be another loss's; use precision: fp32"
        )
