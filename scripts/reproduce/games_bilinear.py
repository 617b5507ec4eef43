"""The bilinear game: its field, and where three ways of playing it lead."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import torch
from gan.bilinear import METHODS, Floats, closed_form, path, radius, update_matrix
from gan.pictures import YELLOW, shrink
from matplotlib.patheffects import withStroke
from planes import without
from results import Claim, Results, Table, Verdict
from steps import Workshop, load_base, options

import landscape_cli
from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes

RATES = (0.05, 0.15, 0.5, 0.9)
"""Learning rates whose steps are measured."""

RATE, STEPS, START = 0.15, 60, (0.5, 0.0)
"""The learning rate, the number of steps and the start of the paths that are drawn."""

EXACT = 1e-9
"""Largest difference of a measured number from its closed form that counts as rounding."""

YADAV, MESCHEDER, BERARD = "Yadav et al. 2018", "Mescheder et al. 2017", "Berard et al. 2020"


def surface(workshop: Workshop) -> Path:
    """Compute the value of the game over both numbers."""
    workshop.folder.mkdir(parents=True, exist_ok=True)
    ends = {name: workshop.folder / f"{name}.pt" for name in ("zeros", "ones")}
    for file, make in zip(ends.values(), (torch.zeros, torch.ones), strict=True):
        if not file.exists():
            torch.save({axis: make(()) for axis in "xy"}, file)
    directions = {f"directions.{axis}.path": str(ends["ones"]) for axis in "xy"}
    return workshop.compute("value", {"checkpoint": str(ends["zeros"]), **directions}, ranks=1)


def draw(workshop: Workshop, found: Path) -> None:
    """Draw the field, and the path of each method over it."""
    one = without(landscape_cli.read_surface(found), "checkpoints", "directions")
    one = replace(one, config={})
    drawn = landscape_cli.plot(
        [one] * len(METHODS),
        "field",
        ascend="y",
        around="centre",
        labels=list(METHODS),
        size=(8.4, 3.4),
    )
    for axes, method in zip(drawn.axes, METHODS, strict=False):
        points = path(method, START, RATE, STEPS)
        edge = [withStroke(linewidth=3.4, foreground="black")]
        axes.plot(*points.T, color=YELLOW, linewidth=2, path_effects=edge, zorder=6)
        dots = {"linestyle": "none", "markeredgecolor": "black", "zorder": 7}
        axes.plot(*points.T, marker="o", markersize=3.4, color=YELLOW, markeredgewidth=0.5, **dots)
        axes.plot(*points[0], marker="s", markersize=7, color=YELLOW, **dots)
    picture = workshop.folder / "paths.png"
    drawn.savefig(picture, dpi=130)
    shrink(picture)


def field_eigenvalues(found: Path) -> Floats:
    """Return the eigenvalues of the Jacobian of the field (-dV/dx, +dV/dy), from the surface."""
    one = landscape_cli.read_surface(found)
    value = np.asarray(one.values["game", "value"])
    x, y = (one.grid.axes[axis].coordinates for axis in "xy")
    along_y, along_x = np.gradient(value, y, x)
    rows = [np.gradient(part, y, x)[::-1] for part in (-along_x, along_y)]
    place = tuple(size // 2 for size in value.shape)
    jacobian = np.array([[float(part[place]) for part in row] for row in rows])
    eigenvalues: Floats = np.linalg.eigvals(jacobian)
    return eigenvalues


def judge(radii: dict[str, list[float]], turns: Floats) -> list[Claim]:
    """Compare what is said of the game with what was seen; all of it is exact."""

    def word(holds: bool) -> Verdict:
        return "agrees" if holds else "disagrees"

    def listed(method: str) -> str:
        return ", ".join(f"{each:.6g}" for each in radii[method])

    off = max(abs(each - 1) for each in radii["alternating"])
    return [
        Claim(
            f"{YADAV}, abstract",
            "alternating steps do not reliably converge to saddle points",
            f"the spectral radius of a step is 1 with all {len(RATES)} learning rates, within "
            f"{off:.1g}: paths neither approach the saddle nor leave it",
            word(off < EXACT),
        ),
        Claim(
            f"{YADAV}, abstract",
            "prediction steps converge to it",
            f"the spectral radii are {listed('prediction')}, below 1 with all learning rates",
            word(max(radii["prediction"]) < 1),
        ),
        Claim(
            f"{MESCHEDER}, abstract",
            "convergence suffers from eigenvalues of the field's Jacobian without a real part",
            f"they are {turns[0].imag:+.3g}i and {turns[1].imag:+.3g}i; simultaneous steps have "
            f"spectral radii of {listed('simultaneous')} and diverge",
            word(float(np.abs(turns.real).max()) < 1e-6 and min(radii["simultaneous"]) > 1),
        ),
        Claim(
            f"{BERARD}, abstract",
            "theory predicts rotations around the stationary point in toy examples",
            "all lines of the field are circles around the saddle: its eigenvalues are imaginary",
            word(float(np.abs(turns.imag).min()) > 0),
        ),
    ]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@options("games_bilinear")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    """Draw the bilinear game V = x y with the paths of simultaneous, alternating, prediction steps.

    The spectral radii of their steps are measured and compared with the closed forms. There is
    nothing to train; it takes seconds.
    """
    workshop = Workshop(folder, load_base("bilinear_game.yaml"), parse_changes(assignments), jobs)
    if train_only:
        return
    found = surface(workshop)
    draw(workshop, found)
    radii = {method: [radius(update_matrix(method, rate)) for rate in RATES] for method in METHODS}
    forms = {method: [closed_form(method, rate) for rate in RATES] for method in METHODS}
    rows = [
        [method, f"{rate:g}", f"{measured:.6f}", f"{exact:.6f}"]
        for method in METHODS
        for rate, measured, exact in zip(RATES, radii[method], forms[method], strict=True)
    ]
    distances = {
        method: np.linalg.norm(path(method, START, RATE, STEPS), axis=1) for method in METHODS
    }
    ends = {method: float(each[-1] / each[0]) for method, each in distances.items()}
    head = ["steps", "learning rate ε", "spectral radius, measured", "closed form"]
    workshop.publish(
        Results(
            settings={"rate": RATE, "steps": STEPS, "methods": len(METHODS)},
            numbers={
                "off": float(
                    max(np.abs(np.array(radii[each]) - forms[each]).max() for each in METHODS)
                ),
                **{f"{method}_end": end for method, end in ends.items()},
            },
            tables={"radii": Table(head, rows)},
            claims=judge(radii, field_eigenvalues(found)),
            figures=["paths"],
        )
    )


if __name__ == "__main__":
    sys.exit(run_script(command, "games_bilinear"))
