"""Benchmark of a grid point of a language model against the bare forward loop.

Prints one JSON line per figure; see docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import statistics

import torch
from reporting import REPEATS, emit, median_ratio, note, seconds
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import TensorDataset

from landscape_cli.evaluation import Evaluator, SplitData
from landscape_cli.evaluation.devices import choose_device, default_micro_batch
from landscape_cli.evaluation.forward.defaults import choose_default_settings
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.geometry.directions.random import RandomDirection
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.affine import build_slice
from landscape_cli.problems.objectives import causal_lm
from landscape_cli.records.tiles import Tile

TILE = Tile((0,), ((0.25, -0.5),))


class GPT(nn.Module):
    """Pre-norm blocks with a head that is tied to the embedding, as in GPT-2."""

    def __init__(self, vocabulary: int, length: int, width: int = 256, depth: int = 4) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        one = nn.TransformerEncoderLayer(
            width, 4, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(one, depth, nn.LayerNorm(width), False)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.tokens.weight

    def get_output_embeddings(self) -> nn.Module:
        return self.head

    def forward(self, ids: Tensor) -> Tensor:
        length = ids.shape[1]
        later = nn.Transformer.generate_square_subsequent_mask(length, ids.device)
        hidden = self.tokens(ids) + self.positions.weight[:length]
        logits: Tensor = self.head(self.blocks(hidden, mask=later, is_causal=True))
        return logits


def evaluator_of(vocabulary: int, texts: int, length: int, device: torch.device) -> Evaluator:
    """Make an evaluator with the settings that a run would choose."""
    torch.manual_seed(0)
    model = GPT(vocabulary, length).eval()
    data = TensorDataset(torch.randint(vocabulary, (texts, length)))
    parameters = FlatParameters.of_model(model, device)
    recipes = {"x": RandomDirection(seed=1), "y": RandomDirection(seed=2)}
    slice_ = build_slice(parameters.clone(), recipes)
    start = Settings(default_micro_batch(device))
    split = SplitData("train", data, start.micro_batch, device)
    evaluator = Evaluator(model, parameters, slice_, causal_lm, {"train": split}, start)
    evaluator.load(1 << 40)
    evaluator.apply(choose_default_settings(evaluator, (1.0, 1.0)))
    note(str(evaluator.settings))
    return evaluator


@torch.no_grad()
def bare(evaluator: Evaluator) -> tuple[float, float]:
    """Compute loss and accuracy by token as a plain loop does, of the same batches."""
    loss = correct = count = torch.zeros((), device=evaluator.device)
    for (ids,) in evaluator.splits["train"]:
        logits, labels = evaluator.model(ids)[:, :-1].flatten(0, 1), ids[:, 1:].flatten()
        loss = loss + functional.cross_entropy(logits, labels, reduction="sum")
        correct = correct + (logits.argmax(dim=1) == labels).sum()
        count = count + labels.numel()
    return (loss / count).item(), (correct / count).item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2 * REPEATS)
    parser.add_argument("--vocabulary", type=int, default=8192)
    parser.add_argument("--texts", type=int, default=32)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    device = choose_device(options.device)
    evaluator = evaluator_of(options.vocabulary, options.texts, options.length, device)
    loss, accuracy = (evaluator.evaluate(TILE).values["train", one] for one in ("loss", "accuracy"))
    note(f"loss and accuracy {loss[0]:.7g}, {accuracy[0]:.7g}; bare {bare(evaluator)}")
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(options.repeats):
        times[0].append(seconds(lambda: evaluator.evaluate(TILE)))
        times[1].append(seconds(lambda: bare(evaluator)))
    emit(
        "lm_point_vs_bare",
        median_ratio(*times),
        "ratio",
        target="<= 1.05",
        ours_seconds=statistics.median(times[0]),
        bare_seconds=statistics.median(times[1]),
        texts=options.texts,
        tokens=options.length,
        vocabulary=options.vocabulary,
        device=str(device),
        threads=torch.get_num_threads(),
    )


if __name__ == "__main__":
    main()
