"""Benchmark of a model on a group of two ranks: its speed beside one rank's, and its memory.

Prints one JSON line per figure; see docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import memory
import torch
import yaml
from language import GPT
from reporting import HERE, ROOT, emit, median_ratio, mpiexec, note, on_ranks
from safetensors.torch import save_file
from torch import nn
from torch.utils.data import TensorDataset

import landscape_cli as landscape
from landscape_cli.evaluation.groups.sharding import units_of
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import causal_lm, cross_entropy

VOCABULARY, TEXTS, LENGTH, BATCH = 8192, 32, 256, 4


def gpt() -> Problem:
    """Build the language model whose points are timed."""
    torch.manual_seed(0)
    data = TensorDataset(torch.randint(VOCABULARY, (TEXTS, LENGTH)))
    return Problem(GPT(VOCABULARY, LENGTH), {"train": data}, causal_lm)


def empty() -> Problem:
    """Build a model of 100 million parameters without values."""
    with torch.device("meta"):
        model = memory.Gpt()
    tokens = torch.randint(memory.VOCABULARY, (2, memory.LENGTH + 1))
    memory.before.update(peak=memory.peak())
    data = TensorDataset(tokens[:, :-1], tokens[:, 1:])
    return Problem(model, {"train": data}, cross_entropy)


def seconds_of_points(folder: Path, group: bool) -> float:
    """Return the median seconds of a point, on two ranks or on one with two threads."""
    output = folder / "surface.h5"
    axis = {"x": [-1, 1, 3], "y": [-1, 1, 2]}
    run = {"problem": "groups:gpt", "grid": axis, "batch_size": BATCH, "output": str(output)}
    run |= {"calibrate": False, "compile": "off", "threads": 1 if group else 2}
    config = folder / "run.yaml"
    config.write_text(yaml.safe_dump(run))
    launcher = [mpiexec(), "-n", "2"] if group else []
    size = ["--ranks-per-model", "2"] if group else []
    subprocess.run(
        [*launcher, sys.executable, "-m", "landscape_cli", "compute", str(config), "--overwrite"]
        + [*size, "-q"],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    with h5py.File(output) as file:
        return float(statistics.median(file["seconds"][()].ravel()))


def efficiency(repeats: int) -> None:
    """Time a point on a group of two ranks and on one rank with as many cores, alternating."""
    one, two = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(1, repeats + 1):
            one.append(seconds_of_points(Path(folder), group=False))
            two.append(seconds_of_points(Path(folder), group=True))
            note(f"round {number}: {one[-1]:.3g} s on one rank, {two[-1]:.3g} s on a group of two")
    more = {"one_rank_seconds": statistics.median(one), "group_seconds": statistics.median(two)}
    emit("group_efficiency_2", median_ratio(one, two), "ratio", **more)


def rank() -> None:
    """Compute points of the large model on this rank's group, and print each rank's memory."""
    import groups  # the module from which `compute` imports the problem, not this script
    from mpi4py import MPI

    keys = {"keep_directions": "streamed", "batch_size": 1, "calibrate": False, "threads": 1}
    keys |= {"ranks_per_model": 2, "checkpoint": "model.safetensors", "output": "large.h5"}
    grid = {"x": (-1, 1, 3)}
    landscape.compute("groups:empty", grid, progress=False, **keys)
    own = memory.peak() - groups.memory.before["peak"]
    peaks = MPI.COMM_WORLD.gather(own)
    if peaks is not None:
        print(json.dumps({"peaks": peaks}))


def footprint() -> None:
    """Compare each rank's peak with half the model, half the centre and the largest unit."""
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        model = memory.Gpt()
        state = {n: t for n, t in model.state_dict().items() if n != "head.weight"}
        save_file(state, Path(folder) / "model.safetensors")
        os.chdir(folder)
        peaks = on_ranks(2, "groups.py", "--rank")["peaks"]
    size, unit = nbytes(model), max(map(nbytes, units_of(model)))
    root = size - sum(map(nbytes, units_of(model)))
    bound = size + unit + root
    emit(
        "memory_group_2_100m",
        max(peaks) / bound,
        "ratio",
        peak_megabytes=max(peaks) / 1e6,
        model_megabytes=size / 1e6,
        unit_megabytes=unit / 1e6,
        gathered_throughout_megabytes=root / 1e6,
    )


def nbytes(model: nn.Module) -> int:
    """Return the bytes of a model's parameters."""
    return sum(one.nbytes for one in model.parameters())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rank", action="store_true", help="be a rank of the measured run")
    options = parser.parse_args()
    if options.rank:
        rank()
        return
    efficiency(options.repeats)
    footprint()


if __name__ == "__main__":
    main()
