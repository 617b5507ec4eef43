"""Batches of tokens: what the model is called with, and the token that each output predicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from landscape_cli.errors import ProblemError

IGNORED = -100
"""A label that does not count, as in PyTorch's ``cross_entropy`` and in transformers."""

REMEDY = "write your own objective, which returns pairs (sums, weights)"


@dataclass(frozen=True)
class TokenBatch:
    """A batch of n sequences with T outputs each.

    Args:
        targets: for each output the token that it predicts, or ``IGNORED``; of an integer type,
            shape (n, T).
        arguments: positional arguments of the model.
        named: its named arguments.
        packed: the packed sequence whose steps the targets are, if the model is given and returns
            one; the targets' shape is then (1, N) for all N steps.
    """

    targets: Tensor
    arguments: tuple[Any, ...] = ()
    named: Mapping[str, Any] | None = None
    packed: PackedSequence | None = None


def causal_batch(batch: Any) -> TokenBatch:
    """Read a batch for a model in which position t predicts the token at t + 1.

    Args:
        batch: a mapping with ``input_ids`` and perhaps ``attention_mask`` and ``labels`` (by
            default the ids), which are shifted here; a tensor of ids, alone or in a sequence of
            one, in the same way; or a pair (inputs, targets) that is shifted already.

    Raises:
        ProblemError: if it is none of these, or the parts do not fit together.
    """
    if isinstance(batch, tuple | list) and len(batch) == 1 and not _is_packed(batch):
        (batch,) = batch
    if isinstance(batch, Tensor):
        batch = {"input_ids": batch}
        return TokenBatch(_shifted("causal_lm", batch), (batch["input_ids"],))
    if isinstance(batch, Mapping):
        return TokenBatch(_shifted("causal_lm", batch), named=_inputs_in(batch))
    found = _pair("causal_lm", batch)
    _refuse_unshifted(found.arguments[0], found.targets)
    return found


def masked_batch(batch: Any) -> TokenBatch:
    """Read a batch for a model in which position t predicts the token at t.

    Args:
        batch: a mapping with ``input_ids``, ``labels`` and perhaps ``attention_mask``, or a pair
            (inputs, targets); labels that do not count are -100.

    Raises:
        ProblemError: if it is none of these, or the parts do not fit together.
    """
    if not isinstance(batch, Mapping):
        return _pair("masked_lm", batch)
    labels = _ids("masked_lm", batch, "labels")
    mask = _mask_of("masked_lm", batch, labels)
    targets = labels if mask is None else labels.masked_fill(mask == 0, IGNORED)
    return TokenBatch(targets, named=_inputs_in(batch))


def seq2seq_batch(model: Any, batch: Any) -> TokenBatch:
    """Read a batch for a model with an encoder and a decoder, whose position t predicts label t.

    Args:
        model: makes the decoder's inputs from the labels if the batch has none and the model has
            transformers' ``prepare_decoder_input_ids_from_labels``.
        batch: a mapping with ``input_ids``, ``labels`` and perhaps ``attention_mask``,
            ``decoder_input_ids`` and ``decoder_attention_mask``; or a triple (source, decoder
            inputs, targets).

    Raises:
        ProblemError: if it is none of these, or the parts do not fit together.
    """
    if isinstance(batch, tuple | list) and len(batch) == 3:
        source, inputs, targets = batch
        return TokenBatch(_checked("seq2seq", "targets", targets), (source, inputs))
    if not isinstance(batch, Mapping):
        raise _refusal("seq2seq", batch, "a mapping, or (source, decoder inputs, targets)")
    labels = _ids("seq2seq", batch, "labels")
    named = _inputs_in(batch)
    if "decoder_input_ids" not in named:
        prepare = getattr(model, "prepare_decoder_input_ids_from_labels", None)
        if prepare is None:
            raise ProblemError(
                "seq2seq: the batch has no decoder_input_ids, and the model has no method "
                "prepare_decoder_input_ids_from_labels; add to each sample the labels shifted by "
                "one, behind the token that starts the decoder"
            )
        named["decoder_input_ids"] = prepare(labels=labels)
    mask = _mask_of("seq2seq", batch, labels, "decoder_attention_mask")
    targets = labels if mask is None else labels.masked_fill(mask == 0, IGNORED)
    return TokenBatch(targets, named=named)


def _shifted(name: str, batch: Mapping[str, Any]) -> Tensor:
    """Return for each position the next label, if both are tokens and it counts."""
    ids = _ids(name, batch, "input_ids")
    labels = ids if batch.get("labels") is None else _ids(name, batch, "labels")
    if labels.shape != ids.shape:
        raise ProblemError(
            f"{name}: labels {_shape(labels)} do not fit input_ids {_shape(ids)}; expected the "
            f"same shape (n, T), with -100 where a label does not count; or {REMEDY}"
        )
    targets = torch.full_like(labels, IGNORED)
    targets[:, :-1] = labels[:, 1:]
    mask = _mask_of(name, batch, ids)
    if mask is not None:
        targets[:, :-1].masked_fill_((mask[:, 1:] == 0) | (mask[:, :-1] == 0), IGNORED)
    return targets


def _mask_of(
    name: str, batch: Mapping[str, Any], tokens: Tensor, key: str = "attention_mask"
) -> Tensor | None:
    """Return the mask of a batch's tokens; None if it has none, or one of pairs of tokens."""
    mask = batch.get(key)
    if mask is None or (isinstance(mask, Tensor) and mask.shape == tokens.shape):
        return mask
    if isinstance(mask, Tensor) and mask.dim() > 2 and batch.get("labels") is not None:
        return None  # it says what attends to what; the labels say what counts
    what = _shape(mask) if isinstance(mask, Tensor) else f"of type {type(mask).__name__}"
    raise ProblemError(
        f"{name}: {key} {what} does not fit {_shape(tokens)}; expected that shape, or labels with "
        "-100 where a token does not count"
    )


def _pair(name: str, batch: Any) -> TokenBatch:
    """Read (inputs, targets), of which both may be packed."""
    if not isinstance(batch, tuple | list) or len(batch) != 2 or _is_packed(batch):
        raise _refusal(name, batch, "a mapping with input_ids, or (inputs, targets)")
    inputs, targets = batch
    if not isinstance(targets, PackedSequence):
        return TokenBatch(_checked(name, "targets", targets), (inputs,))
    same = isinstance(inputs, PackedSequence) and torch.equal(
        inputs.batch_sizes, targets.batch_sizes
    )
    if not same or not _same_order(inputs, targets):
        raise ProblemError(
            f"{name}: the targets are a packed sequence, the inputs are none of the same lengths "
            "in the same order; pack both with the same lengths"
        )
    _checked(name, "targets", targets.data[None])
    return TokenBatch(targets.data[None], (inputs,), packed=targets)


def _same_order(one: PackedSequence, other: PackedSequence) -> bool:
    first, second = one.unsorted_indices, other.unsorted_indices
    if first is None or second is None:
        return first is second
    return torch.equal(first, second)


def _refuse_unshifted(inputs: Any, targets: Tensor) -> None:
    """Refuse targets that are the inputs themselves, which a model would only have to repeat."""
    if not isinstance(inputs, Tensor) or inputs.shape != targets.shape:
        return
    counted = targets != IGNORED
    repeated = torch.equal(inputs[counted], targets[counted])
    followed = torch.equal(inputs[:, 1:][counted[:, :-1]], targets[:, :-1][counted[:, :-1]])
    if repeated and not followed:
        raise ProblemError(
            "causal_lm: in the pair (inputs, targets) the targets are the inputs themselves; shift "
            'them by one, ids[:, :-1] and ids[:, 1:], or give {"input_ids": ids}'
        )


def _inputs_in(batch: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a mapping gives the model: all of it but the labels and what is None."""
    return {key: part for key, part in batch.items() if key != "labels" and part is not None}


def _ids(name: str, batch: Mapping[str, Any], key: str) -> Tensor:
    if key not in batch:
        have = ", ".join(map(str, batch)) or "nothing"
        raise ProblemError(f"{name}: the batch has no {key!r}, but {have}; add it, or {REMEDY}")
    return _checked(name, key, batch[key])


def _checked(name: str, what: str, value: Any) -> Tensor:
    """Return token ids, checked."""
    if not isinstance(value, Tensor) or value.dim() != 2:
        found = _shape(value) if isinstance(value, Tensor) else f"a {type(value).__name__}"
        raise ProblemError(
            f"{name}: {what}: got {found}, expected a tensor of token ids of shape (n, T); pad "
            f"sequences of different lengths, or {REMEDY}"
        )
    if value.is_floating_point() or value.is_complex() or value.dtype == torch.bool:
        raise ProblemError(
            f"{name}: {what} are {value.dtype}, expected token ids of an integer type; convert "
            f"them with .long(), or {REMEDY}"
        )
    return value.long()


def _is_packed(value: Any) -> bool:
    return isinstance(value, PackedSequence)


def _refusal(name: str, batch: Any, expected: str) -> ProblemError:
    size = f" of {len(batch)}" if isinstance(batch, tuple | list | dict) else ""
    return ProblemError(
        f"{name}: got a batch that is a {type(batch).__name__}{size}, expected {expected}; or "
        f"{REMEDY}"
    )


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))
