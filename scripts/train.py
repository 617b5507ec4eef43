"""Train the model of a configuration's problem and write its checkpoints."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.loading import load_config
from landscape_cli.config.overrides import parse_changes
from landscape_cli.errors import LandscapeError, ProblemError, UsageError, cause
from landscape_cli.evaluation.accumulator import Accumulator
from landscape_cli.evaluation.data.batches import map_tensors
from landscape_cli.evaluation.data.split import SplitData
from landscape_cli.evaluation.derivatives import backward
from landscape_cli.evaluation.devices import choose_device, free_memory, instruction_set
from landscape_cli.problems import Problem
from landscape_cli.problems.import_path import load_problem
from landscape_cli.problems.problem import Values
from landscape_cli.util.progress import Progress


def parse_milestones(text: str, epochs: int) -> list[int]:
    """Parse the epochs after which the learning rate falls, given as epochs or fractions."""
    try:
        parts = [part for part in text.split(",") if part.strip()]
        result = [max(1, round(float(p) * epochs)) if "." in p else int(p) for p in parts]
        if min(result, default=1) < 1:
            raise ValueError
        return result
    except (ValueError, OverflowError):
        raise UsageError(
            f"--milestones {text}: expected epochs or fractions, such as 150,225 or 0.5,0.75"
        ) from None


def shuffled(split: Any, size: int, generator: torch.Generator) -> Iterator[Any]:
    """Yield the batches of one epoch: a dataset's in random order, a loader's in its own."""
    if isinstance(split, TensorDataset):
        order = torch.randperm(len(split), generator=generator)
        for rows in torch.split(order, size):
            # Batch norm can't train on a single remaining sample.
            if len(rows) > 1 or min(size, len(split)) == 1:
                yield tuple(tensor[rows] for tensor in split.tensors)
    elif isinstance(split, IterableDataset):
        yield from DataLoader(split, size)
    elif isinstance(split, Dataset):
        yield from DataLoader(split, size, shuffle=True, generator=generator)
    else:
        yield from split


def crop_flip(images: Tensor, generator: torch.Generator, padding: int = 4) -> Tensor:
    """Pad images with zeros, crop each at random to its size, and mirror half of them at random."""
    count, _, height, width = images.shape
    padded = functional.pad(images, [padding] * 4).permute(0, 2, 3, 1)
    shifts = torch.randint(2 * padding + 1, (2, count, 1), generator=generator)
    rows, columns = shifts[0] + torch.arange(height), shifts[1] + torch.arange(width)
    mirrored = torch.rand(count, 1, generator=generator) < 0.5
    columns = torch.where(mirrored, columns.flip(1), columns)
    samples = torch.arange(count)[:, None, None]
    return padded[samples, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def has_images(batch: Any) -> bool:
    images = batch[0] if isinstance(batch, list | tuple) and batch else None
    return isinstance(images, Tensor) and images.dim() == 4


def named_means(sums: Accumulator) -> dict[str, float]:
    return dict(zip(sums.names, sums.means()[0][0].tolist(), strict=True))


class Trainer:
    """A problem on a device, with its optimizer."""

    def __init__(self, problem: Problem, options: SimpleNamespace) -> None:
        if "train" not in problem.splits:
            raise ProblemError(f"problem: has no split 'train', only {', '.join(problem.splits)}")
        self.problem, self.model, self.options = problem, problem.model, options
        self.device = choose_device(options.device)
        self.generator = torch.Generator().manual_seed(options.seed)
        self.splits = {
            name: SplitData(name, split, options.batch_size, self.device)
            for name, split in problem.splits.items()
        }
        self.layout = self.choose_layout()
        self.train_split: Any = problem.splits["train"]
        if isinstance(self.train_split, TensorDataset):
            resident = [tensor.to(self.device) for tensor in self.train_split.tensors]
            self.train_split = TensorDataset(*resident)
        self.optimizer = self.build_optimizer()

    def choose_layout(self) -> torch.memory_format:
        """Choose the memory format by trying the objective: channels last is faster if it works."""
        batch = next(self.splits["train"].stream())
        if self.options.augment != "none" and not has_images(batch):
            raise UsageError("--augment crop-flip: needs batches (images of (n, c, h, w), ...)")
        layouts = [torch.channels_last] if has_images(batch) else []
        for layout in (*layouts, torch.contiguous_format):
            self.layout = layout
            self.model.to(memory_format=layout).to(self.device).eval()  # type: ignore[call-overload]
            try:
                with torch.no_grad():
                    values, _ = self.objective(batch)
                    Accumulator("train", 1).add(0, values, batch)
                break
            except Exception as error:
                failure = error
        else:
            if isinstance(failure, LandscapeError):
                raise failure
            raise ProblemError(f"objective: it failed: {cause(failure)}") from failure
        if "loss" not in values:
            raise ProblemError(f"objective: it returned {', '.join(values)}, but no 'loss'")
        return layout

    def build_optimizer(self) -> torch.optim.Optimizer:
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        if not parameters:
            raise ProblemError("Problem.model: it has no parameters that require a gradient")
        lr, decay = self.options.lr, self.options.weight_decay
        if self.options.optimizer == "adam":
            return torch.optim.Adam(parameters, lr, weight_decay=decay)
        momentum, nesterov = self.options.momentum, self.options.nesterov
        return torch.optim.SGD(parameters, lr, momentum, weight_decay=decay, nesterov=nesterov)

    def objective(self, batch: Any) -> tuple[Mapping[str, Values], Any]:
        """Evaluate the objective on a batch; return its values and the batch on the device."""

        def place(tensor: Tensor) -> Tensor:
            layout = self.layout if tensor.dim() == 4 else torch.preserve_format
            return tensor.to(self.device, memory_format=layout)

        batch = map_tensors(place, batch)
        return self.problem.objective(self.model, batch), batch

    def epoch(self, lr: float) -> dict[str, float]:
        """Train on every batch once; return the mean of each value during training."""
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        sums = Accumulator("train", 1)
        batches = shuffled(self.train_split, self.options.batch_size, self.generator)
        for batch in batches:
            inputs = batch
            if self.options.augment == "crop-flip":
                inputs = (crop_flip(batch[0], self.generator), *batch[1:])
            values, inputs = self.objective(inputs)
            self.optimizer.zero_grad()
            loss = values["loss"]
            mean = loss.mean() if isinstance(loss, Tensor) else loss[0].sum() / loss[1].sum()
            backward(mean, self.model.parameters())
            self.optimizer.step()
            sums.add(0, values, inputs)
        return named_means(sums)

    @torch.no_grad()
    def means(self, split: str) -> dict[str, float]:
        """Mean of each named value over a split, in eval mode."""
        self.model.eval()
        sums = Accumulator(split, 1)
        for batch in self.splits[split]:
            sums.add(0, *self.objective(batch))
        return named_means(sums)

    def cache(self, split: str) -> None:
        """Keep a split's batches on the device if they fit."""
        for _ in self.splits[split].load(free_memory(self.device) // 4):
            pass


def save(path: Path, model: nn.Module, epoch: int, config: dict[str, Any]) -> None:
    state = {
        key: value.detach().cpu().contiguous() if isinstance(value, Tensor) else value
        for key, value in model.state_dict().items()
    }
    temporary = path.with_name(f".{path.name}.part")
    torch.save({"state_dict": state, "epoch": epoch, "config": config}, temporary)
    os.replace(temporary, path)


def add_row(path: Path, row: dict[str, Any]) -> None:
    first = row["epoch"] == 1
    with path.open("w" if first else "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        if first:
            writer.writeheader()
        writer.writerow(row)


def parse_requirements(texts: Iterable[str]) -> dict[str, float]:
    """Parse least values, such as accuracy=0.99, by name."""
    required = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            required[name.strip()] = float(value)
        except ValueError:
            raise UsageError(f"--at-least {text}: expected NAME=VALUE, accuracy=0.99") from None
    return required


def missed(means: Mapping[str, float], required: Mapping[str, float]) -> str:
    """Say which mean over the split train is smaller than required; empty if none is.

    Raises:
        UsageError: if there is no mean of a required name.
    """
    for name, least in required.items():
        if name not in means:
            raise UsageError(f"--at-least {name}: the objective returns {', '.join(means)}")
        if not means[name] >= least:
            return f"train {name} is {means[name]:.4g}, less than --at-least {name}={least:g}"
    return ""


class Checkpoints:
    """The files of a training run: its checkpoint, and a folder with a log and those of epochs."""

    def __init__(self, path: str, config: dict[str, Any]) -> None:
        self.path = Path(path)
        self.folder = self.path.with_name(f"{self.path.stem}_epochs")
        self.config = config
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.glob("epoch_*.pt"):
            old.unlink()

    def save_epoch(self, model: nn.Module, epoch: int) -> None:
        save(self.folder / f"epoch_{epoch:03d}.pt", model, epoch, self.config)


def run_schedule(trainer: Trainer, files: Checkpoints, milestones: list[int], before: int) -> None:
    """Train for all epochs, with the learning rate falling at the milestones.

    Args:
        trainer: the problem and its optimizer.
        files: where the log and the epochs' checkpoints go.
        milestones: the epochs after which the learning rate falls.
        before: number of epochs of earlier schedules.
    """
    options = trainer.options
    with Progress(options.epochs, files.path.name, unit="epoch", quiet=options.quiet) as progress:
        for epoch in range(1, options.epochs + 1):
            lr = options.lr / 10 ** sum(epoch > milestone for milestone in milestones)
            means = {"train": trainer.epoch(lr)}
            loss = means["train"]["loss"]
            if not abs(loss) < float("inf"):
                raise LandscapeError(f"the loss became {loss} in epoch {epoch}; lower --lr")
            others = (split for split in trainer.splits if split != "train")
            means.update((split, trainer.means(split)) for split in others)
            columns = {f"{s}_{name}": v for s, each in means.items() for name, v in each.items()}
            add_row(files.folder / "log.csv", {"epoch": before + epoch, "lr": lr, **columns})
            if epoch % options.every == 0 or epoch == options.epochs:
                files.save_epoch(trainer.model, before + epoch)
            progress.update(note=f"loss {loss:.3g}")


def train(path: str, options: SimpleNamespace) -> None:
    config = load_config(path, parse_changes(options.assignments))
    named = config.checkpoint
    if named is None or str(named) != named.path or named.path.endswith((".safetensors", "/")):
        got = None if named is None else str(named)
        raise UsageError(f"{path}: checkpoint: got {got!r}, name a .pt file to write")
    milestones = parse_milestones(options.milestones, options.epochs)
    required = parse_requirements(options.at_least)
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    trainer = Trainer(load_problem(config.problem, config.problem_args), options)
    for split in trainer.splits:
        if split != "train":
            trainer.cache(split)
    # JSON turns everything into plain types, which torch.load accepts as safe.
    training = {**vars(options), "torch": torch.__version__}
    if trainer.device.type == "cpu":
        training["instruction_set"] = instruction_set()
    plain = json.loads(json.dumps({**config.model_dump(), "training": training}, default=str))
    files = Checkpoints(named.path, plain)
    files.save_epoch(trainer.model, 0)
    for restart in range(options.restarts + 1):
        run_schedule(trainer, files, milestones, restart * options.epochs)
        means = {split: trainer.means(split) for split in trainer.splits}
        if not (why := missed(means["train"], required)):
            break
        if restart < options.restarts:
            print(f"{files.path}: {why}; training goes on with the first --lr", file=sys.stderr)
    else:
        raise LandscapeError(
            f"the network did not learn its data: {why}, so {files.path} was not written; try more "
            "--epochs or --restarts, another --lr or --seed, or a shallower network"
        )
    save(files.path, trainer.model, (restart + 1) * options.epochs, plain)
    for split, each in means.items():
        print(f"{split}: {', '.join(f'{name} {value:.4g}' for name, value in each.items())}")
    print(f"wrote {files.path.resolve()}\nwrote {files.folder.resolve()}")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("config")
@click.option("--optimizer", type=click.Choice(["sgd", "adam"]), default="sgd")
@click.option("--lr", type=click.FloatRange(0, min_open=True), default=0.1, help="Learning rate.")
@click.option("--nesterov", is_flag=True, help="Nesterov momentum for sgd.")
@click.option("--momentum", type=click.FloatRange(0, 1, max_open=True), default=0.9, help="Of sgd.")
@click.option("--batch-size", type=click.IntRange(1), default=128)
@click.option("--weight-decay", type=click.FloatRange(0), default=0.0)
@click.option("--epochs", type=click.IntRange(1), default=300)
@click.option(
    "--milestones",
    default="0.5,0.75,0.9167",
    help="When the learning rate is divided by 10: epochs, or fractions of --epochs.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    help="Seed of initialization, sample order and augmentation.",
)
@click.option("--augment", type=click.Choice(["none", "crop-flip"]), default="none")
@click.option("--device", default="auto", help="auto, cpu, cuda, cuda:1, xpu or mps.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Change CONFIG.")
@click.option(
    "--at-least",
    multiple=True,
    metavar="NAME=VALUE",
    help="Write no checkpoint unless this mean over the split train is reached at the end, such as "
    "accuracy=0.99. Repeatable.",
)
@click.option(
    "--restarts",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Where --at-least is not reached, repeat the schedule from the weights reached, at most N "
    "times.",
)
@click.option("--every", type=click.IntRange(1), default=1, help="Epochs between checkpoints.")
@click.option("--threads", type=click.IntRange(1), help="PyTorch's threads on a CPU.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
def command(config: str, **options: Any) -> None:
    """Train the problem of the YAML file CONFIG and write its checkpoint.

    The mean loss over the split train is minimized. Beside CONFIG's checkpoint, such as
    runs/net.pt, the folder runs/net_epochs gets log.csv and the checkpoints of the epochs;
    those of an earlier training run are removed. In log.csv, the means over the split train are
    taken during training; other splits are evaluated after each epoch.
    """
    train(config, SimpleNamespace(**options))


def main() -> int:
    return run_script(command, "train")


if __name__ == "__main__":
    sys.exit(main())
