"""Shared parts of the experiments: train networks and compute surfaces, each only once."""

from __future__ import annotations

import copy
import csv
import functools
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import costs
import results
import yaml
from results import Results

from landscape_cli.config.overrides import put_all
from landscape_cli.errors import LandscapeError, StoreError, UsageError
from landscape_cli.store import read_surface

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Network:
    """A network to train.

    Args:
        name: the stem of its files in the experiment's folder.
        label: its name in tables and figures.
        changes: values by dotted key that override the base configuration, such as
            ``{"problem_args.model_args.depth": 56}``.
        training: options of scripts/train.py.
    """

    name: str
    label: str
    changes: Mapping[str, Any] = field(default_factory=dict, hash=False)
    training: Sequence[str] = ()


@dataclass(frozen=True)
class Workshop:
    """Folder and settings of an experiment, and the commands that it runs.

    Args:
        folder: the folder of all its files.
        base: the configuration from which every network and surface starts.
        changes: values by dotted key that override the base for all of them.
        jobs: number of networks trained at once, each with one thread, and of ranks per surface.
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
        """Read the last line of a training log: epoch, lr, train_loss, test_accuracy, ..."""
        return self.logs(network)[-1]

    def logs(self, network: Network) -> list[dict[str, float]]:
        """Read all lines of a training log, one for each epoch."""
        path = self.folder / f"{network.name}_epochs" / "log.csv"
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            return [{key: float(value) for key, value in row.items()} for row in rows]

    def train(self, networks: Iterable[Network]) -> None:
        """Train the networks that are not trained yet, ``jobs`` at a time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                list(pool.map(self._train, networks))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _train(self, network: Network) -> None:
        """Train a network unless its checkpoint exists; NAME.yaml must then have these settings."""
        checkpoint, path = self.checkpoint(network), self.folder / f"{network.name}.yaml"
        command = ["scripts/train.py", str(path), *network.training, "--threads", "1"]
        changes = {**network.changes, "checkpoint": str(checkpoint)}
        text = f"# Train: {shlex.join(command)}\n{self.configuration(changes)}"
        if checkpoint.exists():
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                raise UsageError(
                    f"{checkpoint}: was trained with different settings (those in {path}); "
                    "remove it, or choose another --folder"
                )
            click.echo(f"have {checkpoint}")
            return
        path.write_text(text, encoding="utf-8")
        self.spend("training", [sys.executable, str(ROOT / command[0]), *command[1:], "--quiet"])

    def spend(self, kind: str, command: Sequence[str], output: Path | None = None) -> None:
        """Run a command, letting it print, and note its processor time among the study's costs.

        Args:
            kind: what it is for in the table of costs: training, surfaces, ...
            command: its words.
            output: a file; if the command leaves it as it was, nothing is noted.
        """
        before = _written(output)
        seconds = run(command)
        if output is None or _written(output) != before:
            costs.note(self.folder, seconds, kind, "" if output is None else output.name)

    def configuration(self, changes: Mapping[str, Any]) -> str:
        """Return the base with changes by dotted key, as YAML; None removes a key."""
        values = copy.deepcopy(dict(self.base))
        put_all(values, {**self.changes, **changes}, {}, None)
        return yaml.safe_dump(values, sort_keys=False)

    def compute(self, name: str, changes: Mapping[str, Any], ranks: int | None = None) -> Path:
        """Compute the surface NAME.h5: continue an incomplete one, leave a complete one alone.

        Args:
            name: the stem of its files.
            changes: values by dotted key that override the base.
            ranks: how many compute it; by default one per job.
        """
        output, config = self.surface(name), self.folder / f"{name}.yaml"
        text = self.configuration({**changes, "output": str(output)})
        config.write_text(text, encoding="utf-8")
        count = 1 if _is_complete(output) else ranks or self.jobs
        command = [*launcher(count), *landscape("compute", str(config))]
        self.spend("surfaces", command, output)
        return output

    def plot(self, name: str, surfaces: Sequence[Path], *arguments: str) -> None:
        """Draw surfaces side by side as NAME.png."""
        output = str(self.folder / f"{name}.png")
        run(landscape("plot", *map(str, surfaces), "--output", output, *arguments))

    def publish(self, found: Results, name: str = results.NAME) -> None:
        """Write what the study found, and its cost, for its page in the atlas.

        Args:
            found: its results.
            name: of the file, for a study that shares another one's folder and costs.
        """
        spent = costs.cost(self.folder) if name == results.NAME else costs.NOTHING
        path = results.write(found, spent, self.folder / name)
        click.echo(f"wrote {path.resolve()}")

    def write(self, name: str, text: str) -> None:
        """Write a text file and print it."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        click.echo(f"{text}wrote {path.resolve()}")


def _written(path: Path | None) -> int | None:
    return path.stat().st_mtime_ns if path is not None and path.exists() else None


def _is_complete(path: Path) -> bool:
    try:
        return read_surface(path).complete
    except StoreError:
        return False


def landscape(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "landscape_cli", *arguments]


def launcher(ranks: int) -> list[str]:
    """Return the words before a command on several ranks, with the mpiexec beside this Python.

    If there is none, the mpiexec in PATH is used.
    """
    if ranks == 1:
        return []
    beside = Path(sys.executable).with_name("mpiexec")
    path = str(beside) if beside.exists() else shutil.which("mpiexec")
    if path is None:
        raise UsageError(
            f"--jobs {ranks}: found no mpiexec; install the extra mpich, or use --jobs 1"
        )
    return [path, "-n", str(ranks)]


_RUNNING: set[subprocess.Popen[bytes]] = set()
"""The commands that run, which end with the script that started them."""


def end_with_script() -> None:
    """End all commands that run when the script gets SIGTERM; what they have done is kept."""

    def end(number: int, _: Any) -> None:
        for process in list(_RUNNING):
            process.terminate()
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)


def run(command: Sequence[str]) -> float:
    """Run a command, letting it print, and return the seconds that processors worked for it.

    Raises:
        LandscapeError: if it fails.
    """
    process = subprocess.Popen(command, env=_environment())
    _RUNNING.add(process)
    try:
        _, status, used = os.wait4(process.pid, 0)
    except BaseException:
        process.terminate()
        raise
    finally:
        _RUNNING.discard(process)
    _check(subprocess.CompletedProcess(command, os.waitstatus_to_exitcode(status)))
    return used.ru_utime + used.ru_stime


def output_of(command: Sequence[str]) -> str:
    """Run a command and return what it prints."""
    done = subprocess.run(command, env=_environment(), stdout=subprocess.PIPE, text=True)
    _check(done)
    return str(done.stdout)


def _environment() -> dict[str, str]:
    """Return an environment in which the package is found without being installed."""
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": paths}


def _check(done: subprocess.CompletedProcess[Any]) -> None:
    if done.returncode:
        raise LandscapeError(f"ended with {done.returncode}: {shlex.join(done.args)}")


def load_base(name: str) -> dict[str, Any]:
    path = Path(__file__).with_name(name)
    values: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return values


def recipe(text: str) -> str:
    """Say options of scripts/train.py in words."""
    words = iter(text.split())
    values = {word: next(words) for word in words if word not in FLAGS}
    momentum = "Nesterov momentum" if "--nesterov" in text else "momentum"
    adam = values.get("--optimizer") == "adam"
    parts = [
        f"{'Adam' if adam else 'SGD'} (learning rate {values['--lr']}",
        *([] if adam else [f"{momentum} {values.get('--momentum', 0.9)}"]),
        *([f"batches of {values['--batch-size']}"] if "--batch-size" in values else []),
        *([f"weight decay {values['--weight-decay']}"] if "--weight-decay" in values else []),
        *([f"gradients clipped to a norm of {values['--clip']}"] if "--clip" in values else []),
    ]
    return ", ".join(parts) + ")"


FLAGS = ("--nesterov",)
"""Options without a value."""


def labelled(names: Iterable[str]) -> list[str]:
    """Return the options by which `landscape plot` names files, in their order."""
    return [word for name in names for word in ("--label", name)]


def options(folder: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that adds the options common to all experiments."""
    common = [
        click.option(
            "--folder",
            type=click.Path(file_okay=False, path_type=Path),
            default=Path("runs/reproduce") / folder,
            show_default=True,
            help="Folder for all files; existing files are reused.",
        ),
        click.option(
            "--jobs",
            type=click.IntRange(1),
            default=2,
            show_default=True,
            help="Networks trained at once, with one thread each, and ranks per surface.",
        ),
        click.option("--epochs", type=click.IntRange(1), help="Epochs of each training run."),
        click.option(
            "--set",
            "assignments",
            multiple=True,
            metavar="KEY=VALUE",
            help="Override a key in the configurations of all networks and surfaces.",
        ),
        click.option("--train-only", is_flag=True, help="Compute no surfaces."),
    ]

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def study(**values: Any) -> Any:
            end_with_script()
            return function(**values)

        for option in reversed(common):
            study = option(study)
        return study

    return decorate
