"""Conventions shared by pictures, pages and exports: names, units, the choice of scale.

All quantities but those in ``NAMINGS``, an objective's own, are named as they are stored.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import some
from landscape_cli.records.surface import Surface

PERCENT = ("accuracy",)
"""Quantities that are stored as a fraction and shown in percent."""

WIDE = 1e3
"""Ratio of largest to smallest value above which a linear scale shows only the largest values."""

MINUS = "\N{MINUS SIGN}"

COMPONENTS = ("pca", "file")
"""Kinds of direction that may be principal components."""

GRADIENT, EXTREMES, PLANE = "gradient", "extremes", "plane"
"""Kinds of measure."""

HESSIAN = "Hessian of the "


@dataclass(frozen=True)
class Naming:
    """The names and the look of a quantity.

    Args:
        label: its name on axes and colour bars, which follows the split's.
        noun: its name in a sentence.
        of: what it belongs to in a sentence, before the loss: "Hessian of the ".
        signed: draw values of both signs in diverging colours about 0.
        log: draw planes on a logarithmic scale.
        curved: it is a map of curvature: a heat map under contour lines of the loss.
        outlined: outline where the smallest eigenvalue is negative.
        measure: the kind of measure that computes it; empty for an objective's quantity.
    """

    label: str
    noun: str
    of: str = ""
    signed: bool = False
    log: bool = False
    curved: bool = False
    outlined: bool = False
    measure: str = ""

    @property
    def measured(self) -> bool:
        """True if it is no mean over samples, so its error is numerical."""
        return bool(self.measure)

    @property
    def remedy(self) -> str:
        """The command that computes it."""
        option = "--measure" if self.measure == GRADIENT else "--curvature"
        return f"landscape compute CFG {option} {self.measure}"


def _eigenvalue(label: str, noun: str, **look: bool) -> Naming:
    return Naming(label, noun, HESSIAN, curved=True, measure=EXTREMES, **look)


def _slope(axis: str) -> Naming:
    return Naming(f"slope ∂L/∂{axis}", f"slope along {axis}", signed=True, measure=GRADIENT)


def _second(first: str, second: str) -> Naming:
    below = f"∂{first}²" if first == second else f"∂{first}∂{second}"
    along = f"along {first}" if first == second else f"along {first} and {second}"
    noun = f"second derivative {along}"
    return Naming(f"curvature ∂²L/{below}", noun, signed=True, curved=True, measure=PLANE)


NAMINGS = {
    "gradient_norm": Naming("gradient norm", "gradient norm", measure=GRADIENT),
    **{f"gradient_{axis}": _slope(axis) for axis in "xyz"},
    "hessian_max": _eigenvalue("Hessian λmax", "largest eigenvalue", signed=True),
    "hessian_min": _eigenvalue("Hessian λmin", "smallest eigenvalue", signed=True, outlined=True),
    "hessian_ratio": _eigenvalue("|λmin/λmax|", "ratio |λmin/λmax|", log=True, outlined=True),
    **{f"hessian_{x}{y}": _second(x, y) for x, y in ("xx", "xy", "yy", "xz", "yz", "zz")},
}
"""Quantities whose names are not those that they are stored under."""


def naming(quantity: str) -> Naming:
    """Return the names of a quantity, which for an objective's are those it is stored under."""
    words = quantity.replace("_", " ")
    return NAMINGS.get(quantity) or Naming(words, words)


def quantized_words(facts: Any) -> str:
    """Return what is rounded at each point, such as "weights at 3 bits per filter".

    Args:
        facts: ``quantize`` of a configuration or of provenance; the text is empty without it.
    """
    bits = fact(facts, "bits")
    if not isinstance(bits, int):
        return ""
    words = [f"weights at {bits} bit{'s' * (bits > 1)} per {fact(facts, 'per') or 'filter'}"]
    for word, key in (("only", "include"), ("without", "exclude")):
        if isinstance(patterns := fact(facts, key), list):
            words.append(f"{word} {some([str(pattern) for pattern in patterns])}")
    return ", ".join(words)


def axis_facts(surface: Surface, name: str) -> Any:
    """Return what a surface records of an axis, of its direction as a rule; None for nothing."""
    return (
        fact(surface.provenance, "directions", name)
        or fact(surface.config, "directions", name)
        or fact(surface.provenance, "slice", "axes", name)
    )


def axis_name(surface: Surface, name: str) -> str:
    """Return an axis's label, such as "x: random direction, filter-normalized (seed 1)"."""
    direction = axis_facts(surface, name)
    if explained := _explained(surface, name, direction):
        return explained
    if label := fact(direction, "label"):
        return f"{name}: {label}"
    kind = fact(direction, "kind")
    if not kind:
        return name
    text = f"{name}: {kind} direction"
    normalize = fact(direction, "normalize")
    if normalize and normalize != "none":
        text += f", {normalize}-normalized"
    seed = fact(direction, "seed")
    return text if seed is None else f"{text} (seed {seed})"


def share(fraction: float) -> str:
    """Format a positive fraction as a percentage, never rounding to 0 % or up to 100 %."""
    if fraction < 0.001:
        return "less than 0.1 %"
    if 0.999 < fraction < 1:
        return "more than 99.9 %"
    return f"{100 * fraction:.1f} %"


def with_error(value: float, error: float, sign: bool = False) -> str:
    """Format a number with its standard error, to the error's second digit."""
    if not math.isfinite(value) or not math.isfinite(error) or error <= 0:
        text = f"{value:+.4g}" if sign else f"{value:.4g}"
        return text.replace("-", MINUS)
    digits = min(8, max(0, 1 - math.floor(math.log10(error))))
    text = f"{value:{'+' if sign else ''}.{digits}f} ± {error:.{digits}f}"
    return text.replace("-", MINUS)


def is_wide(values: NDArray[np.float64]) -> bool:
    """Return whether finite values, at least one, are positive and span more than three decades."""
    return bool(values.min() > 0 and values.max() / WIDE > values.min())


def fact(mapping: Any, *keys: str) -> Any:
    """Look up nested keys, one after the other; None if any of them is missing."""
    for key in keys:
        if not isinstance(mapping, Mapping):
            return None
        mapping = mapping.get(key)
    return mapping


def _explained(surface: Surface, name: str, direction: Any) -> str:
    """Return the variance explained along a principal component; empty if it is unknown."""
    fractions = fact(surface.provenance, "trajectory", "explained")
    component = {"x": 0, "y": 1}.get(str(fact(direction, "axis") or name))
    if fact(direction, "kind") not in COMPONENTS or component is None:
        return ""
    try:
        return f"PCA {component + 1}: {share(float(fractions[component]))} of variance"
    except (TypeError, ValueError, IndexError, KeyError):
        return ""
