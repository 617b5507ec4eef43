"""Conditions for second derivatives: full precision, and kernels that have them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from landscape_cli.evaluation.derivatives.variables import Variables


@contextmanager
def differentiable(model: nn.Module, variables: Variables) -> Iterator[None]:
    """Compute in full precision, with kernels that have second derivatives, within a block.

    Fused attention has none, so attention is composed of matrix products; cuDNN's recurrent layers
    have none either, and no first ones in eval mode, so PyTorch's own take their place.

    Args:
        model: the network.
        variables: the parameters to differentiate by, which record operations meanwhile.
    """
    with ExitStack() as stack:
        stack.enter_context(full_precision())
        # A new one each time: this context manager works only once.
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        stack.enter_context(_without_cudnn_recurrence(model))
        stack.enter_context(variables.recorded())
        yield


@contextmanager
def full_precision() -> Iterator[None]:
    """Multiply float32 in float32, not in tf32, within a block."""
    cuda, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = cuda.allow_tf32, cudnn.allow_tf32
    cuda.allow_tf32 = cudnn.allow_tf32 = False
    try:
        yield
    finally:
        cuda.allow_tf32, cudnn.allow_tf32 = before


@contextmanager
def _without_cudnn_recurrence(model: nn.Module) -> Iterator[None]:
    """Let recurrent layers on a GPU compute without cuDNN, and leave convolutions to it."""
    cudnn = torch.backends.cudnn
    before = cudnn.enabled

    def leave(*_: Any) -> None:
        cudnn.enabled = False

    def enter(*_: Any) -> None:
        cudnn.enabled = before

    hooks = []
    for module in model.modules():
        if isinstance(module, nn.RNNBase) and not isinstance(module, torch.jit.ScriptModule):
            hooks += [
                module.register_forward_pre_hook(leave),
                module.register_forward_hook(enter, always_call=True),
            ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        cudnn.enabled = before
