"""Texts and files of tokens as blocks of one length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from landscape_cli.errors import ProblemError, cause
from landscape_cli.problems.huggingface.model import load_tokenizer

TOKEN_DTYPES = ("uint16", "int32", "uint32", "int64")
"""Types of the tokens in a ``.bin`` file."""


def read_tokens(path: str, folder: str, token_dtype: str = "uint16") -> NDArray[Any]:
    """Return the tokens of a file; those of ``.npy`` and ``.bin`` stay on the disk.

    Args:
        path: an array of ids of shape (N,) or (n, T) in ``.npy``; ids alone, of one type, in
            ``.bin``, as nanoGPT writes them; any other file is text in UTF-8, which is tokenized
            as a whole, without special tokens.
        folder: has the tokenizer for text.
        token_dtype: the type of the ids in ``.bin``.

    Raises:
        ProblemError: if the file can't be read, or does not hold such an array.
    """
    if token_dtype not in TOKEN_DTYPES:
        raise ProblemError(
            f"token_dtype: got {token_dtype!r}, expected one of {', '.join(TOKEN_DTYPES)}"
        )
    try:
        if path.endswith(".npy"):
            return _checked(path, np.load(path, mmap_mode="r", allow_pickle=False))
        if path.endswith(".bin"):
            return np.memmap(path, dtype=token_dtype, mode="r")
        text = Path(path).read_text("utf-8")
    except (OSError, ValueError) as error:
        raise ProblemError(f"data: {path!r} can't be read: {cause(error)}") from None
    ids = load_tokenizer(folder)(text, add_special_tokens=False, verbose=False)["input_ids"]
    return np.asarray(ids, dtype=np.int64)


class Blocks(Dataset[dict[str, Tensor]]):
    """Blocks of T tokens that follow each other; the rest at the end, if any, is left out.

    Args:
        tokens: shape (N,), or (n, T), whose rows are the blocks.
        block: their length T.
        vocabulary: the number of tokens of the model.
        source: the file, for messages.

    Raises:
        ProblemError: if there is no whole block, or rows have another length.
    """

    def __init__(self, tokens: NDArray[Any], block: int, vocabulary: int, source: str) -> None:
        if tokens.ndim == 2 and tokens.shape[1] != block:
            raise ProblemError(
                f"block: got {block}, but the rows of {source!r} have {tokens.shape[1]} tokens; "
                "give their length"
            )
        self._count = len(tokens) if tokens.ndim == 2 else len(tokens) // block
        if not self._count:
            raise ProblemError(
                f"data: {source!r} has {len(tokens):,} tokens, fewer than one block of {block}; "
                "give a longer text, or a smaller block"
            )
        self._tokens, self._block = tokens, block
        self._vocabulary, self._source = vocabulary, source

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Return a block as ``input_ids``, int64, shape (T,).

        Raises:
            ProblemError: if a token is none of the model's.
            IndexError: if there is no such block.
        """
        if not 0 <= index < self._count:
            raise IndexError(index)
        if self._tokens.ndim == 2:
            part = self._tokens[index]
        else:
            part = self._tokens[index * self._block : (index + 1) * self._block]
        ids = np.asarray(part, dtype=np.int64)
        if ids.min() < 0 or ids.max() >= self._vocabulary:
            wrong = ids[(ids < 0) | (ids >= self._vocabulary)][0]
            raise ProblemError(
                f"data: {self._source!r} holds token {wrong}, but the model has "
                f"{self._vocabulary}; is it another tokenizer's, or another token_dtype?"
            )
        return {"input_ids": torch.from_numpy(ids.copy())}


def _checked(path: str, tokens: NDArray[Any]) -> NDArray[Any]:
    if tokens.dtype.kind not in "iu" or tokens.ndim not in (1, 2):
        raise ProblemError(
            f"data: {path!r} holds {tokens.dtype} of shape {tokens.shape}; expected integers of "
            "shape (N,) or (n, T)"
        )
    return tokens
