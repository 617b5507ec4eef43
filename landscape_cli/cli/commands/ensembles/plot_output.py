"""Output of ``landscape plot`` for ensemble files."""

from __future__ import annotations

from collections.abc import Sequence

from landscape_cli.cli.output import say
from landscape_cli.cli.pictures.asked import Asked, Family
from landscape_cli.errors import UsageError
from landscape_cli.plotting.ensembles import ENSEMBLE_KINDS


def hold_ensemble(files: Sequence[str], kind: str | None) -> bool:
    """Return whether the file is one of ``landscape ensemble`` rather than a surface.

    Raises:
        UsageError: if it is one of several files, or the kind is not one for such files.
    """
    from landscape_cli.store.reports.ensemble_file import REPORT

    found = [file for file in files if REPORT.recognizes(file)]
    if found and len(files) > 1:
        raise UsageError(f"{found[0]}: ensemble files are drawn one at a time; name it alone")
    kinds = " or ".join(ENSEMBLE_KINDS)
    if found and kind is not None and kind not in ENSEMBLE_KINDS:
        raise UsageError(f"--kind {kind}: {files[0]} is an ensemble file; use {kinds}")
    if not found and kind in ENSEMBLE_KINDS:
        raise UsageError(f"--kind {kind}: {files[0]} is no file of landscape ensemble")
    return bool(found)


def plot_ensemble(asked: Asked) -> None:
    """Draw an ensemble file into a picture, and report it.

    Raises:
        UsageError: if an option does not apply.
    """
    from landscape_cli.plotting.ensembles.figure import describe_ensemble, draw_ensemble
    from landscape_cli.plotting.figure_files import save
    from landscape_cli.store.reports.ensemble_file import read_ensemble

    asked.refuse_others("ensemble files", "kind", "split", labels=True)
    path, page = asked.path(), asked.page
    (file,), kind, split = asked.files, asked.kind, asked.choices["split"]
    record = read_ensemble(file)
    figure = draw_ensemble(record, file, kind, split, page)
    save(figure, path, page.dpi, page.size)
    if page.caption:
        say(describe_ensemble(record, file, kind, split))
    say(f"wrote {path.resolve()}")


FAMILY = Family("ensemble files", ENSEMBLE_KINDS, hold_ensemble, plot_ensemble)
