"""Numbers of a training's path, as plain values and as lines of text."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.dynamics.path_lengths import PathLengths
from landscape_cli.records.dynamics.phases import Phase, phases
from landscape_cli.records.presentation import PERCENT
from landscape_cli.records.trajectory import Trajectory

Floats = NDArray[np.float64]

LARGE, LARGEST = 10**6, 2**62
"""Dimensions from which the mean cosine has a simple form, and beyond which a number is none."""


def path_facts(path: Trajectory) -> dict[str, Any]:
    """Return the numbers of a path as plain values; ``path_lines`` formats them."""
    return {
        "name": path.name,
        "checkpoints": len(path.labels),
        "labels": list(path.labels),
        "epochs": None if path.epochs is None else list(path.epochs),
        "residual": _extreme(path, path.residuals),
        "values": [
            {
                "split": split,
                "quantity": quantity,
                **_value_facts(path, array),
                "each": [one if math.isfinite(one) else str(one) for one in array.tolist()],
            }
            for (split, quantity), array in path.values.items()
        ],
        "lengths": None if path.lengths is None else _length_facts(path.lengths),
        "phases": [_phase_facts(path, phase) for phase in _phases(path)],
        "random_descent": random_cosine(path.parameters) if path.descent is not None else None,
        "parameters": path.parameters,
    }


def path_lines(path: Trajectory) -> list[str]:
    """Format the numbers of a path as lines."""
    head = f"{path.name}: " if path.name else ""
    count = len(path.labels)
    lines = [f"{head}{count} checkpoints, {path.labels[0]} to {path.labels[-1]}"]
    if count == 1:
        lines = [f"{head}1 checkpoint, {path.labels[0]}"]
    if np.isfinite(path.residuals).any():
        place = int(np.nanargmax(path.residuals))
        lines.append(
            f"  residual     at most {path.residuals[place]:.4g} off the plane "
            f"({path.labels[place]})"
        )
    lines += [f"  {line}" for line in value_lines(path)]
    if path.lengths is None or len(path.labels) < 2:
        return lines
    return [*lines, *length_lines(path.lengths), *_phase_lines(path)]


def value_lines(path: Trajectory) -> list[str]:
    """Summarize a path's own values, a line for each quantity."""
    head = f"{path.name}: " if path.name else ""
    return [
        f"{head}{split} {quantity}: {_value_text(path, quantity, array)}"
        for (split, quantity), array in path.values.items()
    ]


def length_lines(lengths: PathLengths) -> list[str]:
    """Format distances, steps and turning angles."""
    lines = [
        f"  length       {lengths.total:.4g} in {len(lengths.steps)} steps; the ends are "
        f"{lengths.from_start[-1]:.4g} apart, the farthest checkpoint is "
        f"{lengths.from_start.max():.4g} from the first",
    ]
    if len(lengths.steps):
        low, middle, high = np.quantile(lengths.steps, [0, 0.5, 1])
        lines.append(f"  steps        {low:.4g} to {high:.4g}, median {middle:.4g}")
    if np.isfinite(lengths.angles).any():
        low, middle, high = np.nanquantile(lengths.angles, [0, 0.5, 1])
        lines.append(f"  turns        {low:.1f} to {high:.1f} degrees, median {middle:.1f}")
    return lines


def random_cosine(dimension: int | None) -> float | None:
    """Return the mean |cosine| of a fixed and a random direction, uniform on the sphere.

    It is Gamma(P / 2) / (sqrt(pi) Gamma((P + 1) / 2)): 2 / pi for P = 2, and close to
    sqrt(2 / (pi P)) for many dimensions P.
    """
    if dimension is None or not 1 <= dimension < LARGEST:
        return None
    if dimension > LARGE:  # where the difference of logarithms would lose digits
        return math.sqrt(2 / (math.pi * dimension))
    logs = math.lgamma(dimension / 2) - math.lgamma((dimension + 1) / 2)
    return math.exp(logs) / math.sqrt(math.pi)


def mean_and_error(values: Floats) -> tuple[float, float, int]:
    """Return the mean of those values that are known, its standard error, and their number.

    The error treats values as independent, which those of successive steps need not be.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return math.nan, math.nan, 0
    error = known.std(ddof=1) / math.sqrt(len(known)) if len(known) > 1 else math.nan
    return float(known.mean()), float(error), len(known)


def phase_means(path: Trajectory, values: Floats | None) -> list[tuple[str, float, float, int]]:
    """Average a number of each step over the phases between drops of the learning rate.

    Returns:
        For each phase its name, the mean of known values, its standard error, and their number.
    """
    if values is None:
        return []
    return [
        (phase.words(), *mean_and_error(values[phase.steps.start : phase.steps.stop]))
        for phase in _phases(path)
    ]


def holdings(path: Trajectory) -> dict[str, Any]:
    """Return what a file has of a path."""
    known = {
        "epochs": path.epochs is not None,
        "learning rates": path.learning_rates is not None,
        "lengths": path.lengths is not None,
        "gradients": path.descent is not None,
    }
    values = [f"{split} {quantity}" for split, quantity in path.values]
    return {
        "name": path.name,
        "checkpoints": len(path.labels),
        "labels": list(path.labels),
        "holds": ["coordinates", *(name for name, there in known.items() if there), *values],
    }


def _phases(path: Trajectory) -> list[Phase]:
    return phases(len(path.labels), path.learning_rates)


def _phase_facts(path: Trajectory, phase: Phase) -> dict[str, Any]:
    span = slice(phase.steps.start, phase.steps.stop)
    facts: dict[str, Any] = {
        "steps": len(phase.steps),
        "learning_rates": None if phase.rates is None else list(phase.rates),
    }
    if path.lengths is not None:
        facts["length"] = float(path.lengths.steps[span].sum())
        turns = path.lengths.angles[phase.steps.start : phase.steps.stop - 1]
        facts["turn"] = _known(mean_and_error(turns)[0])
    if path.descent is not None:
        for name, values in (("descent", path.descent), ("abs_descent", np.abs(path.descent))):
            mean, error, count = mean_and_error(values[span])
            facts[name] = {"mean": _known(mean), "stderr": _known(error), "steps": count}
    return facts


def _phase_lines(path: Trajectory) -> list[str]:
    """Format the angles of the phases between drops of the learning rate."""
    lines = []
    for phase, facts in zip(
        _phases(path), (_phase_facts(path, p) for p in _phases(path)), strict=True
    ):
        count = f"{facts['steps']} step{'s' * (facts['steps'] != 1)}"
        parts = [f"{count} of length {facts['length']:.4g} in all"]
        if facts["turn"] is not None:
            parts.append(f"mean turn {facts['turn']:.1f} degrees")
        if "descent" in facts and facts["descent"]["mean"] is not None:
            signed, size = facts["descent"], facts["abs_descent"]
            parts.append(f"cos(step, -gradient) {_plus_minus(signed)}, |cos| {_plus_minus(size)}")
        lines.append(f"  {phase.words():12} {'; '.join(parts)}")
    if path.descent is not None and (random := random_cosine(path.parameters)) is not None:
        lines.append(f"  random       |cos| of a random direction: {random:.2g}")
    return lines


def _plus_minus(facts: dict[str, Any]) -> str:
    error = facts["stderr"]
    return f"{facts['mean']:.3g}" + ("" if error is None else f" \N{PLUS-MINUS SIGN} {error:.1g}")


def _value_facts(path: Trajectory, array: Floats) -> dict[str, Any]:
    finite = np.isfinite(array)
    ends = {"first": _known(array[0]), "last": _known(array[-1])} if len(array) else {}
    return {**ends, "minimum": _extreme(path, -array), "not_finite": int((~finite).sum())}


def _value_text(path: Trajectory, quantity: str, array: Floats) -> str:
    unit, factor = (" %", 100.0) if quantity in PERCENT else ("", 1.0)
    text = f"from {factor * array[0]:.4g}{unit} to {factor * array[-1]:.4g}{unit}"
    finite = np.isfinite(array)
    if finite.any():
        place = int(np.nanargmin(np.where(finite, array, np.nan)))
        text += f", lowest {factor * array[place]:.4g}{unit} ({path.labels[place]})"
    if missing := int((~finite).sum()):
        text += f"; {missing} not finite"
    return text


def _extreme(path: Trajectory, array: Floats) -> dict[str, Any] | None:
    finite = np.isfinite(array)
    if not finite.any():
        return None
    place = int(np.nanargmax(np.where(finite, array, np.nan)))
    return {"value": abs(float(array[place])), "label": path.labels[place]}


def _length_facts(lengths: PathLengths) -> dict[str, Any]:
    return {**lengths.as_mapping(), "total": lengths.total}


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
