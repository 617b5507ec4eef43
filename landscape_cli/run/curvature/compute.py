"""A run of `landscape curvature`: checkpoint after checkpoint, with rank 0 in the lead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import StoreError, UsageError
from landscape_cli.evaluation.derivatives.derivatives import Derivatives
from landscape_cli.evaluation.derivatives.variables import choose_names
from landscape_cli.evaluation.spectrum.operator import NotFiniteError
from landscape_cli.parallel.executor import Executor
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.problems.problem import Problem
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.records.curvature import Curvature
from landscape_cli.records.tiles import Status
from landscape_cli.run.curvature.network import PreparedNetwork, prepare_network
from landscape_cli.run.curvature.opening import (
    Dating,
    check_output,
    introduce,
    new_record,
    progress_of,
)
from landscape_cli.run.curvature.recording import CurvatureRecorder
from landscape_cli.run.curvature.request import Request, changes, run_config
from landscape_cli.run.curvature.shared_sums import StoppedError
from landscape_cli.run.curvature.stages import CheckpointStages
from landscape_cli.run.resume import CheckpointFacts, refuse_other
from landscape_cli.run.session import RecordOutcome, Session
from landscape_cli.run.time_limit import time_left
from landscape_cli.store import Lock, read_curvature
from landscape_cli.store.curvature_file import Eigenvectors, read_eigenvectors
from landscape_cli.store.file_kind import CURVATURE, check_replaceable
from landscape_cli.util.logs import warn
from landscape_cli.util.progress import Progress
from landscape_cli.util.versions import versions

CurvatureOutcome = RecordOutcome[Curvature]
"""The result of a run."""


@dataclass
class CurvatureRun:
    """A run of the command on one rank.

    Args:
        config: names the problem; its checkpoint is taken if there are no paths.
        request: what to compute.
        paths: the checkpoints, in order.
        output: the file to write.
        executor: the ranks.
        dating: finds epochs and learning rates.
        inputs: files that must not be replaced, besides those that the configuration names.
        command: the command line, for the file's provenance.
        quiet: show no progress.
        problem: the user's object, in place of the one that the configuration names.
    """

    config: RunConfig
    request: Request
    paths: Sequence[CheckpointPath]
    output: Path
    executor: Executor
    dating: Dating = lambda paths, stored: (None, None)
    inputs: Sequence[str] = ()
    command: Sequence[str] = ()
    quiet: bool = False
    problem: Problem | None = None
    _recorder: CurvatureRecorder | None = field(default=None, init=False)
    _found: tuple[Curvature, Eigenvectors | None] | None = field(default=None, init=False)
    _bar: Progress | None = field(default=None, init=False)

    @property
    def checkpoints(self) -> list[CheckpointPath | None]:
        """The checkpoints; None for the weights that the model is built with."""
        return list(self.paths) or [self.config.checkpoint]

    def compute(self, overwrite: bool = False, resume: bool = False) -> CurvatureOutcome:
        """Compute what is left; called by every rank.

        Args:
            overwrite: compute everything, regardless of an existing file.
            resume: require a file to continue.

        Raises:
            LandscapeError: for any error that a user can cause.
        """
        executor = self.executor
        first = executor.together(
            lambda: run_config(self.config, self.request, self.checkpoints[0])
        )
        executor.stop = Stop(executor.lead(lambda: time_left(first)))
        lock = Lock(self.output, warn)
        with executor.stop.on_signals(), lock:
            if executor.lead(lambda: self._begin(overwrite, resume, lock)):
                return CurvatureOutcome(self.output, self._found[0] if self._found else None, False)
            stopped = None
            try:
                for place in range(len(self.checkpoints)):
                    self._checkpoint(place, lock)
            except StoppedError as stop:
                stopped = stop.reason
            finally:
                if self._bar is not None:
                    self._bar.__exit__(None, None, None)
            recorder = self._recorder
            if recorder is not None:
                self._end(recorder)
        record = None if recorder is None else recorder.record
        return CurvatureOutcome(self.output, record, True, stopped)

    def _begin(self, overwrite: bool, resume: bool, lock: Lock) -> bool:
        """Look at the output on rank 0; return True if nothing is left to do."""
        if overwrite and resume:
            raise UsageError("--overwrite and --resume exclude each other; choose one")
        read = [*self.inputs, *(one.path for one in self.paths)]
        check_output(self.output, self.config, read)
        if resume and not self.output.exists():
            raise StoreError(
                f"--resume: there is no {self.output} to continue; leave --resume out to start"
            )
        check_replaceable(self.output, CURVATURE, "--output")
        lock.take()
        if overwrite or not self.output.exists():
            return False
        record = read_curvature(self.output)
        lines = changes(
            record.provenance, record.config, self.request, self.config, self._weights()
        )
        refuse_other(self.output, lines)
        self._found = record, read_eigenvectors(self.output, record)
        return bool((record.status != Status.TODO).all())

    def _weights(self) -> list[dict[str, str]]:
        return [
            {} if path is None else CheckpointFacts.of(path).as_mapping()
            for path in self.checkpoints
        ]

    def _checkpoint(self, place: int, lock: Lock) -> None:
        """Compute what is left at a checkpoint; called by every rank."""
        executor, request = self.executor, self.request
        stored = self._found and self._found[0]
        if executor.lead(lambda: stored is not None and stored.status[place] != Status.TODO):
            return
        config = executor.together(
            lambda: run_config(self.config, request, self.checkpoints[place])
        )
        network = prepare_network(config, executor, request.quantity, self.problem)
        sums = network.sums(request.matrix)
        names = executor.together(lambda: self._block_names(network))
        executor.lead(lambda: self._open(network, names, lock))
        stages = self._stages(place, network, sums.move) if executor.rank == 0 else None
        finite = self._finite(stages or _nothing, sums.run)
        for number, block in enumerate(names):
            done = executor.lead(lambda: self._recorder and self._recorder.done("blocks", place))
            if finite and number >= (done or 0):
                run = network.sums(request.matrix, block).run
                finite = self._finite(self._block(stages, number), run)
        if self._recorder is not None:
            self._recorder.finish(place, Status.OK if finite else Status.NOT_FINITE)
            self._recorder.publish()

    def _block_names(self, network: PreparedNetwork) -> list[list[str]]:
        return [
            choose_names(network.evaluator.parameters, patterns=(one,), key="--blocks")
            for one in self.request.blocks
        ]

    def _block(self, stages: CheckpointStages | None, number: int) -> Callable[[Derivatives], None]:
        def algorithm(derivatives: Derivatives) -> None:
            assert stages is not None
            stages.block(derivatives, number)

        return algorithm

    def _finite(
        self,
        algorithm: Callable[[Derivatives], None],
        run: Callable[..., Any],
    ) -> bool:
        """Run an algorithm; return False if a number was not finite at one of several checkpoints.

        Raises:
            NotFiniteError: if there is only one checkpoint.
        """
        finite = []

        def guarded(derivatives: Derivatives) -> None:
            try:
                algorithm(derivatives)
                finite.append(True)
            except NotFiniteError as error:
                if len(self.checkpoints) == 1:
                    raise
                finite.append(False)
                warn(f"{error}; it is marked as not finite")

        run(guarded, self._advance)
        return bool(self.executor.lead(lambda: finite[0]))

    def _advance(self, products: int) -> None:
        assert self._bar is not None
        self._bar.update(products)

    def _stages(
        self, place: int, network: PreparedNetwork, move: Callable[[Any], None]
    ) -> CheckpointStages:
        recorder = self._recorder
        assert recorder is not None
        identity = {**network.provenance(), "place": place}
        capacity = recorder.record.provenance["memory"]["vectors"]
        return CheckpointStages(
            self.request,
            recorder,
            place,
            identity,
            capacity or None,
            self._advance,
            move,
            network.evaluator.parameters.complex,
            place + 1 == len(self.checkpoints),
        )

    def _open(self, network: PreparedNetwork, names: Sequence[Sequence[str]], lock: Lock) -> None:
        """Create or continue the record on rank 0, once there is a network."""
        if self._recorder is not None:
            return
        variables = network.variables()
        blocks = [network.variables(one).size for one in names]
        self.request.check_size(variables.size)
        network.try_product(self.request.matrix)
        session = Session(
            tuple(self.command), versions(), self.executor.describe(), network.placements
        )
        if self._found is not None:
            record, vectors = self._found
        else:
            record = new_record(
                self.config,
                self.request,
                network,
                self.checkpoints,
                self.dating if self.paths else None,
                blocks,
                self._weights(),
            )
            vectors = None
        runs = [*record.provenance.get("runs", []), session.as_mapping()]
        record = replace(record, provenance={**record.provenance, "runs": runs})
        self._session = session
        self._recorder = CurvatureRecorder(self.output, record, vectors, warn, lock.check)
        self._recorder.begin()
        self._bar = progress_of(self._recorder, self.request, variables.size, blocks, self.quiet)
        if not self.quiet:
            introduce(network, record)

    def _end(self, recorder: CurvatureRecorder) -> None:
        """Publish the file with the end of the session."""
        session = self._session.as_mapping()
        *earlier, _ = recorder.record.provenance["runs"]
        recorder.note({"runs": [*earlier, session]})
        recorder.end()


def _nothing(derivatives: Derivatives) -> None:
    """Stand for the algorithm on ranks that do not run it."""
