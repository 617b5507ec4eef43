"""The minima that a picture marks: neighbours, least persistence, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from landscape_cli.errors import UsageError
from landscape_cli.plotting.panel import Panel
from landscape_cli.records.presentation import PERCENT, fact
from landscape_cli.records.tiles import Status
from landscape_cli.refinement.summary import largest_error
from landscape_cli.topology.extrema import Extrema, find_extrema
from landscape_cli.topology.neighbours import NEIGHBOURS
from landscape_cli.topology.significance import ERRORS, PERSISTENCE

MAX_NUMBERED = 40
"""With more extrema than this in a panel, none is numbered."""


@dataclass(frozen=True)
class Criterion:
    """The extrema that count. Those of an accuracy are maxima, all others minima.

    Args:
        neighbours: of a point; None for as many as it can have.
        fraction: least persistence, as a fraction of the range; where points are interpolated, it
            is not below their largest error.
    """

    neighbours: int | None = None
    fraction: float = PERSISTENCE

    def check(self, panels: Sequence[Panel]) -> None:
        """Refuse what does not suit the panels.

        Raises:
            UsageError: naming the option.
        """
        if not 0 <= self.fraction <= 1:
            raise UsageError(f"--persistence {self.fraction:g}: choose a fraction from 0 to 1")
        for panel in panels:
            if (panel.select(panel.surface.status) == Status.TODO).any():
                raise UsageError(
                    f"{panel.source}: minima are those of a complete level of the grid; compute "
                    "more points, and leave --raw out"
                )
            allowed = NEIGHBOURS[panel.dimension]
            if self.neighbours not in (None, *allowed):
                raise UsageError(
                    f"--neighbours {self.neighbours}: a point of {panel.source} has "
                    f"{' or '.join(map(str, allowed))}; choose one of these"
                )

    def extrema(self, panel: Panel) -> Extrema:
        """Return the minima, or maxima, of a panel's values as shown."""
        most = self.neighbours or NEIGHBOURS[panel.dimension][-1]
        sign = -1 if panel.quantity in PERCENT else 1
        adaptive = fact(panel.surface.provenance, "adaptive")
        fraction = max(self.fraction, largest_error(adaptive, panel.split, panel.quantity))
        return find_extrema(panel.z, most, panel.stderr, fraction, sign)

    def describe(self, panels: Sequence[Panel]) -> str:
        """Return the words for how many extrema count, and which."""
        found = [self.extrema(panel) for panel in panels]
        counts = " and ".join(str(int(each.significant.sum())) for each in found)
        word = noun(found[0], sum(int(each.significant.sum()) for each in found))
        least = max(each.threshold.fraction for each in found)
        text = f"{counts} {word} of persistence at least {100 * least:.3g} % of the range"
        if any(each.threshold.log for each in found):
            text += " of the logarithm"
        if any(np.isfinite(panel.stderr).any() for panel in panels):
            text += f" and {ERRORS:g} standard errors"
        return f"{text} ({self.neighbours or NEIGHBOURS[panels[0].dimension][-1]} neighbours)"


def noun(found: Extrema, count: int) -> str:
    """Return "minimum" or "maxima", ... for a number of extrema."""
    return f"{'minim' if found.sign > 0 else 'maxim'}{'um' if count == 1 else 'a'}"
