"""FGE and SWA against one training run of the same budget (Garipov et al. 2018, Izmailov et al.)"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from results import Claim, Mean, Results, Table, verdict, worst
from steps import Network, Workshop, landscape, launcher

from claims.figures import draw_methods
from claims.shop import DIGITS, FASHION, Setting, Shop, seeded

SEEDS = {DIGITS: 5, FASHION: 4}

TAIL = ("--milestones", "0.5", "--tail-from", "0.6667")
"""The rate falls once before the last third of the epochs, the tail."""

TAILS = {
    "FGE": ("--schedule", "cyclical", "--cycle", "2", "--tail-lr", "0.025,0.0005"),
    "SWA": ("--schedule", "constant", "--cycle", "1", "--tail-lr", "0.01"),
}

TEST = {FASHION: {"problem_args.samples": {"train": 3000}}}
"""What scores are computed on, where that is more than what training is watched with."""

SINGLE, MEMBERS, FGE, END, SWA, INDEPENDENT = (
    "single run",
    "mean FGE member",
    "FGE ensemble",
    "end of the SWA run",
    "SWA",
    "ensemble of all single runs",
)
QUANTITIES = {"error": "test error (%)", "loss": "test loss"}

Scores = Mapping[str, Sequence[float]]
"""By ``error`` and ``loss``, the value of each seed."""


@dataclass(frozen=True)
class Runs:
    """The training runs of a data set: one of each kind for each seed, of equally many epochs."""

    shop: Shop
    setting: Setting

    @property
    def workshop(self) -> Workshop:
        return self.setting.workshop(self.shop)

    @property
    def seeds(self) -> range:
        return range(SEEDS[self.setting])

    def single(self, seed: int) -> Network:
        return self.setting.network(self.shop, seed)

    def with_tail(self, kind: str, seed: int) -> Network:
        """Return a run that explores after two thirds of its epochs, FGE or SWA."""
        recipe = list(self.setting.recipe)
        for name in ("--at-least", "--restarts"):
            place = recipe.index(name)
            del recipe[place : place + 2]
        epochs = ("--epochs", self.shop.length(self.setting.epochs))
        batch = ("--batch-size", str(self.setting.batch))
        return Network(
            name=f"{kind.lower()}{seed}",
            label=f"{self.setting.label}, {kind}, seed {seed}",
            training=(*recipe, *batch, *epochs, *TAIL, *TAILS[kind], *seeded(seed)),
        )

    def all(self) -> list[Network]:
        tails = [self.with_tail(kind, seed) for kind in TAILS for seed in self.seeds]
        return [*map(self.single, self.seeds), *tails]

    def snapshots(self, net: Network) -> str:
        """Return the pattern of a run's snapshots."""
        return str(self.workshop.folder / f"{net.name}_snapshots" / "epoch_*.pt")

    def average(self, net: Network) -> Path:
        """Average the weights of a run's snapshots."""
        output = self.workshop.folder / f"{net.name}_average.pt"
        if not output.exists():
            files = (self.config(net), self.snapshots(net), "--output", str(output))
            self.workshop.spend("ensembles", landscape("average", *files, "--quiet"))
        return output

    def config(self, net: Network) -> str:
        return str(self.workshop.folder / f"{net.name}.yaml")

    def score(self, name: str, net: Network, checkpoints: Sequence[str]) -> dict[str, Any]:
        """Score members and their ensemble on the test data; return the table of scores."""
        output = self.workshop.folder / f"{name}.ensemble.json"
        changes = [
            word
            for key, value in TEST.get(self.setting, {}).items()
            for word in ("--set", f"{key}={json.dumps(value)}")
        ]
        options = ("--split", "test", "--no-average", "--output", str(output), *changes)
        command = landscape("ensemble", self.config(net), *checkpoints, *options)
        self.workshop.spend("ensembles", [*launcher(self.shop.jobs), *command], output)
        found: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))["tables"][0]
        return found

    def results(self) -> tuple[dict[str, Scores], int]:
        """Return the scores of every method, and the number of test samples."""
        singles = [str(self.workshop.checkpoint(self.single(seed))) for seed in self.seeds]
        swa = [self.with_tail("SWA", seed) for seed in self.seeds]
        ends = [str(self.workshop.checkpoint(net)) for net in swa]
        means = [str(self.average(net)) for net in swa]
        nets = [self.with_tail("FGE", seed) for seed in self.seeds]
        fge = [self.score(net.name, net, [self.snapshots(net)]) for net in nets]
        alone = self.score("single", self.single(0), singles)
        found = {
            SINGLE: scores([alone], "member"),
            MEMBERS: scores(fge, "mean"),
            FGE: scores(fge, "ensemble"),
            END: scores([self.score("swa_ends", swa[0], ends)], "member"),
            SWA: scores([self.score("swa", swa[0], means)], "member"),
            INDEPENDENT: scores([alone], "ensemble"),
        }
        return found, int(alone["samples"])


def scores(tables: Sequence[Mapping[str, Any]], role: str) -> dict[str, list[float]]:
    """Take the test error in percent and the loss of each row of a role."""
    rows = [row for each in tables for row in each["rows"] if row["role"] == role]
    return {
        "error": [100 * (1 - float(row["accuracy"])) for row in rows],
        "loss": [float(row["loss"]) for row in rows],
    }


def with_error(values: Sequence[float], digits: int) -> str:
    """Format a mean with its standard error over seeds, where there are several."""
    text = f"{np.mean(values):.{digits}f}"
    if len(values) < 2:
        return text
    return f"{text} ± {np.std(values, ddof=1) / len(values) ** 0.5:.{digits}f}"


def row(label: str, method: str, found: Scores, single: Scores) -> list[str]:
    """Make a table row: means over seeds, and of differences from the run of the same seed."""
    cells = [label, method]
    for quantity, digits in (("error", 2), ("loss", 3)):
        values = found[quantity]
        cells.append(with_error(values, digits))
        if len(values) == len(single[quantity]) and method != SINGLE:
            differences = np.subtract(values, single[quantity]).tolist()
            cells.append(with_error(differences, digits))
        else:
            cells.append("")
    return cells


HEAD = ["data, network", "method", "test error (%)", "minus the single run's"]
HEAD += ["test loss", "minus the single run's"]


def judge(found: Mapping[str, Mapping[str, Scores]]) -> list[Claim]:
    """Compare what is said of FGE and SWA with what was seen."""

    def gains(method: str) -> dict[str, Mean]:
        return {
            label: Mean.of(np.subtract(each[SINGLE]["error"], each[method]["error"]).tolist())
            for label, each in found.items()
        }

    def say(values: Mapping[str, Mean]) -> str:
        return "; ".join(f"{mean.text(2)} points ({label})" for label, mean in values.items())

    fge, swa = gains(FGE), gains(SWA)
    return [
        Claim(
            "Garipov et al. 2018, section 4",
            "An FGE ensemble has a lower test error than a single run of the same budget.",
            f"Lower by {say(fge)}.",
            worst([verdict(mean) for mean in fge.values()]),
        ),
        Claim(
            "Izmailov et al. 2018, arXiv 1803.05407",
            "So has SWA.",
            f"Lower by {say(swa)}.",
            worst([verdict(mean) for mean in swa.values()]),
        ),
    ]


def study(shop: Shop) -> Results | None:
    """Compare FGE and SWA with single runs of as many epochs."""
    studies = [Runs(shop, setting) for setting in SEEDS]
    for each in studies:
        each.workshop.train(each.all())
    if shop.train_only:
        return None
    found = {}
    for each in studies:
        methods, samples = each.results()
        found[f"{each.setting.label}, {samples} test images"] = methods
    draw_methods(shop.folder / "ensembles.png", found, QUANTITIES)
    rows = [
        row(label, method, values, methods[SINGLE])
        for label, methods in found.items()
        for method, values in methods.items()
    ]
    settings = {"ensemble_seeds": [len(each.seeds) for each in studies]}
    return Results(settings, {}, {"ensembles": Table(HEAD, rows)}, judge(found), ["ensembles"])
