"""Labels of ticks as plain text, which is laid out many times faster than mathematics."""

from __future__ import annotations

from typing import Any

from matplotlib.ticker import ScalarFormatter

BEFORE, AFTER = r"$\mathdefault{", "}$"
"""Marks of mathematics around a number."""


class PlainNumbers(ScalarFormatter):
    """Numbers as plain text; only the power of ten beside the axis is mathematics.

    Example:
        >>> from matplotlib.figure import Figure
        >>> axis = Figure().add_subplot(xlim=(0, 5e7)).xaxis
        >>> axis.set_major_formatter(PlainNumbers(useMathText=True))
        >>> axis.get_major_formatter().format_ticks([0, 2.5e7])
        ['0.0', '2.5']
    """

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return the label of a tick."""
        return super().__call__(x, pos).removeprefix(BEFORE).removesuffix(AFTER)


def write_plainly(axes: Any) -> None:
    """Write numbers at ticks on linear scales as plain text."""
    for axis in (axes.xaxis, axes.yaxis, getattr(axes, "zaxis", None)):
        if axis is not None and type(axis.get_major_formatter()) is ScalarFormatter:
            axis.set_major_formatter(PlainNumbers())
