"""HTML elements, whose text and attributes are escaped."""

from __future__ import annotations

import html

from landscape_cli.errors import visible

VOID = frozenset({"br", "col", "img", "link", "meta"})
"""Elements that have neither content nor an end tag."""


class Html(str):
    """Text that is HTML already, and is not escaped again."""

    __slots__ = ()


def text(value: object) -> Html:
    """Escape a text, except HTML.

    Characters that are not seen are escaped as on the terminal, since names may come from files.

    Example:
        >>> text("<b>&")
        '&lt;b&gt;&amp;'
    """
    if isinstance(value, Html):
        return value
    lines = str(value).split("\n")
    return Html("\n".join(html.escape(visible(line)) for line in lines))


def tag(name: str, *children: object, **attributes: object) -> Html:
    """Return an element.

    Args:
        name: its name, such as ``p``.
        children: elements, or text, which is escaped.
        attributes: by name, with ``_`` in place of ``-`` and behind names that Python reserves;
            those that are None are left out.

    Example:
        >>> tag("p", "a < b", class_="soft")
        '<p class="soft">a &lt; b</p>'
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in VOID:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{joined(*children)}</{name}>")


def joined(*children: object) -> Html:
    """Return elements and escaped text one after the other."""
    return Html("".join(map(text, children)))


def lines(*rows: object) -> Html:
    """Return rows of text, each on its own line."""
    return Html("<br>".join(map(text, rows)))
