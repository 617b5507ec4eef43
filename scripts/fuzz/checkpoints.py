"""Checkpoints: state dicts as torch.save and safetensors write them."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from damage import Inputs, Reader
from safetensors.torch import save
from torch import nn

from landscape_cli.problems.checkpoints import load_weights


def prepare(folder: Path) -> tuple[Inputs, Reader]:
    """Save a small network's state dict: alone, in a checkpoint, and as safetensors."""
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    state = model.state_dict()
    contents = []
    for saved in (state, {"state_dict": state, "epoch": 3}):
        file = io.BytesIO()
        torch.save(saved, file)
        contents.append(file.getvalue())
    contents.append(save(state))
    suffixes = [".pt", ".pt", ".safetensors"]
    known = {content[:8]: suffix for content, suffix in zip(contents, suffixes, strict=True)}

    def read(path: Path, content: bytes) -> None:
        suffix = known.get(content[:8], ".pt")
        load_weights(model, str(path.replace(path.with_suffix(suffix))))

    return contents, read
