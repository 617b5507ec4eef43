"""Checkpoints that are recognized by their hash."""

import pytest
import torch
from torch import nn

import landscape_cli as landscape
from landscape_cli.api import recording
from landscape_cli.errors import CheckpointError
from landscape_cli.problems.weights import Hashes, VerifiedReader
from landscape_cli.records.checkpoint_path import CheckpointPath


def test_each_step_of_a_recording_has_its_own(tmp_path):
    model = nn.Linear(2, 1)
    paths = []
    for step in range(3):
        nn.init.constant_(model.weight, step)
        landscape.record(model, tmp_path / "walk", step)
        paths.append(CheckpointPath(str(tmp_path / "walk"), str(step)))
    recording.close()
    known = [Hashes()(path) for path in paths]
    hashes = Hashes()
    assert [hashes(path) for path in paths] == known
    assert len(set(known)) == 3
    read = VerifiedReader(model, {"weight": model.weight.detach()})
    for step, path in enumerate(paths):
        assert torch.equal(read(path, known[step])["weight"], torch.full((1, 2), float(step)))
    with pytest.raises(CheckpointError, match="has changed since the run began"):
        read(paths[0], known[1])
