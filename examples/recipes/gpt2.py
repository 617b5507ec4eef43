"""A language model of transformers, trained on the characters of this project's documentation.

python gpt2.py                 # train, and save the folder runs/gpt2
landscape compute gpt2.yaml    # its loss for each character, on a plane
"""

from pathlib import Path

import torch
from torch import nn
from torch.utils.data import Dataset
from transformers import GPT2Config, GPT2LMHeadModel

from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import causal_lm

DOCS = Path(__file__).parents[2] / "docs"


class Texts(Dataset):
    """Lines of files as dictionaries of input_ids and labels, padded to 96 characters."""

    def __init__(self, files: list[Path], number: int):
        lines = [line for file in files for line in file.read_text().splitlines()]
        self.lines = [line.encode()[:96] for line in lines if len(line) > 40][:number]

    def __len__(self):
        return len(self.lines)

    def __getitem__(self, index):
        ids = torch.full((96,), 0)
        line = torch.tensor(list(self.lines[index]))
        ids[: len(line)] = line.clamp(max=127)
        return {"input_ids": ids, "labels": torch.where(ids == 0, -100, ids)}


def build() -> Problem:
    """Build the problem; for a model of your own, `from_pretrained(folder)` is as good."""
    model = GPT2LMHeadModel(CONFIG)
    splits = {"train": Texts([DOCS / "describe.md", DOCS / "numbers.md"], 100)}
    return Problem(model, splits, causal_lm, name="GPT-2 of characters")


CONFIG = GPT2Config(
    vocab_size=128, n_positions=96, n_embd=64, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=0
)


def train(model: nn.Module, texts: Dataset, steps: int, lr: float) -> float:
    """Train with AdamW on random batches of 32 texts; return the last loss."""
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    model.train()
    for _ in range(steps):
        chosen = torch.randint(len(texts), (32,)).tolist()
        batch = torch.utils.data.default_collate([texts[index] for index in chosen])
        sums, numbers = causal_lm(model, batch)["loss"]
        loss = sums.sum() / numbers.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return loss.item()


def main() -> None:
    """Train and save as transformers does."""
    torch.manual_seed(0)
    problem = build()
    loss = train(problem.model, problem.splits["train"], 200, 0.003)
    problem.model.save_pretrained("runs/gpt2")
    print(f"loss {loss:.3f}")


if __name__ == "__main__":
    main()
