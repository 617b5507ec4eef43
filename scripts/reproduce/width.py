"""Width and shortcuts, as in figure 6 of Li et al.: wide networks have flat, convex minima."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click
import planes
from depth import (
    DEEP,
    HEAD,
    LI,
    PLAIN,
    SHORTCUTS,
    TOP,
    Measures,
    facts,
    measure,
    network,
    plane,
    row,
)
from results import Claim, Mean, Results, Table, ordered, verdict
from steps import Network, Workshop, load_base, options

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes

WIDTHS = {0.25: 1, 0.5: 2, 1.0: 4, 2.0: 8}
"""Factors on 16, 32 and 64 channels, and how many times the narrowest network's that is."""

SEEDS = (0, 1)
KINDS = (SHORTCUTS, PLAIN)

Key = tuple[float, str, int]
"""Width, kind and seed."""


def label(width: float, kind: str) -> str:
    return f"width x {WIDTHS[width]}{'' if kind == SHORTCUTS else ', no shortcuts'}"


def judge(found: Mapping[Key, Measures]) -> list[Claim]:
    """Compare what Li et al. say with what was seen."""

    def over_seeds(name: str, kind: str) -> list[Mean]:
        return [Mean.of(found[width, kind, seed][name] for seed in SEEDS) for width in WIDTHS]

    convex, rises = (
        {kind: over_seeds(name, kind) for kind in KINDS} for name in ("convex", "mean rise")
    )
    errors = over_seeds("test error", SHORTCUTS)
    widths = ", ".join(map(str, WIDTHS.values()))
    source = LI.format("Wide models vs thin models")
    return [
        Claim(
            source,
            "Wider networks have flatter minima.",
            f"Mean rise at {planes.RADIUS:g} with shortcuts, widths x {widths}: "
            f"{', '.join(map(str, rises[SHORTCUTS]))}.",
            ordered(rises[SHORTCUTS], falling=True),
        ),
        Claim(
            source,
            "Width prevents chaos, without shortcuts too.",
            "Convex points without shortcuts: "
            f"{', '.join(each.percent() for each in convex[PLAIN])}.",
            verdict(convex[PLAIN][-1] - convex[PLAIN][0]),
        ),
        Claim(
            source,
            "Wide regions of apparent convexity go with shortcuts and width.",
            "Convex points with shortcuts: "
            f"{', '.join(each.percent() for each in convex[SHORTCUTS])}.",
            ordered(convex[SHORTCUTS]),
        ),
        Claim(
            source,
            "Wider networks have the lower test error.",
            f"With shortcuts: {', '.join(each.percent(3) for each in errors)}.",
            ordered(errors, falling=True),
        ),
    ]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@options("width")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    """Train ResNets-56 of four widths with and without shortcuts, and compare their surfaces.

    Digits, two seeds of each; for each network, the training loss on a filter-normalized random
    plane.
    """
    changes = parse_changes(assignments)
    workshop = Workshop(folder, load_base("digits_architectures.yaml"), changes, jobs)
    networks: dict[Key, Network] = {
        (width, kind, seed): network(DEEP, kind, seed, epochs, width)
        for seed in SEEDS
        for kind in KINDS
        for width in WIDTHS
    }
    workshop.train(networks.values())
    if train_only:
        return
    surfaces = {key: plane(workshop, net) for key, net in networks.items()}
    found = {key: measure(workshop, net, surfaces[key]) for key, net in networks.items()}
    shapes = [(width, kind) for kind in KINDS for width in WIDTHS]
    first = [(*shape, SEEDS[0]) for shape in shapes]
    planes.draw(
        workshop,
        "planes",
        [surfaces[key] for key in first],
        [label(*shape).replace(", ", "\n") for shape in shapes],
        [found[key]["initial loss"] for key in first],
        columns=len(WIDTHS),
        vmax=TOP,
        size=(9.0, 5.0),
    )
    rows = [row(label(*s), [found[(*s, seed)] for seed in SEEDS]) for s in shapes]
    settings, numbers = facts(found.values(), len(SEEDS))
    tables = {"networks": Table(HEAD, rows)}
    settings["depth"] = DEEP
    workshop.publish(Results(settings, numbers, tables, judge(found), ["planes"]))


if __name__ == "__main__":
    sys.exit(run_script(command, "width"))
