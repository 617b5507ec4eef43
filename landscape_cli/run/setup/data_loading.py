"""The data of a run: loaded on every rank, and checked at the centre."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import ProblemError, UsageError
from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.checks.batch_dependence import refuse_dependence
from landscape_cli.evaluation.checks.centre_check import check_centre
from landscape_cli.evaluation.checks.point_order import check_order
from landscape_cli.evaluation.data.cache import Room, room_for
from landscape_cli.evaluation.data.subsets import mixed
from landscape_cli.evaluation.devices import default_micro_batch
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.evaluation.out_of_memory import halve, out_of_memory
from landscape_cli.parallel.executor import Executor
from landscape_cli.records.tiles import Tile
from landscape_cli.run.resume import Start
from landscape_cli.run.setup.assembly import assemble_evaluator
from landscape_cli.run.setup.placement import count_sharing
from landscape_cli.run.setup.problem_setup import PreparedProblem
from landscape_cli.run.setup.records import RankPlacement, SplitFacts
from landscape_cli.run.setup.sample_choice import Sampling, Sources, choose_samples, take_samples
from landscape_cli.run.setup.slice_setup import PreparedSlice
from landscape_cli.util import accelerators
from landscape_cli.util.processor import computes_bf16

KEPT = {"host": "in host memory", "none": "at the source, read for each tile"}
"""Phrases for the places of data other than the device."""


@dataclass(frozen=True)
class LoadedData:
    """An evaluator with loaded data, and the facts that a file records about the data.

    Args:
        evaluator: evaluator of this rank.
        splits: identity of each split's data.
        sampling: choice of samples for a standard error, if there is one.
        placements: placement of each rank, with the storage of its data.
    """

    evaluator: Evaluator
    splits: Mapping[str, SplitFacts]
    sampling: Sampling | None
    placements: tuple[RankPlacement, ...]


def load_data(
    start: Start, prepared: PreparedProblem, sliced: PreparedSlice, executor: Executor
) -> LoadedData:
    """Assemble an evaluator and load its data; called by every rank.

    Rank 0 evaluates the centre twice with the data, and halves micro-batches if memory runs out.

    Raises:
        LandscapeError: if the data can't be read, or the objective fails or is random.
    """
    config, problem = start.config, prepared.problem
    settings = executor.lead(lambda: _first_settings(start, prepared.parameters.devices))
    on_device, on_host = count_sharing(sliced.placements, executor.rank)
    room = room_for(config.cache, prepared.device, on_device, on_host)
    evaluator_on = partial(
        assemble_evaluator, prepared, sliced.slice_, settings, executor.rank, config
    )
    sources = {name: problem.splits[name] for name in config.splits or problem.splits}
    sampling = start.sampling
    if config.target_stderr is not None and sampling is None:
        sampling = executor.lead(lambda: choose_samples(evaluator_on, sources, config, room))
    evaluator = executor.together(
        lambda: evaluator_on(_taken(take_samples(sources, config.samples, sampling), config))
    )
    samples = _load(evaluator, executor, room, config)
    _refuse_dependence_on_cuts(evaluator, config)
    _keep_points_apart(evaluator, config, executor)
    given = executor.group is not None and not executor.group.leads  # by the group's leader
    own = {} if given else {name: split.place for name, split in evaluator.splits.items()}
    kept = executor.gather(own)
    return LoadedData(
        evaluator,
        {
            name: SplitFacts(samples[name], split.fingerprint, split.dependence and split.division)
            for name, split in evaluator.splits.items()
        },
        sampling,
        tuple(
            replace(place, data=data) for place, data in zip(sliced.placements, kept, strict=True)
        ),
    )


def _taken(sources: Sources, config: RunConfig) -> Sources:
    """Return the data in the order in which a point takes as many samples as it needs."""
    if config.sampling is None:
        return sources
    return {name: mixed(name, source, "sampling") for name, source in sources.items()}


def _refuse_dependence_on_cuts(evaluator: Evaluator, config: RunConfig) -> None:
    for name, split in evaluator.splits.items():
        if config.sampling is not None and split.dependence:
            raise UsageError(
                f"sampling: values of split {name!r} depend on which samples share a batch, and "
                "points would be evaluated on parts of batches; leave sampling out"
            )


def _first_settings(start: Start, devices: Sequence[torch.device]) -> Settings:
    """Return the settings of a continued file, or initial ones.

    Raises:
        UsageError: if the device can't compute in the precision.
    """
    if start.settings is not None:
        whole = start.config.ranks_per_model == 1
        # Parts of weights can't be folded.
        return start.settings if whole else start.settings.as_written()
    micro_batch = start.config.batch_size or default_micro_batch(devices[0])
    settings = Settings(micro_batch, precision=_first_precision(start.config, devices))
    dtype = settings.autocast_dtype
    for device in devices:
        if dtype is not None and not accelerators.has_autocast(device, dtype):
            raise UsageError(
                f"precision: got {settings.precision!r}, which this PyTorch can't compute in on "
                f"{device.type}; use fp32, or another --device"
            )
    return settings


def _first_precision(config: RunConfig, devices: Sequence[torch.device]) -> str:
    """Return the precision to begin with: ``auto`` tries bf16 where a device computes in it."""
    if config.precision != "auto":
        return config.precision
    able = all(accelerators.has_autocast(device, torch.bfloat16) for device in devices)
    emulated = any(device.type == "cpu" for device in devices) and computes_bf16() is False
    return "bf16" if able and not (emulated or config.measures) else "fp32"


def _load(
    evaluator: Evaluator, executor: Executor, room: Room, config: RunConfig
) -> dict[str, int]:
    """Load the data on every rank, and return the number of samples per split."""
    origin = Tile((0,), (evaluator.slice.origin,))

    def load() -> dict[str, int]:
        if executor.group is not None and not executor.group.leads:
            return {}  # its batches come from the leader
        if executor.rank:
            evaluator.load(room)
            return {}
        while True:
            left = replace(room)
            try:
                samples = check_centre(evaluator, origin, left, config.allow_random)
            except ProblemError as error:
                if not out_of_memory(error) or not halve(evaluator):
                    raise
            else:
                refuse_dependence(evaluator, config.batch_size)
                evaluator.measures.load(left)
                return samples

    samples = executor.together(load)
    if executor.group is not None:
        known = {name: (one.fingerprint, one.division) for name, one in evaluator.splits.items()}
        for name, (fingerprint, division) in executor.group.share(known).items():
            evaluator.splits[name].fingerprint = fingerprint
            evaluator.splits[name].division = division
    splits = evaluator.splits
    samples, found = executor.lead(
        lambda: (samples, {name: (one.dependence, one.words_count) for name, one in splits.items()})
    )
    for name, (dependence, words_count) in found.items():
        splits[name].dependence = dependence
        if not words_count:
            splits[name].forget_words()
    return samples


def _keep_points_apart(evaluator: Evaluator, config: RunConfig, executor: Executor) -> None:
    """Check on every rank that no point depends on earlier ones, and share what changes."""
    corner = corner_of(evaluator, config)
    if executor.group is None or executor.group.leads:
        executor.together(lambda: check_order(evaluator, corner, config.allow_random))
    else:
        executor.together(lambda: None)
    for changed in executor.gather(sorted(evaluator.state.changed)):
        evaluator.state.changed.update(changed)


def corner_of(evaluator: Evaluator, config: RunConfig) -> tuple[float, ...]:
    """Return the coordinates of a corner of the grid, in its first repeat."""
    origin = evaluator.slice.origin
    ends = [
        axis.high if axis.high != start else axis.low
        for axis, start in zip(config.grid.values(), origin, strict=False)
    ]
    return (*ends, *origin[len(ends) :])


def data_lines(placements: Sequence[RankPlacement]) -> list[str]:
    """List the splits that are not kept on the device, with their place."""
    readers = sum(placement.data != {} for placement in placements)
    elsewhere = Counter(
        (split, place)
        for placement in placements
        for split, place in (placement.data or {}).items()
        if place != "device"
    )
    return [
        f"data: {split} {KEPT[place]}"
        + (f" (on {count} of {readers} ranks)" if count < readers else "")
        for (split, place), count in elsewhere.items()
    ]
