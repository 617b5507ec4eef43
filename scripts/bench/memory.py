"""Benchmark of memory: the peak of a plane of a GPT with 100 million parameters.

Prints one JSON line per figure; see docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import torch
from reporting import ROOT, emit
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import landscape_cli as landscape
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import cross_entropy

before: dict[str, int] = {}
"""Peak memory, and the model's size, in bytes, once the problem is built."""

WIDTH, HEADS, BLOCKS, VOCABULARY, LENGTH = 768, 12, 12, 19_456, 32


class Gpt(nn.Module):
    """A decoder in the shape of GPT-2, with a tied head."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                WIDTH, HEADS, 4 * WIDTH, 0.0, "gelu", batch_first=True, norm_first=True
            )
            for _ in range(BLOCKS)
        )
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits (n, vocabulary, length)."""
        hidden = self.tokens(tokens) + self.positions.weight
        mask = nn.Transformer.generate_square_subsequent_mask(LENGTH)
        for block in self.blocks:
            hidden = block(hidden, src_mask=mask, is_causal=True)
        logits: Tensor = self.head(hidden).transpose(1, 2)
        return logits


def peak() -> int:
    """Return the most memory that this process has had, in bytes; Linux only."""
    # Unlike ru_maxrss, this excludes the memory of the parent process.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def build() -> Problem:
    """Build the model and the data, and note what that took."""
    torch.manual_seed(0)
    model = Gpt().eval()
    tokens = torch.randint(VOCABULARY, (2, LENGTH + 1))
    with torch.no_grad():
        model(tokens[:, :-1])
    before.update(peak=peak(), size=sum(one.nbytes for one in model.parameters()))
    data = TensorDataset(tokens[:, :-1], tokens[:, 1:])
    return Problem(model, {"train": data}, cross_entropy)


def measure(directions: str) -> None:
    """Print the bytes of the model, and the peak before and after computing points of a plane."""
    import memory  # the module from which `compute` imports the problem, not this script

    grid = {"x": (-1, 1, 3), "y": (0, 1, 2)}
    keys = {"keep_directions": directions, "batch_size": 2, "calibrate": False}
    landscape.compute("memory:build", grid, progress=False, **keys)
    print(json.dumps({**memory.before, "after": peak()}))


def copies(directions: str) -> tuple[float, int]:
    """Return the peak of a process over the model's bytes, without the program, and those bytes."""
    done = subprocess.run(
        [sys.executable, __file__, "--directions", directions],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return 1 + (found["after"] - found["peak"]) / found["size"], found["size"]


def main() -> None:
    """Measure streamed and resident directions, each once, as memory hardly varies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directions", help="measure this process alone")
    options = parser.parse_args()
    if options.directions is not None:
        measure(options.directions)
        return
    (streamed, size), (resident, _) = copies("streamed"), copies("resident")
    emit(
        "memory_streamed_100m",
        streamed,
        "ratio",
        target="<= 2.2",
        resident=resident,
        model_megabytes=size / 1e6,
        parameters=size // 4,
    )


if __name__ == "__main__":
    main()
