"""Models and tokenizers of transformers from a local folder; nothing is ever downloaded."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from landscape_cli.errors import ProblemError, cause, some

DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
"""Precisions of parameters by name. In 16 bits, steps smaller than a weight's last bit vanish."""

LOCAL = {"local_files_only": True, "trust_remote_code": False}
"""What every loading is told: to read only files that are there, and to run no code from them."""


ROUNDING, ROUNDING_16 = 1e-4, 0.02
"""Largest change of an output that rounding explains, relative to the outputs; in 16 bits."""

TOKENIZERS = ("tokenizer.json", "vocab.json", "vocab.txt", "*.model", "*.tiktoken")
"""Files of which a tokenizer's folder has one; without, transformers makes an empty one."""


def transformers() -> Any:
    """Import transformers, which is told to stay offline.

    Raises:
        ProblemError: if it is not installed, or can't be imported.
    """
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        os.environ[name] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        library = importlib.import_module("transformers")
    except ImportError as error:
        raise ProblemError(
            f"problem: problems.huggingface needs transformers ({cause(error)}); "
            "pip install 'landscape-cli[hf]'"
        ) from None
    library.utils.logging.set_verbosity_error()
    library.utils.logging.disable_progress_bar()
    return library


def load_model(
    kind: str, folder: str, dtype: str, attn_implementation: str | None, weights: bool
) -> nn.Module:
    """Load a model in eval mode, without its cache of keys and values.

    Args:
        kind: the class of transformers that builds it, such as ``AutoModelForCausalLM``.
        folder: what ``save_pretrained`` has written.
        dtype: a name in ``DTYPES``.
        attn_implementation: ``eager``, ``sdpa`` or another; None for sdpa where the architecture
            has it, else eager. Both have second derivatives here.
        weights: whether to read the weights; without, they are random until a checkpoint is read.

    Raises:
        ProblemError: if the folder lacks something, or its weights are not all of the model's.
    """
    if dtype not in DTYPES:
        raise ProblemError(f"dtype: got {dtype!r}, expected one of {', '.join(DTYPES)}")
    _check_folder(folder)
    builder = getattr(transformers(), kind)
    options = {"dtype": DTYPES[dtype], "attn_implementation": attn_implementation, **LOCAL}
    try:
        if weights:
            model, found = builder.from_pretrained(folder, output_loading_info=True, **options)
        else:
            config = transformers().AutoConfig.from_pretrained(folder, **LOCAL)
            del options["local_files_only"]
            model, found = builder.from_config(config, **options), {}
    except Exception as error:
        remedy = _remedy(folder, weights)
        raise ProblemError(f"folder: {folder!r} can't be loaded: {cause(error)}{remedy}") from error
    _refuse_gaps(folder, found)
    if getattr(model.config, "use_cache", False):
        model.config.use_cache = False
    loaded: nn.Module = model.eval()
    return loaded


def load_tokenizer(folder: str) -> Any:
    """Load the tokenizer of a folder.

    Raises:
        ProblemError: if there is none.
    """
    _check_folder(folder)
    remedy = "save one there with tokenizer.save_pretrained, or give token ids, as .npy or .bin"
    if not any(one for name in TOKENIZERS for one in Path(folder).glob(name)):
        raise ProblemError(f"folder: {folder!r} has no tokenizer; {remedy}")
    try:
        return transformers().AutoTokenizer.from_pretrained(folder, **LOCAL)
    except Exception as error:
        raise ProblemError(
            f"folder: the tokenizer of {folder!r} can't be loaded ({cause(error)}); {remedy}"
        ) from error


@torch.no_grad()
def refuse_looking_ahead(model: Any, folder: str) -> None:
    """Refuse a model whose outputs depend on later tokens, whose next one it would only repeat.

    Raises:
        ProblemError: if they change by more than rounding when the last token changes.
    """
    known = vocabulary_of(model)
    ids = torch.arange(8).remainder(known).repeat(2, 1)
    ids[1, -1] = (ids[1, -1] + 1) % known
    logits = model(input_ids=ids).logits[:, :-1].double()
    change, size = (logits[0] - logits[1]).abs().max(), logits.abs().max()
    coarse = torch.finfo(next(model.parameters()).dtype).bits < 32
    if change > (ROUNDING_16 if coarse else ROUNDING) * size:
        raise ProblemError(
            f"folder: in {folder!r} is a {type(model).__name__} whose outputs depend on later "
            "tokens, so it can't predict the next one; use masked_lm"
        )


def positions_of(model: Any) -> int | None:
    """Return how many positions a model was built for; None if its configuration does not say."""
    for name in ("max_position_embeddings", "n_positions", "n_ctx"):
        number = getattr(model.config, name, None)
        if isinstance(number, int) and number > 0:
            return number
    return None


def vocabulary_of(model: Any) -> int:
    """Return the number of tokens that a model's embedding has."""
    return len(model.get_input_embeddings().weight)


def _check_folder(folder: str) -> None:
    if not Path(folder).is_dir():
        raise ProblemError(
            f"folder: {folder!r} is no folder here; give the local folder of save_pretrained, "
            "since nothing is downloaded"
        )
    settings = Path(folder) / "config.json"
    if not settings.is_file():
        raise ProblemError(
            f"folder: {folder!r} has no config.json; write it with model.save_pretrained or "
            "config.save_pretrained"
        )
    try:
        json.loads(settings.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ProblemError(f"folder: {str(settings)!r} can't be read: {cause(error)}") from None


def _remedy(folder: str, weights: bool) -> str:
    stored = any(path.suffix in (".safetensors", ".bin") for path in Path(folder).iterdir())
    if stored or not weights:
        return ""
    return "; if `checkpoint` names the weights, set problem_args.weights to false"


def _refuse_gaps(folder: str, found: Mapping[str, Any]) -> None:
    """Refuse weights that transformers would have drawn at random."""
    for key, what in (("missing_keys", "are missing"), ("mismatched_keys", "have other shapes")):
        names = sorted(one[0] if isinstance(one, tuple) else one for one in found.get(key, ()))
        if names:
            raise ProblemError(
                f"folder: in the weights of {folder!r}, {some(names)} {what}, and would be drawn "
                "at random; choose the kind of model that was saved"
            )
