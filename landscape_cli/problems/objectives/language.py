"""Objectives of language models: losses of tokens, weighted by tokens and by sequences."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.utils.rnn import pad_packed_sequence

from landscape_cli.errors import ProblemError
from landscape_cli.problems.objectives.token_batches import (
    IGNORED,
    TokenBatch,
    causal_batch,
    masked_batch,
    seq2seq_batch,
)
from landscape_cli.problems.objectives.token_scores import token_losses, token_scores
from landscape_cli.problems.predictions import Predictions, with_predictions
from landscape_cli.util.accelerators import wide

Pair = tuple[Tensor, Tensor]


def causal_predictions(model: nn.Module, batch: Any) -> Predictions:
    """Return the log-probabilities of tokens, for ``causal_lm``; ProblemError as there."""
    return _predictions("causal_lm", model, causal_batch(batch))


@with_predictions(causal_predictions)
def causal_lm(model: nn.Module, batch: Any) -> dict[str, Pair]:
    """Cross-entropy of the next token in nats, and accuracy.

    A token counts unless it is the first, padding, preceded by padding, or has the label -100.

    Args:
        model: returns logits (n, T, vocabulary), alone, first in a tuple, or as ``logits``.
        batch: one of

            - a mapping with ``input_ids`` (n, T) and perhaps ``attention_mask`` (n, T), 0 for
              padding, and ``labels`` (n, T), -100 where a token does not count, and by default the
              ids; position t predicts the label at t + 1. All but the labels are the model's named
              arguments;
            - a tensor of ids (n, T);
            - a pair (inputs, targets) that is shifted already: output t predicts ``targets[:, t]``.
              Both may be ``PackedSequence``, and so must be the model's output then.

    Returns:
        Pairs (sums, weights) of shape (n,): ``loss`` and ``accuracy`` by token, and
        ``sequence_loss``, the mean over sequences of each one's loss by token. A sequence of which
        no token counts has weight 0.

    Raises:
        ProblemError: if the batch is none of these, or logits and labels do not fit together.

    Example:
        A model that predicts each of two tokens with probability 1/2:

        >>> import torch
        >>> constant = lambda ids: torch.zeros(*ids.shape, 2)
        >>> loss, tokens = causal_lm(constant, torch.tensor([[0, 1, 1]]))["loss"]
        >>> round(loss.item() / tokens.item(), 4), tokens.item()
        (0.6931, 2.0)
    """
    return _values("causal_lm", model, causal_batch(batch))


def masked_predictions(model: nn.Module, batch: Any) -> Predictions:
    """Return the log-probabilities of tokens, for ``masked_lm``; ProblemError as there."""
    return _predictions("masked_lm", model, masked_batch(batch))


@with_predictions(masked_predictions)
def masked_lm(model: nn.Module, batch: Any) -> dict[str, Pair]:
    """Cross-entropy of masked tokens in nats, and accuracy.

    Which tokens are masked is part of the data, so draw them once.

    Args:
        model: as for ``causal_lm``.
        batch: a mapping with ``input_ids`` (n, T), ``labels`` (n, T), -100 for tokens that are not
            to be predicted, and perhaps ``attention_mask``; or a pair (inputs, targets). Output t
            predicts the label at t.

    Returns:
        As ``causal_lm``.

    Raises:
        ProblemError: if the batch is none of these, or logits and labels do not fit together.
    """
    return _values("masked_lm", model, masked_batch(batch))


def seq2seq_predictions(model: nn.Module, batch: Any) -> Predictions:
    """Return the log-probabilities of tokens, for ``seq2seq``; ProblemError as there."""
    return _predictions("seq2seq", model, seq2seq_batch(model, batch))


@with_predictions(seq2seq_predictions)
def seq2seq(model: nn.Module, batch: Any) -> dict[str, Pair]:
    """Cross-entropy of a decoder's tokens in nats, and accuracy.

    Args:
        model: as for ``causal_lm``, with T the number of the decoder's outputs.
        batch: a mapping with ``input_ids`` (n, S), ``labels`` (n, T), -100 for padding, and perhaps
            ``attention_mask``, ``decoder_input_ids`` and ``decoder_attention_mask``; or a triple
            (source, decoder inputs, targets), of which the first two are the model's arguments.
            Output t predicts the label at t. Without ``decoder_input_ids``, the model's method
            ``prepare_decoder_input_ids_from_labels`` makes them, as in transformers.

    Returns:
        As ``causal_lm``.

    Raises:
        ProblemError: if the batch is none of these, or logits and labels do not fit together.
    """
    return _values("seq2seq", model, seq2seq_batch(model, batch))


def _values(name: str, model: nn.Module, tokens: TokenBatch) -> dict[str, Pair]:
    """Return sums and weights for each sequence."""
    scores = token_scores(name, model, tokens)
    losses, correct = token_losses(name, scores, tokens.targets)
    counted = (tokens.targets.to(losses.device) != IGNORED).to(losses.dtype)
    loss, hits, counts = (_by_sequence(wide(one), tokens) for one in (losses, correct, counted))
    return {
        "loss": (loss, counts),
        "accuracy": (hits, counts),
        "sequence_loss": (loss / counts.clamp(min=1), (counts > 0).to(counts.dtype)),
    }


def _by_sequence(values: Tensor, tokens: TokenBatch) -> Tensor:
    """Sum values of tokens over each sequence, in the order of the batch."""
    if tokens.packed is None:
        return values.sum(dim=1)
    steps = tokens.packed._replace(data=values[0])
    return pad_packed_sequence(steps, batch_first=True)[0].sum(dim=1)


def _predictions(name: str, model: nn.Module, tokens: TokenBatch) -> Predictions:
    if tokens.packed is not None:
        raise ProblemError(
            f"{name}: packed sequences have no predictions that can be averaged over networks; pad "
            "them, with the label -100"
        )
    scores = token_scores(name, model, tokens)
    logits = scores.logits(scores.rows.flatten(0, 1)).view(*tokens.targets.shape, -1)
    return Predictions(wide(logits).log_softmax(dim=2).movedim(2, 1), tokens.targets, IGNORED)
