"""A run of `landscape diffusion`: distances on all ranks, the map, its null walks on all ranks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import CheckpointError, UsageError
from landscape_cli.evaluation.devices import CPU, free_memory
from landscape_cli.geometry.pca.block_distances import row_dtype
from landscape_cli.parallel.executor import Executor
from landscape_cli.parallel.launcher import on_terminal
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.problems.problem import Problem
from landscape_cli.problems.weights import Reader
from landscape_cli.records.dynamics.diffusion import Diffusion
from landscape_cli.run.curvature.shared_sums import StoppedError
from landscape_cli.run.diffusion.blocks import Blocks, Pair, PairSource
from landscape_cli.run.diffusion.mapping import (
    Draw,
    is_complete,
    mapped,
    missing_draws,
    with_draws,
)
from landscape_cli.run.diffusion.opening import (
    Network,
    Weights,
    check_output,
    identify,
    new_onto,
    new_record,
    prepare_network,
    row_bytes,
)
from landscape_cli.run.diffusion.recording import DiffusionRecorder
from landscape_cli.run.diffusion.request import Request, distance_changes, same_weights
from landscape_cli.run.diffusion.walks import Walks
from landscape_cli.run.diffusion.worker import PairWorker
from landscape_cli.run.resume import refuse_other
from landscape_cli.run.session import Session
from landscape_cli.run.time_limit import time_left
from landscape_cli.store import Lock
from landscape_cli.store.diffusion_file import read_diffusion
from landscape_cli.util.logs import tell, warn
from landscape_cli.util.progress import Progress
from landscape_cli.util.versions import versions

TIME_LIMIT = "the time limit"


@dataclass(frozen=True)
class DiffusionOutcome:
    """The result of a run.

    Args:
        path: the file.
        record: its content; known on rank 0.
        computed: False if the file already had everything.
        stopped: what stopped the run before that, or None.
    """

    path: Path
    record: Diffusion | None
    computed: bool
    stopped: str | None = None


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
    _recorder: DiffusionRecorder | None = field(default=None, init=False)
    _seconds: float = field(default=0.0, init=False)

    def compute(self, overwrite: bool = False, resume: bool = False) -> DiffusionOutcome:
        """Compute what the file does not have yet; called by every rank.

        Args:
            overwrite: compute everything, regardless of an existing file.
            resume: require a file to continue.

        Raises:
            LandscapeError: for any error that a user can cause.
        """
        executor = self.executor
        executor.lead(self.request.check)
        executor.stop = Stop(executor.lead(lambda: time_left(self.config)))
        lock = Lock(self.output, warn)
        with executor.stop.on_signals(), lock:
            executor.lead(lambda: self._check_output(overwrite, resume))
            weights = identify(self.request.checkpoints, executor)
            further = identify(self.request.further, executor)
            left = executor.lead(lambda: self._begin(overwrite, weights, further, lock))
            if left is None:
                return DiffusionOutcome(self.output, self._stored, False)
            stopped = None
            try:
                if left:
                    self._distances(weights, further, lock)
                elif executor.rank == 0:
                    self._continue(further, lock)
                self._map()
            except StoppedError as stop:
                stopped = stop.reason
            executor.lead(self._end)
        record = None if self._recorder is None else self._recorder.record
        return DiffusionOutcome(self.output, record, True, stopped)

    def _check_output(self, overwrite: bool, resume: bool) -> None:
        read = [one.path for one in (*self.request.checkpoints, *self.request.further)]
        check_output(self.output, self.config, [*self.inputs, *read], overwrite, resume)

    def _begin(
        self, overwrite: bool, weights: Weights, further: Weights, lock: Lock
    ) -> bool | None:
        """Look at the output on rank 0; return True if distances are to do, None if nothing is."""
        lock.take()
        if overwrite or not self.output.exists():
            return True
        stored = read_diffusion(self.output)
        refuse_other(self.output, distance_changes(stored, self.config, weights))
        self._stored = stored
        same = same_weights(stored.provenance.get("further"), further)
        onto = stored.onto.distances2 if stored.onto is not None and same else None
        known = onto is not None and not np.isnan(onto).any() if further else True
        if np.isnan(stored.distances2).any() or np.isnan(stored.squares).any() or not known:
            return True
        return None if same and is_complete(stored, self.request) else False

    def _distances(self, weights: Weights, further: Weights, lock: Lock) -> None:
        """Compute the distances that are to do; called by every rank."""
        executor, request = self.executor, self.request
        network = prepare_network(self.config, executor, self.problem)
        dtype = row_dtype(network.tensors.values())
        size = row_bytes(network.parameters, dtype)
        blocks = Blocks.of(len(request.checkpoints), len(request.further), size)
        todo = executor.lead(lambda: self._open(network, blocks, weights, further, lock))
        beside = executor.hosts.count(executor.hosts[executor.rank])
        largest = max(map(len, blocks.spans)) * size
        room = free_memory(CPU, max(1, beside)) // 2 // max(1, largest)
        rooms = executor.gather(max(2, room))
        source = PairSource(todo, rooms, executor.stop)
        reader = Reader([*request.checkpoints, *request.further], network.model, network.tensors)
        origin = len(request.checkpoints) // 2
        work = PairWorker(reader, blocks, origin, rooms[executor.rank], executor.rank)
        recorder = self._recorder
        arrived = (
            (lambda result: None)
            if recorder is None
            else (lambda result: recorder.add(blocks, result))
        )
        with self._bar(sum(map(blocks.size, todo)), "distance") as bar:
            for result in executor.run(source, work, arrived):
                bar.update(blocks.size((result.indices[0], result.indices[1])))
                if recorder is not None:
                    recorder.publish_if_due()
        if (reason := executor.lead(lambda: self._check(source))) is not None:
            raise StoppedError(reason)

    def _open(
        self, network: Network, blocks: Blocks, weights: Weights, further: Weights, lock: Lock
    ) -> list[Pair]:
        """Create or continue the record on rank 0; return the pairs of blocks that are to do."""
        if self._stored is None:
            record = new_record(self.request, self.config, network, weights)
            self._continue(further, lock, record, network)
        else:
            self._continue(further, lock, network=network)
        recorder = self._recorder
        assert recorder is not None
        if not self.quiet:
            record = recorder.record
            more = f" and {len(further)} further" if further else ""
            tell(
                f"{network.name}: distances of {len(record.labels)} checkpoints{more} of "
                f"{network.parameters:,} parameters"
            )
        recorder.publish()
        return recorder.todo(blocks)

    def _continue(
        self,
        further: Weights,
        lock: Lock,
        record: Diffusion | None = None,
        network: Network | None = None,
    ) -> None:
        """Begin to record, on rank 0."""
        record = record or self._stored
        assert record is not None
        recorder = DiffusionRecorder(self.output, record, warn, lock.check, tell)
        if not same_weights(record.provenance.get("further"), further):
            recorder.set(onto=new_onto(self.request, record.components))
        placements = () if network is None else network.placements
        session = Session(tuple(self.command), versions(), self.executor.describe(), placements)
        runs = [*(record.provenance.get("runs") or []), session.as_mapping()]
        recorder.note({"runs": runs, "further": further})
        if recorder.record.epochs is None:
            recorder.set(epochs=np.full(len(record.labels), np.nan))
        self._recorder, self._seconds = recorder, time.monotonic()

    def _check(self, source: PairSource) -> str | None:
        """Tell on rank 0 why distances are left to do; None if there are none.

        Raises:
            LandscapeError: if a checkpoint is invalid, or all are the same.
        """
        recorder = self._recorder
        assert recorder is not None
        if recorder.failure is not None:
            recorder.discard()
            raise CheckpointError(recorder.failure)
        if source.left:
            return self.executor.stop.reason or TIME_LIMIT
        if not (recorder.record.distances2 > 0).any():
            recorder.discard()
            raise UsageError(
                f"--checkpoints: all {len(recorder.record.labels)} hold the same weights up to "
                "rounding; there is no path"
            )
        return None

    def _map(self) -> None:
        """Compute the map, and its null walks on all ranks; called by every rank."""
        executor, request, recorder = self.executor, self.request, self._recorder
        draws = executor.lead(self._map_and_draws)
        if not draws:
            return
        count = len(request.checkpoints)
        parameters = executor.lead(lambda: recorder.record.parameters if recorder else 0)
        distances2 = np.empty((count, count)) if recorder is None else recorder.record.distances2
        distances2 = np.ascontiguousarray(distances2)
        executor.share(distances2.reshape(-1).view(np.uint8))
        walks = Walks(request, distances2, parameters)
        with self._bar(len(draws), "walk") as bar:
            for start in range(0, len(draws), executor.size):
                together = draws[start : start + executor.size]
                self._check_stop(walks.slowest)
                own = together[executor.rank] if executor.rank < len(together) else None
                found = executor.together(partial(walks.draw, own))
                drawn = [one for one in executor.gather(found) if one is not None]
                bar.update(len(drawn))
                if recorder is not None:
                    seed = request.choices.seed
                    recorder.record = with_draws(recorder.record, seed, together, drawn)
                    recorder.publish_if_due()

    def _map_and_draws(self) -> list[Draw]:
        """Compute the map on rank 0; return the walks that are missing."""
        assert self._recorder is not None
        self._recorder.record = mapped(self._recorder.record, self.request)
        return missing_draws(self._recorder.record, self.request)

    def _check_stop(self, seconds: float) -> None:
        """Stop all ranks together, if one was asked to or there is no time for another walk."""
        stop = self.executor.stop
        if stop.left < seconds:
            stop.ask(TIME_LIMIT)
        for reason in filter(None, self.executor.gather(stop.reason)):
            raise StoppedError(reason)

    def _bar(self, total: int, unit: str) -> Progress:
        quiet = self.quiet or self.executor.rank > 0
        return Progress(total, self.output.name, unit, quiet=quiet, terminal=on_terminal())

    def _end(self) -> None:
        """Publish the file with the end of the session, on rank 0."""
        assert self._recorder is not None
        *earlier, last = self._recorder.record.provenance["runs"]
        seconds = round(time.monotonic() - self._seconds, 3)
        self._recorder.note({"runs": [*earlier, {**last, "seconds": seconds}]})
        self._recorder.end()
