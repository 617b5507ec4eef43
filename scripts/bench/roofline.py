"""Benchmark of a grid point against the bounds set by memory bandwidth and arithmetic.

Only convolutions and linear layers are counted: each reads its inputs and weights once, multiplies,
and writes its outputs once, as if everything between them were fused into them. Neither bound can
be reached; the larger of the two ratios is the room for improvement. Bandwidth and arithmetic are
measured in the same run, alternating with points, by large copies and matrix products.

Prints one JSON line; see docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from point import POINT, Case, resnet
from reporting import REPEATS, emit, median_ratio, note, seconds
from torch import Tensor, nn

from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.devices import choose_device
from landscape_cli.evaluation.forward.compile_choice import try_compilation
from landscape_cli.evaluation.forward.settings import PRECISIONS
from landscape_cli.records.tiles import Tile
from landscape_cli.util import accelerators

LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
ON_GPU = {"images": 50_000, "precision": "bf16", "copied": 1 << 30, "width": 8192, "compile": True}
ON_CPU = {"images": 256, "precision": "fp32", "copied": 1 << 27, "width": 1024, "compile": False}


@dataclass
class Work:
    """Least work of a forward pass.

    Args:
        flops: additions and multiplications.
        moved: bytes read and written.
    """

    flops: int = 0
    moved: int = 0


def count(model: nn.Module, image: Tensor, samples: int, batch: int, size: int) -> Work:
    """Count the work of a model, by hooks on its layers during one pass over one image.

    Args:
        model: the network, in eval mode.
        image: an image of shape (1, c, h, w).
        samples: the number of images per point.
        batch: the images in one forward pass, which share one reading of the weights.
        size: bytes per number.
    """
    work = Work()
    batches = -(-samples // batch)

    def add(layer: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        weight = layer.weight  # each output is a sum over the entries of weight[i]
        work.flops += 2 * samples * output.numel() * weight[0].numel()
        work.moved += size * samples * (inputs[0].numel() + output.numel())
        work.moved += size * batches * weight.numel()

    hooks = [m.register_forward_hook(add) for m in model.modules() if isinstance(m, LAYERS)]
    try:
        with torch.no_grad():
            model(image)
    finally:
        for hook in hooks:
            hook.remove()
    return work


def measure(
    case: Case, evaluator: Evaluator, options: argparse.Namespace
) -> dict[str, list[float]]:
    """Time a point, a copied byte, and an operation, alternating; all in seconds."""
    dtype = PRECISIONS[options.precision] or torch.float32
    source = torch.ones(options.copied // 4, device=case.device)
    target = torch.empty_like(source)
    factor = torch.ones(options.width, options.width, dtype=dtype, device=case.device)
    tile = Tile((0,), (POINT,))
    sides: dict[str, tuple[Callable[[], object], float]] = {
        "point": (lambda: evaluator.evaluate(tile), 1),
        "byte": (lambda: target.copy_(source), 2 * source.nbytes),
        "operation": (lambda: factor @ factor, 2 * options.width**3),
    }
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(options.repeats + 1):
        for name, (side, units) in sides.items():
            took = seconds(lambda side=side: _run_synchronized(side, case.device))
            if number:  # the first round is slow
                times[name].append(took / units)
    return times


def _run_synchronized(function: Callable[[], object], device: torch.device) -> None:
    function()
    accelerators.synchronize(device)


def compile_model(evaluator: Evaluator) -> None:
    """Compile the evaluator's model, if that works and keeps its values."""
    plain = evaluator.settings
    kept, facts = try_compilation(evaluator, (1.0, 1.0), insist=True)
    note(str(facts))
    if kept:
        evaluator.apply(replace(plain, compile=True, fuse=bool(facts.get("fused"))))


def arguments(device: torch.device, given: argparse.Namespace) -> argparse.Namespace:
    """Complete the given arguments with the device's defaults."""
    defaults = ON_CPU if device.type == "cpu" else ON_GPU
    chosen = {name: value for name, value in vars(given).items() if value is not None}
    return argparse.Namespace(**{**defaults, **chosen})


def main(texts: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--depth", type=int, default=56)
    parser.add_argument("--images", type=int)
    parser.add_argument("--precision", choices=[*PRECISIONS])
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction)
    given = parser.parse_args(texts)
    device = choose_device(given.device)
    options = arguments(device, given)
    case = resnet(options.images, device, options.depth)
    evaluator = case.evaluator(options.precision)
    size = (PRECISIONS[options.precision] or torch.float32).itemsize
    image = case.data.tensors[0][:1].to(device)
    work = count(case.model, image, options.images, evaluator.settings.micro_batch, size)
    if options.compile:
        compile_model(evaluator)
    times = measure(case, evaluator, options)
    note(f"{work}, {evaluator.settings}")
    medians = {name: statistics.median(each) for name, each in times.items()}
    emit(
        "seconds_per_point",
        medians["point"],
        "s",
        target="<= 0.057 on an H100",
        over_memory=median_ratio(times["point"], [work.moved * byte for byte in times["byte"]]),
        over_arithmetic=median_ratio(
            times["point"], [work.flops * operation for operation in times["operation"]]
        ),
        gigabytes=work.moved / 1e9,
        gigabytes_per_second=1e-9 / medians["byte"],
        teraflops=work.flops / 1e12,
        teraflops_per_second=1e-12 / medians["operation"],
        images=options.images,
        precision=options.precision,
        settings=evaluator.settings.summary(),
        device=_name(device),
        threads=torch.get_num_threads(),
    )


def _name(device: torch.device) -> str:
    return str(device) if device.type == "cpu" else accelerators.name(device)


if __name__ == "__main__":
    main()
