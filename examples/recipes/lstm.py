"""An LSTM on lines of different lengths, as packed sequences.

python lstm.py                 # train for some seconds, save runs/lstm.pt
landscape compute lstm.yaml    # its loss for each character and for each line
"""

import pydoc_data.topics
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence
from torch.utils.data import DataLoader, Dataset

from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import causal_lm


class LSTM(nn.Module):
    """Characters to logits of the next ones."""

    def __init__(self, width: int = 96):
        super().__init__()
        self.tokens = nn.Embedding(128, 32)
        self.lstm, self.out = nn.LSTM(32, width), nn.Linear(width, 128)

    def forward(self, inputs: PackedSequence) -> PackedSequence:
        """Return logits for each step of each sequence."""
        states, _ = self.lstm(inputs._replace(data=self.tokens(inputs.data)))
        return states._replace(data=self.out(states.data))


class Lines(Dataset):
    """Lines as tensors of characters, of different lengths."""

    def __init__(self, lines: list[str]):
        self.rows = [torch.tensor(list(line.encode("ascii", "replace"))) for line in lines]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index]


def packed(rows: list[torch.Tensor]) -> tuple[PackedSequence, PackedSequence]:
    """Return a batch (inputs, targets): the targets are one step ahead."""
    return (
        pack_sequence([row[:-1] for row in rows], enforce_sorted=False),
        pack_sequence([row[1:] for row in rows], enforce_sorted=False),
    )


def build() -> Problem:
    """Build the problem; lines have 5 to 80 characters."""
    text = "\n".join(pydoc_data.topics.topics.values())
    lines = [line for line in text.split("\n") if 5 <= len(line) <= 80][:600]
    parts = {"train": Lines(lines[:500]), "test": Lines(lines[500:])}
    splits = {name: DataLoader(part, 50, collate_fn=packed) for name, part in parts.items()}
    return Problem(LSTM(), splits, causal_lm, name="LSTM of characters")


def main(epochs: int = 8) -> None:
    """Train with Adam, and save."""
    torch.manual_seed(0)
    problem = build()
    optimizer = torch.optim.Adam(problem.model.parameters(), lr=0.005)
    for _ in range(epochs):
        for batch in problem.splits["train"]:
            sums, characters = causal_lm(problem.model, batch)["loss"]
            loss = sums.sum() / characters.sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    Path("runs").mkdir(exist_ok=True)
    torch.save(problem.model.state_dict(), "runs/lstm.pt")
    print(f"loss {loss:.2f}")


if __name__ == "__main__":
    main()
