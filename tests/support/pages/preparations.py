"""What pages may find in their folder, by the names that their comments use.

A preparation is made once by the commands it lists, as in a clone, and copied from then on.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.pages.blocks import ROOT
from support.pages.clone import Clone

OWN = "--optimizer adam --lr 0.003 --batch-size 32 --epochs 40 --quiet"
MLP = "python scripts/train.py configs/digits_curve.yaml --lr 0.05 --quiet"

COMMANDS: dict[str, tuple[str, ...]] = {
    "own problem": (f"cd configs && python ../scripts/train.py own_problem.yaml {OWN}",),
    "own surface": ("cd configs && landscape compute own_problem.yaml --quiet",),
}
"""Commands by preparation; of `demo`, those of `make demo`."""

AFTER = {"own surface": "own problem"}
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


QUICK: dict[str, Callable[[Clone], None]] = {"untrained": untrained}
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
    from torch.utils.data import DataLoader

    from landscape_cli.problems.zoo import build

    problem = build("mlp", samples={"train": 100, "test": 50})
    train = problem.splits["train"]
    known = {"problem": problem, "model": problem.model, "train_set": train, "epochs": 2}
    return {**known, "loader": DataLoader(train, batch_size=25)}


class Preparations:
    """Makes preparations, each once.

    Args:
        folder: where they are kept; several processes may share it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self, clone: Clone, needs: tuple[str, ...]) -> None:
        """Put what a page needs into its folder."""
        for name in needs:
            if name in QUICK:
                QUICK[name](clone)
            elif name != "problem":
                clone.add(self.files(name))

    def files(self, name: str) -> Path:
        """Return the folder with a preparation's files, made if need be.

        Raises:
            KeyError: if there is no such preparation.
        """
        commands = demo() if name == "demo" else COMMANDS[name]
        made = self._folder / name.replace(" ", "_")
        earlier = os.environ.get("DEMO_RUNS") if name == "demo" else None
        if earlier and not made.exists():  # of an earlier `make demo`, to save its time
            keep = shutil.ignore_patterns("gallery")
            shutil.copytree(earlier, made / "runs", ignore=keep)
        if not made.exists():
            self._make(name, commands, made)
        return made

    def _make(self, name: str, commands: tuple[str, ...], made: Path) -> None:
        work = Path(f"{made}.{os.getpid()}")
        work.mkdir(parents=True)
        clone = Clone(work)
        if name in AFTER:
            clone.add(self.files(AFTER[name]))
        for command in commands:
            done = clone.run(command)
            assert done.returncode == 0, f"{command}\n{done.stdout}"
        for part in ("scripts", "examples"):
            shutil.rmtree(work / part)
        try:
            work.rename(made)
        except OSError:  # another process was faster
            shutil.rmtree(work)
