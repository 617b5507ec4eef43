"""Problems with models of Hugging Face's transformers from a local folder.

Nothing is downloaded. Values are those of the model in eval mode, without a cache of keys and
values. Attention is PyTorch's fused one (sdpa) where the architecture has it; for derivatives,
``landscape`` has it composed of matrix products, so that second derivatives exist.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset

from landscape_cli.errors import ProblemError
from landscape_cli.problems.huggingface.classification import class_numbers, text_cross_entropy
from landscape_cli.problems.huggingface.masked_blocks import MaskedBlocks
from landscape_cli.problems.huggingface.model import (
    load_model,
    load_tokenizer,
    positions_of,
    refuse_looking_ahead,
    vocabulary_of,
)
from landscape_cli.problems.huggingface.text_pairs import Samples, padded, read_pairs, tokenized
from landscape_cli.problems.huggingface.token_files import Blocks, read_tokens
from landscape_cli.problems.objectives import causal_lm as causal_lm_objective
from landscape_cli.problems.objectives import masked_lm as masked_lm_objective
from landscape_cli.problems.objectives import seq2seq as seq2seq_objective
from landscape_cli.problems.problem import Problem

MOST_TOKENS = 1024
"""Length of blocks by default, if the model is built for no fewer positions."""

Data = str | Mapping[str, str]
"""A file for the split "train", or files by split."""


def causal_lm(
    folder: str,
    data: Data,
    block: int | None = None,
    dtype: str = "float32",
    attn_implementation: str | None = None,
    weights: bool = True,
    token_dtype: str = "uint16",
    name: str = "",
) -> Problem:
    """Build a problem with a language model that predicts the next token.

    Args:
        folder: what ``save_pretrained`` has written; the tokenizer is needed for text alone.
        data: a file for the split ``train``, or files by split: text in UTF-8, token ids in
            ``.npy`` (N,) or (n, T), or alone in ``.bin``, which are not read into memory at once.
        block: tokens in each sample, of which all but the first are predicted; by default as many
            as the model was built for, at most 1024.
        dtype: of the parameters: float32, float64, bfloat16 or float16.
        attn_implementation: of transformers; None for sdpa where there is one, else eager.
        weights: false if the configuration's ``checkpoint`` has the weights: they are not read from
            the folder, which may then lack them.
        token_dtype: of the ids in ``.bin``: uint16, int32, uint32 or int64.
        name: the network's name in titles; by default the folder's.

    Raises:
        ProblemError: if transformers is missing, the folder or a file lacks what is needed, a text
            is shorter than a block, the model sees later tokens, or an argument is invalid.
    """
    model = load_model("AutoModelForCausalLM", folder, dtype, attn_implementation, weights)
    refuse_looking_ahead(model, folder)
    length = _block(block, model)

    def split(path: str) -> Dataset[Any]:
        return Blocks(read_tokens(path, folder, token_dtype), length, vocabulary_of(model), path)

    return Problem(model, _splits(data, split), causal_lm_objective, name or _title(folder))


def masked_lm(
    folder: str,
    data: Data,
    block: int | None = None,
    dtype: str = "float32",
    attn_implementation: str | None = None,
    weights: bool = True,
    token_dtype: str = "uint16",
    mask_share: float = 0.15,
    seed: int = 0,
    name: str = "",
) -> Problem:
    """Build a problem with a model that predicts masked tokens, such as BERT.

    Args:
        folder: as for ``causal_lm``, with the tokenizer.
        data: as for ``causal_lm``.
        block: tokens in each sample, with the special ones around it; by default as many as the
            model was built for, at most 1024.
        dtype: as for ``causal_lm``.
        attn_implementation: as for ``causal_lm``.
        weights: as for ``causal_lm``.
        token_dtype: as for ``causal_lm``.
        mask_share: share of the tokens to predict; 80 % of them are masked, and 10 % replaced.
        seed: of their choice, which is the same at every point.
        name: as for ``causal_lm``.

    Raises:
        ProblemError: as ``causal_lm``, or if the tokenizer has no token that masks others.
    """
    model = load_model("AutoModelForMaskedLM", folder, dtype, attn_implementation, weights)
    tokenizer = load_tokenizer(folder)
    if tokenizer.mask_token_id is None:
        raise ProblemError(f"folder: the tokenizer of {folder!r} has no mask token")
    before = [] if tokenizer.cls_token_id is None else [tokenizer.cls_token_id]
    after = [] if tokenizer.sep_token_id is None else [tokenizer.sep_token_id]
    length = _block(block, model, tokenizer.model_max_length) - len(before) - len(after)
    known = vocabulary_of(model)

    def split(path: str) -> Dataset[Any]:
        blocks = Blocks(read_tokens(path, folder, token_dtype), length, known, path)
        mask = int(tokenizer.mask_token_id)
        return MaskedBlocks(blocks, before, after, mask, known, mask_share, seed)

    return Problem(model, _splits(data, split), masked_lm_objective, name or _title(folder))


def seq2seq(
    folder: str,
    data: Data,
    block: int = MOST_TOKENS,
    dtype: str = "float32",
    attn_implementation: str | None = None,
    weights: bool = True,
    name: str = "",
) -> Problem:
    """Build a problem with an encoder and a decoder, such as T5 or BART.

    Args:
        folder: as for ``causal_lm``, with the tokenizer.
        data: a file for the split ``train``, or files by split: lines of source, tab and target.
        block: the largest number of tokens of a source or a target; longer ones are refused.
        dtype: as for ``causal_lm``.
        attn_implementation: as for ``causal_lm``.
        weights: as for ``causal_lm``.
        name: as for ``causal_lm``.

    Raises:
        ProblemError: as ``causal_lm``.
    """
    model = load_model("AutoModelForSeq2SeqLM", folder, dtype, attn_implementation, weights)
    tokenizer = load_tokenizer(folder)

    def split(path: str) -> Dataset[Any]:
        sources, targets = zip(*read_pairs(path), strict=True)
        columns = _columns(tokenizer, tokenized(tokenizer, sources, block, path))
        labels = padded(tokenized(tokenizer, targets, block, path, target=True), -100)
        decoder: Any = model
        inputs = decoder.prepare_decoder_input_ids_from_labels(labels=labels)
        return Samples({**columns, "decoder_input_ids": inputs, "labels": labels})

    return Problem(model, _splits(data, split), seq2seq_objective, name or _title(folder))


def classification(
    folder: str,
    data: Data,
    block: int = 512,
    dtype: str = "float32",
    attn_implementation: str | None = None,
    weights: bool = True,
    name: str = "",
) -> Problem:
    """Build a problem with a classifier of texts.

    Args:
        folder: as for ``causal_lm``, with the tokenizer.
        data: a file for the split ``train``, or files by split: lines of label, tab and text. The
            labels are names of the model's configuration, or numbers.
        block: the largest number of tokens of a text; longer ones are refused.
        dtype: as for ``causal_lm``.
        attn_implementation: as for ``causal_lm``.
        weights: as for ``causal_lm``.
        name: as for ``causal_lm``.

    Raises:
        ProblemError: as ``causal_lm``, or if a label is none of the model's.
    """
    kind = "AutoModelForSequenceClassification"
    model: Any = load_model(kind, folder, dtype, attn_implementation, weights)
    tokenizer = load_tokenizer(folder)

    def split(path: str) -> Dataset[Any]:
        labels, texts = zip(*read_pairs(path), strict=True)
        columns = _columns(tokenizer, tokenized(tokenizer, texts, block, path))
        numbers = class_numbers(list(labels), model.config, path)
        return Samples({**columns, "labels": torch.tensor(numbers)})

    return Problem(model, _splits(data, split), text_cross_entropy, name or _title(folder))


def _columns(tokenizer: Any, rows: list[list[int]]) -> dict[str, torch.Tensor]:
    """Return tokens and their mask, padded."""
    filler = tokenizer.pad_token_id
    filler = 0 if filler is None else int(filler)
    mask = padded([[1] * len(row) for row in rows], 0)
    return {"input_ids": padded(rows, filler), "attention_mask": mask}


def _splits(data: Data, build: Callable[[str], Dataset[Any]]) -> dict[str, Dataset[Any]]:
    if not isinstance(data, str | Mapping) or not data:
        raise ProblemError(f"data: got {data!r}, expected a file, or files by split")
    files = {"train": data} if isinstance(data, str) else data
    for split, path in files.items():
        if not isinstance(path, str) or not Path(path).is_file():
            raise ProblemError(f"data: {path!r} for split {split!r} is no file here")
    return {split: build(path) for split, path in files.items()}


def _block(block: int | None, model: Any, longest: int | None = None) -> int:
    """Return the length of blocks, at most what the model and its tokenizer are made for."""
    most = min(filter(None, (positions_of(model), longest)), default=None)
    if block is None:
        return min(MOST_TOKENS, most or MOST_TOKENS)
    if type(block) is not int or block < 4 or (most is not None and block > most):
        up_to = "" if most is None else f" to {most}, the model's positions"
        raise ProblemError(f"block: got {block!r}, expected a number of tokens from 4{up_to}")
    return block


def _title(folder: str) -> str:
    return Path(folder).resolve().name
