"""Benchmark of Hessian-vector products, alone, at a grid point, and shared by two ranks.

Prints one JSON line per figure; see docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import torch
from products import BATCH, Case
from reporting import REPEATS, emit, median_ratio, note, on_ranks, seconds
from torch import Tensor

from landscape_cli.evaluation.devices import choose_device
from landscape_cli.evaluation.spectrum.extremes import STEPS, extremes
from landscape_cli.evaluation.spectrum.start_vectors import gaussian
from landscape_cli.util import accelerators


def alternating(sides: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Time several functions in turns, after a first turn that does not count."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(repeats + 1):
        for name, side in sides.items():
            took = seconds(side)
            if number:
                times[name].append(took)
    note(str({name: statistics.median(each) for name, each in times.items()}))
    return times


def saved_bytes(function: Callable[[], object]) -> int:
    """Return the bytes that autograd keeps for backward passes while a function runs."""
    sizes: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        function()
    return sum(sizes.values())


def product(case: Case, repeats: int) -> None:
    """Compare a product with the bare forward pass, in time and in what autograd keeps."""
    vector = gaussian(case.variables.shapes, 1)[None].to(case.variables.device)

    def multiply() -> None:
        case.hessian(vector)
        accelerators.synchronize(case.device)

    times = alternating({"forward": case.forward, "product": multiply}, repeats)
    medians = {f"{name}_seconds": statistics.median(each) for name, each in times.items()}
    ratio = median_ratio(times["product"], times["forward"])
    more = {"device": str(case.device), "threads": torch.get_num_threads()}
    emit("hvp_vs_forward", ratio, "ratio", target="<= 16", **medians, **more)
    forward, both = (saved_bytes(case.graph_of(order)) for order in (1, 2))
    emit(
        "hvp_memory_vs_forward",
        both / forward,
        "ratio",
        target="<= 2.2",
        forward_megabytes=forward / 1e6,
        gradient_megabytes=both / 1e6,
    )


def point(case: Case, repeats: int) -> None:
    """Time both ends of the spectrum, as at a grid point, beside the products that it takes."""
    start = gaussian(case.variables.shapes, 1)

    def products() -> None:
        for _ in range(STEPS):
            case.hessian(start[None])

    sides = {"extremes": lambda: extremes(case.hessian, start), "products": products}
    times = alternating(sides, repeats)
    medians = {f"{name}_seconds": statistics.median(each) for name, each in times.items()}
    ratio = median_ratio(times["extremes"], times["products"])
    emit("extremes_per_point", medians["extremes_seconds"], "s", steps=STEPS, samples=case.samples)
    emit("extremes_vs_products", ratio, "ratio", target="<= 1.1", **medians)


def two_ranks(repeats: int) -> None:
    """Time products whose samples two ranks share, and those of one rank, in turns."""
    alone, shared = [], []
    for _ in range(repeats):
        alone.append(on_ranks(1, "products.py")["seconds"])
        shared.append(on_ranks(2, "products.py")["seconds"])
        note(f"products of one rank {alone[-1]:.3f} s, of two {shared[-1]:.3f} s")
    emit(
        "curvature_efficiency_2",
        median_ratio(alone, shared) / 2,
        "ratio",
        target=">= 0.85",
        one_rank_seconds=statistics.median(alone),
        two_ranks_seconds=statistics.median(shared),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    case = Case(choose_device(options.device), samples=2 * BATCH)
    product(case, options.repeats)
    point(case, max(1, options.repeats // 2))
    two_ranks(options.repeats)


if __name__ == "__main__":
    main()
