"""Summaries of diffusion files, for people and as plain values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.dynamics.diffusion import Diffusion, Null
from landscape_cli.records.dynamics.null_comparison import (
    WITHIN,
    Comparison,
    chance,
    compare,
    ordered_nulls,
    walk_words,
)
from landscape_cli.records.presentation import fact, share

CHOSEN = {
    "auto": "where the kernel's sum grows fastest",
    "median": "the median squared distance",
    "given": "as given",
}
"""The choice of a bandwidth in words."""

COLUMN = 14
"""Width of a column."""


def progress_lines(record: Diffusion) -> list[str]:
    """Say what a file holds, and how much of it is computed."""
    done, total = distances_done(record)
    state = "complete" if done == total else f"{100 * done // total} %"
    lines = [*_heading(record), f"distances:   {done:,} of {total:,} pairs ({state})"]
    if not record.complete:
        return [*lines, "map:         not computed yet; run landscape diffusion"]
    lines.append(f"map:         {record.components} coordinates, {_kernel(record)}")
    for null in ordered_nulls(record):
        lines.append(f"null:        {len(null.epsilons)} {walk_words(null.kind)}, seed {null.seed}")
    if record.onto is not None:
        lost = int(np.isnan(record.onto.coordinates).any(axis=1).sum())
        text = f"{len(record.onto.labels):,} further checkpoints of {', '.join(record.onto.names)}"
        lines.append(
            f"onto:        {text}" + (f", {lost} out of the kernel's reach" if lost else "")
        )
    known = [name for name in KNOWN if getattr(record, name) is not None]
    return [*lines, f"also known:  {', '.join(known).replace('_', ' ')}"] if known else lines


KNOWN = ("epochs", "steps", "losses", "learning_rates")
"""Arrays of what is known of the checkpoints."""


def progress_facts(record: Diffusion) -> dict[str, Any]:
    """Return what a file holds as plain values."""
    done, total = distances_done(record)
    return {
        "complete": record.complete,
        "checkpoints": len(record.labels),
        "trainings": _trainings(record),
        "parameters": record.parameters,
        "distances": {"done": done, "total": total},
        "components": record.components,
        "alpha": record.alpha,
        "epsilon": record.epsilon,
        "chosen": record.chosen,
        "time": record.time,
        "nulls": {
            null.kind: {"walks": len(null.epsilons), "seed": null.seed} for null in record.nulls
        },
        "onto": None if record.onto is None else len(record.onto.labels),
        "known": [name for name in KNOWN if getattr(record, name) is not None],
        "config": dict(record.config),
        "provenance": dict(record.provenance),
    }


def numbers_lines(record: Diffusion) -> list[str]:
    """Format a map's numbers beside those of random walks."""
    lines = [*_heading(record), f"kernel:      {_kernel(record)}"]
    if np.isfinite(record.dimension):
        lines.append(
            f"dimension:   {record.dimension:.3g}, twice the steepest slope of ln sum over ln ε"
        )
    if record.explained is not None:
        total = float(record.explained.sum())
        text = share(total) if 0 < total <= 1 else "0 %"
        lines.append(f"components:  two principal components explain {text} of the variance")
    lines += ["", *_eigenvalue_table(record)]
    for null in ordered_nulls(record):
        lines += ["", *_null_lines([one for one in compare(record) if one.kind == null.kind], null)]
    return lines


def numbers_facts(record: Diffusion) -> dict[str, Any]:
    """Return a map's numbers as plain values, and which of them differ from random walks'."""
    return {
        **progress_facts(record),
        "dimension": record.dimension,
        "eigenvalues": _list(record.eigenvalues),
        "spectra": {f"{one.factor:g}": _list(one.eigenvalues) for one in record.spectra},
        "explained": _list(record.explained),
        "statistics": dict(record.statistics),
        "null_ranges": {
            null.kind: {
                "low": _list(null.eigenvalues.min(axis=0)),
                "high": _list(null.eigenvalues.max(axis=0)),
            }
            for null in record.nulls
        },
        "comparisons": [
            {
                "statistic": one.statistic,
                "null": one.kind,
                "value": one.value,
                "low": one.low,
                "high": one.high,
                "draws": one.draws,
                "verdict": one.verdict,
            }
            for one in compare(record)
        ],
    }


def distances_done(record: Diffusion) -> tuple[int, int]:
    """Return the number of pairs of checkpoints whose distance is known, and of all pairs."""
    above = np.triu_indices(len(record.labels), 1)
    return int(np.isfinite(record.distances2[above]).sum()), len(above[0])


def _heading(record: Diffusion) -> list[str]:
    name = fact(record.provenance, "network", "name")
    text = f"{len(record.labels):,} of {record.parameters:,} parameters"
    if len(record.names) > 1:
        counts = ", ".join(f"{one['name']} {one['checkpoints']:,}" for one in _trainings(record))
        text += f"; {len(record.names)} trainings: {counts}"
    return [*([f"network:     {name}"] if name else []), f"checkpoints: {text}"]


def _trainings(record: Diffusion) -> list[dict[str, Any]]:
    return [
        {"name": name, "checkpoints": int((record.training == number).sum())}
        for number, name in enumerate(record.names)
    ]


def _kernel(record: Diffusion) -> str:
    chosen = CHOSEN.get(record.chosen, record.chosen)
    return f"exp(-d²/ε), ε = {record.epsilon:.6g} ({chosen}), alpha {record.alpha:g}"


def _eigenvalue_table(record: Diffusion) -> Iterator[str]:
    """Format a line for each eigenvalue below the trivial one, with the ranges of the nulls'."""
    assert record.eigenvalues is not None
    nulls = ordered_nulls(record)
    titles = ["eigenvalue", *(f"{one.factor:g}ε" for one in record.spectra)]
    titles += [{"walk": "random walks", "permuted": "permuted"}.get(n.kind, n.kind) for n in nulls]
    yield "number" + "".join(f"{title:>{_width(title)}}" for title in titles)
    for number in range(1, len(record.eigenvalues)):
        cells = [f"{record.eigenvalues[number]:.6g}"]
        cells += [f"{one.eigenvalues[number]:.4g}" for one in record.spectra]
        cells += [_range(null.eigenvalues[:, number]) for null in nulls]
        row = "".join(f"{c:>{_width(t)}}" for c, t in zip(cells, titles, strict=True))
        yield f"{number:>6}{row}"


def _null_lines(found: list[Comparison], null: Null) -> Iterator[str]:
    """Format a line for each statistic of a map and its range over a null's walks."""
    count = len(null.epsilons)
    odds = f"{100 * chance(count):.0f} %"
    yield f"beside {count} {walk_words(null.kind)}; one more would be outside with {odds} each"
    width = max((len(one.words) for one in found), default=0)
    for one in found:
        walks = f"{one.low:.4g} to {one.high:.4g}" if one.draws else "no finite value"
        yield f"  {one.words:<{width}}  {one.value:>10.4g}  {one.verdict:<7} {walks}"
    unlike = ", ".join(one.short for one in found if one.differs)
    alike = ", ".join(one.short for one in found if one.verdict == WITHIN)
    yield f"  differs in {unlike or 'nothing measured here'}" + (
        f"; not in {alike}" if alike else ""
    )


def _range(values: NDArray[np.float64]) -> str:
    return f"{values.min():.4g} to {values.max():.4g}"


def _width(title: str) -> int:
    return 24 if title in ("random walks", "permuted") else COLUMN


def _list(array: NDArray[np.float64] | None) -> list[float] | None:
    return None if array is None else [float(value) for value in array]
