"""One palette for all frames of a GIF.

A GIF has at most 256 colours. With a palette of its own for each frame, the same colour would
change from frame to frame, and dithering would crawl; so all frames share one. Its entries are the
most frequent colours, such as the background's, and the means of clusters of the others (k-means;
Lloyd 1982); every pixel takes the nearest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import cKDTree

Pixels = NDArray[np.uint8]
Codes = NDArray[np.uint32]

COLORS = 256
"""Number of colours of a palette."""

ROUNDS = 12
"""Number of times that clusters are improved."""

EXACT, FREQUENT = 64, 0.002
"""Maximum number of colours that are kept as they are, and the least share of pixels of each."""


def with_palette(frames: Sequence[Pixels]) -> list[Image.Image]:
    """Reduce frames, of shape (height, width, 3), to the same 256 colours."""
    coded = [_codes(frame) for frame in frames]
    counts: dict[int, int] = {}
    for codes in coded:
        found, times = np.unique(codes, return_counts=True)
        for code, number in zip(found.tolist(), times.tolist(), strict=True):
            counts[code] = counts.get(code, 0) + number
    known = np.array(sorted(counts), np.uint32)
    weights = np.array([counts[code] for code in known.tolist()], float)
    colors = np.stack([known >> 16 & 255, known >> 8 & 255, known & 255], axis=1).astype(float)
    palette = _clusters(colors, weights)
    nearest = cKDTree(palette).query(colors)[1].astype(np.uint8)
    images = []
    for codes in coded:
        image = Image.fromarray(nearest[np.searchsorted(known, codes)])
        image.putpalette(palette.tobytes())
        images.append(image)
    return images


def _codes(frame: Pixels) -> Codes:
    red, green, blue = np.moveaxis(frame.astype(np.uint32), 2, 0)
    codes: Codes = red << 16 | green << 8 | blue
    return codes


def _clusters(colors: NDArray[np.float64], counts: NDArray[np.float64]) -> Pixels:
    """Return at most ``COLORS`` colours that are near all of ``colors``, of shape (n, 3).

    Args:
        colors: different colours.
        counts: the number of pixels of each, of shape (n,).
    """
    if len(colors) <= COLORS:
        return colors.astype(np.uint8)
    order = np.argsort(-counts, kind="stable")[:EXACT]
    exact = colors[order[counts[order] >= FREQUENT * counts.sum()]]
    strip = Image.fromarray(colors.astype(np.uint8)[None])
    first = strip.quantize(COLORS - len(exact), Image.Quantize.MEDIANCUT)
    start = np.reshape(np.array(first.getpalette(), float), (-1, 3))[: COLORS - len(exact)]
    centres = np.concatenate([exact, start])
    weights = np.sqrt(counts)  # so that shades on small objects count beside large areas
    for _ in range(ROUNDS):
        owner = cKDTree(centres).query(colors)[1]
        total = np.bincount(owner, weights, len(centres))
        sums = [np.bincount(owner, weights * column, len(centres)) for column in colors.T]
        moving = total > 0
        moving[: len(exact)] = False
        centres[moving] = np.stack(sums, axis=1)[moving] / total[moving, None]
    return centres.round().astype(np.uint8)
