"""A picture as the command line asks for it, and what draws files that hold no surface."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_cli.cli.pictures.options import refuse_surface_options, refuse_unused
from landscape_cli.plotting import FORMATS

if TYPE_CHECKING:
    from landscape_cli.plotting.page import Page


@dataclass(frozen=True)
class Asked:
    """The files and options of ``landscape plot``.

    Args:
        files: the files to draw.
        output: the picture's file; None for the first file's name.
        terminal: whether to draw in the terminal.
        watch: interval between two looks at the files in seconds; None to draw once.
        trajectories: files of paths to draw over planes.
        choices: the other options by name, but those of the page.
        page: the layout of a picture in a file.
    """

    files: tuple[str, ...]
    output: str | None
    terminal: bool
    watch: float | None
    trajectories: tuple[str, ...]
    choices: dict[str, Any]
    page: Page

    @property
    def kind(self) -> str | None:
        """The kind of plot; None for the default."""
        kind: str | None = self.choices["kind"]
        return kind

    def path(self, others: Sequence[str] = ()) -> Path:
        """Return the file to write, which replaces none but a picture.

        Args:
            others: further files that are read.

        Raises:
            UsageError: if it can't be written, or is one of the files that are read.
        """
        from landscape_cli.util.output_files import check_kind, check_output

        output = self.output
        path = Path(self.files[0]).with_suffix(".png") if output is None else Path(output)
        check_output(path, [*self.files, *others], FORMATS)
        check_kind(path, path.suffix.lower().lstrip("."))
        return path

    def refuse_others(self, what: str, *used: str, labels: bool = False) -> None:
        """Refuse options that do not apply to files.

        Args:
            what: the files, for messages.
            used: names of the options that do apply.
            labels: whether ``--label`` applies.

        Raises:
            UsageError: naming the option.
        """
        given = {
            **self.choices,
            "trajectories": self.trajectories,
            "terminal": self.terminal,
            "watch": self.watch,
        }
        refuse_surface_options({k: v for k, v in given.items() if k not in used}, what)
        refuse_unused(self.page, what, labels)


@dataclass(frozen=True)
class Family:
    """Pictures of files that hold no surface.

    Args:
        title: a heading for their kinds in the help.
        kinds: their kinds of plot, with a ``help`` each.
        hold: tells that files are of this family, given the kind of plot; refuses a mixture.
        draw: draws them, and reports it.
    """

    title: str
    kinds: Mapping[str, Any]
    hold: Callable[[Sequence[str], str | None], bool]
    draw: Callable[[Asked], None]
