"""``landscape describe``: print numbers that characterize a surface."""

from __future__ import annotations

import shutil
from textwrap import wrap
from typing import Any

import click

from landscape_cli.cli.commands.dynamics.file_output import describe_diffusion_file, is_diffusion
from landscape_cli.cli.input_files import with_trajectories
from landscape_cli.cli.options import debug_option
from landscape_cli.cli.output import say, say_json
from landscape_cli.cli.pictures.options import refuse_surface_options
from landscape_cli.errors import UsageError

WIDEST = 100
"""Maximum number of characters of a line of sentences."""

EXAMPLES = """\b
Examples:
  landscape describe surface.h5
  landscape describe surface.h5 --radius 0.2 --level 1 --split test
  landscape describe surface.h5 --explain
  landscape describe surface.h5 --json | jq '.numbers[0].curvature.eigenvalues'
"""


@click.command(epilog=EXAMPLES)
@click.argument("file")
@click.option(
    "--split",
    "splits",
    multiple=True,
    metavar="NAME",
    help="Describe this split; by default all. Repeatable.",
)
@click.option(
    "--quantity",
    "quantities",
    multiple=True,
    metavar="NAME",
    help="Describe this quantity, of which less is better; by default loss. Repeatable.",
)
@click.option(
    "--radius",
    "radii",
    multiple=True,
    type=click.FloatRange(min=0, min_open=True),
    metavar="R",
    help="Measure the sharpness at this distance from the centre; by default at 0.1, 0.25, 0.5 and "
    "1, where they fit into the grid. Repeatable.",
)
@click.option(
    "--level",
    type=float,
    metavar="L",
    help="Value at the edge of the basin; by default twice the centre's, plus 0.1.",
)
@click.option(
    "--persistence",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    metavar="P",
    help="Count minima whose saddle is at least this fraction of the range above them.",
)
@click.option(
    "--trajectory",
    "trajectories",
    multiple=True,
    metavar="FILE",
    help="Describe the path in this file, written by `landscape trajectory`, over FILE. "
    "Repeatable.",
)
@click.option(
    "--explain", is_flag=True, help="Also say how to read each number, and what not to conclude."
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
@debug_option
def command(
    file: str,
    splits: tuple[str, ...],
    quantities: tuple[str, ...],
    radii: tuple[float, ...],
    level: float | None,
    persistence: float,
    trajectories: tuple[str, ...],
    explain: bool,
    as_json: bool,
) -> None:
    """Print sharpness, curvature, barriers and more of FILE.

    FILE is a surface; or one of `landscape trajectory`: then its lengths, angles and losses; or one
    of `landscape diffusion`: then its eigenvalues, and which numbers differ from random walks'.
    Also convexity, roughness, the width of the basin, and minima with the saddles between them.
    Lengths are in the units of the axes; each number is defined in docs/describe.md.
    """
    import os

    from landscape_cli.analysis.describe import describe
    from landscape_cli.analysis.field import Options
    from landscape_cli.cli.commands.dynamics.path_output import description, is_trajectory
    from landscape_cli.store import read_surface

    given = {"split": splits, "quantity": quantities, "radius": radii, "level": level}
    given |= {"trajectory": trajectories, "explain": explain}
    if explain and as_json:
        raise UsageError("--explain: does not apply to --json; leave one out")
    if is_trajectory(file):
        refuse_surface_options(given, "trajectory files")
        numbers, lines = description(file)
        say_json({"file": os.path.abspath(file), **numbers}) if as_json else say(file, *lines)
        return
    if is_diffusion(file):
        refuse_surface_options(given, "diffusion files")
        describe_diffusion_file(file, as_json)
        return
    (surface,) = with_trajectories([read_surface(file)], [file], trajectories)
    options = Options(tuple(sorted(set(radii))) or None, level, persistence)
    facts = {"file": os.path.abspath(file), **describe(surface, splits, quantities, options)}
    if as_json:
        say_json(facts)
    else:
        say(*_lines(facts), *(_readings(facts) if explain else []))


def _lines(facts: dict[str, Any]) -> list[str]:
    """Format all numbers as lines of text."""
    axes = " x ".join(str(len(axis)) for axis in facts["axes"].values())
    lines = [facts["file"], f"{axes} points ({', '.join(facts['axes'])})"]
    if not facts["complete"]:
        lines[-1] += ", the finest level that is complete"
    if facts["repeats"] > 1:
        lines[-1] += f"; means and standard deviations of {facts['repeats']} repeats"
    for entry in facts["numbers"]:
        lines += ["", _heading(entry), *_number_lines(entry, entry["unknown"])]
        if entry["std"] is not None:
            lines += ["  standard deviations", *_number_lines(entry["std"], {})]
    return lines


def _readings(facts: dict[str, Any]) -> list[str]:
    """Say how to read each number that is printed, or is unknown, wrapped to the terminal."""
    from landscape_cli.analysis import NUMBERS

    width = min(WIDEST, shutil.get_terminal_size().columns)
    lines = ["", "How to read them"]
    for name, number in NUMBERS.items():
        if any(one.get(name) is not None or name in one["unknown"] for one in facts["numbers"]):
            indents = f"  {name:<12} ", " " * 15
            lines += wrap(
                number.reading, width, initial_indent=indents[0], subsequent_indent=indents[1]
            )
    return lines


def _heading(entry: dict[str, Any]) -> str:
    """Format the quantity, its value at the centre and the number of points."""
    centre = "unknown" if entry["centre"] is None else f"{entry['centre']:.6g}"
    exceptions = [
        f"{entry['points'][key]} {words}"
        for key, words in (
            ("failed", "failed"),
            ("not_finite", "not finite"),
            ("interpolated", "interpolated"),
            ("left_to_do", "left to do"),
        )
        if entry["points"][key]
    ]
    count = f"{entry['points']['total']} points"
    if exceptions:
        count += f" ({', '.join(exceptions)})"
    return f"{entry['split']} {entry['quantity']}: centre {centre}, {count}"


def _number_lines(values: dict[str, Any], unknown: dict[str, str]) -> list[str]:
    """Format the numbers that are defined, or why they are unknown, with their names."""
    from landscape_cli.analysis import NUMBERS

    lines = []
    for name, number in NUMBERS.items():
        if values.get(name) is not None:
            texts = number.text(values[name])
        elif name in unknown:
            texts = [f"unknown: {unknown[name]}"]
        else:
            continue
        lines += [f"  {name if index == 0 else '':<12} {text}" for index, text in enumerate(texts)]
    return lines
