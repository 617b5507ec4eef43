"""Selection of places that are some distance apart, most urgent first."""

from __future__ import annotations

import numpy as np

from landscape_cli.records.levels import Indices
from landscape_cli.refinement.boxes import Points
from landscape_cli.refinement.kriging import Values

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
    from scipy.spatial import cKDTree

    tree, excluded = cKDTree(places), np.zeros(len(places), bool)
    selected: list[int] = []
    for place in np.argsort(-np.minimum(urgency, LARGE).astype(np.float32), kind="stable"):
        if len(selected) == most:
            break
        if not excluded[place]:
            selected.append(place)
            excluded[tree.query_ball_point(places[place], DISTANCE * radii[place])] = True
    return np.array(selected, np.int64)
