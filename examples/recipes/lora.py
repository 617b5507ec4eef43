"""LoRA with peft: the language model of gpt2.py, adapted to Python.

python gpt2.py && python lora.py    # train the model, then adapters; save the folder runs/lora
landscape compute lora.yaml         # the loss as the adapters move, and nothing else
"""

from pathlib import Path

import torch
from gpt2 import Texts, train
from peft import LoraConfig, get_peft_model
from transformers import GPT2LMHeadModel

from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import causal_lm


def build() -> Problem:
    """Build the base with its own weights, and adapters with the settings of their training."""
    base = GPT2LMHeadModel.from_pretrained("runs/gpt2")
    settings = LoraConfig(r=4, lora_alpha=16, target_modules=["c_attn"], fan_in_fan_out=True)
    splits = {"train": Texts(sorted(Path(__file__).parent.glob("*.py")), 100)}
    return Problem(get_peft_model(base, settings), splits, causal_lm, name="LoRA of GPT-2")


def main() -> None:
    """Train the adapters and save them as peft does."""
    torch.manual_seed(0)
    problem = build()
    loss = train(problem.model, problem.splits["train"], 200, 0.01)
    problem.model.save_pretrained("runs/lora")
    print(f"loss {loss:.3f}")


if __name__ == "__main__":
    main()
