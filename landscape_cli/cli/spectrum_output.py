"""Output of ``landscape plot`` for curvature files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_cli.cli.input_files import distinct_names
from landscape_cli.cli.output import say
from landscape_cli.errors import UsageError
from landscape_cli.plotting.spectra import SPECTRUM_KINDS

if TYPE_CHECKING:
    from landscape_cli.plotting.page import Page


SPELLINGS = {"trajectories": "trajectory", "log": "log/--linear"}
"""Options whose names differ from those of their values."""


def hold_curvature(files: Sequence[str], kind: str | None) -> bool:
    """Return whether files are those of ``landscape curvature`` rather than surfaces.

    Raises:
        UsageError: if only some are, or the kind is not one for such files.
    """
    from landscape_cli.store.file_kind import CURVATURE, file_kind

    found = [file_kind(Path(file)) == CURVATURE for file in files]
    if any(found) and not all(found):
        other, file = files[found.index(False)], files[found.index(True)]
        raise UsageError(f"{other} is no curvature file, as {file} is; plot them separately")
    kinds = " or ".join(SPECTRUM_KINDS)
    if any(found) and kind is not None and kind not in SPECTRUM_KINDS:
        raise UsageError(f"--kind {kind}: {files[0]} is a curvature file; use {kinds}")
    if not any(found) and kind in SPECTRUM_KINDS:
        raise UsageError(f"--kind {kind}: {files[0]} is no file of landscape curvature")
    return any(found)


def refuse_surface_options(choices: Mapping[str, Any], what: str = "curvature files") -> None:
    """Refuse options that only surface files have a use for.

    Args:
        choices: options by name; those that were not used are None, False or empty.
        what: the files, for messages.

    Raises:
        UsageError: naming the first of them.
    """
    for name, value in choices.items():
        used = value is not None and value is not False and value != ()
        if used or (name == "log" and value is not None):
            option = SPELLINGS.get(name, name).replace("_", "-")
            raise UsageError(f"--{option}: does not apply to {what}; leave it out")


def plot_curvature(files: Sequence[str], path: Path, kind: str | None, page: Page) -> None:
    """Draw curvature files into a picture, and report it."""
    from landscape_cli.plotting.figure_files import save
    from landscape_cli.plotting.spectra.figure import (
        choose_spectrum_kind,
        describe_spectra,
        draw_spectra,
    )
    from landscape_cli.store import read_curvature

    records = [read_curvature(file) for file in files]
    names = distinct_names(files)
    kind, _ = choose_spectrum_kind(records, names, kind)
    figure = draw_spectra(
        records,
        names,
        kind,
        page,
    )
    save(figure, path, page.dpi, page.size)
    if page.caption:
        say(describe_spectra(records, names, kind))
    say(f"wrote {path.resolve()}")
