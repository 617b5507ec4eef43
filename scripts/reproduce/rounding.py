"""SGD with weights on a coarse grid: stochastic rounding against BinaryConnect."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from low_precision import chains, clouds, training
from low_precision.figures import draw_against_rate, draw_distributions
from low_precision.rules import RULES, scales
from low_precision.spread import moved, power, spread
from low_precision.training import ANNEALED, BITS, PAIRS, RATE, SERIES, SERIES_BITS, Run
from perceptrons import Perceptrons, initial, samples
from results import Claim, Mean, Results, Table, Verdict, verdict
from steps import Workshop, load_base, options
from trained_files import train_side_by_side

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes
from landscape_cli.geometry.quantization import quantize
from landscape_cli.problems.import_path import load_problem

LI = "Li et al. 2017, {}"

NOISE, STEP = 2.0, 0.5
"""Standard deviation of the example's stochastic gradients, and the step of its grid."""

CHAIN_RATES = (1.0, 0.3, 0.1, 0.03, 0.01)
BESIDE = (4.5, 5.0)
"""The two points of the grid beside the deepest minimum."""

FLOOR_STEPS = (1.0, 0.5, 0.25, 0.125)

HALF_POWER = 0.25
"""Power of the learning rate from which a spread that falls with it counts as concentrating: half
of the 1/2 of SGD around a minimum."""

Floats = chains.Floats


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


def example() -> Example:
    """Solve the example at all learning rates; relaxation times are of stochastic rounding."""
    points = chains.grid(STEP)
    slopes = chains.slope(points)
    solve = {"bc": chains.connect_distribution, "sr": chains.rounding_distribution}
    found = {
        rule: {rate: of(points, slopes, rate, NOISE) for rate in CHAIN_RATES}
        for rule, of in solve.items()
    }
    times = {
        rate: chains.relaxation(chains.rounding_chain(points, slopes, rate, NOISE))
        for rate in CHAIN_RATES
    }
    return Example(points, found, chains.rounding_limit(slopes, NOISE), times)


EXAMPLE_HEAD = ["learning rate", "BinaryConnect beside the minimum (%)"]
EXAMPLE_HEAD += ["stochastic rounding beside it (%)", "distance from its limit"]
EXAMPLE_HEAD += ["its relaxation time (steps)"]


def example_rows(found: Example) -> list[list[str]]:
    rows = [
        [
            f"{rate:g}",
            f"{100 * found.beside(found.distributions['bc'][rate]):.2f}",
            f"{100 * found.beside(found.distributions['sr'][rate]):.2f}",
            f"{found.distance(rate):.1g}" if found.distance(rate) > 1e-12 else "below 1e-12",
            f"{found.relaxation[rate]:.3g}",
        ]
        for rate in CHAIN_RATES
    ]
    return [*rows, ["limit", "100", f"{100 * found.beside(found.limit):.2f}", "0", "infinite"]]


@dataclass(frozen=True)
class Series:
    """What long runs show at each learning rate, each of shape (rates, networks).

    Args:
        rounded: spread of the weights that the network computes with.
        real: spread of BinaryConnect's real weights, or else the same.
        mean: distance of the former from their mean, with their drift.
        moved: fraction of the weights that change at all.
        loss: mean training loss.
    """

    rounded: torch.Tensor
    real: torch.Tensor
    mean: torch.Tensor
    moved: torch.Tensor
    loss: torch.Tensor

    def powers(self, name: str) -> Mean:
        """Return the power of the learning rate with which a value falls."""
        return Mean.of(power(learning_rates(), getattr(self, name)).tolist())


Pair = tuple[str, int]


def learning_rates() -> list[float]:
    return [RATE / factor for factor in SERIES]


def series(folder: Path, pair: Pair, networks: Perceptrons) -> Series:
    columns: dict[str, list[torch.Tensor]] = {}
    mask = clouds.is_weight(networks)
    for factor in SERIES:
        found = training.load(folder, Run(*pair, "long", factor))
        weights = found["iterates"][:, :, mask]
        values = {
            "rounded": spread(weights),
            "real": spread(found["real iterates"]),
            "mean": spread(weights, 0),
            "moved": moved(weights),
            "loss": found["losses"].double().mean(1),
        }
        for name, each in values.items():
            columns.setdefault(name, []).append(each)
    return Series(**{name: torch.stack(each) for name, each in columns.items()})


def label(pair: Pair) -> str:
    rule, bits = pair
    return RULES[rule] + (f", {bits} bit{'s' * (bits > 1)}" if bits else "")


def cells(values: torch.Tensor, factor: float = 1, digits: int = 3) -> str:
    return Mean.of((factor * values).tolist()).text(digits)


SPREAD_HEAD = ["weights", *(f"{rate:g}" for rate in learning_rates()), "power of the rate"]


def spread_rows(found: Mapping[Pair, Series]) -> list[list[str]]:
    rows = []
    for pair, each in found.items():
        for name in ("rounded", "real") if pair[0] == "bc" else ("rounded",):
            values = getattr(each, name)
            words = {"bc": f", {name} weights"}.get(pair[0], "")
            rows.append(
                [label(pair) + words, *(cells(v) for v in values), each.powers(name).text(2)]
            )
    return rows


LOSS_HEAD = ["networks", *(f"loss at {rate:g}" for rate in learning_rates())]
LOSS_HEAD += ["weights that change (%)"]


def loss_rows(found: Mapping[Pair, Series]) -> list[list[str]]:
    return [
        [label(pair), *(cells(v) for v in each.loss), cells(each.moved[-1], 100, 2)]
        for pair, each in found.items()
    ]


HEAD = ["bits", "rule", "training loss", "training accuracy (%)", "test loss", "test error (%)"]

Scores = Mapping[str, torch.Tensor]


def annealed_rows(scores: Mapping[Pair, Scores]) -> list[list[str]]:
    return [
        [
            str(bits or 32),
            {"after": "rounded after training"}.get(rule, "") or RULES[rule],
            cells(each["train loss"]),
            cells(each["train accuracy"], 100),
            cells(each["test loss"]),
            cells(1 - each["test accuracy"], 100),
        ]
        for (rule, bits), each in scores.items()
    ]


def annealed_scores(workshop: Workshop, networks: Perceptrons) -> dict[Pair, Scores]:
    """Return the scores after annealing, and those of SGD's weights rounded in the end."""
    folder = workshop.folder
    found = {(run.rule, run.bits): training.load(folder, run)["scores"] for run in ANNEALED}
    problem = load_problem(
        workshop.base["problem"], {**workshop.base["problem_args"], **_arguments(workshop)}
    )
    for bits in BITS:
        trained = networks.copy()
        trained.tensors = training.load(folder, ANNEALED[0])["tensors"]
        for weight in trained.weights:
            quantize(weight, scales(weight, bits), bits)
        scores: dict[str, torch.Tensor] = {}
        for split in problem.splits:
            loss, accuracy = trained.scores(*samples(problem, split))
            scores[f"{split} loss"], scores[f"{split} accuracy"] = loss, accuracy
        found["after", bits] = scores
    order = ("float", "bc", "sr", "r", "after")
    return dict(sorted(found.items(), key=lambda item: (item[0][1], order.index(item[0][0]))))


def _arguments(workshop: Workshop) -> dict[str, Any]:
    """Return the problem's arguments that --set overrides."""
    prefix = "problem_args."
    return {k.removeprefix(prefix): v for k, v in workshop.changes.items() if k.startswith(prefix)}


def error(scores: Mapping[Pair, Scores], rule: str) -> Mean:
    """Return a rule's test error, averaged over the numbers of bits."""
    each = torch.stack([1 - scores[rule, bits]["test accuracy"] for bits in BITS])
    return Mean.of(each.mean(0).tolist())


def example_claims(found: Example) -> list[Claim]:
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


def network_claims(scores: Mapping[Pair, Scores], found: Mapping[Pair, Series]) -> list[Claim]:
    def powers(rule: str, name: str) -> list[Mean]:
        return [found[rule, bits].powers(name) for bits in SERIES_BITS]

    def words(means: Sequence[Mean]) -> str:
        both = zip(SERIES_BITS, means, strict=True)
        return ", ".join(f"{mean.text(2)} ({bits} bit{'s' * (bits > 1)})" for bits, mean in both)

    threshold = Mean(HALF_POWER, 0.0)
    plain = found["float", 0].powers("rounded")
    largest = max(powers("sr", "rounded"), key=lambda mean: mean.value)
    claims = [
        Claim(
            LI.format("theorem 5"),
            "The weights of stochastic rounding do not concentrate as the rate falls.",
            f"Spread as a power of the rate: {words(powers('sr', 'rounded'))}; without rounding "
            f"{plain.text(2)}.",
            verdict(threshold - largest),
        )
    ]
    for name, what in (("real", "real weights"), ("rounded", "rounded weights")):
        least = min(powers("bc", name), key=lambda mean: mean.value)
        claims.append(
            Claim(
                LI.format("section 5"),
                f"BinaryConnect's {what} concentrate, as those of SGD without rounding do.",
                f"Spread as a power of the rate: {words(powers('bc', name))}.",
                verdict(least - threshold),
            )
        )
    errors = {rule: error(scores, rule) for rule in ("float", "bc", "sr", "r") if rule != "float"}
    by_bits = ", ".join(
        f"{Mean.of((1 - scores['bc', bits]['test accuracy']).tolist()).percent(2)} against "
        f"{Mean.of((1 - scores['sr', bits]['test accuracy']).tolist()).percent(2)} "
        f"({bits} bit{'s' * (bits > 1)})"
        for bits in BITS
    )
    return [
        *claims,
        Claim(
            LI.format("section 6"),
            "BinaryConnect has a lower test error than stochastic rounding.",
            f"Test errors: {by_bits}.",
            verdict(errors["sr"] - errors["bc"]),
        ),
        Claim(
            LI.format("section 6"),
            "Rounding without randomness is worst.",
            f"Test error, mean over bits: {errors['r'].percent(3)}, stochastic rounding "
            f"{errors['sr'].percent(3)}.",
            verdict(errors["r"] - errors["sr"]),
        ),
    ]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@options("rounding")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    """Train perceptrons on digits with rounded weights, and watch where their weights wander.

    Stochastic rounding, BinaryConnect, rounding and plain SGD, with few bits: losses after
    annealing, and how far the weights spread at lower and lower learning rates; and the
    one-dimensional example of Li et al. 2017, solved exactly.
    """
    base = load_base("digits_rounding.yaml")
    workshop = Workshop(folder, base, parse_changes(assignments), jobs)
    given = {"seeds": training.SEEDS, "epochs": epochs or training.EPOCHS}
    paths = [training.path_of(folder, run) for run in training.RUNS]
    train_side_by_side(workshop, "low_precision/training.py", given, paths)
    if train_only:
        return
    networks = initial(base["problem_args"]["model_args"]["hidden"], range(training.SEEDS))
    shown = clouds.draw(workshop, networks)
    exact = example()
    names = {"bc": "BinaryConnect", "sr": "stochastic\nrounding"}
    draw_distributions(folder / "example.png", exact.points, exact.distributions, names)
    found = {pair: series(folder, pair, networks) for pair in PAIRS}
    draw_against_rate(folder / "spread.png", learning_rates(), lines(found))
    scores = annealed_scores(workshop, networks)
    workshop.publish(results(exact, scores, found, shown))


def lines(found: Mapping[Pair, Series]) -> dict[str, dict[str, dict[str, list[list[float]]]]]:
    """Return the lines of the figure of spreads and losses, by row and by column."""
    spreads, losses = {}, {}
    for bits in SERIES_BITS:
        pairs: dict[str, Pair] = {
            "no rounding": ("float", 0),
            "stochastic rounding": ("sr", bits),
            "BinaryConnect, rounded": ("bc", bits),
        }
        title = f"{bits} bit{'s' * (bits > 1)}"
        losses[title] = {name: found[pair].loss.tolist() for name, pair in pairs.items()}
        spreads[title] = {
            **{name: found[pair].rounded.tolist() for name, pair in pairs.items()},
            "BinaryConnect, real": found["bc", bits].real.tolist(),
        }
    return {"spread of the weights": spreads, "training loss": losses}


def results(
    exact: Example,
    scores: Mapping[Pair, Scores],
    found: Mapping[Pair, Series],
    shown: Mapping[str, float],
) -> Results:
    plain = scores["float", 0]
    settings: dict[str, Any] = {
        "seeds": training.SEEDS,
        "epochs": training.EPOCHS,
        "rate": RATE,
        "lowest": RATE / SERIES[-1],
        "batch": training.BATCH,
        "bits": ", ".join(map(str, BITS)),
        "iterates": training.ITERATES,
        "cloud_bits": clouds.BITS,
        "noise": NOISE,
        "step": STEP,
        "longest": SERIES[-1],
        "threshold": HALF_POWER,
    }
    numbers: dict[str, Any] = {
        "accuracy": float(plain["train accuracy"].min()),
        "limit": exact.beside(exact.limit),
        "shown": {name.removeprefix("cloud_"): share for name, share in shown.items()},
        "moved": {
            f"{rule}{bits}": float(each.moved[-1].mean()) for (rule, bits), each in found.items()
        },
        "gap": {
            str(bits): float((scores["sr", bits]["train loss"] / scores["bc", bits]["train loss"]).mean())
            for bits in BITS
        },
    }
    tables = {
        "example": Table(EXAMPLE_HEAD, example_rows(exact)),
        "spread": Table(SPREAD_HEAD, spread_rows(found)),
        "losses": Table(LOSS_HEAD, loss_rows(found)),
        "annealed": Table(HEAD, annealed_rows(scores)),
    }
    claims = [*example_claims(exact), *network_claims(scores, found)]
    return Results(settings, numbers, tables, claims, ["example", "clouds", "wandering", "spread"])


if __name__ == "__main__":
    sys.exit(run_script(command, "rounding"))
