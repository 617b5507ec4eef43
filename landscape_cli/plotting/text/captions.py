"""Titles of panels, labels of their axes, and what is said once for all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from string import ascii_lowercase
from typing import Any

from matplotlib.ticker import NullFormatter

from landscape_cli.plotting.annotations.overlay import followed
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.style import ticks
from landscape_cli.plotting.text import labels
from landscape_cli.plotting.text.description import directions
from landscape_cli.records.presentation import fact, quantized_words

PUNCTUATION = ".,;:)"
"""Characters that stay at the end of a sentence when its middle is listed for several panels."""


SEEDS = re.compile(r"\((seeds? [^()]*)\)")
"""The seeds in the description of random directions."""

EACH_REPEAT = "one plane for each repeat"
"""Added to the seeds of repeats that have a panel each."""


@dataclass(frozen=True)
class Headings:
    """The texts of a figure's panels.

    Args:
        titles: title of each axes.
        seconds: smaller lines below each title.
        letters: a letter for each axes; empty if they need none.
        note: what is said of all panels below them.
        meanings: what the axes of a single panel mean, by name, instead of a note.
        moved: the note, and the smaller lines, if meanings are not written at the axes.
    """

    titles: list[str]
    seconds: list[str]
    letters: list[str]
    note: str
    meanings: dict[str, str]
    moved: tuple[str, str]


def headings_of(
    groups: Sequence[Sequence[Panel]],
    titled: bool,
    with_split: bool,
    lettered: bool,
    boxed: bool = False,
) -> Headings:
    """Return the texts of panels.

    Args:
        groups: the panels of each axes.
        titled: whether to write titles.
        with_split: whether the smaller lines name the split.
        lettered: whether panels need letters in any case.
        boxed: whether axes have no room for more than letters, as those of 3-D boxes.
    """
    firsts = [_common(group) for group in groups]
    each = [_mode(group) for group in groups]
    modes = set(each)
    apart = titled and (len(modes) > 1 or (len(groups) == 1 and not boxed))
    meanings = _meanings(firsts)
    lettered = lettered or len(set(meanings)) > 1
    letters = [_letter(number) for number in range(len(groups))] if lettered else []
    titles = [_title(group, titled) for group in groups]
    if lettered:
        titles = [f"({a}) {title}".strip() for a, title in zip(letters, titles, strict=True)]
    seconds = [
        _second(panel, firsts, titled, with_split, mode if apart else "")
        for panel, mode in zip(firsts, each, strict=True)
    ]
    note = [combined(meanings, letters)] if len(groups) > 1 or boxed else []
    note += [] if apart or len(modes) > 1 else list(modes)
    single = _by_axis(groups[0]) if len(groups) == 1 and not boxed else {}
    text = "; ".join(filter(None, note))
    plain = {name: labels.plain(meaning) for name, meaning in single.items()}
    words = [text for text in single.values() if len(text) > 1]
    if firsts[0].dimension == 2 and meanings[0]:
        words = meanings[:1]
    moved = "; ".join(filter(None, [*words, *(modes if apart else ())]))
    rest = _second(firsts[0], firsts, titled, with_split, "")
    return Headings(
        [labels.plain(title) for title in titles],
        [labels.plain(second) for second in seconds],
        letters,
        labels.plain(text),
        plain,
        (labels.plain(moved), labels.plain(rest)),
    )


def combined(texts: Sequence[str], letters: Sequence[str]) -> str:
    """Return one text for those of several panels, with the letters of panels where they differ.

    What is the same at the beginning and at the end is said once; texts with equally many facts
    between semicolons are combined fact by fact.
    """
    facts = [text.split("; ") for text in texts]
    if len({len(each) for each in facts}) > 1:
        return _combined(texts, letters)
    return "; ".join(_combined(fact, letters) for fact in zip(*facts, strict=True))


def _combined(texts: Sequence[str], letters: Sequence[str]) -> str:
    different = list(dict.fromkeys(texts))
    if len(different) == 1:
        return different[0]
    words = [text.split() for text in different]
    shortest = min(map(len, words))
    start = next((i for i in range(shortest) if len({w[i] for w in words}) > 1), shortest)
    rest = [each[start:] for each in words]
    shortest = min(map(len, rest))
    end = next((i for i in range(shortest) if len({w[-1 - i] for w in rest}) > 1), shortest)
    middles = [" ".join(each[: len(each) - end]) for each in rest]
    tail = ""
    while middles[0] and all(m and m[-1] == middles[0][-1] for m in middles):
        if middles[0][-1] not in PUNCTUATION:
            break
        tail, middles = middles[0][-1] + tail, [m[:-1] for m in middles]
    parts = []
    for text, middle in zip(different, middles, strict=True):
        own = ", ".join(a for a, other in zip(letters, texts, strict=True) if other == text)
        parts.append(f"({own}) {middle or 'not known'}")
    before = " ".join(words[0][:start])
    after = " ".join(rest[0][len(rest[0]) - end :]) if end else ""
    return " ".join(filter(None, [before, "; ".join(parts) + tail, after]))


def label_axes(axes: Any, group: Sequence[Panel], meanings: dict[str, str], width: float) -> None:
    """Label the axes of a panel by letters, or by what they mean, and set their ticks.

    Args:
        axes: the axes on which the panels are drawn.
        group: the panels.
        meanings: the texts of labels by axis; letters for axes without one.
        width: approximate width of the panel in inches at the base font size.
    """
    panel = group[0]
    if axes.name == "3d":
        axes.set(xlabel="x", ylabel="y")
        if width < NARROW:
            axes.xaxis.set_major_locator(ticks(2, "upper"))
            axes.yaxis.set_major_locator(ticks(2, "lower"))
            axes.zaxis.set_major_formatter(NullFormatter())
        return
    if not axes.axison:
        return
    axes.set_xlabel(meanings.get("x", "x"))
    axes.xaxis.set_major_locator(ticks(6))
    if panel.dimension == 2:
        axes.set_ylabel(meanings.get("y", "y"))
        axes.yaxis.set_major_locator(ticks(6))


NARROW = 3.0
"""Panel width in inches at the base font size below which a 3-D box has few ticks.

Its z axis then has no labels, as the colour bar shows the heights."""


def _letter(number: int) -> str:
    """Return a, b, ... z, aa, ab, ... for numbers from 0."""
    first, last = divmod(number, len(ascii_lowercase))
    return (ascii_lowercase[first - 1] if first else "") + ascii_lowercase[last]


def _common(group: Sequence[Panel]) -> Panel:
    """Return a panel that stands for all of an axes."""
    return group[0]


def _mode(group: Sequence[Panel]) -> str:
    """Return how batch norm is treated and weights are rounded, in all ways of an axes' panels."""
    facts = (fact(panel.surface.provenance, "batch_norm") for panel in group)
    found = list(dict.fromkeys(labels.BATCH_NORM.get(str(one), "") for one in facts))
    first, *others = list(filter(None, found)) or [""]
    mode = " or ".join([first, *(other.rpartition(" ")[2] for other in others)])
    return ", ".join(filter(None, [mode, _rounding(group)]))


def _rounding(group: Sequence[Panel]) -> str:
    """Return what is rounded, in all the ways that the panels of an axes have."""
    facts = (panel.surface.provenance.get("quantize") for panel in group)
    found = dict.fromkeys(quantized_words(each) for each in facts)
    if not any(found):
        return ""
    return " or ".join(words or "full precision" for words in found)


def _several(group: Sequence[Panel]) -> bool:
    """Return whether panels are of several surfaces, which a legend names."""
    return len({id(panel.surface) for panel in group}) > 1


def _title(group: Sequence[Panel], titled: bool) -> str:
    if not titled:
        return ""
    if not _several(group):
        return labels.title(group[0])
    networks = {fact(panel.surface.provenance, "network", "name") for panel in group}
    return labels.shorten(str(networks.pop() or "")) if len(networks) == 1 else ""


def _second(
    panel: Panel, others: Sequence[Panel], titled: bool, with_split: bool, mode: str
) -> str:
    """Return the file's name where titles are ambiguous, and what only this panel has."""
    if not titled:
        return labels.progress(panel)
    same = [p for p in others if labels.title(p) == labels.title(panel) and p.label is None]
    ambiguous = len({other.source for other in same}) > 1
    return labels.details(panel, ambiguous and panel.label is None, with_split, mode)


def _meanings(panels: Sequence[Panel]) -> list[str]:
    """Say of each panel what its axes are, the same of all repeats of a plane."""
    each = [_meaning(panel) for panel in panels]
    if len(panels) == 1:
        return each
    plain = [
        text.replace(f", repeat {panel.repeat})", ")")
        for text, panel in zip(each, panels, strict=True)
    ]
    if plain == each:
        return each
    return [
        SEEDS.sub(rf"(\1, {EACH_REPEAT})", text) if panel.repeat is not None else text
        for text, panel in zip(plain, panels, strict=True)
    ]


def _meaning(panel: Panel) -> str:
    """Say in one sentence what the axes of a panel are."""
    known = directions(panel)
    if len(known) == 1 and panel.dimension == 2 and ": " not in known[0][:3]:
        return f"x, y: {known[0]}"
    return "; ".join(known)


def _by_axis(group: Sequence[Panel]) -> dict[str, str]:
    """Return what each axis of a single panel means."""
    if not _several(group):
        panel = group[0]
        return {name: labels.axis(panel, name) for name in panel.surface.grid.names}
    panels = [replace(panel, label=None) for panel in group]
    words = {labels.axis(panel, "x") for panel in panels}
    along = all(followed(panel) is not None for panel in panels)
    what = "length" if panels[0].by_length else "t"
    text = words.pop() if len(words) == 1 else f"x: {what} along each curve" if along else "x"
    return {"x": text}
