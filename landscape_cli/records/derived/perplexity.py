"""Perplexity of language models."""

from __future__ import annotations

import numpy as np

from landscape_cli.records.derived.base import Derived, Known


def perplexity(loss: Known) -> Known:
    """Return exp(loss) of a mean loss for each token, in nats, and its standard error.

    It is the exponential of the mean, not the mean of exponentials. To first order in the loss's
    standard error s, its own is exp(loss) s (delta method).

    Args:
        loss: the mean over all tokens, and its standard error.

    Example:
        >>> values, errors = perplexity((np.log([8.0]), np.array([0.1])))
        >>> values.round(12).item(), errors.round(12).item()
        (8.0, 0.8)
    """
    values, errors = loss
    with np.errstate(over="ignore", invalid="ignore"):
        found = np.exp(values)
        return found, found * errors


PERPLEXITY = Derived(
    ("loss",), perplexity, "exp(loss) is too large", listed=True, beside=("sequence_loss",)
)
"""The perplexity of a model whose objective also returns ``sequence_loss``, as that of
``causal_lm`` does, and whose ``loss`` is therefore one for each token in nats."""
