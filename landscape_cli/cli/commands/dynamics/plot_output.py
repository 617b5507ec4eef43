"""Output of ``landscape plot`` for diffusion files."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_cli.cli.options import pop_camera
from landscape_cli.cli.output import note as say_note
from landscape_cli.cli.output import say
from landscape_cli.cli.pictures.asked import Asked, Family
from landscape_cli.cli.pictures.options import refuse_surface_options
from landscape_cli.cli.plot_output import PROMPT_LINES
from landscape_cli.errors import UsageError
from landscape_cli.plotting.diffusion import DIFFUSION_KINDS
from landscape_cli.plotting.spectra import SPECTRUM_KINDS

if TYPE_CHECKING:
    from landscape_cli.plotting.diffusion.colors import Coloring
    from landscape_cli.records.dynamics.diffusion import Diffusion

COLORS = {"log": "log", "vmin": "low", "vmax": "high"}
"""Arguments of ``coloring`` by the options that set them."""


def hold_diffusion(files: Sequence[str], kind: str | None) -> bool:
    """Return whether the file is one of ``landscape diffusion`` rather than a surface.

    Raises:
        UsageError: if it is one of several files, or the kind is not one for such files.
    """
    from landscape_cli.store.file_kind import DIFFUSION, file_kind

    found = [file for file in files if file_kind(Path(file)) == DIFFUSION]
    if found and len(files) > 1:
        raise UsageError(f"{found[0]}: diffusion files are drawn one at a time; name it alone")
    if found and kind is not None and kind not in DIFFUSION_KINDS:
        kinds = " or ".join(DIFFUSION_KINDS)
        raise UsageError(f"--kind {kind}: {files[0]} is a diffusion file; use {kinds}")
    if not found and kind in DIFFUSION_KINDS and kind not in SPECTRUM_KINDS:
        raise UsageError(f"--kind {kind}: {files[0]} is no file of landscape diffusion")
    return bool(found)


def plot_diffusion(asked: Asked) -> None:
    """Draw a diffusion file into a picture or the terminal, and report it.

    Raises:
        UsageError: if an option does not apply.
    """
    from landscape_cli.plotting.diffusion.figure import describe_diffusion, draw_diffusion
    from landscape_cli.plotting.figure_files import save
    from landscape_cli.store.diffusion_file import read_diffusion

    (file,), page = asked.files, asked.page
    path = None if asked.terminal else asked.path()
    options = {**asked.choices, "trajectories": asked.trajectories, "watch": asked.watch}
    camera, kind = pop_camera(options), options.pop("kind")
    if camera is not None and (kind is None or not DIFFUSION_KINDS[kind].three_dimensional):
        raise UsageError("--azimuth, --elevation, --zoom: apply only to --kind map3d")
    record = read_diffusion(file)
    colors = _coloring(record, file, options)
    refuse_surface_options(options, "diffusion files")
    if path is None:
        _draw_in_terminal(record, file, kind, colors)
        return
    figure = draw_diffusion(record, file, kind, colors, replace(page, camera=camera))
    save(figure, path, page.dpi, page.size)
    if any(colors.clipped):
        below, above = colors.clipped
        say_note(
            f"{file}: {below} values below the colours' lower end, {above} above the upper one"
        )
    if page.caption:
        say(describe_diffusion(record, file, kind, colors))
    say(f"wrote {path.resolve()}")


def _coloring(record: Diffusion, file: str, options: dict[str, Any]) -> Coloring:
    """Remove the options of colours, and return what they describe.

    Raises:
        UsageError: if there are two quantities, or the record lacks the one there is.
    """
    from landscape_cli.plotting.diffusion.colors import coloring

    quantities = options.pop("quantity")
    if len(quantities) > 1:
        raise UsageError(
            f"--quantity is given {len(quantities)} times: points have one colour; leave one out"
        )
    chosen = {name: options.pop(option) for option, name in COLORS.items()}
    quantity = quantities[0] if quantities else None
    if quantity == "training" and any(value is not None for value in chosen.values()):
        raise UsageError("--quantity training: has no scale; leave --log, --vmin and --vmax out")
    return coloring(record, file, quantity, **chosen)


def _draw_in_terminal(record: Diffusion, file: str, kind: str | None, colors: Coloring) -> None:
    """Print the map as characters.

    Raises:
        UsageError: for another kind.
    """
    from landscape_cli.plotting.diffusion.painter import choose_painter
    from landscape_cli.plotting.terminal.colors import depth_of
    from landscape_cli.plotting.terminal.scatter import map_lines

    if kind not in (None, "map"):
        raise UsageError(f"--kind {kind}: --terminal draws the map alone; leave one of them out")
    choose_painter(record, file, "map")
    width, height = shutil.get_terminal_size((80, 40))
    depth = depth_of(sys.stdout, os.environ)
    height -= PROMPT_LINES
    print("\n".join(map_lines(record, file, colors, width, height, depth)), flush=True)


FAMILY = Family("diffusion files", DIFFUSION_KINDS, hold_diffusion, plot_diffusion)
