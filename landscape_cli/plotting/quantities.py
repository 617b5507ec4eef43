"""Names and looks of the quantities that this program computes.

All but these, an objective's own, are named as they are stored.
"""

from __future__ import annotations

from dataclasses import dataclass

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
