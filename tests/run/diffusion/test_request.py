"""Requests for maps: what does not fit, and what changes."""

import pytest

from landscape_cli.errors import UsageError
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.run.diffusion.request import MATRICES, Request, TrainingPath, same_weights


def request(count):
    return Request((TrainingPath("", tuple(CheckpointPath(f"{n}.pt") for n in range(count))),))


def test_more_checkpoints_than_memory_holds_are_refused_with_how_many_fit():
    free = 8 * MATRICES * 100**2
    request(100).check_memory(free)
    request(1000).check_memory(0)  # unknown
    with pytest.raises(UsageError, match=r"--checkpoints: matrices of 101 .* take one in 2"):
        request(101).check_memory(free)
    with pytest.raises(UsageError, match="take one in 10"):
        request(1000).check_memory(free)


def test_further_checkpoints_are_those_of_a_file_by_their_content_alone():
    one, moved = {"path": "a.pt", "sha256": "ab"}, {"path": "b.pt", "sha256": "ab"}
    assert same_weights([one], [moved])
    assert not same_weights([one], [{**moved, "sha256": "cd"}])
    assert not same_weights([one], [{**moved, "key": "ema"}])
    assert not same_weights([one], [])
    assert same_weights(None, [])
