"""Losses of tokens from one forward pass, without logits for all tokens at once."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence

from landscape_cli.errors import ProblemError
from landscape_cli.problems.objectives.token_batches import IGNORED, TokenBatch

CHUNK = 1 << 24
"""Largest number of logits that are worked on at once: 64 MiB in float32."""

RAMP = 1e4
"""Logits from minus to plus this number stand in for a head's, to see if a model changes them."""

WHOLE: WeakSet[nn.Module] = WeakSet()
"""Models known to do more with their head's output than return it."""


@dataclass(frozen=True)
class TokenScores:
    """The logits of n sequences of T outputs, or what the model's head turns into these.

    Args:
        rows: logits, shape (n, T, V), or the head's inputs, shape (n, T, width).
        head: the model's last layer; None if the rows are logits.
        vocabulary: the number V of tokens.
    """

    rows: Tensor
    head: nn.Module | None
    vocabulary: int

    def logits(self, rows: Tensor) -> Tensor:
        """Return the logits of some rows, shape (m, V), in at least float32."""
        logits = rows if self.head is None else self.head(rows[None])[0]
        return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits


def token_scores(name: str, model: Any, tokens: TokenBatch) -> TokenScores:
    """Call the model once; without gradients, its head may be left for later.

    Where logits for all tokens would exceed ``CHUNK``, a model that names its head by
    ``get_output_embeddings``, as those of transformers do, is stopped from applying it to more than
    one token of each sequence; the head's inputs are returned. That is done only if the model
    returns its head's output as it is, without a cap or a scale.

    Raises:
        ProblemError: if the model returns no logits that fit the batch.
    """
    named = {**(tokens.named or {}), **_no_cache(model)}
    head = _head(model, tokens.targets)
    if head is not None:
        rows = _before_head(model, head, tokens, named)
        if rows is not None:
            return TokenScores(rows, head, _vocabulary(head))
    logits = _logits(name, model(*tokens.arguments, **named), tokens)
    if head is not None:
        WHOLE.add(model)
    if logits.dim() != 3 or logits.shape[:2] != tokens.targets.shape:
        raise ProblemError(
            f"{name}: the model's logits {tuple(logits.shape)} do not fit targets "
            f"{tuple(tokens.targets.shape)}; expected (n, T, vocabulary) and (n, T)"
        )
    return TokenScores(logits, None, logits.shape[2])


def token_losses(name: str, scores: TokenScores, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cross-entropy of each target in nats, and 1 where it is the likeliest token.

    Both are 0 where a target does not count.

    Args:
        name: the objective's, for messages.
        scores: of n sequences.
        targets: shape (n, T).

    Returns:
        Two tensors of shape (n, T), in the logits' dtype but at least float32.

    Raises:
        ProblemError: if a target is no token.
    """
    targets = targets.to(scores.rows.device)
    wrong = ((targets < 0) | (targets >= scores.vocabulary)) & (targets != IGNORED)
    if bool(wrong.any()):
        raise ProblemError(
            f"{name}: a label is {int(targets[wrong][0])}, expected 0 to {scores.vocabulary - 1}, "
            f"or {IGNORED} where it does not count; is it another tokenizer's?"
        )
    losses, correct = [], []
    size = max(1, CHUNK // scores.vocabulary)
    rows = torch.split(scores.rows.flatten(0, 1), size)
    for some, labels in zip(rows, torch.split(targets.flatten(), size), strict=True):
        logits = scores.logits(some)
        losses.append(
            functional.cross_entropy(logits, labels, reduction="none", ignore_index=IGNORED)
        )
        correct.append((logits.argmax(dim=1) == labels).to(losses[-1].dtype))
    return torch.cat(losses).view(targets.shape), torch.cat(correct).view(targets.shape)


def _no_cache(model: Any) -> dict[str, bool]:
    """Switch off the cache of keys and values, which only generating text needs."""
    if not getattr(getattr(model, "config", None), "use_cache", False):
        return {}
    known = "use_cache" in inspect.signature(model.forward).parameters
    return {"use_cache": False} if known else {}


def _logits(name: str, outputs: Any, tokens: TokenBatch) -> Tensor:
    """Return the logits among a model's outputs."""
    if tokens.packed is not None:
        if isinstance(outputs, PackedSequence) and torch.equal(
            outputs.batch_sizes, tokens.packed.batch_sizes
        ):
            return outputs.data[None]
        raise ProblemError(
            f"{name}: the targets are a packed sequence, so the model must return its logits as "
            f"one of the same lengths, inputs._replace(data=logits); got {type(outputs).__name__}"
        )
    found = getattr(outputs, "logits", outputs)
    if isinstance(outputs, Mapping):
        found = outputs.get("logits")
    elif isinstance(outputs, tuple | list) and not isinstance(found, Tensor) and outputs:
        found = outputs[0]
    if not isinstance(found, Tensor):
        raise ProblemError(
            f"{name}: expected the model to return logits (n, T, vocabulary), or an object with "
            f"them as .logits; got {type(outputs).__name__}"
        )
    return found


def _head(model: Any, targets: Tensor) -> nn.Module | None:
    """Return a model's head, if logits for all tokens would be large and it can be applied later.

    It can't be while operations are recorded for derivatives, which may cut the model off from the
    objective; in a compiled model, whose hooks are not called; nor if its weights are sharded.
    """
    find = getattr(model, "get_output_embeddings", None)
    if find is None or torch.is_grad_enabled() or model in WHOLE:
        return None
    head = find()
    if not isinstance(head, nn.Module) or isinstance(head, torch.jit.ScriptModule):
        return None
    if getattr(model, "_compiled_call_impl", None) is not None:
        return None
    if any(type(one) not in (nn.Parameter, Tensor) for one in head.parameters()):
        return None
    return head if targets.numel() * _vocabulary(head) > CHUNK else None


def _vocabulary(head: nn.Module) -> int:
    weight = getattr(head, "weight", None)
    return len(weight) if isinstance(weight, Tensor) and weight.dim() == 2 else 0


def _before_head(
    model: nn.Module, head: nn.Module, tokens: TokenBatch, named: Mapping[str, Any]
) -> Tensor | None:
    """Return what the head is given; None if the model's outputs are not those of the head alone.

    The head computes one position of each sequence, and a ramp takes the place of its output, so
    that the check does not depend on the weights.
    """
    caught: list[Any] = []
    ramps: list[Tensor] = []

    def shorten(module: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        caught.append(arguments[0] if len(arguments) == 1 else None)
        return (arguments[0][:, :1], *arguments[1:])

    def replace(module: nn.Module, arguments: tuple[Any, ...], output: Tensor) -> Tensor:
        ramp = torch.linspace(-RAMP, RAMP, output.shape[-1], device=output.device)
        ramps.append(ramp.to(output.dtype).expand(output.shape).contiguous())
        return ramps[-1]

    hooks = [head.register_forward_pre_hook(shorten), head.register_forward_hook(replace)]
    try:
        outputs = model(*tokens.arguments, **named)
        logits = _logits("", outputs, tokens)
    except Exception:  # the model does more with its head's outputs; it is called without hooks
        return None
    finally:
        for hook in hooks:
            hook.remove()
    if len(caught) != 1 or len(ramps) != 1 or not isinstance(caught[0], Tensor):
        return None
    rows, ramp = caught[0], ramps[0]
    fits = rows.dim() == 3 and rows.shape[:2] == tokens.targets.shape
    return rows if fits and torch.equal(logits.to(ramp.dtype), ramp) else None
