"""``landscape info``: what a surface file holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from landscape_cli.cli.options import debug_option
from landscape_cli.cli.watching import Screen, WatchCommand, follow, quiet_interrupt, watch_option
from landscape_cli.errors import UsageError

if TYPE_CHECKING:
    from landscape_cli.records import Surface

MOST_FAILURES = 5

EXAMPLES = """\b
Examples:
  landscape info surface.h5
  landscape info surface.h5 --watch
  landscape info surface.h5 --json | jq .quantities.train.loss.minimum
"""


@click.command(cls=WatchCommand, epilog=EXAMPLES)
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
@watch_option("Show a map of what is computed, and the ranks' speed, until FILE is complete.")
@debug_option
def command(file: str, as_json: bool, watch: float | None) -> None:
    """Print what the surface FILE holds: shape, progress, minimum, centre, and where it is from.

    With --watch a run can be followed from anywhere that sees its file: the map is drawn again
    whenever the file is written, and what is not a terminal gets a line instead. It waits for runs
    that continue the file, and ends when nothing is left to do.
    """
    import json
    import os

    if watch is not None:
        if as_json:
            raise UsageError("--watch: --json prints once; leave one of them out")
        _watch(file, watch)
        return
    from landscape_cli.repeats import spread
    from landscape_cli.store import read_surface

    surface = read_surface(file)
    facts = {"file": os.path.abspath(file), **surface.summary()}
    if surface.grid.repeated:
        for split, quantity in surface.values:
            facts["quantities"][split][quantity]["spread"] = spread(surface, (split, quantity))
    if as_json:
        print(json.dumps(_finite(facts), indent=2, default=str, allow_nan=False))
    else:
        print("\n".join(_lines(facts, surface)))


def _watch(file: str, seconds: float) -> None:
    """Show a file's progress until it is complete."""
    import os
    import shutil
    import sys
    from pathlib import Path

    from landscape_cli.plotting.terminal.colors import depth_of
    from landscape_cli.plotting.terminal.progress import headline, watched
    from landscape_cli.plotting.terminal.throughput import Throughput
    from landscape_cli.store import describe_writer

    throughput = Throughput()
    with quiet_interrupt(), Screen() as screen:
        for sight in follow([file], seconds):
            (surface,) = sight.surfaces
            if sight.changed:
                throughput.see(surface, *sight.written)
            rates = throughput.rates()
            if not screen.live:
                if sight.changed:
                    screen.show([f"{Path(file).name}: {headline(surface, rates)}"])
                continue
            state = "complete"
            if not sight.complete:
                writer = describe_writer(Path(file))
                state = f"written by {writer}" if writer else "no run writes it now"
                state += f"; last change {sight.idle:.0f} s ago"
            size = shutil.get_terminal_size()
            depth = depth_of(sys.stdout, os.environ)
            name = os.path.abspath(file)
            screen.show(watched(surface, name, rates, state, (size[0], size[1] - 1), depth))


def _lines(facts: dict[str, Any], surface: Surface) -> list[str]:
    """The summary for people."""
    from landscape_cli.records import Status, coordinates_text
    from landscape_cli.refinement.summary import describe
    from landscape_cli.shards import Shard
    from landscape_cli.store import own_points

    provenance = surface.provenance
    axes = " x ".join(str(axis.points) for axis in surface.grid.axes.values())
    lines = [
        facts["file"],
        f"shape:      {axes} points ({', '.join(surface.grid.names)})"
        + (f", {surface.grid.repeats} repeats" if surface.grid.repeated else ""),
        f"progress:   {facts['done']} of {facts['total']} points"
        + (", complete" if facts["complete"] else ", incomplete"),
    ]
    if shard := Shard.of_file(provenance):
        own = surface.status[own_points(surface.grid, shard)]
        done = int((own != Status.TODO).sum())
        lines.append(f"shard:      {shard.index} of {shard.of}, {done} of {own.size} points")
    if facts["level"] and not facts["complete"]:
        level = " x ".join(str(points) for points in facts["level"].values())
        lines.append(f"            complete down to {level} points")
    if facts["not_finite"] or facts["failed"]:
        lines.append(f"            {facts['not_finite']} not finite, {facts['failed']} failed")
    for failure in provenance.get("failures", [])[:MOST_FAILURES]:
        count = len(failure["points"])
        (point,) = surface.grid.coordinates(failure["points"][:1])
        place = coordinates_text(point, surface.grid.repeated)
        lines.append(f"failed:     {count} points, first at {place}: {failure['message']}")
    if adaptive := provenance.get("adaptive"):
        first, *more = describe(adaptive, surface.total)
        lines += [f"adaptive:   {first}", *(f"          {line}" for line in more)]
    for name, axis in surface.grid.axes.items():
        label = provenance.get("directions", {}).get(name, {}).get("label", "")
        lines.append(f"axis {name}:     {axis.low:g} to {axis.high:g}, {label}")
    for split, quantities in facts["quantities"].items():
        for quantity, one in quantities.items():
            lines.append(f"{split} {quantity}: {_range(one, surface.grid.repeated)}")
            if surface.grid.repeated:
                lines.append(f"            {_spread(one['spread'])}")
    if origin := provenance.get("imported"):
        lines.append(f"imported:   {origin['path']} (sha256 {origin['sha256'][:12]})")
    if network := provenance.get("network"):
        lines.append(f"network:    {network['name']}, {network['parameters']:,} parameters")
    if mode := provenance.get("batch_norm"):
        lines.append(f"batch norm: {mode}")
    if checkpoint := provenance.get("checkpoint"):
        lines.append(f"checkpoint: {checkpoint['path']} (sha256 {checkpoint['sha256'][:12]})")
    for split, data in provenance.get("splits", {}).items():
        lines.append(f"data:       {split}, {data['samples']} samples")
    for run in provenance.get("runs", []):
        took = f", took {run['seconds']:g} s" if "seconds" in run else ""
        lines.append(f"run:        {run['started']}, ranks: {run['mpi']['size']}{took}")
    return lines


def _range(one: dict[str, Any], repeated: bool) -> str:
    from landscape_cli.records import coordinates_text

    if one["minimum"] is None:
        return "no finite value"
    place = coordinates_text(one["minimum_at"], repeated)
    centre = "not computed" if one["centre"] is None else f"{one['centre']:.6g}"
    return f"minimum {one['minimum']:.6g} at {place}, maximum {one['maximum']:.6g}, centre {centre}"


def _spread(one: dict[str, Any]) -> str:
    """How far the repeats are apart."""
    from landscape_cli.records import coordinates_text

    if one["mean"] is None:
        return "spread over repeats: no point is finite in all of them"
    place = coordinates_text(one["largest_at"])
    return (
        f"spread over repeats (standard deviation): {one['mean']:.3g} in the mean over "
        f"{one['points']} points, at most {one['largest']:.3g} at {place}"
    )


def _finite(value: Any) -> Any:
    """The value with infinities and NaN as strings, which JSON has no numbers for."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value
