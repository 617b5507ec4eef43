"""Benchmark of a grid point against the usual implementation and the bare forward pass.

Prints one JSON line per figure; see docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from reporting import REPEATS, emit, median_ratio, note, seconds
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from landscape_cli.evaluation import Evaluator, SplitData
from landscape_cli.evaluation.devices import choose_device, default_micro_batch
from landscape_cli.evaluation.forward.concurrency import Workers
from landscape_cli.evaluation.forward.defaults import choose_default_settings
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.geometry.directions.random import RandomDirection
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.affine import AffineSlice, build_slice
from landscape_cli.problems.objectives import cross_entropy
from landscape_cli.problems.zoo.digits import load
from landscape_cli.problems.zoo.mlp import MLP
from landscape_cli.problems.zoo.resnet import ResNet
from landscape_cli.records.tiles import Tile
from landscape_cli.util import accelerators
from landscape_cli.util.allocator import keep_freed_memory
from landscape_cli.util.processor import computes_bf16, description

POINT = (0.25, -0.5)


class Case:
    """A network and its data, evaluated by ``landscape`` and by a reference."""

    def __init__(self, model: nn.Module, data: TensorDataset, device: torch.device) -> None:
        self.device = device
        self.data = data
        self.model = model.eval()
        self.parameters = FlatParameters.of_model(model, device)
        recipes = {"x": RandomDirection(seed=1), "y": RandomDirection(seed=2)}
        self.slice: AffineSlice = build_slice(self.parameters.clone(), recipes)

    def evaluator(self, precision: str) -> Evaluator:
        """Make an evaluator with the settings that a run would choose."""
        start = Settings(default_micro_batch(self.device), precision=precision)
        split = SplitData("train", self.data, start.micro_batch, self.device)
        evaluator = Evaluator(
            self.model, self.parameters, self.slice, cross_entropy, {"train": split}, start
        )
        evaluator.load(1 << 40)
        evaluator.apply(choose_default_settings(evaluator, (1.0, 1.0)))
        note(str(evaluator.settings))
        return evaluator

    @torch.no_grad()
    def reference(self) -> float:
        """Compute a point the usual way: a new loader, updates per tensor, a wait per batch."""
        centre = self.slice.centre.views
        x, y = (direction.views for direction in self.slice.directions.values())
        for name, parameter in self.model.named_parameters():
            parameter.copy_(centre[name] + POINT[0] * x[name] + POINT[1] * y[name])
        loss, correct = 0.0, 0
        for images, labels in DataLoader(self.data, batch_size=128, num_workers=0):
            images, labels = images.to(self.device), labels.to(self.device)
            scores = self.model(images)
            loss += functional.cross_entropy(scores, labels).item() * len(labels)
            correct += (scores.argmax(1) == labels).sum().item()
        return loss / len(self.data)

    def references(self, points: int) -> None:
        """Compute points the usual way."""
        for _ in range(points):
            self.reference()

    def bare(self, evaluator: Evaluator, workers: Workers | None) -> None:
        """Run only the forward pass, with our settings, on threads if they use some."""
        split = evaluator.splits["train"]
        with torch.no_grad(), evaluator.settings.precision_on(self.device):
            if workers is None:
                for batch in split:
                    run_model(self.model, batch)
            else:
                for _ in workers.each(split):
                    pass
        accelerators.synchronize(self.device)

    def workers(self, evaluator: Evaluator) -> Workers | None:
        """Return threads that run only the forward pass, if the evaluator's settings have some."""
        if not evaluator.settings.concurrent:
            return None
        folded = evaluator.folding().tensors()
        return Workers(self.model, run_model, torch.get_num_threads(), folded)

    @torch.no_grad()
    def loop(self, evaluator: Evaluator, points: int) -> Tensor:
        """Compute the mean loss and accuracy at points with as little as possible around it.

        All parameters are written by two operations, the batches are those of the evaluator, sums
        are in float64, and they are read once, after all points. There are no standard errors.
        """
        (centre,), (flat,) = (one.buffers.values() for one in (self.slice.centre, self.parameters))
        x, y = (next(iter(one.buffers.values())) for one in self.slice.directions.values())
        batches = list(evaluator.splits["train"])
        sums: list[Tensor | float] = []
        with evaluator.settings.precision_on(self.device):
            for _ in range(points):
                torch.add(centre, x, alpha=POINT[0], out=flat).add_(y, alpha=POINT[1])
                loss: Tensor | float = 0.0
                correct: Tensor | float = 0.0
                for images, labels in batches:
                    scores = self.model(images)
                    losses = functional.cross_entropy(scores, labels, reduction="none")
                    loss = loss + losses.sum(dtype=torch.float64)
                    correct = correct + (scores.argmax(1) == labels).sum(dtype=torch.float64)
                sums += [loss, correct]
        return torch.stack(sums).view(points, 2).cpu() / len(self.data)


class Apart:
    """The usual way with the ResNet on a CPU, in a process of its own.

    There the C library manages memory by its own rules, as it does for anybody's script, while a
    run tells it to keep what layers free.

    Args:
        images: number of images that ``resnet`` gets.
    """

    def __init__(self, images: int) -> None:
        command = [sys.executable, __file__, "--usual", "--images", str(images)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def seconds(self, points: int) -> float:
        """Compute points, and return the seconds that they take."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(points, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def serve(case: Case) -> None:
    """Compute as many points as each line of standard input says, and print the seconds."""
    for points in map(int, sys.stdin):
        print(seconds(partial(case.references, points)), flush=True)


def run_model(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Run the forward pass on a batch of images and labels."""
    images, _ = batch
    scores: Tensor = model(images)
    return scores


def compare(
    case: Case,
    precision: str,
    repeats: int,
    apart: Apart | None = None,
    points: int = 1,
    loop: bool = False,
) -> dict[str, float]:
    """Time a point with the reference, with ours, and with the bare forward pass, alternating.

    In each round, every side computes several points in a row, as a run does.

    Args:
        case: the network and its data.
        precision: of the forward pass.
        repeats: number of rounds.
        apart: the reference in a process of its own; None to compute it in this one.
        points: the points that each side computes in a round.
        loop: also time ``Case.loop``, for a network that is not folded.

    Returns:
        The medians in seconds per point, and ``reference_ratio``, ``bare_ratio`` and
        ``loop_ratio``, the medians of the rounds' ratios, since a change of the machine's speed
        affects both sides of a round.
    """
    evaluator = case.evaluator(precision)
    plain = evaluator.settings.as_written()
    tile = Tile(tuple(range(points)), (POINT,) * points)

    def ours() -> float:
        evaluator.set_forward(settings)
        return seconds(lambda: evaluator.evaluate(tile))

    def usual() -> float:
        if apart is not None:
            return apart.seconds(points)
        evaluator.set_forward(plain)
        return seconds(lambda: case.references(points))

    def bare() -> float:  # right after ours, with its settings
        return seconds(lambda: [case.bare(evaluator, workers) for _ in range(points)])

    settings = evaluator.settings
    workers = case.workers(evaluator)
    sides: dict[str, Callable[[], float]] = {
        "reference_seconds": usual,
        "ours_seconds": ours,
        "bare_seconds": bare,
    }
    if loop:
        sides["loop_seconds"] = lambda: seconds(lambda: case.loop(evaluator, points))
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(repeats + 1):
        for name, side in sides.items():
            took = side() / points
            if number:  # the first round is slow
                times[name].append(took)
    evaluator.set_forward(replace(plain, precision="fp32"))
    medians = {name: statistics.median(each) for name, each in times.items()}
    ours_times = times["ours_seconds"]
    medians["reference_ratio"] = median_ratio(times["reference_seconds"], ours_times)
    medians["bare_ratio"] = median_ratio(ours_times, times["bare_seconds"])
    if loop:
        medians["loop_ratio"] = median_ratio(ours_times, times["loop_seconds"])
    note(str(medians))
    return medians


def resnet(images: int, device: torch.device, depth: int = 56) -> Case:
    """Make a ResNet on images of noise, with batch-norm statistics from these images."""
    torch.manual_seed(0)
    data = TensorDataset(torch.randn(images, 3, 32, 32), torch.randint(10, (images,)))
    model = ResNet(depth)
    with torch.no_grad():
        for _ in range(5):
            model(data.tensors[0][:128])
    return Case(model, data, device)


def perceptron(device: torch.device) -> Case:
    """Make a 64-64-64-10 perceptron on the digits."""
    torch.manual_seed(0)
    digits = load().splits
    columns = zip(*(split.tensors for split in digits.values()), strict=True)
    data = TensorDataset(*(torch.cat(column) for column in columns))
    return Case(MLP(64, (64, 64), 10), data, device)


def marks(device: torch.device) -> list[tuple[str, str]]:
    """Return the precisions to measure, each with its target ratio."""
    if device.type == "cpu" and computes_bf16() is False:
        note(f"point_vs_reference_bf16: left out ({description()})")
        return [("fp32", ">= 2.2")]
    return [("fp32", ">= 2.2"), ("bf16", ">= 3.2")]


def compare_groups(case: Case, repeats: int, points: int = 128) -> None:
    """Time groups of points in one forward pass against single points, and compare their values."""
    evaluator = case.evaluator("fp32")
    single = replace(evaluator.settings.as_written(), concurrent=False)
    tile = Tile(tuple(range(points)), tuple((i / points, -i / points) for i in range(points)))
    last = Tile(tile.indices[-1:], tile.coordinates[-1:])

    def evaluated(settings: Settings, tile: Tile) -> np.ndarray:
        evaluator.set_forward(settings)
        result = evaluator.evaluate(tile)
        return np.stack([*result.values.values(), *result.stderr.values()])

    for size in (8, 32, 128):
        grouped = replace(single, group=size)
        values, expected = evaluated(grouped, tile), evaluated(single, tile)
        times = [
            [seconds(partial(evaluated, settings, tile)) / points for settings in (grouped, single)]
            for _ in range(repeats)
        ]
        ours, alone = zip(*times, strict=True)
        emit(
            f"group_speedup_mlp_{size}",
            median_ratio(alone, ours),
            "ratio",
            grouped_seconds=statistics.median(ours),
            single_seconds=statistics.median(alone),
            largest_difference=float(np.abs(values / expected - 1).max()),
            same_bits_alone=bool(np.array_equal(evaluated(grouped, last)[:, 0], values[:, -1])),
            same_bits_everywhere=evaluator.places_agree(POINT),
            grouped=evaluator.groups_points,
            device=str(case.device),
            threads=torch.get_num_threads(),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batched", action="store_true", help="only groups of small networks")
    parser.add_argument("--usual", action="store_true", help="only the usual way, on request")
    options = parser.parse_args()
    device = choose_device(options.device)
    if options.usual:
        serve(resnet(options.images, torch.device("cpu")))
        return
    if options.batched:
        compare_groups(perceptron(device), options.repeats)
        return
    apart = None
    if device.type == "cpu":
        apart = Apart(options.images)
        keep_freed_memory()
    case = resnet(options.images, device)
    where = {"device": str(device), "threads": torch.get_num_threads()}
    for precision, target in marks(device):
        facts = (
            compare(case, precision, options.repeats, apart) | where | {"images": options.images}
        )
        ratio, overhead = facts.pop("reference_ratio"), facts.pop("bare_ratio")
        emit(f"point_vs_reference_{precision}", ratio, "ratio", target=target, **facts)
        if precision == "fp32":
            emit("overhead_vs_bare_forward", overhead, "ratio", target="<= 1.03", **facts)
    if apart is not None:
        apart.close()
    case = perceptron(device)
    facts = compare(case, "fp32", 3 * options.repeats, points=50, loop=True)
    facts |= where
    ratio, overhead = facts.pop("reference_ratio"), facts.pop("loop_ratio")
    emit("point_vs_reference_mlp", ratio, "ratio", target=">= 10", **facts)
    emit("overhead_mlp", overhead, "ratio", target="<= 1.25", **facts)


if __name__ == "__main__":
    main()
