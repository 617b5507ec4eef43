"""What ``landscape plot`` does with its options: once, or whenever a file is written."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from landscape_cli.cli.input_files import distinct_names, with_trajectory
from landscape_cli.cli.live_screen import LiveScreen, exit_quietly_on_interrupt
from landscape_cli.cli.watch import follow

if TYPE_CHECKING:
    from landscape_cli.plotting.page import Page
    from landscape_cli.plotting.request import Picture, Request
    from landscape_cli.records.surface import Surface


@dataclass(frozen=True)
class PlotOutput:
    """What is drawn of files, and where: into a picture's file, or into the terminal if None."""

    request: Request
    path: Path | None
    trajectory: str | None
    page: Page

    def picture(self, surfaces: Sequence[Surface], files: Sequence[str]) -> Picture:
        """What there is to draw of files' surfaces."""
        if self.trajectory is not None:
            surfaces = with_trajectory(surfaces, files, self.trajectory)
        names = distinct_names(files)
        request = self.request
        return request.picture(request.panels(surfaces, names), request.twins(surfaces, names))

    def write(self, picture: Picture, path: Path) -> None:
        """Draw it into a file."""
        from landscape_cli.plotting.figure_files import save
        from landscape_cli.plotting.page import draw_picture

        save(draw_picture(picture, self.page), path, self.page.dpi, self.page.size)

    def terminal_lines(self, picture: Picture, around: int = 1) -> list[str]:
        """The picture for this terminal, or for whatever standard output is.

        Args:
            picture: what to draw.
            around: how many lines of the terminal are needed for something else.
        """
        from landscape_cli.plotting.terminal.colors import depth_of
        from landscape_cli.plotting.terminal.picture import picture as draw

        width, height = shutil.get_terminal_size((80, 40))
        depth = depth_of(sys.stdout, os.environ)
        return draw(picture.panels, picture.kind, picture.scale, width, height - around, depth)


def redraw_on_change(files: Sequence[str], seconds: float, output: PlotOutput) -> None:
    """Draw files whenever one of them is written, until they are complete."""
    from landscape_cli.plotting.request import drawable

    picture = None
    with exit_quietly_on_interrupt(), LiveScreen() as screen:
        for observation in follow(files, seconds):
            if not observation.changed:
                continue
            begun = all(surface.values for surface in observation.surfaces)
            panels = (
                output.request.panels(observation.surfaces, distinct_names(files)) if begun else []
            )
            if not observation.complete and not (begun and drawable(panels)):
                screen.show(["nothing to draw yet"])
                continue
            picture = output.picture(observation.surfaces, files)
            done = sum(surface.done for surface in observation.surfaces)
            percent = 100 * done // sum(surface.total for surface in observation.surfaces)
            if output.path is None:
                screen.show([*output.terminal_lines(picture, 3), f"{percent} % computed"])
            else:
                output.write(picture, output.path)
                screen.show([f"wrote {output.path.resolve()}, {percent} % computed"])
    for note in picture.notes() if picture else ():
        print(f"note: {note}", file=sys.stderr)
