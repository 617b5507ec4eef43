"""``landscape describe``: numbers from a surface file."""

from __future__ import annotations

from typing import Any

import click

from landscape_cli.cli.options import debug_option

EXAMPLES = """\b
Examples:
  landscape describe surface.h5
  landscape describe surface.h5 --radius 0.2 --level 1 --split test
  landscape describe surface.h5 --json | jq '.numbers[0].curvature.eigenvalues'
"""


@click.command(epilog=EXAMPLES)
@click.argument("file")
@click.option("--split", "splits", multiple=True, metavar="NAME", help="Whose; all. Repeatable.")
@click.option(
    "--quantity",
    "quantities",
    multiple=True,
    metavar="NAME",
    help="Which values, smaller ones being better; loss if left out. Repeatable.",
)
@click.option(
    "--radius",
    "radii",
    multiple=True,
    type=click.FloatRange(min=0, min_open=True),
    metavar="R",
    help="Distance from the centre at which the sharpness is measured; 0.1, 0.25, 0.5 and 1 inside "
    "the grid if left out. Repeatable.",
)
@click.option(
    "--level",
    type=float,
    metavar="L",
    help="The value up to which the basin reaches; twice the centre's and 0.1 if left out.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
@debug_option
def command(
    file: str,
    splits: tuple[str, ...],
    quantities: tuple[str, ...],
    radii: tuple[float, ...],
    level: float | None,
    as_json: bool,
) -> None:
    """Print sharpness, curvature, convexity, roughness, basin and barrier of the surface FILE.

    Lengths are in the units of the axes. Each number is defined in docs/describe.md.
    """
    import json
    import os

    from landscape_cli.analysis.describe import describe
    from landscape_cli.analysis.field import Options
    from landscape_cli.store import read_surface

    surface = read_surface(file)
    options = Options(tuple(sorted(set(radii))) or None, level)
    found = {"file": os.path.abspath(file), **describe(surface, splits, quantities, options)}
    if as_json:
        print(json.dumps(found, indent=2, allow_nan=False))
    else:
        print("\n".join(_lines(found)))


def _lines(found: dict[str, Any]) -> list[str]:
    """Everything for people."""
    axes = " x ".join(str(len(axis)) for axis in found["axes"].values())
    lines = [found["file"], f"{axes} points ({', '.join(found['axes'])})"]
    if not found["complete"]:
        lines[-1] += ", the finest level that is complete"
    if found["repeats"] > 1:
        lines[-1] += f"; means and standard deviations of {found['repeats']} repeats"
    for one in found["numbers"]:
        lines += ["", *_head(one), *_number_lines(one, one["unknown"])]
        if one["std"] is not None:
            lines += ["  standard deviations", *_number_lines(one["std"], {})]
    return lines


def _head(one: dict[str, Any]) -> list[str]:
    centre = "unknown" if one["centre"] is None else f"{one['centre']:.6g}"
    left = [
        f"{one['points'][key]} {words}"
        for key, words in (
            ("failed", "failed"),
            ("not_finite", "not finite"),
            ("interpolated", "interpolated"),
            ("left_to_do", "left to do"),
        )
        if one["points"][key]
    ]
    count = f"{one['points']['total']} points" + (f" ({', '.join(left)})" if left else "")
    return [f"{one['split']} {one['quantity']}: centre {centre}, {count}"]


def _number_lines(one: dict[str, Any], unknown: dict[str, str]) -> list[str]:
    """Every number that makes sense, with its name before the first line."""
    from landscape_cli.analysis import NUMBERS

    lines = []
    for name, number in NUMBERS.items():
        if one.get(name) is not None:
            texts = number.text(one[name])
        elif name in unknown:
            texts = [f"unknown: {unknown[name]}"]
        else:
            continue
        lines += [f"  {name if index == 0 else '':<12} {text}" for index, text in enumerate(texts)]
    return lines
