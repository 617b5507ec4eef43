"""The loss surface of one network with its weights rounded to fewer and fewer bits."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import planes
import yaml
from results import Claim, Mean, Results, Table, verdict
from steps import ROOT, Network, Workshop, labelled, options, recipe

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes
from landscape_cli.store import read_surface

CONFIG = ROOT / "configs" / "digits_resnet44.yaml"
RECIPE = "--lr 0.02 --batch-size 64 --weight-decay 5e-4"
EPOCHS = 90
SEEDS = (0, 1, 2)
BITS = (None, 16, 8, 4, 3, 2, 1)
"""Bits of a weight; None for float32. What 16 bits change is clipped, since they round hardly."""

FINE = 16
"""Bits whose picture would look like that of 8."""

POINTS = 25
SPLITS = ("train", "test")
BATCH_NORM = ("frozen", "recalibrate")

WITHIN = 0.02
"""Loss of accuracy that Krishnamoorthi allows."""

Values = Mapping[str, float]


def network(seed: int, epochs: int = EPOCHS) -> Network:
    return Network(
        name=f"resnet44_seed{seed}",
        label="ResNet-44",
        training=(*RECIPE.split(), "--epochs", str(epochs), "--seed", str(seed)),
    )


def name_of(bits: int | None) -> str:
    return "32 bits" if bits is None else f"{bits} bit{'s' * (bits > 1)}"


def plane(workshop: Workshop, net: Network, bits: int | None) -> Path:
    """Compute the plane, on all digits."""
    changes: Mapping[str, Any] = {
        "checkpoint": str(workshop.checkpoint(net)),
        "quantize": bits,
        "grid": {axis: [-1, 1, POINTS] for axis in "xy"},
    }
    return workshop.compute(f"plane_{bits or 32}", changes)


def centre(workshop: Workshop, net: Network, bits: int | None, batch_norm: str) -> Values:
    """Compute loss and accuracy of the rounded network itself, as the middle of a line.

    With ``recalibrate``, batch norm's statistics are re-estimated for the rounded weights.
    """
    changes: Mapping[str, Any] = {
        "checkpoint": str(workshop.checkpoint(net)),
        "quantize": bits,
        "batch_norm": batch_norm,
        "directions": {"x": {"kind": "random", "seed": 1}},
        "grid": {"x": [-1, 1, 3]},
    }
    line = workshop.compute(f"{net.name}_{batch_norm}_{bits or 32}", changes, ranks=1)
    values = read_surface(line).values
    return {
        f"{split} {quantity}": float(values[split, quantity][1])
        for split in SPLITS
        for quantity in ("loss", "accuracy")
    }


HEAD = ["bits", "train loss", "train accuracy (%)", "test loss", "test accuracy (%)"]
HEAD += ["test loss, recalibrated", "test accuracy (%), recalibrated"]

SHAPE = ["bits", f"mean rise at {planes.RADIUS:g}", f"largest rise at {planes.RADIUS:g}"]
SHAPE += ["convex points (%)", "roughness (% of range)", "lowest train loss", "highest train loss"]
SHAPE += ["clipped at (1, 1) (%)"]


def row(bits: int | None, frozen: Sequence[Values], fresh: Sequence[Values]) -> list[str]:
    """Format means over seeds with standard errors."""

    def cell(found: Sequence[Values], name: str) -> str:
        percent = name.endswith("accuracy")
        return Mean.of((100 if percent else 1) * each[name] for each in found).text()

    names = [f"{split} {quantity}" for split in SPLITS for quantity in ("loss", "accuracy")]
    return [
        name_of(bits).split()[0],
        *(cell(frozen, name) for name in names),
        *(cell(fresh, name) for name in names[2:]),
    ]


def shape(bits: int | None, path: Path) -> list[str]:
    """Format what the plane looks like."""
    surface, found = read_surface(path), planes.numbers(path)
    loss = surface.values[planes.LOSS]
    clipped = (surface.provenance.get("quantize") or {}).get("clipped", 0.0)
    return [
        name_of(bits).split()[0],
        f"{found['mean rise']:.3g}",
        f"{found['largest rise']:.3g}",
        f"{100 * found['convex']:.0f}",
        f"{100 * found['roughness']:.2g}",
        f"{loss.min():.3g}",
        f"{loss.max():.3g}",
        f"{100 * clipped:.1f}",
    ]


def judge(frozen: Mapping[int | None, Sequence[Values]], fresh: Sequence[Values]) -> list[Claim]:
    """Compare claims about few bits with what was seen.

    Args:
        frozen: by bits, the rounded networks of all seeds.
        fresh: those of 4 bits with recalibrated batch norm.
    """

    def loss_of(found: Sequence[Values]) -> Mean:
        pairs = zip(frozen[None], found, strict=True)
        return Mean.of(whole["test accuracy"] - few["test accuracy"] for whole, few in pairs)

    eight, four, binary = (loss_of(frozen[bits]) for bits in (8, 4, 1))
    return [
        Claim(
            "Krishnamoorthi 2018, arXiv 1806.08342",
            "Weights rounded to 8 bits per channel after training lose at most "
            f"{100 * WITHIN:.0f} % of accuracy.",
            f"Test accuracy lost: {eight.percent()}.",
            verdict(Mean(WITHIN, 0) - eight),
        ),
        Claim(
            "Krishnamoorthi 2018, arXiv 1806.08342",
            "With 4 bits, they lose more.",
            f"Test accuracy lost: {four.percent()}; {loss_of(fresh).percent()} with recalibrated "
            "batch norm.",
            verdict(four - eight),
        ),
        Claim(
            "Courbariaux et al. 2015, arXiv 1511.00363",
            "Binary weights need training; rounding afterwards is not enough.",
            f"Test accuracy lost with one bit: {binary.percent()}.",
            verdict(binary - Mean(WITHIN, 0)),
        ),
    ]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@options("quantized")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    """Draw one plane of a trained ResNet-44 on digits with its weights rounded to few bits.

    The network is that of `make demo`, from three seeds. Each surface is that of the quantized
    network around it, on a grid of weights whose scale is fixed at the centre, with frozen batch
    norm.
    """
    base = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    base["problem_args"]["samples"] = None
    workshop = Workshop(folder, base, parse_changes(assignments), jobs)
    networks = [network(seed, epochs or EPOCHS) for seed in SEEDS]
    workshop.train(networks)
    if train_only:
        return
    surfaces = {bits: plane(workshop, networks[0], bits) for bits in BITS}
    draw(workshop, {bits: path for bits, path in surfaces.items() if bits != FINE})
    frozen, fresh = (
        {bits: [centre(workshop, net, bits, kind) for net in networks] for bits in BITS}
        for kind in BATCH_NORM
    )
    settings = {
        "recipe": recipe(RECIPE),
        "epochs": epochs or EPOCHS,
        "seeds": len(SEEDS),
        "points": POINTS,
        "radius": planes.RADIUS,
    }
    accuracies = [workshop.log(net)["train_accuracy"] for net in networks]
    tables = {
        "networks": Table(HEAD, [row(bits, frozen[bits], fresh[bits]) for bits in BITS]),
        "shapes": Table(SHAPE, [shape(bits, path) for bits, path in surfaces.items()]),
    }
    claims = judge(frozen, fresh[4])
    figures = ["planes"]
    workshop.publish(Results(settings, {"accuracy": min(accuracies)}, tables, claims, figures))


def draw(workshop: Workshop, surfaces: Mapping[int | None, Path]) -> None:
    """Draw the training loss of planes on one scale."""
    names = labelled(map(name_of, surfaces))
    look = ("--split", "train", "--log", "--size", "8.4x5.8", "--dpi", "110")
    workshop.plot("planes", list(surfaces.values()), *look, *names)


if __name__ == "__main__":
    sys.exit(run_script(command, "quantized"))
