"""The ratio of the Hessian's extreme eigenvalues."""

from __future__ import annotations

import numpy as np

from landscape_cli.records.derived.base import Derived, Known


def eigenvalue_ratio(smallest: Known, largest: Known) -> Known:
    """Return |λmin / λmax|, the convexity map of Li et al. 2018, section 6 and figure 7.

    It is NaN where λmax is not positive, or might not be within its error e_max. Elsewhere the
    error is a bound: |λmin/λmax| differs from the true ratio by at most
    (e_min + ratio e_max) / (λmax - e_max).

    Args:
        smallest: λmin and its error.
        largest: λmax and its error.
    """
    (low, low_error), (high, high_error) = smallest, largest
    sure = np.nan_to_num(high_error)
    with np.errstate(all="ignore"):
        ratio = np.where(high > sure, np.abs(low / high), np.nan)
        error = (low_error + ratio * high_error) / (high - sure)
    return ratio, error


RATIO = Derived(("hessian_min", "hessian_max"), eigenvalue_ratio, "λmax ≤ 0")
"""The ratio of a point's extreme eigenvalues."""
