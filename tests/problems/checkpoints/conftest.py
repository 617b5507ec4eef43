"""Checks of what a checkpoint gives a model, and of how it is refused."""

import pytest
import torch

from landscape_cli.errors import CheckpointError
from landscape_cli.problems.checkpoints import load_weights, read_weights
from landscape_cli.records.checkpoint_path import CheckpointPath
from support.saved_networks import Net, scrambled


@pytest.fixture
def trained():
    """A trained network."""
    return scrambled(Net())


@pytest.fixture
def loads():
    """Check that a checkpoint gives a model the tensors of a state dict; returns what was said."""

    def loads(path, state, model=None):
        model = Net() if model is None else model
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        floating = {n: t for n, t in model.named_parameters() if t.is_floating_point()}
        read, _ = read_weights(path, model, floating, lambda note: None)
        for name, tensor in model.state_dict().items():
            assert torch.equal(tensor, before[name]), f"reading changed {name}"
        said: list[str] = []
        load_weights(model, path, said.append)
        for name, tensor in model.state_dict().items():
            expected = state[name].to(tensor.dtype)
            assert torch.equal(tensor.cpu(), expected.cpu()), name
            if name in read:
                assert torch.equal(read[name].cpu(), expected.cpu()), name
        return said

    return loads


@pytest.fixture
def refused():
    """Return the line with which a checkpoint is refused."""

    def refused(path, model=None):
        with pytest.raises(CheckpointError) as caught:
            load_weights(Net() if model is None else model, path, lambda note: None)
        line = str(caught.value)
        assert "\n" not in line
        assert CheckpointPath.parse(path).path in line
        return line

    return refused
