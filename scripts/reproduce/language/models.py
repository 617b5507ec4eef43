"""Networks that predict the next byte: a GPT with optional shortcuts, and an LSTM."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

VOCABULARY = 256
"""Bytes are the tokens."""

SELF = 2.0
"""How much each position attends to itself at first: the variance of queries and keys."""


class Attention(nn.Module):
    """Causal self-attention with several heads."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.query_key_value(x).unflatten(-1, (3, self.heads, -1)).transpose(1, 3)
        mixed = functional.scaled_dot_product_attention(*parts.unbind(2), is_causal=True)
        output: Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return output


class Block(nn.Module):
    """Attention and a perceptron of each position, both after a norm.

    Args:
        width: number of features of a position.
        heads: number of heads of the attention.
        shortcuts: add the input of both parts to their output (residual connections).
    """

    def __init__(self, width: int, heads: int, shortcuts: bool) -> None:
        super().__init__()
        self.shortcuts = shortcuts
        self.attention = nn.Sequential(nn.LayerNorm(width), Attention(width, heads))
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Linear(4 * width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        for part in (self.attention, self.perceptron):
            x = x + part(x) if self.shortcuts else part(x)
        return x


class GPT(nn.Module):
    """A decoder-only transformer with norms before its parts and learned positions.

    Args:
        depth: number of blocks.
        width: number of features of a position.
        heads: number of attention heads in a block.
        shortcuts: whether the blocks have residual connections.
        length: upper bound on the number of tokens in a sequence.
    """

    def __init__(
        self,
        depth: int,
        width: int = 64,
        heads: int = 4,
        shortcuts: bool = True,
        length: int = 64,
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, width)
        self.positions = nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(Block(width, heads, shortcuts) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, VOCABULARY, bias=False)
        self.apply(initialize)

    def forward(self, input_ids: Tensor) -> Tensor:
        """Return the logits of each position's next token, (n, length, vocabulary)."""
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        x = self.blocks(self.tokens(input_ids) + self.positions(places))
        logits: Tensor = self.head(self.norm(x))
        return logits


class LSTM(nn.Module):
    """A recurrent network of one or more layers.

    Args:
        depth: number of layers.
        width: number of features of a position.
    """

    def __init__(self, depth: int, width: int = 128) -> None:
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, width)
        self.layers = nn.LSTM(width, width, depth, batch_first=True)
        self.head = nn.Linear(width, VOCABULARY, bias=False)

    def forward(self, input_ids: Tensor) -> Tensor:
        """Return the logits of each position's next token, (n, length, vocabulary)."""
        states, _ = self.layers(self.tokens(input_ids))
        logits: Tensor = self.head(states)
        return logits


def initialize(module: nn.Module) -> None:
    """Draw weights with which signals survive many blocks, with or without shortcuts.

    Without shortcuts, each attention replaces a position's features by an average over positions,
    and after a few random ones all positions are alike (Dong et al. 2021). Equal queries and keys
    let each position attend first of all to itself; orthogonal weights keep all the rest.
    """
    if isinstance(module, Attention):
        query, key, value = module.query_key_value.weight.detach().chunk(3)
        nn.init.normal_(query, std=(SELF / query.shape[1]) ** 0.5)
        key.copy_(query)
        nn.init.orthogonal_(value)
        nn.init.orthogonal_(module.output.weight)
    elif isinstance(module, Block):
        for layer in (module.perceptron[1], module.perceptron[3]):
            nn.init.orthogonal_(layer.weight)
            nn.init.zeros_(layer.bias)
    elif isinstance(module, GPT):
        nn.init.normal_(module.tokens.weight, std=0.5)
        nn.init.normal_(module.positions.weight, std=0.5)
        nn.init.normal_(module.head.weight, std=module.head.in_features**-0.5)
