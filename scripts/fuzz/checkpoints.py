"""Checkpoints: state dicts as torch.save and safetensors write them, and an index of shards."""

from __future__ import annotations

import io
import json
from pathlib import Path

import torch
from damage import Inputs, Reader
from safetensors.torch import save
from torch import nn

from landscape_cli.problems.checkpoints import load_weights


def prepare(folder: Path) -> tuple[Inputs, Reader]:
    """Save a small network's state dict: alone, in a checkpoint, as safetensors, and an index."""
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    state = model.state_dict()
    contents = []
    for saved in (state, {"state_dict": state, "epoch": 3}):
        file = io.BytesIO()
        torch.save(saved, file)
        contents.append(file.getvalue())
    contents.append(save(state))
    weight_map = dict.fromkeys(state, "shard.safetensors")
    (folder / "shard.safetensors").write_bytes(save(state))
    contents.append(json.dumps({"weight_map": weight_map}).encode())
    suffixes = [".pt", ".pt", ".safetensors", ".safetensors.index.json"]
    known = {content[:8]: suffix for content, suffix in zip(contents, suffixes, strict=True)}

    def read(path: Path, content: bytes) -> None:
        suffix = known.get(content[:8], ".pt")
        file = path.replace(path.with_suffix(suffix))
        load_weights(model, str(file), lambda note: None)

    return contents, read
