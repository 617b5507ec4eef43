"""Claims of the literature on two players' games, beside the results."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from results import Claim, Mean, Verdict, verdict, worst

from . import METHODS
from .planes import RADIUS, Curvature, Lines, collapsed
from .runs import RATES, SEEDS, Run, of

YADAV = "Yadav et al. 2018, abstract"
GOODFELLOW = "Goodfellow et al. 2014, theorem 1 and proposition 2"
BERARD = "Berard et al. 2020, abstract"

EQUILIBRIUM = -math.log(4)
"""The value of the game where both distributions are the same."""

MUCH = 0.1
"""Antisymmetric share of the Jacobian above which a rotation counts as significant."""

NAMES = {"ring": "the ring", "digits": "digits"}

Looks = Mapping[Run, Sequence[Mapping[str, float]]]


def lost(looks: Looks, data: str, lr: float, method: str) -> list[bool]:
    """Tell for each seed whether its generator collapsed."""
    return [collapsed(one, looks[one]) for one in of(data, lr) if one.method == method]


def stable(looks: Looks, data: str, method: str) -> float:
    """Return the largest learning rate up to which no generator collapsed; 0 if there is none."""
    found = 0.0
    for lr in RATES[data, "adam"]:
        if any(lost(looks, data, lr, method)):
            break
        found = lr
    return found


def about_collapse(looks: Looks) -> list[Claim]:
    """Judge what is said of learning rates, collapse and speed."""
    counts = {
        method: {
            data: [sum(lost(looks, data, lr, method)) for lr in RATES[data, "adam"]]
            for data in NAMES
        }
        for method in METHODS
    }
    words = {
        method: "; ".join(
            f"{name} {', '.join(map(str, counts[method][data]))}" for data, name in NAMES.items()
        )
        for method in METHODS
    }
    first, second = METHODS
    ends = [
        Mean.of(
            float(each)
            for data in NAMES
            for each in lost(looks, data, RATES[data, "adam"][place], first)
        )
        for place in (0, -1)
    ]
    fewer = Mean.of(
        sum(lost(looks, data, lr, first)[seed] for lr in RATES[data, "adam"])
        - sum(lost(looks, data, lr, second)[seed] for lr in RATES[data, "adam"])
        for data in NAMES
        for seed in range(SEEDS)
    )
    limits = {data: [stable(looks, data, method) for method in METHODS] for data in NAMES}
    wider = [after - before for before, after in limits.values()]
    limits_text = "; ".join(
        f"{NAMES[data]} {before:g} and {after:g}" for data, (before, after) in limits.items()
    )
    return [
        Claim(
            YADAV,
            "whether alternating steps converge is highly sensitive to learning rates",
            f"collapsed of {SEEDS} runs, by rising learning rate: {words[first]}",
            verdict(ends[1] - ends[0]),
        ),
        Claim(
            YADAV,
            "prediction steps make a collapse less likely",
            f"collapsed with them: {words[second]}; with the same seed, data and rates, {fewer} "
            "runs fewer collapse",
            verdict(fewer),
        ),
        Claim(
            YADAV,
            "they are stable with a wider range of parameters",
            "the largest learning rate up to which no run collapsed, with alternating and with "
            f"prediction steps: {limits_text}",
            _wider(wider),
        ),
        *(_speed(looks, data) for data in NAMES),
    ]


def _wider(differences: Sequence[float]) -> Verdict:
    """Agree if a range is wider and none narrower, disagree if it is the other way round."""
    if min(differences) < 0:
        return "disagrees" if max(differences) <= 0 else "undecided"
    return "agrees" if max(differences) > 0 else "undecided"


def _speed(looks: Looks, data: str) -> Claim:
    """Judge how good samples are along the training, at a large rate that is stable."""
    score: Callable[[Mapping[str, float]], float]
    if data == "ring":
        what, score = "the share of samples near a mode", lambda look: look["quality"]
    else:
        what = "log10 of the Fréchet distance (less is better)"
        score = lambda look: -math.log10(look["distance"])  # noqa: E731
    lr = min(stable(looks, data, method) for method in METHODS) or RATES[data, "adam"][0]
    means = {
        method: [
            sum(map(score, looks[one])) / len(looks[one])
            for one in of(data, lr)
            if one.method == method
        ]
        for method in METHODS
    }
    sign = 1 if data == "ring" else -1
    alternating, prediction = (Mean.of(sign * each for each in means[m]) for m in METHODS)
    better = Mean.of(b - a for a, b in zip(*means.values(), strict=True))
    return Claim(
        YADAV,
        f"they enable faster training with larger learning rates ({NAMES[data]})",
        f"with the largest learning rate that is stable with both, {lr:g}, {what}, averaged over "
        f"the training: {alternating} alternating, {prediction} prediction",
        verdict(better),
    )


def about_equilibrium(looks: Looks, best: Mapping[str, float]) -> list[Claim]:
    """Judge the value at the end of training, with the learning rate of the planes."""
    claims = []
    for data, name in NAMES.items():
        value = Mean.of(looks[one][-1]["value"] for one in of(data, best[data]))
        off = abs(value.value - EQUILIBRIUM)
        claims.append(
            Claim(
                GOODFELLOW,
                "given enough capacity, training ends where both distributions are the same and "
                "the value is -log 4",
                f"{name}, learning rate {best[data]:g}, both methods: {value} at the end; "
                f"-log 4 is {EQUILIBRIUM:.4g}",
                "agrees" if off <= 2 * value.error else "disagrees",
            )
        )
    return claims


def _curved(negative: int, falls: int, every: int) -> Verdict:
    """Agree if all negative eigenvalues are seen as well; disagree if there is none."""
    if falls == negative == every:
        return "agrees"
    return "undecided" if negative else "disagrees"


def about_saddles(
    lines: Mapping[Run, Lines],
    curvatures: Mapping[Run, Curvature],
    shares: Mapping[Run, float],
) -> list[Claim]:
    """Judge what is said of the point where training ends."""
    claims = []
    for data, name in NAMES.items():
        own = [each for one, each in lines.items() if one.data == data]
        up = Mean.of(each.generator for each in own)
        down = Mean.of(each.discriminator for each in own)
        whole = sum(each.is_saddle for each in own)
        claims.append(
            Claim(
                YADAV,
                f"what is optimal is a saddle point, not a minimum ({name})",
                f"{RADIUS:g} away along random directions the value changes by {up} for the "
                f"generator and by {down} for the discriminator; in {whole} of {len(own)} planes "
                "neither gains anywhere on its axis",
                worst([verdict(up), verdict(-down)]),
            )
        )
    for data, name in NAMES.items():
        found = [each for one, each in curvatures.items() if one.data == data]
        smallest, largest, seen = (
            Mean.of(getattr(each, key) for each in found) for key in ("smallest", "largest", "seen")
        )
        negative = sum(each.smallest + each.residual < 0 for each in found)
        falls = sum(each.seen < 0 for each in found)
        claims.append(
            Claim(
                BERARD,
                f"the end is a saddle point of the generator's loss, not a minimum ({name})",
                "with a fixed discriminator, the smallest eigenvalue of the generator's Hessian "
                f"is negative in {negative} of {len(found)} networks ({smallest}; the largest is "
                f"{largest}); but the value falls along its eigenvector, by its second "
                f"difference {seen}, in {falls}",
                _curved(negative, falls, len(found)),
            )
        )
    for data, name in NAMES.items():
        share = Mean.of(each for one, each in shares.items() if one.data == data)
        claims.append(
            Claim(
                BERARD,
                f"training rotates significantly around its end ({name})",
                f"{share.percent()} of the squared norm of the Jacobian of the game's field are "
                f"antisymmetric; {MUCH:.0%} would count as significant",
                verdict(share - Mean(MUCH, 0.0)),
            )
        )
    return claims
