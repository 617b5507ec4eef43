"""The legend that explains what the panels of a figure show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import copy
from typing import Any

from matplotlib.artist import Artist
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

NUMBER = re.compile(r"less than \d[\d.,]*|\d[\d.,]*\d|\d|\$[^$]*\$")
"""A number in the text of an entry."""

NOTHING = "0"
"""The number of a panel that lacks an entry which others have."""


def explain(axes: Any, entries: Sequence[Artist]) -> None:
    """State what the figure's legend must explain of a panel.

    Args:
        axes: the panel's axes.
        entries: artists with labels, in the order in which the legend shows them.
    """
    axes.explained = tuple(entries)


def state(axes: Any, text: str) -> None:
    """State what the figure's note must say of a panel, by a phrase that may be empty."""
    axes.stated = text


def stated_of(all_axes: Sequence[Any], otherwise: str) -> str:
    """Return the phrase that is stated of panels.

    Args:
        all_axes: the panels' axes.
        otherwise: the phrase if not all state the same one.
    """
    phrases = set(filter(None, (getattr(axes, "stated", "") for axes in all_axes)))
    return phrases.pop() if len(phrases) == 1 else otherwise if phrases else ""


def needs_letters(all_axes: Sequence[Any]) -> bool:
    """Return whether a legend must say to which of the panels its entries belong."""
    merged = entries_of(all_axes, [])
    looks = [(_look(one), NUMBER.sub("#", str(one.get_label()))) for one in merged]
    return len(set(looks)) < len(looks)


def entries_of(all_axes: Sequence[Any], letters: Sequence[str]) -> list[Artist]:
    """Return the entries that explain all panels, each once.

    Entries of the same look whose texts differ in one number become one, which lists the numbers
    of the panels in their order. Others of the same look name the panels they belong to.

    Args:
        all_axes: the panels' axes.
        letters: a letter for each panel; none if panels have no letters.
    """
    groups: dict[tuple[Any, ...], list[Artist | None]] = {}
    order: list[tuple[Any, ...]] = []
    for number, axes in enumerate(all_axes):
        for entry in getattr(axes, "explained", ()):
            key = _look(entry), NUMBER.sub("#", str(entry.get_label()))
            if key not in groups:
                groups[key] = [None] * len(all_axes)
                order.append(key)
            groups[key][number] = groups[key][number] or entry
    found: list[Artist] = []
    for key in order:
        found += _joined(groups[key], letters)
    return found


def without_symbols(entries: Sequence[Artist]) -> tuple[list[Artist], list[str]]:
    """Separate entries with a symbol from the texts of those without, which belong in the note."""
    bare = [isinstance(one, Line2D) and not _drawn(one) for one in entries]
    shown = [one for one, plain in zip(entries, bare, strict=True) if not plain]
    return shown, [str(one.get_label()) for one in entries if one not in shown]


def _drawn(line: Line2D) -> bool:
    """Return whether a line or its markers are visible."""
    return not {str(line.get_linestyle()), str(line.get_marker())} <= {"None", "none", " ", ""}


def _joined(entries: Sequence[Artist | None], letters: Sequence[str]) -> list[Artist]:
    """Return one entry for those of all panels, or one for each text if they differ otherwise."""
    known = [entry for entry in entries if entry is not None]
    texts = [None if entry is None else str(entry.get_label()) for entry in entries]
    different = list(dict.fromkeys(text for text in texts if text is not None))
    counts = "(" in different[0]
    if len(different) == 1 and not (counts and None in texts):
        return [known[0]]
    named = letters and None in texts
    if not named and (listed := _listed(texts)) is not None:
        return [_named(known[0], listed)]
    found = []
    for text in different:
        where = [number for number, other in enumerate(texts) if other == text]
        own = "".join(f"({letters[number]}) " for number in where) if letters else ""
        found.append(_named(known[different.index(text)], own + text))
    return found


def _listed(texts: Sequence[str | None]) -> str | None:
    """Join texts that differ in one number; None if they differ in several.

    Panels without the entry have the number 0, if it counts or measures something in parentheses.
    """
    known = [text for text in texts if text is not None]
    numbers = [NUMBER.findall(text) for text in known]
    places = [i for i in range(len(numbers[0])) if len({each[i] for each in numbers}) > 1]
    if len(places) > 1 or not numbers[0]:
        return None
    parts = NUMBER.split(known[0])
    inside = ["(" in "".join(parts[: i + 1]) for i in range(len(numbers[0]))]
    place = places[0] if places else inside.index(True) if True in inside else None
    if place is None or (None in texts and not inside[place]):
        return None
    unit = " %" if parts[place + 1].startswith(" %") else ""
    values, row = [], iter(numbers)
    for text in texts:
        values.append(f"{NOTHING if text is None else next(row)[place]}{unit}")
    joined = ", ".join(values).removesuffix(unit) if unit else ", ".join(values)
    rest = parts[place + 1]
    rest = rest.replace("point", "points", 1) if re.match(r" point(?!s)", rest) else rest
    before = "".join(part + number for part, number in zip(parts, numbers[0][:place], strict=False))
    after = "".join(
        number + part
        for number, part in zip(numbers[0][place + 1 :], parts[place + 2 :], strict=False)
    )
    return f"{before}{parts[place]}{joined}{rest}{after}"


def _named(entry: Any, label: str) -> Artist:
    """Return a copy of an entry with another text."""
    named = copy(entry)
    if isinstance(named, Artist):
        named.set_label(label)
    else:  # a container
        named._label = label
    return named  # type: ignore[no-any-return]


def _look(entry: Any) -> tuple[Any, ...]:
    """Return what tells an entry's symbol from others."""
    if isinstance(entry, Line2D):
        marker = (str(entry.get_marker()), entry.get_markersize(), str(entry.get_markerfacecolor()))
        line = (str(entry.get_linestyle()), entry.get_linewidth())
        return "line", str(entry.get_color()), marker, line
    if isinstance(entry, Patch):
        face, edge = (
            to_hex(color, True) for color in (entry.get_facecolor(), entry.get_edgecolor())
        )
        return "patch", face, edge, str(entry.get_hatch())
    return type(entry).__name__, str(entry.get_label())
