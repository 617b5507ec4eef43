"""What pages may find in their folder, by the names that their comments use.

A preparation is made once by the commands it lists, as in a clone, and copied from then on.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.pages.blocks import ROOT
from support.pages.clone import Clone

OWN = "python ../scripts/train.py own_problem.yaml --optimizer adam --lr 0.003 --batch-size 32"
SGD = "python ../scripts/train.py own_problem.yaml --lr 0.05 --epochs 30 --quiet"
BETWEEN = "python scripts/train.py configs/digits_between.yaml --lr 0.05 --quiet"
MLP = "python scripts/train.py configs/digits_curve.yaml --lr 0.05 --quiet"
CURVE = "landscape compute configs/digits_curve.yaml --quiet"
CONNECT = (
    "landscape connect configs/digits_curve.yaml --from runs/digits_a.pt --to runs/digits_b.pt "
    "--lr 0.2 --epochs 10 --quiet"
)

COMMANDS: dict[str, tuple[str, ...]] = {
    "own network": (
        "cd examples && python own_network.py",
        "cd examples && landscape compute own_network.yaml --quiet",
    ),
    "own problem": (f"cd configs && {OWN} --epochs 40 --quiet",),
    "own surface": ("cd configs && landscape compute own_problem.yaml --quiet",),
    "curvature surface": (
        "cd configs && landscape compute own_problem.yaml --curvature extremes,gradient"
        " --x -1:1:5 --y -1:1:5 -o runs/curved.h5",
        "cd configs && landscape curvature own_problem.yaml --density 1x20 --quiet",
    ),
    "small and large batches": (
        f"{BETWEEN} --epochs 5 --batch-size 32",
        f"{BETWEEN} --epochs 5 --batch-size 512 --seed 1"
        " --set checkpoint=runs/digits_large_batch.pt",
    ),
    "two trainings": (
        f"cd configs && {SGD} --batch-size 16 --set checkpoint=runs/small.pt",
        f"cd configs && {SGD} --batch-size 342 --set checkpoint=runs/large.pt",
    ),
    "diffusion map": (
        f"{BETWEEN} --epochs 4 --keep-every 1steps",
        "landscape diffusion configs/digits_between.yaml --losses --quiet"
        " --checkpoints runs/digits_small_batch_steps -o runs/digits.diffusion.h5",
    ),
    "curve": (
        f"{MLP} --epochs 20",
        f"{MLP} --epochs 20 --seed 1 --set checkpoint=runs/digits_b.pt",
        f"{CONNECT} -o runs/ab.curve.h5",
        f"{CONNECT} -o runs/straight.curve.h5 --bends 0",
        CURVE,
        f"{CURVE} --set slice.path=runs/straight.curve.h5 -o runs/straight.h5",
    ),
    "shards": ("for each in 1 2 3 4; do landscape compute run.yaml --shard $each/4 --quiet; done",),
}
"""Commands by preparation; of `demo`, those of `make demo`."""

AFTER = {"own surface": "own problem", "curvature surface": "own problem", "shards": "run"}
"""The preparation that another one begins with."""

NETWORKS = ("digits_resnet44", "digits_resnet44_noshort")


def untrained(clone: Clone) -> None:
    """Save the network of `make demo` as it is before training, in place of the trained one."""
    import torch

    from landscape_cli.config.loading import load_config
    from landscape_cli.problems.import_path import load_problem

    loaded = load_config(str(clone.folder / "configs" / f"{NETWORKS[0]}.yaml"))
    problem = load_problem(loaded.problem, loaded.problem_args)
    path = clone.folder / loaded.checkpoint.path
    path.parent.mkdir(exist_ok=True)
    torch.save(problem.model.state_dict(), path)


RUN = """\
problem: landscape_cli.problems.zoo:build
problem_args: {model: mlp, samples: {train: 100, test: 50}}
checkpoint: runs/net.pt
grid: {x: [-1, 1, 11], y: [-1, 1, 11]}
output: runs/surface.h5
"""


def run(clone: Clone) -> None:
    """Write run.yaml, and its network in files of several kinds."""
    import torch
    from safetensors.torch import save_file

    from landscape_cli.problems.zoo import build

    (clone.folder / "run.yaml").write_text(RUN)
    torch.manual_seed(0)
    state = build("mlp", samples={"train": 100, "test": 50}).model.state_dict()
    for folder in ("runs", "out"):
        (clone.folder / folder).mkdir(exist_ok=True)
    torch.save(state, clone.folder / "runs" / "net.pt")
    both = {"epoch": 3, "state_dict": state, "state_dict_ema": state}
    torch.save(both, clone.folder / "runs" / "net.pth.tar")
    names = sorted(state)
    shards = {f"model-0000{n}-of-00002.safetensors": names[n - 1 :: 2] for n in (1, 2)}
    for name, those in shards.items():
        save_file({one: state[one].contiguous() for one in those}, clone.folder / "out" / name)
    index = {"weight_map": {one: name for name, those in shards.items() for one in those}}
    (clone.folder / "out" / "model.safetensors.index.json").write_text(json.dumps(index))


def old_file(clone: Clone) -> None:
    """Write a surface file of Li et al.'s tool, 200 of its 21 x 11 points computed."""
    import h5py
    import numpy as np

    x, y = np.linspace(-1, 1, 21), np.linspace(-0.5, 0.5, 11)
    loss = (x**2 + 3 * y[:, None] ** 2 + 0.25).ravel()
    loss[200:] = -1
    with h5py.File(clone.folder / "old.h5", "w") as file:
        file["xcoordinates"], file["ycoordinates"] = x, y
        file["train_loss"] = loss.reshape(21, 11)
        file["train_acc"] = np.where(loss < 0, -1, 100 - 20 * loss).reshape(21, 11)


def problem(clone: Clone) -> None:
    """Save the weights of another network of the problem that Python blocks use."""
    import torch

    torch.save(names(("problem",))["model"].state_dict(), clone.folder / "other.pt")


QUICK: dict[str, Callable[[Clone], None]] = {
    "untrained": untrained,
    "run": run,
    "problem": problem,
    "old file": old_file,
}
"""Preparations that are made anew each time."""


def demo() -> tuple[str, ...]:
    """Return the commands of `make demo`: training of both networks at once, and their surfaces."""
    makefile = (ROOT / "Makefile").read_text()
    recipe = re.search(r"^RECIPE := ((?:.*\\\n)*.*)", makefile, re.M)[1].replace("\\\n", " ")
    train = [f"python scripts/train.py configs/{name}.yaml {recipe} --quiet" for name in NETWORKS]
    compute = [f"mpiexec -n 2 landscape compute configs/{name}.yaml" for name in NETWORKS]
    return f"{train[1]} & {train[0]} && wait $!", *compute


def names(needs: tuple[str, ...]) -> dict[str, Any]:
    """Return what the Python blocks of a page may use without defining it."""
    if "problem" not in needs:
        return {}
    from torch import nn, optim
    from torch.utils.data import DataLoader

    from landscape_cli.problems.zoo import build

    problem = build("mlp", samples={"train": 100, "test": 50})
    train = problem.splits["train"]
    return {
        **{"problem": problem, "model": problem.model, "train_set": train},
        **{"loader": DataLoader(train, batch_size=25), "criterion": nn.CrossEntropyLoss()},
        **{"optimizer": optim.SGD(problem.model.parameters(), lr=0.1), "epochs": 2},
        "objective": lambda model, batch: problem.objective(model, batch),
    }


class Preparations:
    """Makes preparations, each once.

    Args:
        folder: where they are kept; several processes may share it.
        programs: returns the folder of the programs that make them.
    """

    def __init__(self, folder: Path, programs: Callable[[], Path]) -> None:
        self._folder = folder
        self._programs = programs

    def prepare(self, clone: Clone, needs: tuple[str, ...]) -> None:
        """Put what a page needs into its folder."""
        for name in needs:
            if name in QUICK:
                QUICK[name](clone)
            else:
                clone.add(self.files(name))

    def files(self, name: str) -> Path:
        """Return the folder with a preparation's files, made if need be.

        Raises:
            KeyError: if there is no such preparation.
        """
        commands = demo() if name == "demo" else COMMANDS[name]
        made = self._folder / name.replace(" ", "_")
        earlier = os.environ.get("DEMO_RUNS") if name == "demo" else None
        self._folder.mkdir(exist_ok=True)
        with open(f"{made}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be making it
            if earlier and not made.exists():  # of an earlier `make demo`, to save its time
                keep = shutil.ignore_patterns("gallery")
                shutil.copytree(earlier, made / "runs", ignore=keep)
            if not made.exists():
                self._make(name, commands, made)
        return made

    def _make(self, name: str, commands: tuple[str, ...], made: Path) -> None:
        work = made.with_suffix(".unfinished")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        clone = Clone(work, self._programs())
        if name in AFTER:
            self.prepare(clone, (AFTER[name],))
        for command in commands:
            done = clone.run(command)
            assert done.returncode == 0, f"{command}\n{done.stdout}"
        work.rename(made)
