"""One palette for all frames of a GIF.

A GIF has at most 256 colours. With a palette of its own for each frame, the same colour would
change from frame to frame, and dithering would crawl; so all frames share one, whose entries are the
means of clusters of their colours (k-means; Lloyd 1982), and every pixel takes the nearest.
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

MAX_COPIES = 32
"""Upper bound on the weight of a colour: the square root of its number of pixels, so that shades on
small objects count beside large areas."""


def with_palette(frames: Sequence[Pixels]) -> list[Image.Image]:
    """Reduce frames, of shape (height, width, 3), to the same 256 colours."""
    coded = [_codes(frame) for frame in frames]
    counts: dict[int, int] = {}
    for codes in coded:
        found, times = np.unique(codes, return_counts=True)
        for code, number in zip(found.tolist(), times.tolist(), strict=True):
            counts[code] = counts.get(code, 0) + number
    known = np.array(sorted(counts), np.uint32)
    weights = np.minimum(np.sqrt([counts[code] for code in known.tolist()]), MAX_COPIES)
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


def _clusters(colors: NDArray[np.float64], weights: NDArray[np.float64]) -> Pixels:
    """Return at most ``COLORS`` colours that are near all of ``colors``, of shape (n, 3)."""
    if len(colors) <= COLORS:
        return colors.astype(np.uint8)
    first = Image.fromarray(colors.astype(np.uint8)[None]).quantize(
        COLORS, Image.Quantize.MEDIANCUT
    )
    centres = np.reshape(first.getpalette(), (-1, 3)).astype(float)
    for _ in range(ROUNDS):
        owner = cKDTree(centres).query(colors)[1]
        total = np.bincount(owner, weights, len(centres))
        sums = [np.bincount(owner, weights * column, len(centres)) for column in colors.T]
        used = total > 0
        centres[used] = np.stack(sums, axis=1)[used] / total[used, None]
    return centres.round().astype(np.uint8)
