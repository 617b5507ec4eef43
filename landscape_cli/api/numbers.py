"""Numbers that describe a surface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from landscape_cli.api.diffusion import describe_map
from landscape_cli.errors import UsageError
from landscape_cli.records.dynamics.diffusion import Diffusion
from landscape_cli.records.surface import Surface


def describe(
    surface: Surface | Diffusion,
    splits: Sequence[str] = (),
    quantities: Sequence[str] = (),
    radii: Sequence[float] | None = None,
    level: float | None = None,
    persistence: float = 0.01,
) -> dict[str, Any]:
    """Compute sharpness, curvature, convexity, roughness, topology and barriers of a surface.

    Lengths are in the units of the axes. docs/describe.md defines each number.

    Args:
        surface: complete or not; or a diffusion map, which has numbers of its own, and takes no
            other arguments.
        splits: names of splits; all if empty.
        quantities: names of quantities, smaller values being better; ``loss`` if empty.
        radii: distances from the centre at which sharpness is measured; 0.1, 0.25, 0.5 and 1 inside
            the grid if None.
        level: the value up to which the basin reaches; twice the centre's and 0.1 if None.
        persistence: least persistence of the minima that count, as a fraction of the range.

    Returns:
        The same plain values as ``landscape describe --json`` prints: ``axes``, ``complete``,
        ``repeats``, and under ``numbers`` a mapping for each split and quantity.

    Raises:
        LandscapeError: if the surface lacks a split or quantity, or has too few points; or the
            persistence is not between 0 and 1.

    Example:
        >>> import landscape_cli as landscape
        >>> from landscape_cli.problems.zoo import build
        >>> problem = build("mlp", samples={"train": 100, "test": 50})
        >>> grid = {"x": (-1, 1, 9), "y": (-1, 1, 9)}
        >>> surface = landscape.compute(problem, grid, progress=False)
        >>> numbers = landscape.describe(surface, splits=["train"], radii=[0.5])["numbers"][0]
        >>> numbers["quantity"], numbers["sharpness"]["radii"][0]["radius"]
        ('loss', 0.5)
    """
    from landscape_cli.analysis.describe import describe as describe_record
    from landscape_cli.analysis.field import Options

    if not 0 <= persistence <= 1:
        raise UsageError(f"persistence: got {persistence}, expected a fraction from 0 to 1")
    if isinstance(surface, Diffusion):
        return describe_map(surface)
    chosen = None if radii is None else tuple(sorted(set(radii)))
    return describe_record(surface, splits, quantities, Options(chosen or None, level, persistence))
