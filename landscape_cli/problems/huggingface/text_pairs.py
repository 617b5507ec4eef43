"""Files of lines with two columns, tokenized and padded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from landscape_cli.errors import ProblemError, cause


class Samples(Dataset[dict[str, Tensor]]):
    """Rows of named tensors.

    Args:
        columns: tensors by name, each with n rows.
    """

    def __init__(self, columns: dict[str, Tensor]) -> None:
        self._columns = columns

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Return one row."""
        return {name: column[index] for name, column in self._columns.items()}


def read_pairs(path: str) -> list[tuple[str, str]]:
    """Return the two columns of a text file in UTF-8, between which is one tab in each line.

    Empty lines are skipped.

    Raises:
        ProblemError: if it can't be read, is empty, or a line has no two columns.
    """
    try:
        lines = Path(path).read_text("utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise ProblemError(f"data: {path!r} can't be read: {cause(error)}") from None
    pairs = []
    for number, line in enumerate(lines, 1):
        columns = line.rstrip("\r").split("\t")
        if columns == [""]:
            continue
        if len(columns) != 2:
            raise ProblemError(
                f"data: line {number} of {path!r} has {len(columns)} columns; expected two, with a "
                "tab between them"
            )
        pairs.append((columns[0], columns[1]))
    if not pairs:
        raise ProblemError(f"data: {path!r} is empty; expected lines of two columns")
    return pairs


def tokenized(
    tokenizer: Any, texts: Sequence[str], block: int, source: str, target: bool = False
) -> list[list[int]]:
    """Return the tokens of texts with the special tokens that the tokenizer adds.

    Args:
        tokenizer: of transformers.
        texts: the texts.
        block: the largest number of tokens.
        source: the file, for messages.
        target: whether they are the targets of a translation.

    Raises:
        ProblemError: if a text has more tokens, since cut texts would be others.
    """
    given = {"text_target" if target else "text": list(texts)}
    rows: list[list[int]] = tokenizer(**given, verbose=False)["input_ids"]
    for text, row in zip(texts, rows, strict=True):
        if len(row) > block:
            raise ProblemError(
                f"block: got {block}, but {text[:30]!r} in {source!r} has {len(row)} tokens; give "
                "more, or leave the text out"
            )
        if not row:
            raise ProblemError(f"data: a text in {source!r} has no tokens; leave it out")
    return rows


def padded(rows: Sequence[Sequence[int]], filler: int) -> Tensor:
    """Return rows as one int64 tensor (n, T), filled up at the end."""
    length = max(map(len, rows))
    return torch.tensor([[*row, *[filler] * (length - len(row))] for row in rows])
