"""Train the model of a configuration's problem and write its checkpoints."""

from __future__ import annotations

import csv
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import click
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from landscape_cli.api.keeping import Interval, Keeper
from landscape_cli.cli.error_report import run_script
from landscape_cli.config.loading import load_config
from landscape_cli.config.overrides import parse_changes
from landscape_cli.errors import LandscapeError, ProblemError, UsageError, cause
from landscape_cli.evaluation.accumulator import Accumulator
from landscape_cli.evaluation.batch_norm import Recalibration, training_samples
from landscape_cli.evaluation.data.batches import map_tensors
from landscape_cli.evaluation.data.split import SplitData
from landscape_cli.evaluation.derivatives import backward
from landscape_cli.evaluation.devices import choose_device, free_memory, instruction_set
from landscape_cli.problems import Problem
from landscape_cli.problems.checkpoints import load_weights
from landscape_cli.problems.import_path import load_problem
from landscape_cli.problems.problem import Values
from landscape_cli.records.checkpoint_path import CheckpointPath
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


LOWEST = 0.01
"""The last rate of a cosine, as a fraction of its first."""


class Schedule(NamedTuple):
    """The learning rate of each step, and the epochs after which a snapshot is saved.

    Until the tail, the rate falls at milestones. In a tail it is constant, as for stochastic weight
    averaging, or cyclical, as for fast geometric ensembling (Garipov et al. 2018, section 4): it
    falls linearly from ``high`` to ``low`` and rises again, with a snapshot at the lowest rate.

    With ``cosine``, it rises linearly for a fraction of the steps, the warm-up, and then falls
    along half a period of a cosine to ``LOWEST`` of the first rate (Loshchilov and Hutter 2017).

    Args:
        lr: the first rate.
        milestones: the epochs after which it is divided by 10.
        tail: number of epochs before the tail; None without one.
        cycle: number of epochs from snapshot to snapshot.
        high: rate of a constant tail, and at both ends of a cycle.
        low: rate in the middle of a cycle; None for a constant tail.
        cosine: number of epochs of the cosine; None without one.
        warmup: fraction of the steps of a cosine in which the rate rises.
    """

    lr: float
    milestones: Sequence[int] = ()
    tail: int | None = None
    cycle: int = 1
    high: float = 0.0
    low: float | None = None
    cosine: int | None = None
    warmup: float = 0.0

    def rate(self, epoch: int, done: float) -> float:
        """Return the rate of a step.

        Args:
            epoch: of the step, from 1.
            done: fraction of the epoch's steps that are done with it, in (0, 1].
        """
        if self.cosine is not None:
            t = (epoch - 1 + done) / self.cosine
            if t < self.warmup:
                return self.lr * t / self.warmup
            falling = (1 + math.cos(math.pi * (t - self.warmup) / (1 - self.warmup))) / 2
            return self.lr * (LOWEST + (1 - LOWEST) * falling)
        if self.tail is None or epoch <= self.tail:
            return self.lr / 10 ** sum(epoch > milestone for milestone in self.milestones)
        if self.low is None:
            return self.high
        t = ((epoch - 1 - self.tail) % self.cycle + done) / self.cycle
        away = abs(1 - 2 * t)  # from the middle
        return away * self.high + (1 - away) * self.low

    def has_snapshot(self, epoch: int) -> bool:
        """Tell whether a snapshot is saved after an epoch."""
        if self.tail is None or epoch <= self.tail:
            return False
        last = 0 if self.low is None else self.cycle // 2
        return (epoch - self.tail) % self.cycle == last


def parse_schedule(options: SimpleNamespace) -> Schedule:
    """Return the schedule that the options describe.

    Raises:
        UsageError: for values that make none, or belong to another schedule.
    """
    milestones = parse_milestones(options.milestones, options.epochs)
    kind, cycle = options.schedule, options.cycle
    if kind != "cosine" and options.warmup is not None:
        raise UsageError(f"--warmup {options.warmup}: only --schedule cosine has a warm-up")
    if kind in ("step", "cosine"):
        for name in ("cycle", "tail_lr", "tail_from"):
            if getattr(options, name) is not None:
                key = f"--{name.replace('_', '-')} {getattr(options, name)}"
                raise UsageError(f"{key}: --schedule {kind} has no tail; use cyclical or constant")
        if kind == "cosine":
            return Schedule(options.lr, cosine=options.epochs, warmup=options.warmup or 0.0)
        return Schedule(options.lr, milestones)
    tail = parse_tail(options.tail_from or "0.75", options.epochs)
    if kind == "constant":
        (rate,) = parse_rates(options.tail_lr or f"{options.lr / 2}", 1)
        schedule = Schedule(options.lr, milestones, tail, cycle or 1, rate)
    else:
        if cycle is not None and cycle % 2:
            raise UsageError(
                f"--cycle {cycle}: expected an even number of epochs, so that its middle, where "
                "the rate is lowest, is the end of one"
            )
        given = options.tail_lr or f"{options.lr / 2},{options.lr / 10}"
        schedule = Schedule(options.lr, milestones, tail, cycle or 2, *parse_rates(given, 2))
    if not any(map(schedule.has_snapshot, range(1, options.epochs + 1))):
        raise UsageError(
            f"--tail-from {options.tail_from or 0.75}: {options.epochs} epochs end before the "
            f"first snapshot; use more --epochs, or a shorter --cycle than {schedule.cycle}"
        )
    return schedule


def parse_tail(text: str, epochs: int) -> int:
    """Parse the number of epochs before the tail, given as such or as a fraction of all."""
    try:
        tail = round(float(text) * epochs) if "." in text else int(text)
        if 0 <= tail < epochs:
            return tail
    except (ValueError, OverflowError):
        pass
    raise UsageError(
        f"--tail-from {text}: expected fewer epochs than the {epochs}, or a fraction such as 0.75"
    )


def parse_rates(text: str, count: int) -> list[float]:
    """Parse the learning rates of a tail, the higher one first."""
    example = "0.05,0.01" if count == 2 else "0.05"
    try:
        rates = [float(part) for part in text.split(",")]
        finite = all(0 < rate < float("inf") for rate in rates)
        if finite and len(rates) == count and rates == sorted(rates, reverse=True):
            return rates
    except ValueError:
        pass
    words = "two positive rates, the higher one first" if count == 2 else "a positive rate"
    raise UsageError(f"--tail-lr {text}: expected {words}, such as {example}")


def count_batches(split: Any, size: int) -> int:
    """Count the batches of an epoch."""
    if isinstance(split, TensorDataset):
        whole, left = divmod(len(split), size)
        return whole + (left > 1 or (left == 1 and min(size, len(split)) == 1))
    if isinstance(split, Dataset) and not isinstance(split, IterableDataset):
        return len(DataLoader(split, size))
    try:
        return len(split)
    except TypeError:
        return sum(1 for _ in shuffled(split, size, torch.Generator()))


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
        self.steps = count_batches(self.train_split, options.batch_size)
        self.keeper: Keeper | None = None
        self.samples: SplitData | None = None
        if options.recalibrate is not None:
            words = (None, "--recalibrate", options.recalibrate)
            self.samples = training_samples(problem, self.device, *words)

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
        if self.options.optimizer != "sgd":
            kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
            return kinds[self.options.optimizer](parameters, lr, weight_decay=decay)
        momentum, nesterov = self.options.momentum, self.options.nesterov
        return torch.optim.SGD(parameters, lr, momentum, weight_decay=decay, nesterov=nesterov)

    def objective(self, batch: Any) -> tuple[Mapping[str, Values], Any]:
        """Evaluate the objective on a batch; return its values and the batch on the device."""

        def place(tensor: Tensor) -> Tensor:
            layout = self.layout if tensor.dim() == 4 else torch.preserve_format
            return tensor.to(self.device, memory_format=layout)

        batch = map_tensors(place, batch)
        return self.problem.objective(self.model, batch), batch

    def epoch(self, rate: Callable[[float], float]) -> dict[str, float]:
        """Train on every batch once; return the mean of each value during training.

        Args:
            rate: the learning rate, given the fraction of the steps that are done.
        """
        self.model.train()
        sums = Accumulator("train", 1)
        batches = shuffled(self.train_split, self.options.batch_size, self.generator)
        for step, batch in enumerate(batches, start=1):
            for group in self.optimizer.param_groups:
                group["lr"] = rate(min(1.0, step / self.steps))
            inputs = batch
            if self.options.augment == "crop-flip":
                inputs = (crop_flip(batch[0], self.generator), *batch[1:])
            values, inputs = self.objective(inputs)
            self.optimizer.zero_grad()
            loss = values["loss"]
            mean = loss.mean() if isinstance(loss, Tensor) else loss[0].sum() / loss[1].sum()
            backward(mean, self.model.parameters())
            if self.options.clip is not None:
                nn.utils.clip_grad_norm_(self.model.parameters(), self.options.clip)
            self.optimizer.step()
            if self.keeper is not None:
                lr = self.optimizer.param_groups[0]["lr"]
                self.keeper.after_step(self.model, lr, mean.detach())
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

    @torch.no_grad()
    def recalibrate(self) -> None:
        """Estimate batch norm's statistics anew from all training samples, if that is asked for."""
        if self.samples is not None:
            self.model.eval()
            again = Recalibration(self.model, self.samples, self.problem.objective, biased=True)
            again.update(())

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


def parse_interval(options: SimpleNamespace) -> Interval | None:
    """Return how often to record; None if nothing is to be."""
    if options.keep_every is not None:
        return Interval.parse(options.keep_every)
    if options.keep is not None:
        raise UsageError(f"--keep {options.keep}: needs --keep-every, such as 10steps")
    return None


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
    """The files of a training run: its checkpoint, a folder with a log and those of epochs.

    Snapshots of a tail have a folder of their own, under the same names.
    """

    def __init__(self, path: str, config: dict[str, Any]) -> None:
        self.path = Path(path)
        self.folder = self.path.with_name(f"{self.path.stem}_epochs")
        self.snapshots = self.path.with_name(f"{self.path.stem}_snapshots")
        self.config = config
        self.folder.mkdir(parents=True, exist_ok=True)
        self.remove_old(self.folder)
        self.remove_old(self.snapshots)

    def remove_old(self, folder: Path) -> None:
        for old in folder.glob("epoch_*.pt"):
            old.unlink()

    def save_epoch(self, model: nn.Module, epoch: int) -> None:
        save(self.folder / f"epoch_{epoch:03d}.pt", model, epoch, self.config)

    def save_snapshot(self, model: nn.Module, epoch: int) -> None:
        self.snapshots.mkdir(exist_ok=True)
        save(self.snapshots / f"epoch_{epoch:03d}.pt", model, epoch, self.config)


def run_schedule(trainer: Trainer, files: Checkpoints, schedule: Schedule, before: int) -> None:
    """Train for all epochs.

    Args:
        trainer: the problem and its optimizer.
        files: where the log and the epochs' checkpoints go.
        schedule: the learning rates, and when to save snapshots.
        before: number of epochs of earlier schedules.
    """
    options = trainer.options
    files.remove_old(files.snapshots)
    with Progress(options.epochs, files.path.name, unit="epoch", quiet=options.quiet) as progress:
        for epoch in range(1, options.epochs + 1):
            means = {"train": trainer.epoch(partial(schedule.rate, epoch))}
            lr = schedule.rate(epoch, 1.0)
            loss = means["train"]["loss"]
            if not abs(loss) < float("inf"):
                raise LandscapeError(f"the loss became {loss} in epoch {epoch}; lower --lr")
            others = (split for split in trainer.splits if split != "train")
            means.update((split, trainer.means(split)) for split in others)
            columns = {f"{s}_{name}": v for s, each in means.items() for name, v in each.items()}
            add_row(files.folder / "log.csv", {"epoch": before + epoch, "lr": lr, **columns})
            if epoch % options.every == 0 or epoch == options.epochs:
                files.save_epoch(trainer.model, before + epoch)
            if schedule.has_snapshot(epoch):
                files.save_snapshot(trainer.model, before + epoch)
            progress.update(note=f"loss {loss:.3g}")


def train(path: str, options: SimpleNamespace) -> None:
    config = load_config(path, parse_changes(options.assignments))
    named = config.checkpoint
    if named is None or str(named) != named.path or named.path.endswith((".safetensors", "/")):
        got = None if named is None else str(named)
        raise UsageError(f"{path}: checkpoint: got {got!r}, name a .pt file to write")
    schedule = parse_schedule(options)
    required = parse_requirements(options.at_least)
    interval = parse_interval(options)
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    problem = load_problem(config.problem, config.problem_args)
    if options.initial is not None:
        load_weights(problem.model, CheckpointPath.parse(options.initial))
    trainer = Trainer(problem, options)
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
    if interval is not None:
        folder = options.keep or str(files.path.with_name(f"{files.path.stem}_steps"))
        trainer.keeper = Keeper(folder, interval, trainer.steps, options.keep_dtype)
        trainer.keeper.begin(trainer.model)
    for restart in range(options.restarts + 1):
        run_schedule(trainer, files, schedule, restart * options.epochs)
        trainer.recalibrate()
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
    if trainer.keeper is not None:
        print(f"wrote {Path(trainer.keeper.folder).resolve()}")
    if schedule.tail is not None:
        print(f"wrote {files.snapshots.resolve()}")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("config")
@click.option("--optimizer", type=click.Choice(["sgd", "adam", "adamw"]), default="sgd")
@click.option("--lr", type=click.FloatRange(0, min_open=True), default=0.1, help="Learning rate.")
@click.option("--nesterov", is_flag=True, help="Nesterov momentum for sgd.")
@click.option("--momentum", type=click.FloatRange(0, 1, max_open=True), default=0.9, help="Of sgd.")
@click.option("--batch-size", type=click.IntRange(1), default=128)
@click.option("--weight-decay", type=click.FloatRange(0), default=0.0)
@click.option(
    "--clip", type=click.FloatRange(0, min_open=True), help="Bound on the norm of each gradient."
)
@click.option("--epochs", type=click.IntRange(1), default=300)
@click.option(
    "--milestones",
    default="0.5,0.75,0.9167",
    help="When the learning rate is divided by 10: epochs, or fractions of --epochs.",
)
@click.option(
    "--schedule",
    type=click.Choice(["step", "cosine", "cyclical", "constant"]),
    default="step",
    help="The learning rate falls at --milestones, or along half a cosine to a hundredth of --lr. "
    "With the others it falls at --milestones only until --tail-from, and is then cyclical, for "
    "fast geometric ensembling, or constant, for stochastic weight averaging. Snapshots of this "
    "tail are saved, too.",
)
@click.option(
    "--warmup",
    type=click.FloatRange(0, 1, max_open=True),
    metavar="FRACTION",
    help="Fraction of the steps in which the rate of a cosine rises from 0; by default none.",
)
@click.option(
    "--cycle",
    type=click.IntRange(1),
    help="Epochs from snapshot to snapshot of a tail; by default 2 if cyclical, 1 if constant.",
)
@click.option(
    "--tail-from",
    metavar="EPOCHS",
    help="When the tail begins: a number of epochs, or a fraction of --epochs; by default 0.75.",
)
@click.option(
    "--tail-lr",
    metavar="LR[,LOW]",
    help="Learning rate of a constant tail; or rates at the ends and in the middle of a cycle. By "
    "default --lr / 2, and --lr / 10 for LOW.",
)
@click.option(
    "--initial",
    metavar="PATH[::KEY]",
    help="Start from the weights of this checkpoint; without it, as the problem builds them.",
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
@click.option(
    "--recalibrate",
    type=click.IntRange(2),
    metavar="N",
    help="At the end, estimate batch norm's statistics anew from all training samples, as means "
    "over batches of N. In deep networks without shortcuts, all but those of a single batch may be "
    "far off.",
)
@click.option("--every", type=click.IntRange(1), default=1, help="Epochs between checkpoints.")
@click.option(
    "--keep-every",
    metavar="N(steps|epochs)",
    help="Record the network before training and then every so many steps, such as 10steps, or "
    "epochs, such as 1epoch, for commands that take --checkpoints.",
)
@click.option(
    "--keep-dtype",
    type=click.Choice(["fp32", "fp16"]),
    default="fp32",
    help="Of the parameters that --keep-every records.",
)
@click.option(
    "--keep",
    metavar="FOLDER",
    help="Where --keep-every records; by default runs/net_steps beside CONFIG's checkpoint "
    "runs/net.pt.",
)
@click.option("--threads", type=click.IntRange(1), help="PyTorch's threads on a CPU.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
def command(config: str, **options: Any) -> None:
    """Train the problem of the YAML file CONFIG and write its checkpoint.

    The mean loss over the split train is minimized. Beside CONFIG's checkpoint, such as
    runs/net.pt, the folder runs/net_epochs gets log.csv and the checkpoints of the epochs, and
    runs/net_snapshots the snapshots of a tail, and runs/net_steps what --keep-every records; those
    of an earlier training run are removed. In log.csv, lr is the rate of an epoch's last step, and
    the means over the split train are taken during training; other splits are evaluated after each
    epoch.
    """
    train(config, SimpleNamespace(**options))


def main() -> int:
    return run_script(command, "train")


if __name__ == "__main__":
    sys.exit(main())
