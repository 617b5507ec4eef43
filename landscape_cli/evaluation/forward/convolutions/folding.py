"""Folding of batch norm with frozen statistics into the preceding convolution.

Let the convolution have weights W and bias b, and the norm scale g, shift h, running mean m and
running variance v. Both together equal one convolution with W' = W s and b' = h + (b - m) s, where
s = g / sqrt(v + eps) for each output channel. This is exact up to rounding, and saves a pass over
the activations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def is_convolutional(model: nn.Module) -> bool:
    """Tell whether any of a model's modules is a convolution."""
    return any(isinstance(module, CONVOLUTIONS) for module in model.modules())


class Folding:
    """Pairs of a convolution and the batch norm that takes its output.

    The pairs are found by observing one forward pass, so this works for any model. If a model also
    uses a convolution's output elsewhere, folding changes its values, so callers must compare them.

    Args:
        model: a model in eval mode.
        forward: runs one small forward pass of the model.
        moving: whether the running statistics differ between points.
    """

    def __init__(self, model: nn.Module, forward: Callable[[], Any], moving: bool = False) -> None:
        self._moving = moving
        with torch.no_grad():
            self._pairs = [_Pair(*pair) for pair in _find(model, forward)]
        self.attached = False

    def __len__(self) -> int:
        return len(self._pairs)

    def attach(self) -> None:
        """Make the model use folded weights, which ``update`` sets."""
        for pair in self._pairs:
            pair.attach()
        self.attached = True

    def detach(self) -> None:
        """Make the model use its own weights again."""
        for pair in self._pairs:
            pair.detach()
        self.attached = False

    def tensors(self) -> list[Tensor]:
        """Return the folded weights and biases."""
        return [tensor for pair in self._pairs for tensor in (pair.weight, pair.bias)]

    def norms(self) -> list[nn.Module]:
        """Return the norms, which return what they are given while attached."""
        return [pair.norm for pair in self._pairs]

    def update(self) -> None:
        """Fold the model's current weights."""
        for pair in self._pairs:
            if self._moving:
                pair.measure()
            pair.update()


class _Pair:
    """A convolution and its norm, whose own parameters are set aside while attached."""

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
        self.norm.forward = identity

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


def _plain(module: nn.Module) -> bool:
    """Return True if a module computes with its own parameters, and nothing else looks at it.

    Pruning and the older weight and spectral norms compute the weight in a hook, from other
    parameters; other hooks may change or record what would be folded.
    """
    if isinstance(module, torch.jit.ScriptModule):
        return False
    own = module._parameters
    hooks = (module._forward_pre_hooks, module._forward_hooks, module._backward_hooks)
    return not any(hooks) and "weight" in own and "bias" in own and "forward" not in vars(module)


def identity(inputs: Tensor) -> Tensor:
    """Stand in for the forward pass of a folded norm."""
    return inputs


def _find(model: nn.Module, forward: Callable[[], Any]) -> list[tuple[nn.Module, nn.Module]]:
    """Find the pairs in one forward pass whose two modules are each used once."""
    outputs: list[tuple[Tensor, nn.Module]] = []
    pairs: list[tuple[nn.Module, nn.Module]] = []
    calls: dict[nn.Module, int] = {}

    def note_convolution(module: nn.Module, inputs: Any, output: Any) -> None:
        calls[module] = calls.get(module, 0) + 1
        outputs.append((output, module))

    def note_norm(module: nn.Module, inputs: Any, output: Any) -> None:
        calls[module] = calls.get(module, 0) + 1
        for tensor, convolution in outputs:
            if inputs and inputs[0] is tensor:
                pairs.append((convolution, module))

    hooks = []
    for module in model.modules():
        if not _plain(module):
            continue
        if type(module) in CONVOLUTIONS:
            hooks.append(module.register_forward_hook(note_convolution))
        elif type(module) in NORMS and module.running_mean is not None and not module.training:
            hooks.append(module.register_forward_hook(note_norm))
    try:
        forward()
    finally:
        for hook in hooks:
            hook.remove()
    return [pair for pair in pairs if all(calls[module] == 1 for module in pair)]
