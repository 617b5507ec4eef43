"""Numbers as a reader needs them: three significant digits."""

from __future__ import annotations

import re

from landscape_cli.records.presentation import MINUS

NUMBER = re.compile(
    rf"(?<![\w.])[-{MINUS}]?\d+(?:\.\d+(?:e[-+]\d+)?|e[-+]\d+)(?![\w.]*\w)(?P<error> ± [\d.]+)?"
)
"""A number with a fraction or an exponent, which is no part of a name, and its standard error."""


def rounded(number: float) -> str:
    """Return a number with three significant digits, or all digits before the point.

    Example:
        >>> rounded(0.0119706), rounded(722.042), rounded(25368.1), rounded(1547012.3)
        ('0.012', '722', '25368', '1.55e+06')
    """
    return f"{number:.0f}" if 1e3 <= abs(number) < 1e6 else f"{number:.3g}"


def in_three_digits(text: str) -> str:
    """Round the numbers in a text; those given to the digits of their error stay as they are.

    Example:
        >>> in_three_digits("mean rise 0.0541239 at 8 points, 27.4901 ± 3, 0.122 ± 0.052")
        'mean rise 0.0541 at 8 points, 27.5 ± 3, 0.122 ± 0.052'
    """
    return NUMBER.sub(_rounded, text)


def _rounded(found: re.Match[str]) -> str:
    error = found["error"] or ""
    value = found[0].removesuffix(error)
    if error and len(value.partition(".")[2]) == len(error.partition(".")[2]):
        return found[0]
    shorter = rounded(float(value.replace(MINUS, "-")))
    return (shorter.replace("-", MINUS) if MINUS in value else shorter) + error
