"""Blocks of text with masked tokens, which are the same each time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from landscape_cli.errors import ProblemError
from landscape_cli.problems.huggingface.token_files import Blocks

MASKED, RANDOM = 0.8, 0.1
"""Shares of the tokens to predict that are masked, and replaced by random ones; the others stay
(Devlin et al. 2019, *BERT*, section 3.1)."""


class MaskedBlocks(Dataset[dict[str, Tensor]]):
    """Blocks, some tokens of which are to be predicted.

    What is masked in a block follows from the seed and the block's number.

    Args:
        blocks: the blocks, without special tokens.
        before: special tokens in front of each.
        after: those behind it.
        mask: the token that masks others.
        vocabulary: the number of tokens of the model.
        share: the share of tokens to predict, at least one in each block.
        seed: of the choice.

    Raises:
        ProblemError: if the share is not between 0 and 1.
    """

    def __init__(
        self,
        blocks: Blocks,
        before: list[int],
        after: list[int],
        mask: int,
        vocabulary: int,
        share: float,
        seed: int,
    ) -> None:
        if not 0 < share <= 1:
            raise ProblemError(f"mask_share: got {share}, expected more than 0 and at most 1")
        self._blocks, self._mask, self._vocabulary = blocks, mask, vocabulary
        self._before, self._after = torch.tensor(before).long(), torch.tensor(after).long()
        self._share, self._seed = share, seed

    def __len__(self) -> int:
        return len(self._blocks)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Return ``input_ids`` and ``labels``, -100 where nothing is to be predicted."""
        ids = self._blocks[index]["input_ids"].numpy()
        random = np.random.default_rng((self._seed, index))
        chosen = random.random(len(ids)) < self._share
        chosen[random.integers(len(ids))] |= not chosen.any()
        how, others = random.random(len(ids)), random.integers(self._vocabulary, size=len(ids))
        seen = np.where(chosen & (how < MASKED), self._mask, ids)
        seen = np.where(chosen & (how >= 1 - RANDOM), others, seen)
        labels = torch.from_numpy(np.where(chosen, ids, -100))
        ignored = torch.full((len(self._before),), -100), torch.full((len(self._after),), -100)
        return {
            "input_ids": torch.cat([self._before, torch.from_numpy(seen), self._after]),
            "labels": torch.cat([ignored[0], labels, ignored[1]]),
        }
