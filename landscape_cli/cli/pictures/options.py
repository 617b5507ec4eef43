"""Options of titles, names, colours and text sizes, which all commands that draw share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from landscape_cli.cli.options import CONTENT, SCALE, STYLE
from landscape_cli.cli.output import note
from landscape_cli.errors import UsageError

if TYPE_CHECKING:
    from landscape_cli.plotting.page import Page

Function = TypeVar("Function", bound=Callable[..., Any])

FONT_SIZES = (4.0, 40.0)
"""Bounds on ``--font-size`` in points."""


SPELLINGS = {"trajectories": "trajectory", "log": "log/--linear"}
"""Options whose names differ from those of their values."""


class Levels(click.ParamType):  # type: ignore[type-arg]
    """A number of contour levels, or their values separated by commas."""

    name = "levels"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | tuple[float, ...]:
        """Return the number, or the values."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]
        try:
            return int(value)
        except ValueError:
            pass
        try:
            return tuple(float(word) for word in value.split(",") if word.strip())
        except ValueError:
            self.fail(f"{value!r} is neither a number of levels nor values such as 0.1,1,10.")


def levels_option(function: Function) -> Function:
    """Add ``--levels``, of contours."""
    return SCALE.option(
        "--levels",
        type=Levels(),
        metavar="N|V,V,...",
        help="Number of contour lines, or of bands for contourf; or values, such as 0.1,1,10.",
    )(function)


class Middle(click.ParamType):  # type: ignore[type-arg]
    """A number, or the word for the value at the trained network."""

    name = "value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | str:
        """Return the number, or the word."""
        if value == "centre":
            return "centre"
        try:
            return float(value)
        except ValueError:
            self.fail(f"{value!r} is neither a number nor centre.")


def field_options(function: Function) -> Function:
    """Add ``--ascend`` and ``--around``, of games and other fields."""
    ascend = CONTENT.option(
        "--ascend",
        type=click.Choice(["x", "y", "xy"]),
        help="Axes along which arrows and lines of a field lead uphill: those of a player who "
        "maximizes the value. By default all lead downhill.",
    )
    around = SCALE.option(
        "--around",
        type=Middle(),
        metavar="V|centre",
        help="Let the colours of planes diverge from this value, or from that at the centre.",
    )
    return ascend(around(function))


def text_options(function: Function) -> Function:
    """Add the options that ``text_of`` takes."""
    title = STYLE.option("--title", metavar="TEXT", default="", help="A title above all panels.")
    untitled = STYLE.option("--no-title", is_flag=True, help="Leave out the titles of panels.")
    label = STYLE.option(
        "--label",
        "labels",
        multiple=True,
        metavar="TEXT",
        help="A name in place of the network's, once for each FILE in their order. Mathematics "
        "between dollar signs is typeset.",
    )
    cmap = STYLE.option(
        "--cmap", metavar="NAME", help="Colour map of matplotlib; by default viridis."
    )
    bare = STYLE.option("--no-colorbar", is_flag=True, help="Leave out the colour bars.")
    size = STYLE.option(
        "--font-size",
        type=click.FloatRange(*FONT_SIZES),
        metavar="PT",
        help="Size of text in points; all else that depends on it follows. By default that of the "
        "style, 9 for paper.",
    )
    return title(untitled(label(cmap(bare(size(function))))))


def refuse_surface_options(choices: Mapping[str, Any], what: str) -> None:
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


def refuse_unused(page: Page, what: str, labels: bool = False) -> None:
    """Refuse options of texts and colours that pictures of some files have no use for.

    Args:
        page: the page with the options.
        what: the files, for messages.
        labels: whether ``--label`` applies.

    Raises:
        UsageError: naming the option.
    """
    for option, used in (
        ("--label", page.labels and not labels),
        ("--no-colorbar", not page.colorbar),
    ):
        if used:
            raise UsageError(f"{option}: does not apply to {what}; leave it out")


def text_of(choices: dict[str, Any], files: Sequence[str]) -> Callable[[Page], Page]:
    """Remove the values of ``text_options`` from a command's options.

    Args:
        choices: the options by name.
        files: the command's files.

    Returns:
        A function that sets them on a page.

    Raises:
        UsageError: if a colour map is unknown, or the names are not one for each file.
    """
    from dataclasses import replace

    from landscape_cli.plotting.colormaps import check_colormap, doubt
    from landscape_cli.plotting.text.labels import mathtext

    title, labels = choices.pop("title"), choices.pop("labels")
    if labels and len(labels) != len(files):
        raise UsageError(
            f"--label: given {len(labels)} times for {len(files)} files; give one for each, in "
            "their order"
        )
    untitled, bare = choices.pop("no_title"), choices.pop("no_colorbar")
    if untitled and title:
        raise UsageError(f"--title {title!r}: --no-title leaves it out; leave one of them out")
    cmap, size = choices.pop("cmap"), choices.pop("font_size")
    if cmap is not None:
        check_colormap(cmap)
        if words := doubt(cmap):
            note(words)
    own = tuple(mathtext(label) for label in labels)
    return lambda page: replace(
        page,
        title=mathtext(title),
        titled=not untitled,
        labels=own,
        cmap=cmap,
        colorbar=not bare,
        font_size=size,
    )
