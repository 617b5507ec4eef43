"""The one-dimensional example of Li et al. 2017, solved exactly at several learning rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from results import Claim, Verdict

from low_precision import chains
from low_precision.chains import Floats

LI = "Li et al. 2017, {}"

NOISE, STEP = 2.0, 0.5
"""Standard deviation of the example's stochastic gradients, and the step of its grid."""

CHAIN_RATES = (1.0, 0.3, 0.1, 0.03, 0.01)
BESIDE = (4.5, 5.0)
"""The two points of the grid beside the deepest minimum."""

FLOOR_STEPS = (1.0, 0.5, 0.25, 0.125)


@dataclass(frozen=True)
class Example:
    """Exact distributions of the one-dimensional example, by rule and learning rate."""

    points: Floats
    distributions: Mapping[str, Mapping[float, Floats]]
    limit: Floats
    relaxation: Mapping[float, float]

    def beside(self, distribution: Floats) -> float:
        """Return the probability of the two points beside the deepest minimum."""
        return float(distribution[np.isin(self.points, BESIDE)].sum())

    def distance(self, rate: float) -> float:
        """Return the total variation between stochastic rounding and its limit."""
        return float(np.abs(self.distributions["sr"][rate] - self.limit).sum() / 2)


def solve() -> Example:
    """Solve the example at all learning rates; relaxation times are of stochastic rounding."""
    points = chains.grid(STEP)
    slopes = chains.slope(points)
    rules = {"bc": chains.connect_distribution, "sr": chains.rounding_distribution}
    found = {
        rule: {rate: of(points, slopes, rate, NOISE) for rate in CHAIN_RATES}
        for rule, of in rules.items()
    }
    times = {
        rate: chains.relaxation(chains.rounding_chain(points, slopes, rate, NOISE))
        for rate in CHAIN_RATES
    }
    return Example(points, found, chains.rounding_limit(slopes, NOISE), times)


HEAD = ["learning rate", "BinaryConnect beside the minimum (%)"]
HEAD += ["stochastic rounding beside it (%)", "distance from its limit"]
HEAD += ["its relaxation time (steps)"]


def rows(found: Example) -> list[list[str]]:
    cells = [
        [
            f"{rate:g}",
            f"{100 * found.beside(found.distributions['bc'][rate]):.2f}",
            f"{100 * found.beside(found.distributions['sr'][rate]):.2f}",
            f"{found.distance(rate):.1g}" if found.distance(rate) > 1e-12 else "below 1e-12",
            f"{found.relaxation[rate]:.3g}",
        ]
        for rate in CHAIN_RATES
    ]
    return [*cells, ["limit", "100", f"{100 * found.beside(found.limit):.2f}", "0", "infinite"]]


def claims(found: Example) -> list[Claim]:
    """Judge what is exact: by thresholds, since there is no standard error."""
    last = CHAIN_RATES[-1]
    rounded = [found.beside(found.distributions["sr"][rate]) for rate in CHAIN_RATES]
    connected = [found.beside(found.distributions["bc"][rate]) for rate in CHAIN_RATES]
    limit = found.beside(found.limit)
    product = [rate * found.relaxation[rate] for rate in CHAIN_RATES[-2:]]
    floors = [chains.parabola_floors(step, NOISE) for step in FLOOR_STEPS]
    powers = [
        float(np.polyfit(np.log(FLOOR_STEPS), np.log([f[k] for f in floors]), 1)[0]) for k in (0, 1)
    ]
    return [
        Claim(
            LI.format("theorem 5"),
            "As the learning rate falls, stochastic rounding tends to a distribution that is not "
            "concentrated on minimizers.",
            f"Exact, 1-D: {100 * rounded[-1]:.1f} % beside the deepest minimum at a rate of "
            f"{last:g}, {100 * limit:.1f} % in the limit; distance {found.distance(last):.0e}.",
            _said(found.distance(last) < 1e-3 and limit < 0.9),
        ),
        Claim(
            LI.format("section 5"),
            "BinaryConnect's distribution concentrates on a minimizer.",
            f"Exact, 1-D: {100 * connected[0]:.1f} % beside the deepest minimum at a rate of "
            f"{CHAIN_RATES[0]:g}, {100 * connected[-1]:.2f} % at {last:g}.",
            _said(connected == sorted(connected) and connected[-1] > 0.99),
        ),
        Claim(
            LI.format("theorem 6"),
            "Lower rates only make stochastic rounding mix more slowly.",
            f"Exact, 1-D: relaxation times are {product[0]:.3g} and {product[1]:.3g} over the rate "
            "at the two lowest rates.",
            _said(abs(product[1] / product[0] - 1) < 0.01),
        ),
        Claim(
            LI.format("theorem 1"),
            "On a convex problem, stochastic rounding is left with a loss in proportion to the "
            "grid's step.",
            f"Exact, a parabola in 1-D: the loss that remains goes as the step to the power of "
            f"{powers[0]:.2f}; BinaryConnect's, to that of {powers[1]:.2f}.",
            _said(abs(powers[0] - 1) < 0.25),
        ),
    ]


def _said(true: bool) -> Verdict:
    return "agrees" if true else "disagrees"
