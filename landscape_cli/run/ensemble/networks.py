"""Networks of an ensemble, put into the model of every rank one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.batch_norm import Recalibration
from landscape_cli.evaluation.ensembles.mean_weights import MeanWeights
from landscape_cli.evaluation.model_state import ModelState, switches
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.parallel.executor import Executor
from landscape_cli.problems.checkpoints import load_weights
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.run.ensemble.said_once import SaidOnce
from landscape_cli.run.setup.rank_consistency import share_objects, share_tensors, share_weights


@dataclass
class Networks:
    """The members, and their averaged weights; every rank calls each method.

    One network is in memory at a time, and with ``mean`` the sums of all parameters.

    Args:
        members: the checkpoints.
        executor: the ranks.
        evaluator: holds the model.
        averaging: whether their mean is wanted.
        recalibration: re-estimates batch norm's statistics of averaged weights; None without any.
    """

    members: Sequence[CheckpointPath]
    executor: Executor
    evaluator: Evaluator
    averaging: bool
    recalibration: Recalibration | None
    mean: MeanWeights = field(default_factory=MeanWeights)
    _said: SaidOnce = field(default_factory=SaidOnce)
    _own: FlatParameters | None = None

    def load(self, number: int) -> None:
        """Put a member's weights and buffers into the model.

        Raises:
            CheckpointError: if its file can't be read, or is another network's.
        """
        self._read(number)
        if self.averaging and self.executor.rank == 0 and self.mean.networks == number:
            self.mean.add(self.evaluator.parameters)
        self._begin_point(())

    def load_average(self) -> None:
        """Put the mean of all members' parameters into the model, with the last one's buffers.

        Batch norm's statistics are re-estimated on rank 0.
        """
        parameters, recalibration = self.evaluator.parameters, self.recalibration
        self._read(len(self.members) - 1)
        self.executor.lead(lambda: self.mean.write(parameters))
        share_weights(self.evaluator.model, self.executor)
        if recalibration is None:
            self._begin_point(())
            return
        statistics = recalibration.buffers()
        self._begin_point(statistics)

        def update() -> None:
            with self.evaluator.plain(), torch.no_grad():
                recalibration.update(())

        self.executor.lead(update)
        buffers = dict(self.evaluator.model.named_buffers())
        share_tensors([buffers[name] for name in statistics if name in buffers], self.executor)

    def restore(self) -> None:
        """Restore what forward passes have changed in the network, if anything."""
        if self.evaluator.state.drifted():
            with torch.no_grad():
                self.evaluator.state.at_point(self._write)

    def _read(self, number: int) -> None:
        """Read a member on rank 0 and share it, in the mode in which weights are written."""
        model, path = self.evaluator.model, self.members[number]
        self.restore()  # buffers that no checkpoint has
        if switches(model):
            model.train()
            self.evaluator.parameters.attach(model)
        self.executor.lead(lambda: load_weights(model, path, self._said.about(path)))
        share_objects(model, self.executor)
        share_weights(model, self.executor)

    def _begin_point(self, foreign: Sequence[str]) -> None:
        """Take the model as it is for a point, and put it into eval mode.

        Args:
            foreign: names of buffers that are set later.
        """
        evaluator = self.evaluator
        # Eval mode may change weights.
        self._own = evaluator.parameters.clone() if switches(evaluator.model) else None
        evaluator.state = ModelState(evaluator.model, evaluator.parameters, foreign)

    def _write(self) -> None:
        if self._own is not None:
            for place, buffer in self.evaluator.parameters.buffers.items():
                buffer.copy_(self._own.buffers[place])
