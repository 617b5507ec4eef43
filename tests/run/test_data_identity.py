"""Runs on other data than a file's are refused, whatever the batches are made of."""

import hashlib
import importlib
import sys

import pytest

from landscape_cli.store import read_surface, write_surface

MODULE = """
import torch
from landscape_cli.problems import Problem
from support.batch_kinds import KINDS, xy

def objective(model, batch):
    x, y = xy(batch)
    return {{"loss": (model(x) - y).square().mean(dim=1)}}

def build():
    torch.manual_seed(0)
    x, y = torch.randn(6, 3), torch.randn(6, 1)
    return Problem(torch.nn.Linear(3, 1), {{"train": [KINDS[{kind!r}](x + {shift}, y)]}}, objective)
"""


@pytest.fixture
def compute(landscape, workplace, monkeypatch):
    """Return a function that computes a shard, or the rest of the surface, on shifted data."""
    # The module changes within a second, which cached bytecode would not notice.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def compute(kind, shift, *arguments):
        workplace.write("shifted.py", MODULE.format(kind=kind, shift=shift))
        monkeypatch.delitem(sys.modules, "shifted", raising=False)
        importlib.invalidate_caches()
        config = workplace.config("shifted:build", grid={"x": [-1, 1, 3], "y": [-1, 1, 2]})
        return landscape("compute", config, *arguments)

    return compute


@pytest.mark.parametrize("kind", ["tuple", "dataclass", "graph", "UserDict", "hidden"])
def test_shards_of_different_data_are_not_merged(landscape, compute, kind):
    for part, shift in (("1/2", 0), ("2/2", 5)):
        code, _, error = compute(kind, shift, "--shard", part)
        assert code == 0, error
    parts = [f"surface.shard-{part}-of-2.h5" for part in (1, 2)]
    code, _, error = landscape("merge", "surface.h5", *parts)
    assert code == 2
    assert "splits.train.fingerprint" in error
    compute(kind, 0, "--shard", "2/2", "--overwrite")
    assert landscape("merge", "surface.h5", *parts)[0] == 0


def test_a_file_of_an_earlier_version_is_continued_by_what_its_fingerprint_covers(
    landscape, compute, workplace
):
    """It hashed the tensors in containers only: with words beside them, and nothing of objects."""
    nothing = hashlib.blake2b(digest_size=16).hexdigest()
    for kind, before, code in (("nested", None, 0), ("dataclass", nothing, 2)):
        assert compute(kind, 0, "--overwrite")[0] == 0
        path = workplace.folder / "surface.h5"
        surface = read_surface(path)
        split = surface.provenance["splits"]["train"]
        split["fingerprint"] = before or split["fingerprint"].split("+")[0]
        surface.status[0, 0] = 0
        write_surface(path, surface)
        found, _, error = compute(kind, 0)
        assert found == code, error
        assert ("splits: changed since the file was created" in error) == bool(code)


def test_data_that_differ_beside_their_tensors_are_told_apart(landscape, compute, workplace):
    """A path in a batch may change between the nodes and runs of a cluster."""
    assert compute("nested", 0)[0] == 0
    path = workplace.folder / "surface.h5"
    surface = read_surface(path)
    split = surface.provenance["splits"]["train"]
    split["fingerprint"] = split["fingerprint"].split("+")[0] + "+" + "0" * 32
    surface.status[0, 0] = 0
    write_surface(path, surface)
    code, _, error = compute("nested", 0)
    assert code == 2
    assert "changed since the file was created beside the tensors, such as in words or" in error
    assert compute("nested", 0, "--allow-random")[0] == 0
