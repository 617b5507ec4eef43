"""Batch norm with frozen statistics, folded into the convolution before it.

With weights W, b of the convolution, scale g and shift h of the norm, and its running mean m and
variance v, the two are one convolution with W' = W s and b' = h + (b - m) s, s = g / sqrt(v + eps)
for each output channel. This is exact but for rounding, and saves a pass over the activations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class Folding:
    """Pairs of a convolution and the batch norm that alone follows it.

    The pairs are found by watching one forward pass, so any model will do; a model that uses a
    convolution's output in another way too gives other values when folded, and so must be checked.

    Args:
        model: a model in eval mode.
        forward: runs one small forward pass of it.
        moving: whether running statistics differ from point to point.
    """

    def __init__(self, model: nn.Module, forward: Callable[[], Any], moving: bool = False) -> None:
        self._moving = moving
        with torch.no_grad():
            self._pairs = [_Pair(*pair) for pair in _find(model, forward)]
        self.attached = False

    def __len__(self) -> int:
        return len(self._pairs)

    def attach(self) -> None:
        """Let the model compute with folded weights, which ``update`` sets."""
        for pair in self._pairs:
            pair.attach()
        self.attached = True

    def detach(self) -> None:
        """Let the model compute with its own weights again."""
        for pair in self._pairs:
            pair.detach()
        self.attached = False

    def update(self) -> None:
        """Fold the model's present weights."""
        for pair in self._pairs:
            if self._moving:
                pair.measure()
            pair.update()


class _Pair:
    """One convolution and one norm; the parameters stay theirs, and are put aside when attached."""

    def __init__(self, convolution: Any, norm: Any) -> None:
        self.convolution = convolution
        self.norm = norm
        self.own: dict[str, nn.Parameter | None] = dict(convolution._parameters)
        weight: Tensor = convolution.weight
        self.weight = torch.empty_like(weight.detach())
        self.bias = torch.empty(len(weight), dtype=weight.dtype, device=weight.device)
        self.shape = (-1, *[1] * (weight.dim() - 1))
        self.measure()

    def measure(self) -> None:
        norm, dtype = self.norm, self.weight.dtype
        self.spread = torch.rsqrt(norm.running_var + norm.eps).to(dtype)
        self.mean = norm.running_mean.to(dtype)

    def attach(self) -> None:
        for name, tensor in (("weight", self.weight), ("bias", self.bias)):
            self.convolution._parameters.pop(name)
            setattr(self.convolution, name, tensor)
        self.norm.forward = _identity

    def detach(self) -> None:
        for name in ("weight", "bias"):
            delattr(self.convolution, name)
        self.convolution._parameters.update(self.own)
        del self.norm.forward

    def update(self) -> None:
        weight, bias = self.own["weight"], self.own["bias"]
        assert weight is not None
        scale = self.spread if self.norm.weight is None else self.norm.weight * self.spread
        torch.mul(weight, scale.view(self.shape), out=self.weight)
        torch.mul(self.mean if bias is None else self.mean - bias, -scale, out=self.bias)
        if self.norm.bias is not None:
            self.bias += self.norm.bias


def _identity(inputs: Tensor) -> Tensor:
    return inputs


def _find(model: nn.Module, forward: Callable[[], Any]) -> list[tuple[nn.Module, nn.Module]]:
    """The pairs of one forward pass in which each of the two is used once."""
    outputs: list[tuple[Tensor, nn.Module]] = []
    pairs: list[tuple[nn.Module, nn.Module]] = []
    calls: dict[nn.Module, int] = {}

    def convolved(module: nn.Module, inputs: Any, output: Any) -> None:
        calls[module] = calls.get(module, 0) + 1
        outputs.append((output, module))

    def normed(module: nn.Module, inputs: Any, output: Any) -> None:
        calls[module] = calls.get(module, 0) + 1
        for tensor, convolution in outputs:
            if inputs and inputs[0] is tensor:
                pairs.append((convolution, module))

    hooks = []
    for module in model.modules():
        if type(module) in CONVOLUTIONS:
            hooks.append(module.register_forward_hook(convolved))
        elif type(module) in NORMS and module.running_mean is not None:
            hooks.append(module.register_forward_hook(normed))
    try:
        forward()
    finally:
        for hook in hooks:
            hook.remove()
    return [pair for pair in pairs if all(calls[module] == 1 for module in pair)]
