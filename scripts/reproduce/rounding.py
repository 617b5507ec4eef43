"""SGD with weights on a coarse grid: stochastic rounding against BinaryConnect."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import torch
from low_precision import clouds, example, training
from low_precision.example import LI
from low_precision.figures import draw_against_rate, draw_distributions
from low_precision.rules import RULES, scales
from low_precision.series import (
    LOSS_HEAD,
    SPREAD_HEAD,
    Pair,
    Series,
    cells,
    learning_rates,
    lines,
    loss_rows,
    series,
    spread_rows,
)
from low_precision.training import ANNEALED, BITS, PAIRS, RATE, SERIES, SERIES_BITS
from perceptrons import Perceptrons, initial, problem_of
from results import Claim, Mean, Results, Table, verdict
from steps import Workshop, load_base, options
from trained_files import CONFIG, train_side_by_side

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes
from landscape_cli.geometry.quantization import quantize
from landscape_cli.problems import Problem

HALF_POWER = 0.25
"""Power of the learning rate from which a spread that falls with it counts as concentrating: half
of the 1/2 of SGD around a minimum."""

HEAD = ["bits", "rule", "training loss", "training accuracy (%)", "test loss", "test error (%)"]

Scores = Mapping[str, torch.Tensor]


def annealed_rows(scores: Mapping[Pair, Scores]) -> list[list[str]]:
    return [
        [
            str(bits or 32),
            "SGD, rounded after training" if rule == "after" else RULES[rule],
            cells(each["train loss"]),
            cells(each["train accuracy"], 100),
            cells(each["test loss"]),
            cells(1 - each["test accuracy"], 100),
        ]
        for (rule, bits), each in scores.items()
    ]


def annealed_scores(folder: Path, problem: Problem, networks: Perceptrons) -> dict[Pair, Scores]:
    """Return the scores after annealing, and those of SGD's weights rounded in the end."""
    found = {(run.rule, run.bits): training.load(folder, run)["scores"] for run in ANNEALED}
    for bits in BITS:
        trained = networks.copy()
        trained.tensors = training.load(folder, ANNEALED[0])["tensors"]
        for weight in trained.weights:
            quantize(weight, scales(weight, bits), bits)
        found["after", bits] = trained.scores_by_split(problem)
    order = ("float", "bc", "sr", "r", "after")
    return dict(sorted(found.items(), key=lambda item: (item[0][1], order.index(item[0][0]))))


def error(scores: Mapping[Pair, Scores], rule: str) -> Mean:
    """Return a rule's test error, averaged over the numbers of bits."""
    each = torch.stack([1 - scores[rule, bits]["test accuracy"] for bits in BITS])
    return Mean.of(each.mean(0).tolist())


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
    errors = {rule: error(scores, rule) for rule in ("bc", "sr", "r")}
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
    problem = problem_of(folder / CONFIG)
    networks = initial(problem.model.hidden, range(training.SEEDS))  # type: ignore[arg-type]
    shown = clouds.draw(workshop, networks)
    exact = example.solve()
    names = {"bc": "BinaryConnect", "sr": "stochastic\nrounding"}
    draw_distributions(folder / "example.png", exact.points, exact.distributions, names)
    found = {pair: series(folder, pair, networks) for pair in PAIRS}
    draw_against_rate(folder / "spread.png", learning_rates(), lines(found))
    scores = annealed_scores(folder, problem, networks)
    workshop.publish(results(exact, scores, found, shown))


def results(
    exact: example.Example,
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
        "noise": example.NOISE,
        "step": example.STEP,
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
            str(bits): float(
                (scores["sr", bits]["train loss"] / scores["bc", bits]["train loss"]).mean()
            )
            for bits in BITS
        },
    }
    tables = {
        "example": Table(example.HEAD, example.rows(exact)),
        "spread": Table(SPREAD_HEAD, spread_rows(found)),
        "losses": Table(LOSS_HEAD, loss_rows(found)),
        "annealed": Table(HEAD, annealed_rows(scores)),
    }
    claims = [*example.claims(exact), *network_claims(scores, found)]
    return Results(settings, numbers, tables, claims, ["example", "clouds", "wandering", "spread"])


if __name__ == "__main__":
    sys.exit(run_script(command, "rounding"))
