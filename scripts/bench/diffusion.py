"""Benchmark of `landscape diffusion`: 2,000 checkpoints of 270,000 parameters on two ranks.

Prints one JSON line per figure; see docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch
from reporting import emit, note, on_ranks

COUNT, PARAMETERS, RANKS = 2000, 270_000, 2


def write_checkpoints(folder: Path, count: int, parameters: int) -> None:
    """Write the checkpoints of a random walk in float32."""
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(parameters, generator=generator)
    for number in range(count):
        torch.save({"weight": weights}, folder / f"step{number:06d}.pt")
        weights += 1e-2 * torch.randn(parameters, generator=generator)


def read_rate(folder: Path) -> float:
    """Return the bytes per second at which one process reads the files, from memory if it can."""
    paths = sorted(folder.iterdir())
    start = time.perf_counter()
    size = sum(len(path.read_bytes()) for path in paths)
    return size / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--parameters", type=int, default=PARAMETERS)
    parser.add_argument("--ranks", type=int, default=RANKS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "checkpoints")
        folder.mkdir()
        note(f"writing {options.count} checkpoints of {options.parameters} parameters")
        write_checkpoints(folder, options.count, options.parameters)
        disk = read_rate(folder)
        found = on_ranks(
            options.ranks, "distances.py", folder, Path(name, "map.h5"), options.parameters
        )
    shape = {
        "checkpoints": options.count,
        "parameters": options.parameters,
        "ranks": options.ranks,
    }
    size = 4.0 * options.count * options.parameters
    flops = float(options.count) ** 2 * options.parameters
    seconds = found["distances"]
    emit("diffusion_distances", seconds, "s", **shape)
    emit("diffusion_map", found["map"], "s")
    emit("diffusion_walks", found["walks"], "s", walks=found["drawn"])
    emit("diffusion_memory", found["peak_megabytes"], "MB", note="largest rank")
    emit(
        "gram_bytes_per_s",
        size / seconds,
        "B/s",
        files_bytes_per_s=disk,
        memory_bytes_per_s=found["memory_bytes_per_s"],
        reads_of_each=found["reads"] / options.count,
    )
    emit(
        "gram_vs_dgemm",
        flops / seconds / found["dgemm_flops"],
        "ratio",
        target=">= 0.3",
        gram_gigaflops=flops / seconds / 1e9,
        dgemm_gigaflops=found["dgemm_flops"] / 1e9,
    )


if __name__ == "__main__":
    main()
