"""Output of ``landscape plot``: a picture's file or the terminal, once or at each change."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from landscape_cli.cli.input_files import distinct_names, with_trajectories
from landscape_cli.cli.live_screen import LiveScreen, exit_quietly_on_interrupt
from landscape_cli.cli.output import note as say_note
from landscape_cli.cli.output import say
from landscape_cli.cli.watch import Observation, follow, read_or_wait
from landscape_cli.errors import visible

if TYPE_CHECKING:
    from landscape_cli.plotting.page import Page
    from landscape_cli.plotting.request import Picture, Request
    from landscape_cli.records.surface import Surface

PROMPT_LINES = 3
"""Lines of the terminal that a picture leaves free: the command above it, and the next prompt."""

WATCH_LINES = 3
"""Lines of the terminal that a watched picture leaves free: progress, and the cursor's."""


@dataclass(frozen=True)
class PlotOutput:
    """The content, look and destination of a picture.

    Args:
        request: which values are drawn, and how.
        path: the picture's file; None to draw in the terminal.
        trajectories: the files of trajectories to draw over the planes.
        page: the layout of a picture in a file.
    """

    request: Request
    path: Path | None
    trajectories: Sequence[str]
    page: Page

    def picture(self, surfaces: Sequence[Surface], files: Sequence[str]) -> Picture:
        """Choose the panels, kind and scale for the surfaces in these files."""
        surfaces = with_trajectories(surfaces, files, self.trajectories)
        names = distinct_names(files)
        request = self.request
        return request.picture(request.panels(surfaces, names), request.twins(surfaces, names))

    def write(self, picture: Picture, path: Path) -> None:
        """Draw a picture into a file."""
        from landscape_cli.plotting.figure import draw_picture
        from landscape_cli.plotting.figure_files import save

        save(draw_picture(picture, self.page), path, self.page.dpi, self.page.size)

    def terminal_lines(self, picture: Picture, reserved: int) -> list[str]:
        """Draw a picture as lines of text that fit the terminal.

        Args:
            picture: the picture.
            reserved: lines of the terminal to leave free.
        """
        from landscape_cli.plotting.terminal.colors import depth_of
        from landscape_cli.plotting.terminal.picture import picture as draw

        width, height = shutil.get_terminal_size((80, 40))
        depth = depth_of(sys.stdout, os.environ)
        return draw(picture.panels, picture.kind, picture.scale, width, height - reserved, depth)


def print_in_terminal(drawing: PlotOutput, picture: Picture, texts: Sequence[str]) -> None:
    """Print a picture that leaves room for texts below it, the command and the next prompt."""
    width, _ = shutil.get_terminal_size((80, 40))
    below = sum(-(-len(text) // width) for text in texts)
    print("\n".join(drawing.terminal_lines(picture, PROMPT_LINES + below)), flush=True)


def redraw_on_change(files: Sequence[str], seconds: float, output: PlotOutput) -> None:
    """Draw files each time one of them changes, until all are complete.

    Args:
        files: the surface files.
        seconds: interval between two looks at the files.
        output: what to draw, and where.
    """
    picture = None
    with exit_quietly_on_interrupt(), LiveScreen() as screen:
        for observation in follow(files, seconds):
            if not observation.changed:
                continue
            if not observation.complete and not _is_drawable(observation, files, output.request):
                screen.show(["nothing to draw yet"])
                continue
            picture = output.picture(observation.surfaces, files)
            done = sum(surface.done for surface in observation.surfaces)
            percent = 100 * done // sum(surface.total for surface in observation.surfaces)
            if output.path is None:
                lines = output.terminal_lines(picture, WATCH_LINES)
                screen.show([*lines, f"{percent} % computed"])
            else:
                output.write(picture, output.path)
                path = visible(str(output.path.resolve()))
                screen.show([f"wrote {path}, {percent} % computed"])
    for note in picture.notes() if picture else ():
        say_note(note)


def _is_drawable(observation: Observation, files: Sequence[str], request: Request) -> bool:
    """Return whether every panel has a finite value."""
    from landscape_cli.plotting.request import drawable

    if not all(surface.values for surface in observation.surfaces):
        return False
    if request.basins and any(surface.level is None for surface in observation.surfaces):
        return False
    return drawable(request.panels(observation.surfaces, distinct_names(files)))


def write_topology(request: Request, files: Sequence[str], path: Path, page: Page) -> None:
    """Draw the minima of surface files into a picture, and report it."""
    from landscape_cli.plotting.figure_files import save
    from landscape_cli.plotting.topology.figure import (
        describe_topology,
        draw_topology,
        topology_panels,
    )

    surfaces = read_or_wait(files, waiting=False)
    panels = topology_panels(request, surfaces, distinct_names(files))
    save(draw_topology(panels, request, page), path, page.dpi, page.size)
    if page.caption:
        say(describe_topology(panels, request))
    say(f"wrote {path.resolve()}")
