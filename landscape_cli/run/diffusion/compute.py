"""A run of `landscape diffusion`: distances on all ranks, the map, its null walks on all ranks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

import numpy as np

from landscape_cli.config.run_config import RunConfig
from landscape_cli.evaluation.devices import CPU, free_memory
from landscape_cli.parallel.executor import Executor
from landscape_cli.parallel.launcher import on_terminal
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.problems.problem import Problem
from landscape_cli.records.dynamics.diffusion import Diffusion
from landscape_cli.run.curvature.shared_sums import StoppedError
from landscape_cli.run.diffusion.blocks import Blocks, Pair
from landscape_cli.run.diffusion.distances import blocks_of, compute_distances
from landscape_cli.run.diffusion.mapping import Draw, is_complete, mapped, missing_draws
from landscape_cli.run.diffusion.opening import (
    Network,
    Weights,
    check_output,
    identify,
    new_onto,
    new_record,
    prepare_network,
)
from landscape_cli.run.diffusion.recording import DiffusionRecorder
from landscape_cli.run.diffusion.request import Request, distance_changes, same_weights
from landscape_cli.run.diffusion.walks import compute_walks
from landscape_cli.run.resume import refuse_other
from landscape_cli.run.session import RecordOutcome, Session
from landscape_cli.run.time_limit import time_left
from landscape_cli.store import Lock
from landscape_cli.store.diffusion_file import read_diffusion
from landscape_cli.util.logs import tell, warn
from landscape_cli.util.progress import Progress
from landscape_cli.util.versions import now, versions


class Left(Enum):
    """The part of a file that is left to compute."""

    DISTANCES = "distances and map"
    MAP = "map"
    NOTHING = "nothing"


DiffusionOutcome = RecordOutcome[Diffusion]
"""The result of a run."""


@dataclass
class DiffusionRun:
    """A run of the command on one rank.

    Args:
        config: names the problem.
        request: what to compute.
        output: the file to write.
        executor: the ranks.
        inputs: files that must not be replaced, besides the configuration's and the checkpoints.
        command: the command line, for the file's provenance.
        quiet: show no progress.
        problem: the user's object, in place of the one that the configuration names.
    """

    config: RunConfig
    request: Request
    output: Path
    executor: Executor
    inputs: Sequence[str] = ()
    command: Sequence[str] = ()
    quiet: bool = False
    problem: Problem | None = None
    _stored: Diffusion | None = field(default=None, init=False)
    _weights: tuple[Weights, Weights] = field(default=([], []), init=False)
    _recorder: DiffusionRecorder | None = field(default=None, init=False)
    _begun: float = field(default=0.0, init=False)

    def compute(self, overwrite: bool = False, resume: bool = False) -> DiffusionOutcome:
        """Compute what the file does not have yet; called by every rank.

        Args:
            overwrite: compute everything, regardless of an existing file.
            resume: require a file to continue.

        Raises:
            LandscapeError: for any error that a user can cause.
        """
        executor, request = self.executor, self.request
        executor.stop = Stop(executor.lead(lambda: time_left(self.config)))
        lock = Lock(self.output, warn)
        with executor.stop.on_signals(), lock:
            executor.lead(lambda: self._check(overwrite, resume))
            self._weights = (
                identify(request.checkpoints, executor),
                identify(request.further, executor),
            )
            left = executor.lead(lambda: self._begin(overwrite, lock))
            if left is Left.NOTHING:
                return DiffusionOutcome(self.output, self._stored, False)
            stopped = self._compute(left, lock)
            executor.lead(self._end)
        record = None if self._recorder is None else self._recorder.record
        return DiffusionOutcome(self.output, record, True, stopped)

    def _check(self, overwrite: bool, resume: bool) -> None:
        """Refuse settings and files before anything is read, on rank 0."""
        self.request.check()
        beside = self.executor.hosts.count(self.executor.hosts[0])
        self.request.check_memory(free_memory(CPU, beside))
        read = [one.path for one in (*self.request.checkpoints, *self.request.further)]
        check_output(self.output, self.config, [*self.inputs, *read], overwrite, resume)

    def _begin(self, overwrite: bool, lock: Lock) -> Left:
        """Look at the output on rank 0."""
        lock.take()
        if overwrite or not self.output.exists():
            return Left.DISTANCES
        weights, further = self._weights
        stored = read_diffusion(self.output)
        refuse_other(self.output, distance_changes(stored, self.config, weights))
        if not same_weights(stored.provenance.get("further"), further):
            stored = replace(stored, onto=new_onto(self.request, stored.components))
        self._stored = stored
        if not stored.measured:
            return Left.DISTANCES
        return Left.NOTHING if is_complete(stored, self.request) else Left.MAP

    def _compute(self, left: Left, lock: Lock) -> str | None:
        """Compute what is left; called by every rank.

        Returns:
            What stopped the run before the end, or None.
        """
        try:
            if left is Left.DISTANCES:
                self._distances(lock)
            else:
                self.executor.lead(lambda: self._resume(lock))
            self._map()
        except StoppedError as stop:
            return stop.reason
        return None

    def _distances(self, lock: Lock) -> None:
        """Compute the distances that are to do; called by every rank."""
        executor, request = self.executor, self.request
        network = prepare_network(self.config, executor, self.problem)
        blocks = blocks_of(request, network)
        todo = executor.lead(lambda: self._open(network, blocks, lock))
        with self._bar(sum(map(blocks.size, todo)), "distance") as bar:
            compute_distances(executor, request, network, todo, self._recorder, bar)

    def _open(self, network: Network, blocks: Blocks, lock: Lock) -> list[Pair]:
        """Create or continue the file on rank 0; return the pairs of blocks that are to do."""
        if not self.quiet:
            count, further = map(len, self._weights)
            more = f", and {further:,} further" if further else ""
            tell(
                f"{network.name}: distances of {count:,} checkpoints{more}; "
                f"{network.parameters:,} parameters"
            )
        recorder = self._record(lock, network)
        recorder.publish()
        return recorder.todo(blocks)

    def _resume(self, lock: Lock) -> None:
        """Continue a file whose distances are known, on rank 0."""
        self._record(lock)

    def _record(self, lock: Lock, network: Network | None = None) -> DiffusionRecorder:
        """Begin to record, on rank 0."""
        weights, further = self._weights
        record = self._stored
        if record is None:
            assert network is not None
            record = new_record(self.request, self.config, network, weights)
        if record.epochs is None:
            record = replace(record, epochs=np.full(len(weights), np.nan))
        placements = () if network is None else network.placements
        session = Session(tuple(self.command), versions(), self.executor.describe(), placements)
        runs = [*(record.provenance.get("runs") or []), session.as_mapping()]
        recorder = DiffusionRecorder(self.output, record, warn, lock.check, tell)
        recorder.note({"runs": runs, "further": further})
        self._recorder, self._begun = recorder, time.monotonic()
        return recorder

    def _map(self) -> None:
        """Compute the map, and its null walks on all ranks; called by every rank."""
        draws = self.executor.lead(self._map_and_draws)
        if draws:
            with self._bar(len(draws), "walk") as bar:
                compute_walks(self.executor, self.request, draws, self._recorder, bar)

    def _map_and_draws(self) -> list[Draw]:
        """Compute the map on rank 0; return the walks that are missing."""
        assert self._recorder is not None
        self._recorder.record = mapped(self._recorder.record, self.request)
        return missing_draws(self._recorder.record, self.request)

    def _bar(self, total: int, unit: str) -> Progress:
        quiet = self.quiet or self.executor.rank > 0
        return Progress(total, self.output.name, unit, quiet=quiet, terminal=on_terminal())

    def _end(self) -> None:
        """Publish the file with the end of the session, on rank 0."""
        assert self._recorder is not None
        *earlier, last = self._recorder.record.provenance["runs"]
        ended = {"finished": now(), "seconds": round(time.monotonic() - self._begun, 3)}
        self._recorder.note({"runs": [*earlier, {**last, **ended}]})
        self._recorder.end()
