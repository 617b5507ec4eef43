"""The opening of a diffusion run: the output checked, checkpoints identified, a record made."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import StoreError, UsageError
from landscape_cli.evaluation.batch_norm import moved_buffers
from landscape_cli.evaluation.derivatives.tree_sums import share
from landscape_cli.evaluation.devices import CPU
from landscape_cli.evaluation.model_preparation import prepare_model
from landscape_cli.geometry.parameters import moved_tensors
from landscape_cli.parallel.executor import Executor
from landscape_cli.problems.checkpoint_files import labels
from landscape_cli.problems.checkpoints import file_hash
from landscape_cli.problems.import_path import load_problem
from landscape_cli.problems.problem import Problem
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.records.dynamics.diffusion import Diffusion, Onto
from landscape_cli.run.diffusion.request import Request, TrainingPath
from landscape_cli.run.output_check import refuse_read
from landscape_cli.run.resume import CheckpointFacts
from landscape_cli.run.setup.placement import place_ranks
from landscape_cli.run.setup.rank_consistency import share_weights
from landscape_cli.run.setup.records import RankPlacement
from landscape_cli.store import check_writable
from landscape_cli.store.file_kind import DIFFUSION, check_replaceable
from landscape_cli.store.locks.lock_file import lock_path
from landscape_cli.util.tensors import as_real

Weights = list[dict[str, str]]
"""Facts that identify each of several checkpoints."""


@dataclass(frozen=True)
class Network:
    """The network of all checkpoints.

    Args:
        model: the network.
        tensors: those whose distances count, by name.
        name: of the problem, or the model's class.
        placements: of each rank.
    """

    model: nn.Module
    tensors: dict[str, Tensor]
    name: str
    placements: tuple[RankPlacement, ...]

    @property
    def parameters(self) -> int:
        """Number of entries of a checkpoint."""
        return sum(tensor.numel() for tensor in self.tensors.values())


def prepare_network(
    config: RunConfig, executor: Executor, problem: Problem | None = None
) -> Network:
    """Build the network; called by every rank.

    Args:
        config: the run.
        executor: the ranks.
        problem: the user's object, in place of the one that the configuration names.

    Raises:
        LandscapeError: if the problem is invalid on any rank.
    """

    def load() -> Problem:
        found = problem or load_problem(config.problem, config.problem_args)
        prepare_model(found)
        return found

    loaded = executor.together(load)
    placements = place_ranks(executor, [CPU], config.threads)
    model: nn.Module = loaded.model
    share_weights(model, executor)  # those that a checkpoint leaves as built
    buffers = moved_buffers(model, config.perturb, config.batch_norm)
    owners = executor.together(lambda: moved_tensors(model, buffers)).owners
    tensors = {name: as_real(tensor.detach().cpu()) for name, tensor in owners.items()}
    return Network(model, tensors, loaded.name or type(model).__name__, placements)


def identify(checkpoints: Sequence[CheckpointPath], executor: Executor) -> Weights:
    """Hash checkpoints, each on one rank; called by every rank.

    Raises:
        CheckpointError: if one can't be read.
    """
    span = share(len(checkpoints), executor.rank, executor.size)
    known: dict[tuple[str, str | None], str] = {}

    def facts(path: CheckpointPath) -> dict[str, str]:
        place = path.path, path.key if os.path.isdir(path.path) else None  # a file is one whole
        if place not in known:
            known[place] = file_hash(path)
        return CheckpointFacts(path.path, known[place], path.key, path.prefix).as_mapping()

    own = executor.together(lambda: [facts(checkpoints[number]) for number in span])
    return [one for each in executor.gather(own) for one in each]


def check_output(
    output: Path,
    config: RunConfig,
    read: Sequence[str],
    overwrite: bool,
    resume: bool,
) -> None:
    """Refuse an output that can't be written, that the run reads, or that is another file.

    Raises:
        LandscapeError: naming the option.
    """
    if overwrite and resume:
        raise UsageError("--overwrite and --resume exclude each other; choose one")
    for path in (output, lock_path(output)):
        check_writable(path)
        refuse_read(path, config, "--output", read)
    if resume and not output.exists():
        raise StoreError(f"--resume: there is no {output} to continue; leave --resume out to start")
    check_replaceable(output, DIFFUSION, "--output")


def new_record(
    request: Request, config: RunConfig, network: Network, weights: Weights
) -> Diffusion:
    """Return a record of which every distance is to compute."""
    count = len(request.checkpoints)
    return Diffusion(
        labels=labels_of(request.paths),
        training=numbers_of(request.paths, 0),
        names=names_of(request.paths, 0),
        parameters=network.parameters,
        distances2=np.full((count, count), np.nan),
        squares=np.full(count, np.nan),
        epochs=np.full(count, np.nan),
        onto=new_onto(request, 0),
        config=config.model_dump(mode="json"),
        provenance={
            "network": {"name": network.name, "parameters": network.parameters},
            "weights": weights,
        },
    )


def new_onto(request: Request, components: int) -> Onto | None:
    """Return further checkpoints of which every distance is to compute; None without any.

    Args:
        request: names them.
        components: number of coordinates of the map; 0 until it is computed.
    """
    count = len(request.further)
    if not count:
        return None
    first = len(request.paths)
    return Onto(
        labels=labels_of(request.onto),
        coordinates=np.full((count, components), np.nan),
        reach=np.full(count, np.nan),
        nearest=np.zeros(count, np.int64),
        training=numbers_of(request.onto, first),
        names=names_of(request.onto, first),
        epochs=np.full(count, np.nan),
        distances2=np.full((count, len(request.checkpoints)), np.nan),
    )


def labels_of(paths: Sequence[TrainingPath]) -> tuple[str, ...]:
    """Return a label of each checkpoint: short within its training, and with its name if any."""
    return tuple(
        f"{path.name}: {label}" if path.name else label
        for path in paths
        for label in labels(path.checkpoints)
    )


def numbers_of(paths: Sequence[TrainingPath], first: int) -> NDArray[np.int64]:
    """Return the number of each checkpoint's training, counted from the first one's."""
    counts = [len(path.checkpoints) for path in paths]
    return np.repeat(np.arange(first, first + len(paths), dtype=np.int64), counts)


def names_of(paths: Sequence[TrainingPath], first: int) -> tuple[str, ...]:
    """Return the trainings' names, numbered where they have none."""
    return tuple(path.name or f"training {first + n + 1}" for n, path in enumerate(paths))
