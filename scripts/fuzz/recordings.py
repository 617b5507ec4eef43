"""Files of a recording: one of a single step, and one of several that are joined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from damage import Inputs, Reader
from flips import prepared
from torch import nn

from landscape_cli.api import recording as api
from landscape_cli.problems.checkpoint_files import expand
from landscape_cli.problems.checkpoints import load_weights
from landscape_cli.problems.recordings import recorded
from landscape_cli.store.recordings import writer

SINGLE, JOINED = "recorded-0000000003.safetensors", "recorded-0000000000-0000000002.safetensors"


def prepare(folder: Path) -> tuple[Inputs, Reader]:
    """Record four steps, the first three of which are joined."""
    walk = _written(folder)
    contents = {name: (walk / name).read_bytes() for name in (SINGLE, JOINED)}

    def read(path: Path, content: bytes) -> None:
        name = JOINED if content[:8] == contents[JOINED][:8] else SINGLE
        _everything(_in_place(path, name))

    return list(contents.values()), read


def prepare_flips(folder: Path) -> tuple[Inputs, Reader]:
    """Record the same steps; no flip in the joined file may change anything silently."""
    path = _written(folder) / JOINED
    return prepared(path, lambda path: _everything(_in_place(path, JOINED)))


def _network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def _written(folder: Path) -> Path:
    writer.MOST_FILES = 3
    torch.manual_seed(0)
    walk = folder / "walk"
    for step in range(4):
        api.record(_network(), walk, step, lr=0.1, loss=2.5, epoch=step / 2)
    api.close()
    return walk


def _in_place(path: Path, name: str) -> Path:
    """Give a file the name that it has in a recording, and return the recording."""
    target = path.parent / "recording" / name
    target.parent.mkdir(exist_ok=True)
    for other in target.parent.iterdir():
        other.unlink()
    target.write_bytes(path.read_bytes())
    return target.parent


def _everything(folder: Path) -> Any:
    paths = expand([str(folder)])
    states = []
    for path in paths:
        model = _network()
        load_weights(model, path, lambda note: None)
        states.append({name: tensor.numpy() for name, tensor in model.state_dict().items()})
    return [states, [repr(facts) for facts in recorded(paths)]]
