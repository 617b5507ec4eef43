"""Computed shares and true errors of adaptive refinement, on surfaces that were computed in full.

Prints a Markdown table with a row for each surface and scale. Refinement gets the values that it
asks for from the file, so this takes seconds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity, Status
from landscape_cli.refinement import Refinement
from landscape_cli.refinement.fields import ScaleName
from landscape_cli.store import read_surface

SCALES: tuple[ScaleName, ...] = ("linear", "log")
COLUMNS = ("surface", "points", "scale", "computed", "true error", "stated", "rounds", "seconds")


def refined(
    exact: Surface, key: Quantity, tolerance: float, scale: ScaleName
) -> Iterator[tuple[Surface, int]]:
    """Yield the surface after each round, and its number; the last one has facts."""
    values = np.full_like(exact.values[key], np.nan)
    status = np.full_like(exact.status, Status.TODO)
    surface = replace(exact, values={key: values}, stderr={}, status=status, provenance={})
    refinement = Refinement(values.shape, tolerance, scale, [key[1]])
    for number in range(values.size):
        step = refinement.step(surface)
        if key in step.values:
            values[step.interpolated] = step.values[key][step.interpolated]
        values.ravel()[step.todo] = exact.values[key].ravel()[step.todo]
        status.ravel()[step.todo] = exact.status.ravel()[step.todo]
        yield replace(surface, provenance={"adaptive": step.facts}), number
        if step.facts is not None:
            return


def true_error(found: NDArray[np.float64], exact: NDArray[np.float64]) -> float:
    """Return the largest error over all points, as a fraction of the range."""
    both = np.isfinite(exact)
    return float(np.abs(found - exact)[both].max() / np.ptp(exact[both]))


def row(path: Path, key: Quantity, tolerance: float, scale: ScaleName) -> list[str]:
    exact, start = read_surface(path), time.process_time()
    *_, (surface, rounds) = refined(exact, key, tolerance, scale)
    took, facts = time.process_time() - start, surface.provenance["adaptive"]
    values = surface.values[key], exact.values[key]
    found, truth = map(np.log, values) if scale == "log" else values
    return [
        path.stem,
        " x ".join(map(str, reversed(exact.grid.shape))),
        scale,
        f"{facts['computed'] / exact.total:.1%}",
        f"{true_error(found, truth):.2%}",
        f"{facts['quantities'][0]['error']:.2%}",
        f"{rounds}",
        f"{took:.1f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("surfaces", nargs="+", type=Path, help="files of complete surfaces")
    parser.add_argument("--tolerance", type=float, default=0.01)
    parser.add_argument("--quantity", nargs=2, default=("train", "loss"), help="split and name")
    options = parser.parse_args()
    print("| " + " | ".join(COLUMNS) + " |\n|" + " --- |" * len(COLUMNS))
    for path in options.surfaces:
        for scale in SCALES:
            cells = row(path, tuple(options.quantity), options.tolerance, scale)
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
