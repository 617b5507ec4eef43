"""Networks that do unusual things, and what plain PyTorch says about them."""

import copy

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import TensorDataset

from landscape_cli.problems.objectives import cross_entropy
from landscape_cli.problems.problem import Problem


def samples(count=48, features=8, classes=3, seed=1):
    """Return random inputs and classes."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(count, features, generator=generator)
    return inputs, torch.randint(0, classes, (count,), generator=generator)


def problem(model, data=None, objective=cross_entropy):
    """Return a problem with one split, ``train``."""
    return Problem(model, {"train": TensorDataset(*(data or samples()))}, objective)


class MergedAdapter(nn.Linear):
    """A linear layer that adds a low-rank update to its weight in `eval()`, as loralib's does.

    Args:
        inputs: number of inputs.
        outputs: number of outputs.
        replace: give the weight new memory instead of adding in place.
    """

    def __init__(self, inputs, outputs, replace=False):
        super().__init__(inputs, outputs)
        self.weight.requires_grad_(False)
        self.lora_a = nn.Parameter(torch.randn(2, inputs) * 0.3)
        self.lora_b = nn.Parameter(torch.randn(outputs, 2) * 0.3)
        self.merged, self.replace = False, replace

    def train(self, mode=True):
        super().train(mode)
        update = self.lora_b.data @ self.lora_a.data
        if mode == self.merged:
            sign = -1 if mode else 1
            if self.replace:
                self.weight.data = self.weight.data + sign * update
            else:
                self.weight.data += sign * update
            self.merged = not mode
        return self

    def forward(self, inputs):
        weight = self.weight if self.merged else self.weight + self.lora_b @ self.lora_a
        return functional.linear(inputs, weight, self.bias)


class FusedScale(nn.Module):
    """A layer whose `eval()` keeps a product of its parameters, in a buffer or an attribute."""

    def __init__(self, features, buffer):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(features, features) * 0.5)
        self.scale = nn.Parameter(torch.rand(features, 1) + 0.5)
        if buffer:
            self.register_buffer("fused", torch.zeros(features, features), persistent=False)

    def train(self, mode=True):
        super().train(mode)
        if not mode:
            self.fused = (self.weight * self.scale).detach().clone()
        return self

    def forward(self, inputs):
        weight = self.weight * self.scale if self.training else self.fused
        return functional.linear(inputs, weight)


class RunningPeak(nn.Module):
    """A quantizer whose range grows with what it sees, in eval mode too.

    Args:
        how: `buffer` in place, `data` hides that from PyTorch, `assigned` puts a new tensor in the
            buffer's place, `empty` starts without one, `attribute` is no buffer.
    """

    def __init__(self, how="buffer"):
        super().__init__()
        self.how = how
        if how == "attribute":
            self.peak = torch.zeros(())
        else:
            self.register_buffer("peak", None if how == "empty" else torch.zeros(()))

    def forward(self, inputs):
        peak = inputs.detach().abs().max()
        if self.peak is not None:
            peak = torch.maximum(self.peak, peak)
        if self.how == "buffer":
            self.peak.copy_(peak)
        elif self.how == "data":
            self.peak.data.copy_(peak)
        else:
            self.peak = peak
        return torch.round(inputs / peak * 8) * peak / 8


class KeptTable(nn.Module):
    """A rotation of its inputs that is computed once in eval mode, and then kept."""

    def __init__(self, features=8):
        super().__init__()
        self.k = nn.Parameter(torch.randn(features, features) * 0.3)
        self.head = nn.Linear(features, 3)
        self.table = None

    def forward(self, inputs):
        if self.training or self.table is None:
            self.table = torch.matrix_exp(self.k - self.k.T)
        return self.head(inputs @ self.table)


class Spectral(nn.Module):
    """A layer of complex weights in the frequencies of its inputs, as in Fourier operators."""

    def __init__(self, width=4, modes=3):
        super().__init__()
        self.modes = modes
        self.lift = nn.Linear(1, width)
        self.weight = nn.Parameter(torch.randn(width, width, modes, dtype=torch.cfloat) * 0.3)
        self.phase = nn.Parameter(torch.randn(modes, dtype=torch.cfloat) * 0.3)
        self.out = nn.Linear(width, 1)

    def forward(self, inputs):
        hidden = self.lift(inputs.unsqueeze(-1)).transpose(1, 2)
        frequencies = torch.fft.rfft(hidden)
        kept = torch.einsum("bim,iom->bom", frequencies[..., : self.modes], self.weight)
        padded = functional.pad(kept + self.phase, (0, frequencies.shape[-1] - self.modes))
        hidden = torch.tanh(torch.fft.irfft(padded, n=hidden.shape[-1]))
        return self.out(hidden.transpose(1, 2)).squeeze(-1)


def expected(model, data, directions, points, objective=cross_entropy):
    """Return the mean loss of fresh copies of a model, moved as a training would and then eval.

    Args:
        model: as built.
        data: inputs and targets.
        directions: by parameter's name, a direction for each coordinate.
        points: the coordinates.
        objective: as of a problem.
    """
    losses = []
    for point in points:
        moved = copy.deepcopy(model)
        with torch.no_grad():
            for name, parameter in moved.named_parameters():
                wide = torch.promote_types(parameter.dtype, torch.float32)
                total = parameter.to(wide)
                for coordinate, entries in zip(point, directions, strict=True):
                    if name in entries:
                        total = total + coordinate * entries[name].to(wide)
                parameter.copy_(total)
            moved.eval()
            losses.append(objective(moved, data)["loss"].double().mean().item())
    return losses


def build(kind):
    """Return a problem by name, the same each time."""
    torch.manual_seed(0)
    layers = {
        "buffer": lambda: [nn.Linear(8, 6), RunningPeak(), nn.Linear(6, 3)],
        "adapter": lambda: [MergedAdapter(8, 6), nn.Tanh(), nn.Linear(6, 3)],
        "table": lambda: [KeptTable()],
        "complex": lambda: [Spectral(), nn.Linear(8, 3)],
    }
    return Problem(nn.Sequential(*layers[kind]()), {"train": [samples()]}, cross_entropy)
