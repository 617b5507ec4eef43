"""The share of a gradient in the span of leading eigenvectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Numbers = NDArray[np.float64]


def gradient_shares(gradient: Tensor, vectors: Tensor) -> Numbers:
    """Return the share of |g|^2 in the span of the first 1, 2, ... vectors, shape (k,).

    Gur-Ari, Roberts and Dyer 2018 (arXiv 1812.04754, section 2) find most of it in as many as there
    are classes. NaN for a gradient of 0.

    Args:
        gradient: of shape (P,).
        vectors: orthonormal, of shape (k, P).
    """
    square = float(gradient @ gradient)
    parts = (vectors @ gradient).square().cpu().numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.minimum(np.cumsum(parts) / square, 1.0) if square else parts * np.nan)
