"""Runs whose values depend on which samples share a batch: refused, or by the user's batches."""

import sys

import numpy as np
import pytest
import torch

from landscape_cli.store import read_surface, write_surface

MODULE = """
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset
from landscape_cli.problems import Problem

def contrastive(model, batch):
    one, other = (functional.normalize(model(x), dim=1) for x in (batch[0], batch[0] + 0.1))
    own = torch.arange(len(one), device=one.device)
    losses = functional.cross_entropy(one @ other.T / 0.1, own, reduction="none")
    return {"loss": losses}

def plain(model, batch):
    return {"loss": model(batch[0]).square().mean(dim=1)}

def build(loader=None, norm=False, shuffle=False):
    torch.manual_seed(0)
    data = TensorDataset(torch.randn(50, 8, generator=torch.Generator().manual_seed(1)))
    if loader is not None:
        data = DataLoader(data, loader, shuffle=shuffle)
    layer = nn.BatchNorm1d(16, track_running_stats=False) if norm else nn.Tanh()
    model = nn.Sequential(nn.Linear(8, 16), layer, nn.Linear(16, 4))
    return Problem(model, {"train": data}, plain if norm else contrastive)
"""


@pytest.fixture
def compute(landscape, workplace, monkeypatch):
    """Return a function that computes a surface; its exit code, report and errors."""
    workplace.write("together.py", MODULE)
    monkeypatch.delitem(sys.modules, "together", raising=False)

    def compute(*arguments, **build):
        grid = {"x": [-1, 1, 3], "y": [-1, 1, 3]}
        config = workplace.config("together:build", grid=grid, problem_args=build)
        return landscape("compute", config, *arguments)

    return compute


@pytest.mark.parametrize("norm", [False, True])
def test_the_tools_own_micro_batch_does_not_decide_a_value(compute, workplace, norm):
    code, _, error = compute(norm=norm)
    assert code == 2
    assert "landscape: objective: on split 'train' its values depend on which samples" in error
    assert error.count("\n") == 1
    assert not (workplace.folder / "surface.h5").exists()


CHOICES = {
    "batch_size": (("--set", "batch_size=16"), {}, "batches have batch_size samples"),
    "loader": ((), {"loader": 16}, "batches as they come"),
    "shuffling loader": ((), {"loader": 16, "shuffle": True}, "its shuffling loader is read in or"),
}


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("choice", CHOICES)
def test_batches_that_the_user_chose_decide_it(compute, workplace, choice, norm):
    """The value at the centre is plain PyTorch's over batches of this size."""
    import together

    arguments, build, words = CHOICES[choice]
    code, _, error = compute(*arguments, norm=norm, **build)
    assert code == 0, error
    assert words in error
    problem = together.build(loader=16, norm=norm)
    model, batches = problem.model.eval(), problem.splits["train"]
    with torch.no_grad():
        expected = torch.cat([problem.objective(model, batch)["loss"] for batch in batches]).mean()
    found = read_surface(workplace.folder / "surface.h5").values["train", "loss"]
    assert found[1, 1] == pytest.approx(expected.item(), rel=1e-6)


def test_a_file_is_continued_with_the_batches_that_it_was_begun_with(compute, workplace):
    assert compute("--set", "batch_size=16")[0] == 0
    path = workplace.folder / "surface.h5"
    whole = read_surface(path)
    values = whole.values["train", "loss"].copy()
    whole.status[0, 0] = 0
    write_surface(path, whole)
    code, _, error = compute()
    assert code == 0, error
    np.testing.assert_array_equal(read_surface(path).values["train", "loss"], values)


def test_shards_of_other_batches_are_not_merged(compute, landscape):
    """Nor is a file continued with them; a loader's batches have no part in the fingerprint."""
    for part, size in (("1/2", 16), ("2/2", 25)):
        assert compute("--shard", part, loader=size)[0] == 0
    parts = [f"surface.shard-{part}-of-2.h5" for part in (1, 2)]
    code, _, error = landscape("merge", "surface.h5", *parts)
    assert code == 2
    assert "splits.train.batches: '3 of 16, 1 of 2' in surface.shard-1-of-2.h5, '2 of 25'" in error
