"""What the experiments share: networks to train, surfaces to compute, and doing each only once."""

from __future__ import annotations

import copy
import csv
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import yaml

from landscape_cli.config.overrides import put_all
from landscape_cli.errors import LandscapeError, UsageError

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Network:
    """A network to train.

    Args:
        name: of its files in the experiment's folder.
        label: its name in tables and figures.
        changes: values by dotted key over the base configuration's, such as
            ``{"problem_args.model_args.depth": 56}``.
        training: options of scripts/train.py.
    """

    name: str
    label: str
    changes: Mapping[str, Any] = field(default_factory=dict, hash=False)
    training: Sequence[str] = ()


@dataclass(frozen=True)
class Workshop:
    """The folder of an experiment, and how its commands are run.

    Args:
        folder: everything is written there.
        base: the configuration that every network and surface starts from.
        changes: values by dotted key put over it for all of them.
        jobs: networks trained at once, each with one thread, and ranks of a surface.
    """

    folder: Path
    base: Mapping[str, Any]
    changes: Mapping[str, Any] = field(default_factory=dict)
    jobs: int = 1

    def checkpoint(self, network: Network) -> Path:
        return self.folder / f"{network.name}.pt"

    def surface(self, name: str) -> Path:
        return self.folder / f"{name}.h5"

    def log(self, network: Network) -> dict[str, float]:
        """The last line of a training's log: epoch, lr, train_loss, test_accuracy, ..."""
        path = self.folder / f"{network.name}_epochs" / "log.csv"
        with path.open(newline="", encoding="utf-8") as file:
            return {key: float(value) for key, value in list(csv.DictReader(file))[-1].items()}

    def train(self, networks: Iterable[Network]) -> None:
        """Train what is not trained yet, some at once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(self._train, networks))

    def _train(self, network: Network) -> None:
        """Train a network, unless there is one; NAME.yaml then has to say the same as now."""
        checkpoint, path = self.checkpoint(network), self.folder / f"{network.name}.yaml"
        command = ["scripts/train.py", str(path), *network.training, "--threads", "1"]
        changes = {**network.changes, "checkpoint": str(checkpoint)}
        text = f"# Train: {shlex.join(command)}\n{self.configuration(changes)}"
        if checkpoint.exists():
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                raise UsageError(
                    f"{checkpoint}: was trained with other settings than now (those in {path}); "
                    "remove it, or choose another --folder"
                )
            click.echo(f"have {checkpoint}")
            return
        path.write_text(text, encoding="utf-8")
        run([sys.executable, str(ROOT / command[0]), *command[1:], "--quiet"])

    def configuration(self, changes: Mapping[str, Any]) -> str:
        """The base with changes by dotted key, as YAML; None removes a key."""
        values = copy.deepcopy(dict(self.base))
        put_all(values, {**self.changes, **changes}, {}, None)
        return yaml.safe_dump(values, sort_keys=False)

    def compute(self, name: str, changes: Mapping[str, Any]) -> Path:
        """Compute the surface NAME.h5; an incomplete one is continued, a complete one left."""
        output, config = self.surface(name), self.folder / f"{name}.yaml"
        text = self.configuration({**changes, "output": str(output)})
        config.write_text(text, encoding="utf-8")
        run([*launcher(self.jobs), *landscape("compute", str(config))])
        return output

    def plot(self, name: str, surfaces: Sequence[Path], *arguments: str) -> None:
        """Draw surfaces side by side as NAME.png."""
        output = str(self.folder / f"{name}.png")
        run(landscape("plot", *map(str, surfaces), "--output", output, *arguments))

    def write(self, name: str, text: str) -> None:
        """Write a text file and show it."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        click.echo(f"{text}wrote {path.resolve()}")


def landscape(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "landscape_cli", *arguments]


def launcher(ranks: int) -> list[str]:
    """The start of a command on several ranks: the mpiexec beside this Python, or in PATH."""
    if ranks == 1:
        return []
    beside = Path(sys.executable).with_name("mpiexec")
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None:
        raise UsageError(f"--jobs {ranks}: found no mpiexec; install the extra mpich, or --jobs 1")
    return [found, "-n", str(ranks)]


def run(command: Sequence[str]) -> None:
    """Run a command that shows what it does."""
    _ended(subprocess.run(command, env=_environment()))


def output_of(command: Sequence[str]) -> str:
    """What a command prints."""
    done = subprocess.run(command, env=_environment(), stdout=subprocess.PIPE, text=True)
    _ended(done)
    return str(done.stdout)


def _environment() -> dict[str, str]:
    """The program's own folder comes first, so that it need not be installed."""
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": paths}


def _ended(done: subprocess.CompletedProcess[Any]) -> None:
    if done.returncode:
        raise LandscapeError(f"ended with {done.returncode}: {shlex.join(done.args)}")


def load_base(name: str) -> dict[str, Any]:
    path = Path(__file__).with_name(name)
    values: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return values


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def options(folder: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options that every experiment has."""
    given = [
        click.option(
            "--folder",
            type=click.Path(file_okay=False, path_type=Path),
            default=Path("runs/reproduce") / folder,
            show_default=True,
            help="Where everything is written; what is there already is not made again.",
        ),
        click.option(
            "--jobs",
            type=click.IntRange(1),
            default=2,
            show_default=True,
            help="Networks trained at once, one thread each, and ranks of a surface.",
        ),
        click.option("--epochs", type=click.IntRange(1), help="Of every training."),
        click.option(
            "--set",
            "assignments",
            multiple=True,
            metavar="KEY=VALUE",
            help="Change the configurations of all networks and surfaces.",
        ),
        click.option("--train-only", is_flag=True, help="Compute no surfaces."),
    ]

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(given):
            function = option(function)
        return function

    return decorate
