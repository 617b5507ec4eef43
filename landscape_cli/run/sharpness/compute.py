"""A run of `landscape sharpness`: measure after measure, with rank 0 in the lead."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.derivatives.derivatives import Derivatives
from landscape_cli.evaluation.derivatives.variables import Variables
from landscape_cli.evaluation.sharpness import measure_class
from landscape_cli.evaluation.sharpness.base import Centre
from landscape_cli.parallel.executor import Executor
from landscape_cli.parallel.launcher import on_terminal
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.problems.problem import Problem
from landscape_cli.records.sharpness import Key, Sharpness, SharpnessEntry
from landscape_cli.run.curvature.network import PreparedNetwork, prepare_network
from landscape_cli.run.curvature.shared_sums import SharedSums, StoppedError
from landscape_cli.run.output_check import refuse_read
from landscape_cli.run.resume import CheckpointFacts, refuse_other
from landscape_cli.run.session import RecordOutcome, Session
from landscape_cli.run.sharpness.request import Request, changes, run_config
from landscape_cli.run.time_limit import time_left
from landscape_cli.store import Lock, check_writable
from landscape_cli.store.locks.lock_file import lock_path
from landscape_cli.store.reports.sharpness_file import read_sharpness, write_sharpness
from landscape_cli.util.logs import tell, warn
from landscape_cli.util.progress import Progress
from landscape_cli.util.versions import versions

SharpnessOutcome = RecordOutcome[Sharpness]
"""The result of a run."""


class _Moved:
    """The mean loss and its gradient at offsets, over the samples of all ranks."""

    def __init__(
        self, derivatives: Derivatives, sums: SharedSums, after: Callable[[], None]
    ) -> None:
        self._derivatives, self._sums, self._after = derivatives, sums, after
        self.passes = 0

    def loss(self, offset: Tensor) -> float:
        self._sums.move(offset)
        found = self._derivatives.loss()
        self._count()
        return found

    def gradient(self, offset: Tensor) -> Tensor:
        self._sums.move(offset)
        found = self._derivatives.gradient()
        self._count()
        return found

    def _count(self) -> None:
        self.passes += 1
        self._after()


@dataclass
class SharpnessRun:
    """A run of the command on one rank.

    Args:
        config: names the problem and the checkpoint.
        request: what to compute.
        output: the file to write.
        executor: the ranks.
        inputs: files that must not be replaced, besides those that the configuration names.
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
    _record: Sharpness | None = field(default=None, init=False)

    def compute(self, overwrite: bool = False) -> SharpnessOutcome:
        """Compute what the file does not have yet; called by every rank.

        Args:
            overwrite: compute everything, regardless of an existing file.

        Raises:
            LandscapeError: for any error that a user can cause.
        """
        executor = self.executor
        config = executor.together(lambda: run_config(self.config, self.request))
        executor.stop = Stop(executor.lead(lambda: time_left(config)))
        lock = Lock(self.output, warn)
        with executor.stop.on_signals(), lock:
            if executor.lead(lambda: self._begin(overwrite, lock)):
                return SharpnessOutcome(self.output, self._record, False)
            network = prepare_network(config, executor, self.request.quantity, self.problem)
            sums = network.sums()
            executor.lead(lambda: self._check_data(network))
            stopped = None
            try:
                sums.run(lambda derivatives: self._measure(derivatives, network, sums, lock))
            except StoppedError as stop:
                stopped = stop.reason
        return SharpnessOutcome(self.output, self._record, True, stopped)

    def _begin(self, overwrite: bool, lock: Lock) -> bool:
        """Look at the output on rank 0; return True if nothing is left to do."""
        for path in (self.output, lock_path(self.output)):
            check_writable(path)
            refuse_read(path, self.config, "--output", self.inputs)
        there = self.output.exists() and self.output.stat().st_size > 0
        stored = read_sharpness(self.output, "--output") if there else None
        lock.take()
        if overwrite or stored is None:
            return False
        refuse_other(
            self.output,
            changes(stored.provenance, stored.config, self.request, self.config, self._weights()),
        )
        self._record = stored
        return not self._left()

    def _left(self) -> list[Key]:
        record = self._record
        return [key for key in self.request.keys if record is None or record.entry(key) is None]

    def _weights(self) -> dict[str, str]:
        path = self.config.checkpoint
        return {} if path is None else CheckpointFacts.of(path).as_mapping()

    def _check_data(self, network: PreparedNetwork) -> None:
        """Refuse to add to a file of other data."""
        if self._record is None:
            return
        before = self._record.provenance.get("splits")
        if before != network.provenance()["splits"]:
            refuse_other(self.output, [f"the data of {network.split} has changed"])

    def _measure(
        self, derivatives: Derivatives, network: PreparedNetwork, sums: SharedSums, lock: Lock
    ) -> None:
        """Compute measure after measure; called on rank 0."""
        loss, gradient = derivatives.loss(), derivatives.gradient()
        # These passes have written the network's own parameters.
        centre = Centre(_weights_of(network, derivatives.variables), loss, gradient)
        slope = float(centre.gradient.norm())
        if not (math.isfinite(centre.loss) and math.isfinite(slope)):
            raise ProblemError(
                f"objective: the loss of the network is {centre.loss:.6g}, and the norm of its "
                f"gradient {slope:.6g}; there is no sharpness without finite ones"
            )
        session = Session(
            tuple(self.command), versions(), self.executor.describe(), network.placements
        )
        record = self._opened(network, centre, slope)
        if not self.quiet:
            tell(
                f"sharpness of {network.facts.name}: {record.parameters:,} parameters, "
                f"{network.data.samples} samples of {network.split}"
            )
        earlier = list(record.provenance.get("runs") or [])
        begin = time.monotonic()
        with self._progress() as bar:
            for key in self._left():
                self._add(self._entry(key, derivatives, sums, centre, bar))
                ended = {**session.as_mapping(), "seconds": round(time.monotonic() - begin, 3)}
                self._note({"runs": [*earlier, ended]})
                self._publish(lock)

    def _opened(self, network: PreparedNetwork, centre: Centre, slope: float) -> Sharpness:
        """Return the record, a new one if there is none yet."""
        if self._record is None:
            self._record = Sharpness(
                parameters=len(centre.weights),
                loss=centre.loss,
                gradient_norm=slope,
                weight_norm=float(centre.weights.norm()),
                config=self.config.model_dump(mode="json"),
                provenance={
                    **network.provenance(),
                    "request": self.request.compared(),
                    "weights": self._weights(),
                },
            )
        return self._record

    def _entry(
        self,
        key: Key,
        derivatives: Derivatives,
        sums: SharedSums,
        centre: Centre,
        bar: Progress,
    ) -> SharpnessEntry:
        """Compute a measure at one radius."""
        kind = measure_class(key[0])
        expected, begin = self.request.passes(key), time.monotonic()

        def after() -> None:
            if point.passes <= expected:
                bar.update(note=kind.title)

        point = _Moved(derivatives, sums, after)
        found = kind().measure(point, centre, key[1], self.request.settings)
        bar.update(max(0, expected - point.passes))
        return SharpnessEntry(
            measure=key[0],
            title=kind.title,
            definition=kind.definition,
            source=kind.source,
            symbol=kind.symbol,
            radius=key[1],
            **asdict(found),
            passes=point.passes,
            seconds=round(time.monotonic() - begin, 3),
        )

    def _add(self, entry: SharpnessEntry) -> None:
        assert self._record is not None
        self._record = self._record.with_entry(entry)
        self._record = replace(self._record, complete=not self._left())

    def _note(self, facts: Mapping[str, Any]) -> None:
        assert self._record is not None
        self._record = replace(self._record, provenance={**self._record.provenance, **facts})

    def _publish(self, lock: Lock) -> None:
        assert self._record is not None
        write_sharpness(self.output, self._record, lock.check)

    def _progress(self) -> Progress:
        """Return the progress bar, which counts losses and gradients."""
        total = sum(map(self.request.passes, self._left()))
        return Progress(
            total, self.output.name, unit="evaluation", quiet=self.quiet, terminal=on_terminal()
        )


def _weights_of(network: PreparedNetwork, variables: Variables) -> Tensor:
    """Return the network's parameters as one vector, float64, shape (P,)."""
    return variables.joined(network.evaluator.parameters.views)
