"""Wide networks that are pruned, beside thin ones with as many parameters trained from scratch."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import planes
import torch
from perceptrons import initial
from perceptrons import state as state_dict
from results import Claim, Mean, Results, Table, verdict
from sparse import training
from sparse.figures import draw_against_size
from sparse.masks import nonzero, thin_parameters, without_pruned_units
from sparse.training import KINDS, WIDTHS, Run
from steps import Workshop, load_base, options
from trained_files import train_side_by_side

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes

SHOWN = 4
"""Width of the thin networks whose surfaces are computed."""

SURFACE_SEEDS = 4
POINTS = 25
TOP = 20.0
"""Highest loss drawn."""

TALK = "Goldstein's talk"

Scores = Mapping[Run, Mapping[str, torch.Tensor]]


def network(folder: Path, run: Run, seed: int) -> dict[str, torch.Tensor]:
    """Return the state dict of a network, without hidden units that were pruned as a whole."""
    found = training.load(folder, run)
    shapes = {name: torch.Size(shape) for name, shape in found["shapes"].items()}
    state = state_dict(found["flat"][seed], shapes)
    return without_pruned_units(state) if run.kind == "units" else state


def plane(workshop: Workshop, run: Run, seed: int) -> Path:
    """Compute the training loss on a plane that moves only weights that are not zero."""
    state = network(workshop.folder, run, seed)
    name = f"{run.name}_seed{seed}"
    checkpoint = workshop.folder / f"{name}_weights.pt"
    torch.save({"state_dict": state}, checkpoint)
    changes = {
        "checkpoint": str(checkpoint),
        "problem_args.model_args.hidden": [len(next(iter(state.values())))],
        "grid": {axis: [-1, 1, POINTS] for axis in "xy"},
    }
    return workshop.compute(name, changes)


def counts(folder: Path, run: Run, seeds: int) -> set[int]:
    """Return the numbers of parameters that are not zero."""
    return {nonzero(network(folder, run, seed)) for seed in range(seeds)}


HEAD = ["parameters", "networks", "training accuracy (%)", "lowest of the seeds (%)"]
HEAD += ["training loss", "test error (%)", "test loss"]


def row(parameters: int, run: Run, scores: Mapping[str, torch.Tensor]) -> list[str]:
    accuracy = 100 * scores["train accuracy"]
    return [
        f"{parameters:,}",
        KINDS[run.kind] + (f", {run.width} units" if run.kind in ("thin", "wide") else ""),
        Mean.of(accuracy.tolist()).text(3),
        f"{float(accuracy.min()):.1f}",
        Mean.of(scores["train loss"].tolist()).text(),
        Mean.of((100 * (1 - scores["test accuracy"])).tolist()).text(),
        Mean.of(scores["test loss"].tolist()).text(),
    ]


SURFACE_HEAD = ["networks", "training loss", f"mean rise at {planes.RADIUS:g}"]
SURFACE_HEAD += [f"largest rise at {planes.RADIUS:g}", "convex points (%)"]
SURFACE_HEAD += ["roughness (% of range)"]

Surfaces = Mapping[str, Mapping[str, Mean]]
"""By kind of network, the means of what was measured on its planes."""


def surface_row(run: Run, found: Mapping[str, Mean]) -> list[str]:
    def percent(name: str, digits: int) -> str:
        return Mean(100 * found[name].value, 100 * found[name].error).text(digits)

    return [
        KINDS[run.kind] + (f" ({run.width} units)" if run.kind == "thin" else ""),
        found["centre"].text(),
        found["mean rise"].text(),
        found["largest rise"].text(),
        percent("convex", 3),
        percent("roughness", 2),
    ]


def test_error(scores: Scores, kind: str) -> list[Mean]:
    """Return the test errors of a kind by width."""
    return [Mean.of((1 - scores[Run(kind, width)]["test accuracy"]).tolist()) for width in WIDTHS]


def over_widths(scores: Scores, kind: str, name: str = "test error") -> Mean:
    """Return the mean over seeds of a number averaged over all widths."""
    each = [scores[Run(kind, width)] for width in WIDTHS]
    if name == "test error":
        values = torch.stack([1 - one["test accuracy"] for one in each])
    else:
        values = torch.stack([one[name] for one in each])
    return Mean.of(values.mean(0).tolist())


def gains(scores: Scores, kind: str) -> dict[str, list[int]]:
    """Sort the widths by the verdict on the claim that pruned networks err less than thin ones."""
    found: dict[str, list[int]] = {"agrees": [], "undecided": [], "disagrees": []}
    for width, thin, pruned in zip(
        WIDTHS, test_error(scores, "thin"), test_error(scores, kind), strict=True
    ):
        found[verdict(thin - pruned)].append(width)
    return found


def in_words(widths: list[int]) -> str:
    return ", ".join(map(str, widths)) or "none"


def judge(scores: Scores, surfaces: Surfaces) -> list[Claim]:
    thin = over_widths(scores, "thin")
    claims = []
    for kind, words in (("weights", "weight by weight"), ("units", "unit by unit")):
        pruned, by_width = over_widths(scores, kind), gains(scores, kind)
        claims.append(
            Claim(
                TALK,
                f"Wide networks, pruned {words}, do better than thin ones trained from scratch.",
                f"Test error, mean over all widths: {pruned.percent(3)}, thin {thin.percent(3)}; "
                f"lower at widths {in_words(by_width['agrees'])}, undecided at "
                f"{in_words(by_width['undecided'])}, higher at {in_words(by_width['disagrees'])}.",
                verdict(thin - pruned),
            )
        )
    accuracy = {kind: over_widths(scores, kind, "train accuracy") for kind in ("thin", "weights")}
    claims.append(
        Claim(
            TALK,
            "Thin networks are hard to train; pruned ones with as many parameters fit better.",
            f"Training accuracy, mean over all widths: {accuracy['weights'].percent(3)} pruned "
            f"weight by weight, thin {accuracy['thin'].percent(3)}.",
            verdict(accuracy["weights"] - accuracy["thin"]),
        )
    )
    anew, kept = over_widths(scores, "anew"), over_widths(scores, "weights")
    claims.append(
        Claim(
            "Han et al. 2015",
            "It is better to keep the trained weights that survive than to train them anew.",
            f"Test error, mean over all widths: {kept.percent(3)} kept, {anew.percent(3)} anew.",
            verdict(anew - kept),
        )
    )
    for name, words, sign in (("convex", "more convex", 1), ("mean rise", "flatter", -1)):
        wide, narrow = surfaces["wide"][name], surfaces["thin"][name]
        label = "Convex points" if name == "convex" else f"Mean rise at {planes.RADIUS:g}"
        texts = [x.percent(3) if name == "convex" else x.text() for x in (wide, narrow)]
        claims.append(
            Claim(
                "Li et al. 2018, *Wide models vs thin models*",
                f"The surfaces of wide networks are {words}.",
                f"{label}: {texts[0]} at width {training.WIDE}, {texts[1]} at {SHOWN}.",
                verdict(wide - narrow if sign > 0 else narrow - wide),
            )
        )
    return claims


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@options("pruning")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    """Train wide perceptrons on digits, prune them, and compare them with thin ones.

    Wide networks are pruned weight by weight and unit by unit to as many parameters as thin ones
    have, within the same number of epochs; their losses, test errors and surfaces.
    """
    workshop = Workshop(folder, load_base("digits_pruning.yaml"), parse_changes(assignments), jobs)
    given = {"seeds": training.SEEDS, "epochs": epochs or training.EPOCHS}
    paths = [training.path_of(folder, run) for run in training.RUNS]
    train_side_by_side(workshop, "sparse/training.py", given, paths)
    if train_only:
        return
    scores = {run: training.load(folder, run)["scores"] for run in training.RUNS}
    shown = [Run("thin", SHOWN), Run("units", SHOWN), Run("weights", SHOWN), training.FULL]
    files = {run: [plane(workshop, run, seed) for seed in range(SURFACE_SEEDS)] for run in shown}
    surfaces = {}
    for run, each in files.items():
        found = [planes.numbers(path) for path in each]
        surfaces[run.kind] = {name: Mean.of(one[name] for one in found) for name in found[0]}
    sizes = {width: thin_parameters(initial([training.WIDE], [0]), width) for width in WIDTHS}
    draw(workshop, scores, sizes)
    planes.draw(
        workshop,
        "planes",
        [files[run][0] for run in shown],
        [KINDS[run.kind] for run in shown],
        note=False,
        columns=len(shown),
        vmax=TOP,
        log=True,
        size=(9.6, 2.7),
    )
    workshop.publish(results(folder, scores, surfaces, sizes, shown))


def draw(workshop: Workshop, scores: Scores, sizes: Mapping[int, int]) -> None:
    """Draw the training loss and the test error against the number of parameters."""

    def series(values: str, error: bool) -> dict[str, dict[int, list[float]]]:
        def of(run: Run) -> list[float]:
            found = scores[run][values]
            return (100 * (1 - found) if error else found).tolist()  # type: ignore[no-any-return]

        return {
            KINDS[kind]: {sizes[width]: of(Run(kind, width)) for width in WIDTHS}
            for kind in training.COMPARED
        }

    wide = scores[training.FULL]
    draw_against_size(
        workshop.folder / "sizes.png",
        {
            "training loss": series("train loss", False),
            "test error (%)": series("test accuracy", True),
        },
        {
            "training loss": float(wide["train loss"].mean()),
            "test error (%)": float(100 * (1 - wide["test accuracy"]).mean()),
        },
        KINDS["wide"],
    )


def results(
    folder: Path,
    scores: Scores,
    surfaces: Surfaces,
    sizes: Mapping[int, int],
    shown: list[Run],
) -> Results:
    seeds = len(scores[training.FULL]["train loss"])
    exact = all(
        counts(folder, Run(kind, width), seeds) == {sizes[width]}
        for kind in training.COMPARED
        for width in WIDTHS
    )
    rows = [
        row(sizes[width], Run(kind, width), scores[Run(kind, width)])
        for width in WIDTHS
        for kind in training.COMPARED
    ]
    full = initial([training.WIDE], [0]).flat().shape[1]
    rows.append(row(full, training.FULL, scores[training.FULL]))
    settings: dict[str, Any] = {
        "wide": training.WIDE,
        "widths": ", ".join(map(str, WIDTHS)),
        "seeds": seeds,
        "epochs": training.EPOCHS,
        "rate": training.RATE,
        "momentum": training.MOMENTUM,
        "batch": training.BATCH,
        "drop": training.DROP,
        "rounds": training.ROUNDS,
        "first": training.rounds(training.EPOCHS)[0],
        "last": training.rounds(training.EPOCHS)[-1],
        "shown": SHOWN,
        "surface_seeds": SURFACE_SEEDS,
        "points": POINTS,
        "top": TOP,
    }
    numbers = {
        "counts_are_equal": exact,
        "wide_accuracy": float(scores[training.FULL]["train accuracy"].min()),
        "full": full,
    }
    tables = {
        "networks": Table(HEAD, rows),
        "surfaces": Table(SURFACE_HEAD, [surface_row(run, surfaces[run.kind]) for run in shown]),
    }
    return Results(settings, numbers, tables, judge(scores, surfaces), ["sizes", "planes"])


if __name__ == "__main__":
    sys.exit(run_script(command, "pruning"))
