"""A run of `landscape connect`: one curve, trained in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import StoreError, UsageError
from landscape_cli.evaluation.training.batches import TrainingBatches
from landscape_cli.evaluation.training.curve import straight
from landscape_cli.evaluation.training.seeds import generators_kept
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.problems.checkpoints import read_weights
from landscape_cli.problems.problem import Problem
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.records.curves.trained import Curve
from landscape_cli.run.connect.recording import CurveRecorder, copied, fill
from landscape_cli.run.connect.request import Request, changes, run_config
from landscape_cli.run.connect.training import train
from landscape_cli.run.output_check import refuse_read
from landscape_cli.run.resume import CheckpointFacts, refuse_other
from landscape_cli.run.session import Session
from landscape_cli.run.setup.problem_setup import PreparedProblem, prepare_problem
from landscape_cli.run.time_limit import time_left
from landscape_cli.store import Lock, check_writable
from landscape_cli.store.curve_file import CurvePoints, Tensors, read_curve, read_curve_points
from landscape_cli.store.file_kind import CURVE, check_replaceable
from landscape_cli.store.locks.lock_file import lock_path
from landscape_cli.util.logs import tell, warn
from landscape_cli.util.versions import versions


@dataclass(frozen=True)
class ConnectOutcome:
    """The result of a run.

    Args:
        path: the curve file.
        record: what it says of the curve.
        computed: False if the file was already complete.
        stopped: what stopped the run before the curve was complete, or None.
    """

    path: Path
    record: Curve
    computed: bool = True
    stopped: str | None = None


@dataclass
class ConnectRun:
    """A run of the command in this process.

    Args:
        config: names the problem.
        request: the curve.
        ends: the checkpoints at t = 0 and t = 1.
        output: the file to write.
        inputs: files that must not be replaced, besides those that the configuration names.
        command: the command line, for the file's provenance.
        quiet: show no progress.
        problem: the user's object, in place of the one that the configuration names.
        stop: asks for an early stop; made from the configuration's time limit if None.
        within: told how far the training is, for the progress of something larger.
    """

    config: RunConfig
    request: Request
    ends: tuple[CheckpointPath, CheckpointPath]
    output: Path
    inputs: Sequence[str] = ()
    command: Sequence[str] = ()
    quiet: bool = False
    problem: Problem | None = None
    stop: Stop | None = None
    within: Callable[[str], None] | None = None
    _found: tuple[Curve, CurvePoints] | None = field(default=None, init=False)

    def compute(self, overwrite: bool = False, resume: bool = False) -> ConnectOutcome:
        """Train what is left of the curve.

        Args:
            overwrite: train from the beginning, regardless of an existing file.
            resume: require a file to continue.

        Raises:
            LandscapeError: for any error that a user can cause; also if the loss is not finite any
                more, once the bends of the best epoch are in the file.
        """
        config = run_config(self.config, self.request, self.ends[0])
        stop = self.stop or Stop(time_left(config))
        lock = Lock(self.output, warn)
        with stop.on_signals(), lock, generators_kept():
            complete = self._begin(overwrite, resume, lock)
            if complete is not None:
                return ConnectOutcome(self.output, complete, computed=False)
            executor = SerialExecutor()
            prepared = prepare_problem(config, executor, self.problem)
            batches = self._batches(prepared)
            recorder = self._recorder(prepared, batches, lock)
            if not self.quiet and self.within is None:
                tell(self._introduction(prepared, batches))
            stopped = None
            if recorder.record.complete:
                recorder.end()
            else:
                stopped = train(
                    self.request, prepared, batches, recorder, stop, self.quiet, self.within
                )
        return ConnectOutcome(self.output, recorder.record, stopped=stopped)

    def _begin(self, overwrite: bool, resume: bool, lock: Lock) -> Curve | None:
        """Look at the output; return what it says if nothing is left to do."""
        if overwrite and resume:
            raise UsageError("--overwrite and --resume exclude each other; choose one")
        read = [*self.inputs, *(one.path for one in self.ends)]
        others = self.config.model_copy(update={"slice": {}})  # it may name this very curve
        for path in (self.output, lock_path(self.output)):
            check_writable(path)
            refuse_read(path, others, "--output", read)
        if resume and not self.output.exists():
            raise StoreError(
                f"--resume: there is no {self.output} to continue; leave --resume out to start"
            )
        check_replaceable(self.output, CURVE, "--output")
        lock.take()
        if overwrite or not self.output.exists():
            return None
        record = read_curve(self.output)
        refuse_other(
            self.output,
            changes(record.provenance, record.config, self.request, self.config, self._weights()),
        )
        if record.complete:
            return record
        self._found = record, read_curve_points(self.output, record)
        return None

    def _weights(self) -> list[dict[str, str]]:
        return [CheckpointFacts.of(path).as_mapping() for path in self.ends]

    def _batches(self, prepared: PreparedProblem) -> TrainingBatches:
        request = self.request
        split = prepared.problem.splits[request.split]
        return TrainingBatches(
            request.split, split, request.batch_size, request.seed, prepared.device
        )

    def _recorder(
        self, prepared: PreparedProblem, batches: TrainingBatches, lock: Lock
    ) -> CurveRecorder:
        """Create or continue the record, and write it."""
        session = Session(tuple(self.command), versions(), {"size": 1}, prepared.placements)
        if self._found is not None:
            record, tensors = self._found
            steps = self.request.epochs * batches.per_epoch
            if len(record.losses) not in (0, steps):
                raise StoreError(
                    f"{self.output} has {len(record.losses)} steps, but the data make {steps} now; "
                    "--overwrite trains from the beginning"
                )
            points = [_flat(prepared, one) for one in tensors.points]
            momenta = [_flat(prepared, one) for one in tensors.momenta]
            best = tensors.best
        else:
            points = self._straight(prepared)
            record = self._new_record(prepared, batches)
            momenta = [one.zeros() for one in points[1:-1]]
            best = [copied(one) for one in points[1:-1]]
        runs = [*record.provenance.get("runs", []), session.as_mapping()]
        record = replace(record, provenance={**record.provenance, "runs": runs})
        recorder = CurveRecorder(self.output, record, points, momenta, best, warn, lock.check)
        recorder.begin()
        return recorder

    def _straight(self, prepared: PreparedProblem) -> list[FlatParameters]:
        """Return the points of the straight line between the ends."""
        parameters = prepared.parameters
        first = {name: view.cpu() for name, view in parameters.views.items()}
        last, _ = read_weights(self.ends[1], prepared.problem.model, first)
        if all(torch.equal(first[name], last[name]) for name in first):
            raise UsageError(
                f"--to: {self.ends[1]} has the same weights as {self.ends[0]}, so there is nothing "
                "to connect; name the checkpoint of another training run"
            )
        return straight(first, last, parameters, self.request.points)

    def _new_record(self, prepared: PreparedProblem, batches: TrainingBatches) -> Curve:
        steps = self.request.epochs * batches.per_epoch if self.request.bends else 0
        return Curve(
            shape=self.request.shape,
            points=self.request.points,
            ends=(str(self.ends[0]), str(self.ends[1])),
            losses=np.full(steps, np.nan),
            places=np.full(steps, np.nan),
            done=0,
            complete=steps == 0,
            config=self.config.model_dump(mode="json"),
            provenance={
                "network": asdict(prepared.network),
                "request": self.request.as_mapping(),
                "weights": self._weights(),
                "split": self.request.split,
                "per_epoch": batches.per_epoch,
            },
        )

    def _introduction(self, prepared: PreparedProblem, batches: TrainingBatches) -> str:
        request = self.request
        ends = f"from {self.ends[0]} to {self.ends[1]}"
        words = f"straight line {ends}"
        if request.bends:
            bends = f"{request.bends} bend{'s' * (request.bends != 1)}"
            steps = f"{request.epochs} epochs of {batches.per_epoch} batches of {request.split}"
            words = f"{request.shape} with {bends} {ends}; {steps}"
        return f"{prepared.network.name}: {prepared.network.parameters:,} parameters; {words}"


def _flat(prepared: PreparedProblem, tensors: Tensors) -> FlatParameters:
    flat = prepared.parameters.zeros()
    fill(flat, tensors)
    return flat
