"""Tables of minima's sharpness, and what they say of Li et al.'s claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from results import Claim, Mean, Table, verdict, worst
from scipy.stats import spearmanr

from sharpness.lines import RADII, SHARPNESS, Measures
from sharpness.networks import DECAYS, Key, name_of, pairs

Found = Mapping[Key, Sequence[Measures]]
"""The measures of all seeds of a network."""


def correlations(found: Found) -> dict[str, list[float]]:
    """Return Spearman's rank correlations with the test error, over the networks of each seed."""
    count = len(next(iter(found.values())))
    return {
        name: [
            float(
                spearmanr(
                    [values[seed]["test error (%)"] for values in found.values()],
                    [values[seed][name] for values in found.values()],
                ).statistic
            )
            for seed in range(count)
        ]
        for name in ("training loss", "weight norm", *SHARPNESS)
    }


def tables(found: Found) -> dict[str, Table]:
    """Return the means over seeds, and the correlations."""
    names = list(next(iter(found.values()))[0])
    rows = [
        [name_of(key), *(str(Mean.of(each[name] for each in values)) for name in names)]
        for key, values in found.items()
    ]
    ranks = correlations(found)
    means = [Mean.of(values).text(2) for values in ranks.values()]
    return {
        "networks": Table(["network", *names], rows),
        "ranks": Table(["", *ranks], [["rank correlation", *means]]),
    }


def judge(found: Found) -> list[Claim]:
    """Compare what Li et al. say with what was seen."""

    def gap(name: str, decay: str) -> Mean:
        """Return by how much large batches have more, in logarithms, over seeds and optimizers."""
        return Mean.of(
            float(np.log(large[name] / small[name]))
            for _, one, other in pairs()
            if one[1] == decay
            for small, large in zip(found[one], found[other], strict=True)
        )

    def times(difference: Mean) -> str:
        middle, low, high = (
            f"{float(f'{np.exp(difference.value + side * difference.error):.2g}'):g}"
            for side in (0, -1, 1)
        )
        return f"{middle} times ({low} to {high})"

    none, some = DECAYS
    line, norm = (
        {decay: gap(name, decay) for decay in DECAYS}
        for name in ("interpolation 0.25", "weight norm")
    )
    raw = {decay: gap("raw 0.5", decay) for decay in DECAYS}
    ranks = {
        name: Mean.of(values) for name, values in correlations(found).items() if name in SHARPNESS
    }
    flatter = Mean.of(
        float(np.log(large["filter 0.5"] / small["filter 0.5"]))
        for _, one, other in pairs()
        for small, large in zip(found[one], found[other], strict=True)
    )
    decayed = Mean.of(
        float(np.log(with_decay["raw 0.5"] / without["raw 0.5"]))
        for optimizer, batch in dict.fromkeys((key[0], key[2]) for key in found)
        for without, with_decay in zip(
            found[optimizer, none, batch], found[optimizer, some, batch], strict=True
        )
    )
    dilemma = "Li et al. 2018, *The sharp vs flat dilemma*"
    normalized = "Li et al. 2018, *Filter normalized plots*"
    return [
        Claim(
            dilemma,
            "On the line between two networks without weight decay, small batches look flatter.",
            f"Rise towards and away from the other network, large over small batches: "
            f"{times(line[none])}.",
            verdict(line[none]),
        ),
        Claim(
            dilemma,
            "With weight decay, the same line says the opposite.",
            f"With decay: {times(line[some])}.",
            verdict(-line[some]),
        ),
        Claim(
            dilemma,
            "The reason is the weights: without decay those of small batches are larger, with it "
            "those of large batches.",
            f"Norm, large over small batches: {times(norm[none])} without, {times(norm[some])} "
            "with decay.",
            worst([verdict(-norm[none]), verdict(norm[some])]),
        ),
        Claim(
            dilemma,
            "Lines that are not normalized call networks of smaller weights sharper.",
            f"Rise on raw random lines, with over without decay: {times(decayed)}; large over "
            f"small batches: {times(raw[none])} without, {times(raw[some])} with decay.",
            verdict(decayed),
        ),
        Claim(
            normalized,
            "With filter normalization, small batches are flatter than large ones, with and "
            "without decay.",
            f"Rise at {RADII[0]:g}, large over small batches: {times(flatter)}.",
            verdict(flatter),
        ),
        Claim(
            normalized,
            "With it, sharpness goes with the test error.",
            f"Rank correlation: {ranks['filter 0.5'].text(2)}; on raw lines "
            f"{ranks['raw 0.5'].text(2)}.",
            verdict(ranks["filter 0.5"]),
        ),
    ]
