"""Two generative adversarial networks: do prediction steps help, and is the end a saddle?"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import torch
from gan import METHODS, judging, planes, runs, samples, scores
from gan.data import MODES, images, ring
from gan.judging import Looks
from gan.planes import Curvature, Lines
from gan.runs import Run
from gan.setting import SETTINGS, classifier
from results import Mean, Results, Table
from steps import Workshop, load_base, options

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes

BEST = {"ring": 0.001, "digits": 0.001}
"""The learning rate of the players whose planes are computed, by data."""

CURVED = 3
"""Number of seeds whose generators' curvature is computed."""

FIRST = 0
"""The seed that is drawn."""

LOWEST = -2.5
"""Lowest value drawn."""

SCORES = {
    "ring": {"modes": "modes", "quality": "samples near a mode"},
    "digits": {
        "classes": "classes seen",
        "confidence": "confidence",
        "distance": "Fréchet distance",
    },
}
"""The scores of each data set, and the titles of their columns."""

OPTIMIZERS = {"adam": "Adam", "sgd": "SGD"}


def training_table(data: str, looks: Looks) -> Table:
    """Tabulate what generators had learned at the end, means over seeds."""
    head = ["optimizer", "learning rate", "steps", *SCORES[data].values(), "value", "collapsed"]
    rows = []
    for (name, optimizer), rates in runs.RATES.items():
        for lr in rates if name == data else ():
            for method in METHODS:
                ends = [looks[one][-1] for one in runs.of(data, lr) if one.method == method]
                cells = [Mean.of(end[key] for end in ends).text() for key in SCORES[data]]
                lost = judging.lost(looks, data, lr, method)
                value = _fixed(Mean.of(end["value"] for end in ends))
                ended = f"{sum(lost)} of {len(lost)}"
                rows.append([OPTIMIZERS[optimizer], f"{lr:g}", method, *cells, value, ended])
    return Table(head, rows)


def plane_table(
    lines: Mapping[Run, Lines],
    curvatures: Mapping[Run, Curvature],
    shares: Mapping[Run, float],
) -> Table:
    """Tabulate numbers of planes, curvature and rotation, means over seeds."""
    at = f"at {planes.RADIUS:g}"
    head = ["data", "steps", "value", f"generator {at}", f"discriminator {at}"]
    head += ["generator's gain", "discriminator's gain", "saddles"]
    head += ["generator's λmax", "λmin", "second difference there", "gradient", "rotation (%)"]
    rows = []
    for data in SETTINGS:
        for method in METHODS:
            mine, bent = _of(lines, data, method), _of(curvatures, data, method)
            rows.append(
                [
                    samples.LABELS[data],
                    method,
                    _fixed(Mean.of(each.centre for each in mine)),
                    Mean.of(each.generator for each in mine).text(),
                    Mean.of(each.discriminator for each in mine).text(),
                    Mean.of(each.gains[0] for each in mine).text(2),
                    Mean.of(each.gains[1] for each in mine).text(2),
                    f"{sum(each.is_saddle for each in mine)} of {len(mine)}",
                    Mean.of(each.largest for each in bent).text(),
                    Mean.of(each.smallest for each in bent).text(),
                    Mean.of(each.seen for each in bent).text(),
                    Mean.of(each.gradient for each in bent).text(2),
                    Mean.of(100 * each for each in _of(shares, data, method)).text(2),
                ]
            )
    return Table(head, rows)


def _fixed(mean: Mean) -> str:
    """Format a value of the game, which may be next to zero."""
    return f"{round(mean.value, 3) + 0.0:.3f} ± {mean.error:.3f}"


def _of(found: Mapping[Run, Any], data: str, method: str) -> list[Any]:
    return [each for one, each in found.items() if (one.data, one.method) == (data, method)]


def ends(looks: Looks) -> dict[str, float]:
    """Return mean scores of both methods at the rates where they differ most."""
    last = runs.RATES["ring", "adam"][-1]
    largest = runs.RATES["digits", "adam"][-2 if len(runs.RATES["digits", "adam"]) > 1 else -1]
    found = {"ring_rate": last, "digits_rate": largest}
    for method in METHODS:
        own = [looks[one][-1] for one in runs.of("ring", last) if one.method == method]
        found[f"modes_{method}"] = Mean.of(end["modes"] for end in own).value
        found[f"lost_{method}"] = sum(judging.lost(looks, "digits", largest, method))
    return found


def yardsticks() -> dict[str, float]:
    """Return the scores of true samples: new ones of the ring, and the test digits."""
    _, near = scores.modes(ring(10_000, torch.Generator().manual_seed(1)))
    net = classifier()
    found = scores.seen(net, images("test")[0])
    return {
        "ring_quality": near,
        "classifier": scores.accuracy(net, "test"),
        "test_distance": found["distance"],
        "test_confidence": found["confidence"],
        "test_classes": found["classes"],
    }


def trained(workshop: Workshop) -> Looks:
    """Read the scores of all runs."""
    rates = [(data, lr) for (data, _), every in runs.RATES.items() for lr in every]
    return {one: one.looks(workshop) for each in rates for one in runs.of(*each)}


def measured(every: Iterable[Run]) -> list[Run]:
    """Return the runs whose curvature is computed."""
    return [one for one in every if one.seed < CURVED]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--steps", type=click.IntRange(1), help="Training steps; by default the data's.")
@options("games")
def command(
    steps: int | None,
    folder: Path,
    jobs: int,
    epochs: int | None,
    assignments: tuple[str, ...],
    train_only: bool,
) -> None:
    """Train GANs on a ring of Gaussians and on digits, with alternating and with prediction steps.

    Both at several learning rates; then the value of the game around the trained players, its field
    and its curvature. --epochs does not apply: training is counted in --steps.
    """
    workshop = Workshop(folder, load_base("gan.yaml"), parse_changes(assignments), jobs)
    runs.train(workshop, steps)
    if train_only:
        return
    looks = trained(workshop)
    best = [one for data, lr in BEST.items() for one in runs.of(data, lr)]
    surfaces = {one: planes.plane(workshop, one) for one in best}
    lines = {one: planes.lines(path) for one, path in surfaces.items()}
    curvatures = {one: planes.curvature(workshop, one) for one in measured(best)}
    shares = {one: planes.rotation(workshop, one) for one in best}
    gains = [max(each.gains) for each in lines.values()]
    drawn = [(one, path) for one, path in surfaces.items() if one.seed == FIRST]
    figures = [
        samples.draw_saddles(workshop, drawn, LOWEST),
        *(samples.draw_samples(workshop, d, runs.RATES[d, "adam"], FIRST) for d in SETTINGS),
    ]
    workshop.publish(
        Results(
            settings={
                "seeds": runs.SEEDS,
                "modes": MODES,
                "deviation": scores.DEVIATION,
                "near": scores.NEAR,
                "covered": scores.COVERED,
                "classes": planes.CLASSES,
                "best": BEST["ring"],
                "first": FIRST,
                "lowest": LOWEST,
                "curved": CURVED,
                "radius": planes.RADIUS,
                **{f"{name}_steps": steps or each.steps for name, each in SETTINGS.items()},
                **{f"{name}_batch": each.batch for name, each in SETTINGS.items()},
            },
            numbers={
                "equilibrium": judging.EQUILIBRIUM,
                "gain": max(gains),
                **yardsticks(),
                **ends(looks),
            },
            tables={
                **{data: training_table(data, looks) for data in SETTINGS},
                "planes": plane_table(lines, curvatures, shares),
            },
            claims=[
                *judging.about_collapse(looks),
                *judging.about_equilibrium(looks, BEST),
                *judging.about_saddles(lines, curvatures, shares),
            ],
            figures=figures,
        )
    )


if __name__ == "__main__":
    sys.exit(run_script(command, "games"))
