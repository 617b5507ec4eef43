"""``landscape info``: print what a surface file contains, or follow its progress."""

from __future__ import annotations

from collections.abc import Callable

import click

from landscape_cli.cli.commands.dynamics.file_output import finite, show, show_diffusion_file
from landscape_cli.cli.live_screen import LiveScreen, exit_quietly_on_interrupt
from landscape_cli.cli.options import debug_option
from landscape_cli.cli.output import say, say_json
from landscape_cli.cli.watch import WatchCommand, follow, watch_option
from landscape_cli.errors import UsageError

EXAMPLES = """\b
Examples:
  landscape info surface.h5
  landscape info surface.h5 --watch
  landscape info surface.h5 --verify
  landscape info surface.h5 --json | jq .quantities.train.loss.minimum
"""


@click.command(cls=WatchCommand, epilog=EXAMPLES)
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
@click.option(
    "--verify",
    is_flag=True,
    help="Read everything in FILE, which may also hold directions, a trajectory, curvature, a "
    "curve or a diffusion map, compare it with the checksums, and print what was checked.",
)
@watch_option("Show a map of the computed points and the ranks' speed until FILE is complete.")
@debug_option
def command(file: str, as_json: bool, verify: bool, watch: float | None) -> None:
    """Print progress, extremes and origin of FILE, a surface, curvature, a curve or a map.

    With --watch, a run can be followed from any machine that can read its file: the map is redrawn
    whenever the file changes; without a terminal, one line is printed instead. If the run stops, it
    waits for another one to continue, and it ends when no point is left to compute.
    """
    import os

    if verify:
        if as_json or watch is not None:
            raise UsageError("--verify: prints once, as text; leave --json and --watch out")
        from landscape_cli.store import verify as verified_lines

        say(*verified_lines(file))
        return
    if watch is not None:
        if as_json:
            raise UsageError("--watch: --json prints once; leave one of them out")
        _watch(file, watch)
        return
    if (shown := _shown_as(file)) is not None:
        shown(file, as_json)
        return
    from landscape_cli.cli.surface_summary import summary_lines
    from landscape_cli.records.derived import with_derived
    from landscape_cli.records.repeats import spread
    from landscape_cli.store import read_surface

    surface = with_derived(read_surface(file), listed=True)
    facts = {"file": os.path.abspath(file), **surface.summary()}
    if surface.grid.repeated:
        for split, quantity in surface.values:
            facts["quantities"][split][quantity]["spread"] = spread(surface, (split, quantity))
    if as_json:
        say_json(finite(facts))
    else:
        say(*summary_lines(facts, surface))


def _shown_as(file: str) -> Callable[[str, bool], None] | None:
    """Return what shows a file that is no surface, None for a surface."""
    from pathlib import Path

    from landscape_cli.store import file_kind as kinds

    shown = {
        kinds.CURVATURE: _show_curvature,
        kinds.CURVE: _show_curve,
        kinds.TRAJECTORY: _show_trajectory,
        kinds.DIFFUSION: show_diffusion_file,
    }
    return shown.get(str(kinds.file_kind(Path(file))))


def _show_curvature(file: str, as_json: bool) -> None:
    """Show a file of ``landscape curvature``."""
    from landscape_cli.cli.curvature_summary import curvature_facts, curvature_lines
    from landscape_cli.store import read_curvature

    record = read_curvature(file)
    show(file, as_json, curvature_facts(record), curvature_lines(record))


def _show_curve(file: str, as_json: bool) -> None:
    """Show a file of ``landscape connect``."""
    from landscape_cli.cli.curve_summary import curve_facts, curve_lines
    from landscape_cli.store.curve_file import read_curve

    record = read_curve(file)
    show(file, as_json, curve_facts(record), curve_lines(record))


def _show_trajectory(file: str, as_json: bool) -> None:
    """Show a file of ``landscape trajectory``."""
    from landscape_cli.cli.commands.dynamics.path_output import contents

    show(file, as_json, *contents(file))


def _watch(file: str, seconds: float) -> None:
    """Show a file's progress until it is complete."""
    import os
    import shutil
    import sys
    from pathlib import Path

    from landscape_cli.config.durations import short_duration
    from landscape_cli.errors import visible
    from landscape_cli.plotting.terminal.colors import depth_of
    from landscape_cli.plotting.terminal.progress import headline, watched
    from landscape_cli.plotting.terminal.throughput import Throughput
    from landscape_cli.store import describe_writer

    throughput = Throughput()
    with exit_quietly_on_interrupt(), LiveScreen() as screen:
        for observation in follow([file], seconds):
            (surface,) = observation.surfaces
            if observation.changed:
                throughput.see(surface, *observation.written)
            rates = throughput.rates()
            if not screen.live:
                if observation.changed:
                    screen.show([visible(f"{Path(file).name}: {headline(surface, rates)}")])
                continue
            state = "complete"
            if not observation.complete:
                writer = describe_writer(Path(file))
                state = f"written by {writer}" if writer else "no run writes it now"
                state += f"; last change {short_duration(observation.idle)} ago"
            size = shutil.get_terminal_size()
            depth = depth_of(sys.stdout, os.environ)
            name = os.path.abspath(file)
            screen.show(watched(surface, name, rates, state, (size[0], size[1] - 1), depth))
