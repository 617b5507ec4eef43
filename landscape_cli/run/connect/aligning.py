"""Alignment of the second network of each pair, in files that a later run finds again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from landscape_cli.config.run_config import RunConfig
from landscape_cli.problems.problem import Problem
from landscape_cli.records.checkpoint_path import CheckpointPath, identity
from landscape_cli.run.alignment.compute import Alignment
from landscape_cli.run.alignment.files import Sources, facts_path, write_aligned
from landscape_cli.run.resume import CheckpointFacts


@dataclass
class PairAligner:
    """Permutes the channels of networks to match others.

    Args:
        config: names the problem.
        folder: where aligned checkpoints go.
        seed: of the order in which groups of channels are visited.
        problem: the user's object, in place of the one that the configuration names.
    """

    config: RunConfig
    folder: Path
    seed: int = 0
    problem: Problem | None = None
    _current: tuple[CheckpointPath, Alignment] | None = field(default=None, init=False)

    def align(
        self, reference: CheckpointPath, other: CheckpointPath, name: str, overwrite: bool
    ) -> CheckpointPath:
        """Return the aligned checkpoint of a network, which is written unless it is there.

        Args:
            reference: the network whose order of channels the other one takes.
            other: the network that is permuted.
            name: of the file, without extension.
            overwrite: write it even if it is there.

        Raises:
            LandscapeError: if the network can't be aligned.
        """
        path = self.folder / f"{name}.pt"
        if overwrite or not (path.exists() and self._is_ours(path, reference, other)):
            if self._current is None or self._current[0] != reference:
                made = Alignment(self.config, reference, None, self.problem, _silent)
                self._current = reference, made
            alignment = self._current[1]
            sources = Sources(other, reference, self.seed)
            write_aligned(path, alignment, sources, alignment.align(other, self.seed))
        return CheckpointPath(str(path))

    def _is_ours(self, path: Path, reference: CheckpointPath, other: CheckpointPath) -> bool:
        """Tell whether an aligned checkpoint was made from these networks."""
        try:
            facts: Any = json.loads(facts_path(path).read_text(encoding="utf-8"))
            known = (identity(facts["reference"]), identity(facts["checkpoint"]), facts["seed"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False
        now = [identity(CheckpointFacts.of(one).as_mapping()) for one in (reference, other)]
        return known == (*now, self.seed)


def _silent(text: str) -> None:
    """Drop what reading a checkpoint may warn of; the curve's training says it."""
