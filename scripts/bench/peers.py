"""Benchmark against other tools for loss surfaces, installed from PyPI for this purpose.

Prints one JSON line per figure; see docs/benchmarks.md. Each tool gets an environment of its own in
build/peers, which shares this one's PyTorch. A tool that can't be installed or run is left out, and
standard error says why. ``make runs/bench_resnet56.pt`` trains the network.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from picture import SAVING
from reporting import HERE, REPEATS, ROOT, emit, median_ratio, note, seconds
from torch import nn
from usual import UsualWay

from landscape_cli.config.run_config import RunConfig
from landscape_cli.evaluation.derivatives import backward
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.problems.checkpoints import load_weights
from landscape_cli.problems.problem import Problem
from landscape_cli.problems.zoo import MODELS, build
from landscape_cli.records.grid import Axis
from landscape_cli.run import compute
from landscape_cli.store import read_surface

PEERS = {
    "loss_landscapes": "loss-landscapes==3.0.6",
    "landscaper": "landscaper==1.3.1",
    "losscape": "losscape==1.5.10",
    "loss_landscape_3d": "loss-landscape-3d==0.1.3",
}
"""By module, what is installed."""

POINTS = 51
"""Points along each axis of a picture."""

LATEST = 300
"""Seconds after which a turn of a tool is ended."""


@dataclass(frozen=True)
class Network:
    """A trained network, in the forms that the sides take.

    Args:
        suffix: of the names of its figures.
        name: of its class in the registry.
        arguments: of its class.
        checkpoint: its weights.
        samples: number of samples of the split ``train`` that are evaluated.
        points: along each axis in a turn in which all points are computed.
    """

    suffix: str
    name: str
    arguments: dict[str, Any]
    checkpoint: Path
    samples: int
    points: int

    def build(self) -> Problem:
        """Build the network, with its weights once it is trained."""
        problem = build(self.name, model_args=self.arguments, samples={"train": self.samples})
        if self.checkpoint.exists():
            load_weights(problem.model, self.checkpoint)
        return problem

    def usual(self) -> UsualWay:
        problem = self.build()
        return UsualWay(problem.model, {"train": problem.splits["train"]})

    def save(self, path: Path) -> None:
        """Write what another tool's turn needs."""
        problem = self.build()
        inputs, labels = problem.splits["train"].tensors
        given = {"channels": 1, "classes": 10} if self.name == "resnet" else {"inputs": 64}
        saved = {"class": MODELS[self.name], "args": self.arguments | given}
        state = problem.model.state_dict()
        torch.save(saved | {"state": state, "inputs": inputs, "labels": labels}, path)

    def config(self, output: Path, points: int, **changes: Any) -> RunConfig:
        """Return the configuration of our picture."""
        values = {
            "problem": "landscape_cli.problems.zoo:build",
            "problem_args": {
                "model": self.name,
                "model_args": self.arguments,
                "samples": {"train": self.samples},
            },
            "checkpoint": str(self.checkpoint),
            "splits": ["train"],
            "grid": {axis: [-1, 1, points] for axis in "xy"},
            "output": str(output),
        }
        return RunConfig.model_validate(values | changes)


def resnet() -> Network:
    """Return the demo's ResNet with 56 layers, on 512 digits."""
    checkpoint = ROOT / "runs" / "bench_resnet56.pt"
    if not checkpoint.exists():
        raise SystemExit(f"no {checkpoint}: make runs/bench_resnet56.pt")
    arguments = {"depth": 56, "width": 0.5, "shortcuts": True}
    return Network("", "resnet", arguments, checkpoint, 512, 7)


def perceptron(folder: Path) -> Network:
    """Train a 64-64-64-10 perceptron on all training digits."""
    torch.manual_seed(0)
    network = Network("_mlp", "mlp", {"hidden": [64, 64]}, folder / "mlp.pt", 1437, POINTS)
    problem = network.build()
    inputs, labels = problem.splits["train"].tensors
    optimizer = torch.optim.Adam(problem.model.parameters(), 1e-2)
    for _ in range(100):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(problem.model(inputs), labels)
        backward(loss, problem.model.parameters())
        optimizer.step()
    torch.save(problem.model.state_dict(), network.checkpoint)
    return network


def install(module: str) -> Path | None:
    """Install a tool, unless it is; return its Python, or None if that fails."""
    folder = ROOT / "build" / "peers" / module
    python = folder / "bin" / "python"
    if not _imports(python, module):
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        packages = next((folder / "lib").glob("python*")) / "site-packages"
        (packages / "shared.pth").write_text(f"{Path(torch.__file__).parents[1]}\n")
        command = [python, "-m", "pip", "install", "--quiet", PEERS[module]]
        done = subprocess.run(command, capture_output=True, text=True)
        if not _imports(python, module):
            note(f"{module}: left out, since it can't be installed: {_last(done.stderr)}")
            return None
    return python


def _imports(python: Path, module: str) -> bool:
    if not python.exists():
        return False
    code = f"import {module}, torch; assert torch.__version__ == {torch.__version__!r}"
    command = [python, "-c", code]
    return subprocess.run(command, capture_output=True).returncode == 0


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it says nothing"


def turn(python: Path, module: str, network: Path, points: int) -> dict[str, float]:
    """Let a tool compute a plane.

    Raises:
        subprocess.SubprocessError: if it fails.
    """
    threads = torch.get_num_threads()
    command = [python, HERE / "peer_driver.py", module, network, points, threads]
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LATEST,
    )
    if done.returncode:
        raise subprocess.SubprocessError(_last(done.stderr))
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


class Sides:
    """The sides of a comparison on one network, which take turns.

    Times are seconds of a picture of ``POINTS`` x ``POINTS``: where a turn computes fewer points,
    it counts as many times as the picture has more of them.
    """

    def __init__(self, network: Network, folder: Path, pythons: Mapping[str, Path]) -> None:
        self._network, self._folder, self._pythons = network, folder, dict(pythons)
        self._usual = network.usual()
        self._saved = folder / f"network{network.suffix}.pt"
        network.save(self._saved)
        self._scale = POINTS**2 / network.points**2
        self.times: dict[str, list[float]] = {}
        self.finite: dict[str, float] = {}

    def take_turns(self) -> None:
        """Let each side compute once."""
        for side in (self._ours, self._ours_saving, self._usually):
            self._add(side.__name__.strip("_"), side())
        for module, python in list(self._pythons.items()):
            try:
                found = turn(python, module, self._saved, self._network.points)
            except subprocess.SubprocessError as error:
                note(f"{module}: left out, since it failed: {error}")
                del self._pythons[module]
                self.times.pop(module, None)
            else:
                self.finite[module] = found["finite"]
                self._add(module, found["seconds"] * self._scale)

    def _add(self, side: str, took: float) -> None:
        self.times.setdefault(side, []).append(took)

    def _ours(self) -> float:
        """Compute all points of a turn; return what as many as the picture has would take."""
        output = self._folder / "points.h5"
        config = self._network.config(output, self._network.points, calibrate=False)
        compute(config, SerialExecutor(), overwrite=True, quiet=True)
        took: float = read_surface(output).provenance["runs"][-1]["seconds"]
        return took * self._scale

    def _ours_saving(self) -> float:
        """Compute a picture with few points and samples, from configuration to file."""
        config = self._network.config(self._folder / "picture.h5", POINTS, **SAVING)
        return seconds(lambda: compute(config, SerialExecutor(), overwrite=True, quiet=True))

    def _usually(self) -> float:
        axis = Axis(-1.0, 1.0, self._network.points).coordinates

        def plane() -> None:
            for y in axis:
                for x in axis:
                    self._usual.losses((x, y))

        return seconds(plane) * self._scale


def report(network: Network, sides: Sides) -> None:
    """Print the ratios of the other sides to ours, for a point and for a picture."""
    ours = {"point": sides.times.pop("ours"), "picture": sides.times.pop("ours_saving")}
    for name, times in sides.times.items():
        peer = {"usually": "usual_way"}.get(name, name)
        for what, own in ours.items():
            parts = POINTS**2 if what == "point" else 1
            facts: dict[str, Any] = {
                "peer_seconds": statistics.median(times) / parts,
                "ours_seconds": statistics.median(own) / parts,
                "points_timed": network.points**2,
            }
            if sides.finite.get(name, 1.0) < 1:
                facts["finite"] = sides.finite[name]
            figure = f"peer_{peer}_{what}{network.suffix}"
            emit(figure, median_ratio(times, own), "ratio", **facts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    options = parser.parse_args()
    pythons = {module: python for module in PEERS if (python := install(module)) is not None}
    with tempfile.TemporaryDirectory() as folder:
        for network in (resnet(), perceptron(Path(folder))):
            sides = Sides(network, Path(folder), pythons)
            for number in range(options.repeats + 1):
                sides.take_turns()
                if not number:  # the first turns are slow
                    sides.times.clear()
            report(network, sides)


if __name__ == "__main__":
    main()
