"""A small GPT in plain PyTorch, trained on the characters of Python's own reference.

python gpt.py                 # train for half a minute, save runs/gpt.pt
landscape compute gpt.yaml    # its loss for each character, on a plane
"""

import pydoc_data.topics
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import TensorDataset

from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import causal_lm

BLOCK, WIDTH = 64, 64


class GPT(nn.Module):
    """Pre-norm blocks between an embedding and logits; position t sees positions 0 to t."""

    def __init__(self, depth: int = 2):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(128, WIDTH), nn.Embedding(BLOCK, WIDTH)
        layer = {"dim_feedforward": 4 * WIDTH, "dropout": 0.0, "batch_first": True}
        one = nn.TransformerEncoderLayer(WIDTH, 4, **layer, activation="gelu", norm_first=True)
        self.blocks = nn.TransformerEncoder(one, depth, nn.LayerNorm(WIDTH), False)
        self.head = nn.Linear(WIDTH, 128)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Return logits (n, T, 128) of ids (n, T)."""
        length = ids.shape[1]
        later = nn.Transformer.generate_square_subsequent_mask(length, ids.device)
        hidden = self.tokens(ids) + self.positions.weight[:length]
        return self.head(self.blocks(hidden, mask=later, is_causal=True))


def texts() -> dict[str, TensorDataset]:
    """Return blocks of characters of the reference, the last hundred for testing."""
    text = "\n".join(pydoc_data.topics.topics.values()).encode("ascii", "replace")
    ids = torch.tensor(list(text[: 600 * BLOCK])).view(-1, BLOCK)
    return {"train": TensorDataset(ids[:500]), "test": TensorDataset(ids[500:])}


def build(depth: int = 2) -> Problem:
    """Build the problem; losses, perplexity and accuracy are by character."""
    return Problem(GPT(depth), texts(), causal_lm, name="GPT of characters")


def main(steps: int = 300) -> None:
    """Train with Adam on random batches, and save."""
    torch.manual_seed(0)
    problem = build()
    (rows,) = problem.splits["train"].tensors
    optimizer = torch.optim.Adam(problem.model.parameters(), lr=0.003)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        sums, characters = causal_lm(problem.model, rows[torch.randint(len(rows), (32,))])["loss"]
        loss = sums.sum() / characters.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    Path("runs").mkdir(exist_ok=True)
    torch.save(problem.model.state_dict(), "runs/gpt.pt")
    print(f"loss {loss:.2f}")


if __name__ == "__main__":
    main()
