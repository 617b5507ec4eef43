"""Summary of a curvature file as text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from landscape_cli.records.curvature import Block, Curvature, Trace
from landscape_cli.records.tiles import Status

TITLES = {
    "hessian": "Hessian",
    "ggn": "Gauss-Newton matrix",
    "fisher": "empirical Fisher matrix",
}

SHOWN = 12
"""Largest number of checkpoints that are listed in full."""


def curvature_lines(record: Curvature) -> list[str]:
    """Format the numbers of a curvature file as lines of text."""
    lines = [_headline(record)]
    if len(record.labels) == 1:
        lines += _single(record)
    else:
        lines += _table(record)
    return [*lines, *_block_lines(record)]


def curvature_facts(record: Curvature) -> dict[str, Any]:
    """Return the numbers of a curvature file as plain values, NaN where not computed."""
    names = (
        *("status", "eigenvalues", "residuals", "rounding", "loss", "gradient_norm"),
        *("gradient_share", "critical_sharpness", "second_differences"),
    )
    arrays = {name: getattr(record, name) for name in names}
    known: dict[str, Any] = {
        "matrix": record.matrix,
        "parameters": record.parameters,
        "complete": bool((record.status != Status.TODO).all()),
        "labels": list(record.labels),
        "epochs": None if record.epochs is None else list(record.epochs),
        "learning_rates": None if record.learning_rates is None else list(record.learning_rates),
        "top": record.top,
        **{name: array.tolist() for name, array in arrays.items() if array is not None},
        "difference_step": record.difference_step,
    }
    if record.trace is not None:
        known["trace"] = _trace_facts(record.trace)
    known["blocks"] = {block.name: _block_facts(block) for block in record.blocks}
    return {**known, "provenance": dict(record.provenance)}


def _block_facts(block: Block) -> dict[str, Any]:
    facts = {"parameters": block.parameters, "eigenvalues": block.eigenvalues.tolist()}
    return facts if block.trace is None else {**facts, "trace": _trace_facts(block.trace)}


def _trace_facts(trace: Trace) -> dict[str, Any]:
    mean, stderr = trace.mean.tolist(), trace.stderr.tolist()
    return {"mean": mean, "stderr": stderr, "probes": trace.probes}


def _headline(record: Curvature) -> str:
    facts = record.provenance
    split = facts.get("split", "?")
    samples = facts.get("splits", {}).get(split, {}).get("samples", "?")
    name = facts.get("network", {}).get("name", "network")
    title = TITLES.get(record.matrix, record.matrix)
    return f"{title} of {name}: {record.parameters:,} parameters, {samples} samples of {split}"


def _single(record: Curvature) -> Iterator[str]:
    """Format the only checkpoint: a line for each eigenvalue."""
    if not record.done[0]:
        yield _state(record, 0)
        return
    yield f"checkpoint: {record.labels[0]}, loss {_number(record.loss)}"
    if not record.eigenvalues[0].any():
        yield (
            "all eigenvalues found are 0: the matrix is zero, as for an objective that is linear "
            "in the parameters"
        )
    yield from _eigenvalue_lines(record)
    yield from _cluster_lines(record)
    if record.gradient_norm is not None:
        share = "" if record.gradient_share is None else _share(record)
        yield f"gradient:   norm {_number(record.gradient_norm)}{share}"
    if record.critical_sharpness is not None and np.isfinite(record.critical_sharpness[0]):
        yield f"critical sharpness: {_number(record.critical_sharpness)} along the gradient"
    if record.trace is not None:
        yield f"trace:      {_trace(record.trace, 0)}"
    if record.density is not None:
        draws, steps = record.density.nodes.shape[1:]
        yield f"density:    {draws} draws of {steps} steps"


def _eigenvalue_lines(record: Curvature) -> Iterator[str]:
    values, residuals = record.eigenvalues[0], record.residuals[0]
    bottom = len(values) - record.top
    numbers = [*range(1, record.top + 1), *range(-bottom, 0)]
    for place, number in enumerate(numbers):
        beside = ""
        if record.second_differences is not None and place in (0, len(values) - 1):
            pair = record.second_differences[0][0 if place == 0 else 1]
            beside = f"   second difference {pair:.6g} (step {record.difference_step:g})"
        yield f"{number:>4}  {values[place]:>13.6g} ± {residuals[place]:.1e}{beside}"


def _cluster_lines(record: Curvature) -> Iterator[str]:
    from landscape_cli.records.spectra.clusters import clusters

    rounding = 0.0 if record.rounding is None else float(record.rounding[0])
    bottom = record.eigenvalues.shape[1] - record.top
    numbers = [*range(1, record.top + 1), *range(-bottom, 0)]
    for first, last in clusters(record.eigenvalues[0], record.residuals[0], rounding):
        yield (
            f"eigenvalues {numbers[first]} to {numbers[last]} can't be told apart: only the span "
            "of their eigenvectors is defined"
        )


def _table(record: Curvature) -> Iterator[str]:
    """Format several checkpoints, a line each, without columns that are empty."""
    count = len(record.labels)
    columns = [
        (title, cell)
        for title, cell in COLUMNS.items()
        if any(cell(record, place) for place in range(count) if record.done[place])
    ]
    width = max(len("checkpoint"), *map(len, record.labels))
    yield _row("checkpoint", [title for title, _ in columns], width)
    places = list(range(count))
    if count > SHOWN:
        places = [*places[: SHOWN // 2], *places[-SHOWN // 2 :]]
    for before, place in zip([-1, *places], places, strict=False):
        if place != before + 1:
            yield f"... {place - before - 1} more"
        cells = [cell(record, place) for _, cell in columns]
        label = record.labels[place]
        done = record.done[place]
        yield _row(label, cells, width) if done else f"{label:<{width}}  {_state(record, place)}"


def _row(label: str, cells: list[str], width: int) -> str:
    return f"{label:<{width}}" + "".join(f"{cell:>{COLUMN}}" for cell in cells).rstrip()


def _largest(record: Curvature, place: int) -> str:
    return f"{record.eigenvalues[place, 0]:.6g}" if record.top else ""


def _smallest(record: Curvature, place: int) -> str:
    values = record.eigenvalues[place]
    return f"{values[-1]:.6g}" if record.top < len(values) else ""


def _trace_cell(record: Curvature, place: int) -> str:
    return "" if record.trace is None else _trace(record.trace, place)


def _two_by_rate(record: Curvature, place: int) -> str:
    rate = math.nan if record.learning_rates is None else record.learning_rates[place]
    return f"{2 / rate:.6g}" if rate > 0 else ""


COLUMN = 16
"""Width of a column."""

COLUMNS: dict[str, Callable[[Curvature, int], str]] = {
    "largest": _largest,
    "smallest": _smallest,
    "trace": _trace_cell,
    "loss": lambda record, place: _number(record.loss, place),
    "gradient": lambda record, place: _number(record.gradient_norm, place),
    "2/lr": _two_by_rate,
}
"""Columns of the table of checkpoints, by their titles."""


def _block_lines(record: Curvature) -> Iterator[str]:
    last = len(record.labels) - 1
    if not record.blocks or not record.done[last]:
        return
    of = f" at {record.labels[last]}" if last else ""
    yield f"blocks{of}, largest eigenvalues:"
    for block in record.blocks:
        values = ", ".join(f"{value:.4g}" for value in block.eigenvalues[last][:3])
        trace = "" if block.trace is None else f"; trace {_trace(block.trace, last)}"
        count = f"{block.parameters:,} parameter" + "s" * (block.parameters != 1)
        yield f"  {block.name}: {values}{trace} ({count})"


def _state(record: Curvature, place: int) -> str:
    if record.status[place] == Status.NOT_FINITE:
        return "not finite"
    done = [f"{stage} {int(one[place])}" for stage, one in record.progress.items() if one[place]]
    return f"to do ({', '.join(done)} done)" if done else "to do"


def _trace(trace: Trace, place: int) -> str:
    return f"{trace.mean[place]:.6g} ± {trace.stderr[place]:.2g}"


def _share(record: Curvature) -> str:
    assert record.gradient_share is not None
    share = float(record.gradient_share[0])
    if not math.isfinite(share):
        return ""
    return f", {share:.1%} of its square in the span of the top {record.top} eigenvectors"


def _number(array: Any, place: int = 0) -> str:
    return "" if array is None else f"{float(array[place]):.6g}"
