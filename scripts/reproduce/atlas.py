"""Make the atlas: run its studies and write their pages."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from costs import hours, prices, ratios
from rendering import ATLAS, duration, read, render, study_page
from results import NAME, Verdict
from steps import end_with_script, run

from landscape_cli.cli.error_report import run_script
from landscape_cli.errors import LandscapeError, UsageError

FOLDER = Path(__file__).parent
RUNS = Path("runs/reproduce")

STUDIES = {
    "depth": "What do depth and shortcuts do to the surface?",
    "width": "Are wide networks flatter?",
    "views": "What does another view of the same minimum show?",
    "sharp_flat": "Do flat minima generalize better?",
    "trajectory": "How does training move?",
    "convexity": "Is what we see convex?",
    "kinks": "Is the Hessian of a ReLU network the curvature that one sees?",
    "edge_of_stability": "Does gradient descent go to eigenvalues of 2 / learning rate?",
    "connectivity": "How are minima connected, and do bad ones disappear with width?",
    "dynamics": "What do thousands of checkpoints say of how training moves?",
    "sequence": "What do shortcuts do to the surface of a language model?",
    "quantized": "What does rounding the weights do to the surface?",
    "rounding": "Why is it hard to train with weights that are always rounded?",
    "pruning": "Do wide networks that are pruned do better than thin ones?",
    "games_bilinear": "Where do the steps of two players lead in the smallest game?",
    "games": "Is a trained GAN a saddle, and does prediction keep it from collapsing?",
}
"""The question of each study by the name of its script, in the order of the atlas."""

SHARED = {"trajectory": "sharp_flat"}
"""Studies that use the networks of another one, in its folder."""

LARGEST = 300_000
"""Most bytes of a figure."""


def publish(name: str, runs: Path = RUNS, atlas: Path = ATLAS) -> None:
    """Put a study's results and figures into the atlas, and write its page."""
    shared = SHARED.get(name)
    folder, results = runs / (shared or name), f"{name}.json" if shared else NAME
    found: dict[str, Any] = json.loads((folder / results).read_text(encoding="utf-8"))
    atlas.mkdir(parents=True, exist_ok=True)
    for figure in found["figures"]:
        picture = folder / f"{figure}.png"
        if picture.stat().st_size > LARGEST:
            raise UsageError(f"{picture}: has more than {LARGEST:,} bytes; draw it smaller")
        shutil.copyfile(picture, atlas / f"{name}_{figure}.png")
    shutil.copyfile(folder / results, atlas / f"{name}.json")
    (atlas / f"{name}.md").write_text(study_page(name, found), encoding="utf-8")
    click.echo(f"wrote {atlas / f'{name}.md'}")


def write_overviews(atlas: Path = ATLAS) -> None:
    """Write the list of studies and the page of costs."""
    atlas.mkdir(parents=True, exist_ok=True)
    for page in ("README", "costs"):
        (atlas / f"{page}.md").write_text(overview(page, atlas), encoding="utf-8")


def overview(page: str, atlas: Path = ATLAS) -> str:
    """Return a page about all studies that have results."""
    found = {name: read(name, atlas) for name in STUDIES if (atlas / f"{name}.json").exists()}
    costs = {name: study["cost"] for name, study in found.items()}
    verdicts: dict[str, dict[Verdict, int]] = {
        name: {
            word: sum(claim["verdict"] == word for claim in study["claims"])
            for word in ("agrees", "disagrees", "undecided")
        }
        for name, study in found.items()
    }
    return render(
        f"{page}.md",
        {
            "studies": found,
            "asks": STUDIES,
            "verdicts": verdicts,
            "prices": prices(costs).markdown,
            "ratios": ratios(costs).markdown,
            "time": duration(3600 * sum(map(hours, costs.values()))),
        },
    )


def check_names(names: Iterable[str]) -> None:
    for name in names:
        if name not in STUDIES:
            raise UsageError(f"{name}: no such study; there are {', '.join(STUDIES)}")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, metavar="[STUDY]...")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=os.cpu_count() or 1,
    help="Networks trained at once, and ranks per surface; by default one for each core.",
)
@click.option("--pages", "only_pages", is_flag=True, help="Write the pages anew, run nothing.")
def command(names: tuple[str, ...], jobs: int, only_pages: bool) -> None:
    """Run studies, by default all, and write their pages into docs/atlas.

    A study continues where it was stopped: networks and surfaces that are there are not made again.
    If one fails, the others are made all the same.
    """
    check_names(names)
    end_with_script()
    failed = []
    for name in names or STUDIES:
        if not only_pages:
            try:
                run([sys.executable, str(FOLDER / f"{name}.py"), "--jobs", str(jobs)])
                publish(name)
            except LandscapeError as error:
                click.echo(f"{name}: {error}", err=True)
                failed.append(name)
        elif (ATLAS / f"{name}.json").exists():
            (ATLAS / f"{name}.md").write_text(study_page(name, read(name)), encoding="utf-8")
    write_overviews()
    if failed:
        raise LandscapeError(f"not made: {', '.join(failed)}; the same command tries them again")


if __name__ == "__main__":
    sys.exit(run_script(command, "atlas"))
