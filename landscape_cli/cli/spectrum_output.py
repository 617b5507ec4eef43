"""Output of ``landscape plot`` for curvature files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from landscape_cli.cli.input_files import distinct_names
from landscape_cli.cli.output import say
from landscape_cli.cli.pictures.asked import Asked, Family
from landscape_cli.errors import UsageError
from landscape_cli.plotting.spectra import SPECTRUM_KINDS


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


def plot_curvature(asked: Asked) -> None:
    """Draw curvature files into a picture, and report it.

    Raises:
        UsageError: if an option does not apply.
    """
    from landscape_cli.plotting.figure_files import save
    from landscape_cli.plotting.spectra.figure import (
        choose_spectrum_kind,
        describe_spectra,
        draw_spectra,
    )
    from landscape_cli.store import read_curvature

    asked.refuse_others("curvature files", "kind", labels=True)
    path, page = asked.path(), asked.page
    records = [read_curvature(file) for file in asked.files]
    names = distinct_names(asked.files)
    kind, _ = choose_spectrum_kind(records, names, asked.kind)
    figure = draw_spectra(records, names, kind, page)
    save(figure, path, page.dpi, page.size)
    if page.caption:
        say(describe_spectra(records, names, kind))
    say(f"wrote {path.resolve()}")


FAMILY = Family("curvature files", SPECTRUM_KINDS, hold_curvature, plot_curvature)
