"""Sequence models in float64 and texts of different lengths, for tests of whole runs."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence
from torch.utils.data import Dataset

from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import causal_lm, seq2seq

V, WIDTH, LONGEST = 11, 8, 7
LENGTHS = (7, 3, 5, 1, 4, 6, 2)


def texts(seed=0, shortest=1):
    """Return sequences of tokens from 1 to V - 1; 0 stands for padding and for the start."""
    generator = torch.Generator().manual_seed(seed)
    lengths = [max(length, shortest) for length in LENGTHS]
    return [torch.randint(1, V, (length,), generator=generator) for length in lengths]


def filled(row, value=0):
    return torch.cat([row, torch.full((LONGEST - len(row),), value)])


class Rows(Dataset):
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index]


class GPT(nn.Module):
    """A small GPT: learned positions, two pre-norm blocks, logits by the tied embedding."""

    def __init__(self):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(V, WIDTH), nn.Embedding(LONGEST, WIDTH)
        layer = {"dim_feedforward": 16, "batch_first": True, "norm_first": True}
        self.blocks = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(WIDTH, 2, **layer), 2, enable_nested_tensor=False
        )

    def forward(self, input_ids, attention_mask):
        length = input_ids.shape[1]
        later = torch.ones(length, length, dtype=torch.bool).triu(1)
        hidden = self.tokens(input_ids) + self.positions.weight[:length]
        hidden = self.blocks(hidden, mask=later, src_key_padding_mask=attention_mask == 0)
        return hidden @ self.tokens.weight.T


def gpt():
    """Return texts as dictionaries, in which some labels do not count."""
    torch.manual_seed(0)
    rows = [
        {
            "input_ids": filled(text),
            "attention_mask": filled(torch.ones_like(text)),
            "labels": filled(ignored(text)),
        }
        for text in texts()
    ]
    return Problem(GPT().double(), {"train": Rows(rows)}, causal_lm)


def ignored(text):
    """Return the labels of a text: every token but multiples of 5."""
    return torch.where(text % 5 == 0, -100, text)


class LSTM(nn.Module):
    """A recurrent language model of packed sequences."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(V, WIDTH)
        self.lstm, self.out = nn.LSTM(WIDTH, 6), nn.Linear(6, V)

    def forward(self, inputs):
        states, _ = self.lstm(inputs._replace(data=self.tokens(inputs.data)))
        return states._replace(data=self.out(states.data))


def lstm(size=3):
    """Return packed texts in batches of so many."""
    torch.manual_seed(0)
    some = texts(shortest=2)
    batches = [
        tuple(
            pack_sequence(rows, enforce_sorted=False)
            for rows in ([one[:-1] for one in batch], [one[1:] for one in batch])
        )
        for batch in (some[start : start + size] for start in range(0, len(some), size))
    ]
    return Problem(LSTM().double(), {"train": batches}, causal_lm)


class Translator(nn.Module):
    """An encoder and a decoder; sources are padded with 0."""

    def __init__(self):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(V, WIDTH), nn.Embedding(LONGEST, WIDTH)
        sizes = {"num_encoder_layers": 1, "num_decoder_layers": 1, "dim_feedforward": 16}
        self.both = nn.Transformer(WIDTH, 2, **sizes, batch_first=True)
        self.out = nn.Linear(WIDTH, V)

    def embed(self, ids):
        return self.tokens(ids) + self.positions.weight[: ids.shape[1]]

    def forward(self, source, inputs):
        later = torch.ones(inputs.shape[1], inputs.shape[1], dtype=torch.bool).triu(1)
        states = self.both(
            self.embed(source),
            self.embed(inputs),
            tgt_mask=later,
            src_key_padding_mask=source == 0,
            memory_key_padding_mask=source == 0,
        )
        return self.out(states)


def translator():
    """Return triples of source, decoder's inputs and targets."""
    torch.manual_seed(0)
    rows = [
        (filled(source), filled(started(target)), filled(target, -100))
        for source, target in zip(texts(), texts(1)[::-1], strict=True)
    ]
    return Problem(Translator().double(), {"train": Rows(rows)}, seq2seq)


def started(target):
    """Return a decoder's inputs for a target: 0, and all tokens but the last."""
    return torch.cat([torch.zeros(1).long(), target[:-1]])
