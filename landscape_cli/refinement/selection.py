"""Selection of places that are some distance apart, most urgent first."""

from __future__ import annotations

import numpy as np

from landscape_cli.records.levels import Indices
from landscape_cli.refinement.boxes import Points
from landscape_cli.refinement.matrices import Values

DISTANCE = 1.3
"""Places that are selected together are at least this times ``radii`` apart."""

LARGE = 1e30
"""Urgencies beyond this are equal."""


def apart(places: Points, urgency: Values, radii: Values, most: int) -> Indices:
    """Select the most urgent places, leaving out those close to one that is more urgent.

    Args:
        places: coordinates, of shape (k, d).
        urgency: of shape (k,); of equal ones, the first comes first. Differences in the last digits
            count as equal, since rounding may decide them.
        radii: distance from each place to the closest known point, of shape (k,).
        most: largest number of places to select.

    Returns:
        Indices of the selected places, most urgent first.
    """
    order = np.argsort(places[:, 0], kind="stable")
    sorted_places = places[order]
    excluded, reach = np.zeros(len(places), bool), DISTANCE * radii
    starts = np.searchsorted(sorted_places[:, 0], places[:, 0] - reach)
    ends = np.searchsorted(sorted_places[:, 0], places[:, 0] + reach, side="right")
    selected: list[int] = []
    for place in np.argsort(-np.minimum(urgency, LARGE).astype(np.float32), kind="stable"):
        if len(selected) == most:
            break
        if not excluded[place]:
            selected.append(place)
            window = slice(starts[place], ends[place])
            squares = ((sorted_places[window] - places[place]) ** 2).sum(axis=1)
            excluded[order[window][squares <= reach[place] ** 2]] = True
    return np.array(selected, np.int64)
