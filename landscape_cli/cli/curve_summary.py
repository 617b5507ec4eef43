"""Summaries of curve files, for people and as plain values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from landscape_cli.records.curves.trained import Curve
from landscape_cli.records.presentation import fact


def curve_lines(record: Curve) -> list[str]:
    """Describe a curve and its training in a few lines."""
    facts = curve_facts(record)
    kind = f"{record.shape} with {record.bends} bend{'s' * (record.bends != 1)}"
    kind = kind if record.bends else "straight line"
    name = fact(record.provenance, "network", "name")
    lines = [
        *([f"network:   {name}"] if name else []),
        f"curve:     {kind} from {record.ends[0]} to {record.ends[1]}",
    ]
    if facts["length"] is not None:
        lines.append(f"length:    {facts['length']:.6g}, its ends {facts['straight']:.6g} apart")
    total = len(record.losses)
    if total:
        state = "complete" if record.complete else f"{100 * record.done / total:.0f} %"
        lines.append(f"training:  {record.done} of {total} steps ({state})")
    if facts["loss"] is not None:
        lines.append(
            f"loss:      {facts['loss']:.6g}, mean over the curve during the last epoch of training"
        )
    if diverged := fact(record.provenance, "diverged"):
        lines.append(
            f"diverged:  in step {fact(diverged, 'step')}; the best epoch's curve was kept"
        )
    return lines


def curve_facts(record: Curve) -> dict[str, Any]:
    """Return what a file says of its curve, as plain values."""
    known = record.facts
    return {
        "shape": record.shape,
        "bends": record.bends,
        "ends": list(record.ends),
        "length": known and known.length,
        "straight": known and known.straight,
        "steps": len(record.losses),
        "done": record.done,
        "complete": record.complete,
        "loss": _last_epoch(record),
        "best_epoch": record.best,
        "request": fact(record.provenance, "request"),
        "diverged": fact(record.provenance, "diverged"),
    }


def _last_epoch(record: Curve) -> float | None:
    """Return the mean loss of the steps of the last epoch, as far as they are done."""
    steps = fact(record.provenance, "per_epoch")
    count = steps if isinstance(steps, int) and steps > 0 else record.done
    losses = record.losses[max(0, record.done - count) : record.done]
    known = losses[np.isfinite(losses)]
    return math.fsum(known.tolist()) / len(known) if len(known) else None
