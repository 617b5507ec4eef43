"""Compare channels-last gradients with exact ones, as a program that damaged memory may crash.

Prints a JSON object with the relative errors of each case in channels-last float32 and in
contiguous float32, both against contiguous float64.
"""

import copy
import json
import sys

import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from landscape_cli.evaluation.derivatives import backward, guarded
from landscape_cli.problems.zoo.densenet import DenseNet
from landscape_cli.problems.zoo.mlp import MLP
from landscape_cli.problems.zoo.resnet import ResNet
from landscape_cli.problems.zoo.vgg import VGG

FORMATS = {
    "exact": (torch.float64, torch.contiguous_format),
    "last": (torch.float32, torch.channels_last),
    "first": (torch.float32, torch.contiguous_format),
}


def placed(item, dtype, layout):
    layouts = layout if not isinstance(item, torch.Tensor) or item.dim() == 4 else None
    return item.to(dtype=dtype, **({"memory_format": layouts} if layouts else {}))


def gradient_of(loss, model):
    backward(loss, model.parameters())
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters()])


def loss_gradient(model, images, labels):
    return gradient_of(functional.cross_entropy(model(images), labels), model)


def errors(build, images, gradient, *more):
    """Return the relative errors in channels-last and in contiguous format."""
    torch.manual_seed(1)
    model, found = build(), {}
    for name, how in FORMATS.items():
        twin = placed(copy.deepcopy(model), *how)
        found[name] = gradient(twin, placed(images, *how), *more).detach().double()
    scale = found["exact"].norm()
    return [float((found[name] - found["exact"]).norm() / scale) for name in ("last", "first")]


def zoo():
    """Yield all networks and widths that the project's configurations and scripts train."""
    shapes = [(8, 0.5), (56, 0.5), (8, 0.25), (20, 0.25), (56, 0.25), (56, 0.125), (20, 1)]
    for depth, width in shapes:
        for shortcuts in (True, False):
            name = f"resnet{depth} {width:g} {'' if shortcuts else 'no '}shortcuts"
            yield name, lambda d=depth, w=width, s=shortcuts: ResNet(d, w, s, channels=1)
    yield "vgg9 0.125", lambda: VGG(width=0.125, channels=1, inputs=28 * 28)
    yield "densenet", lambda: DenseNet(depth=10, growth=4, channels=1)
    yield "mlp", lambda: MLP(28 * 28, [32], 10)


def networks():
    # With ReLU, a unit near zero may be active in float32 and inactive in float64.
    functional.relu = lambda tensor, inplace=False: functional.softplus(tensor)
    torch.manual_seed(0)
    images, labels = torch.randn(16, 1, 28, 28), torch.randint(10, (16,))
    for name, build in zoo():
        yield name, errors(build, images, loss_gradient, labels)
    wide = functional.interpolate(images, (128, 128))
    yield "large images", errors(lambda: ResNet(8, 0.25, channels=1), wide, loss_gradient, labels)


class Scripted(nn.Module):
    """The convolution in TorchScript, invisible to Python code."""

    def __init__(self):
        super().__init__()
        self.layer = torch.jit.script(narrow())

    def __deepcopy__(self, memo):
        twin = Scripted()
        twin.load_state_dict(self.state_dict())
        return twin

    def forward(self, images):
        return self.layer(images)


class Functional(nn.Module):
    """The convolution as a function of a parameter, with its input recomputed."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 3, 1, 1))

    def convolve(self, images):
        return functional.conv2d(images.tanh(), self.weight, stride=2)

    def forward(self, images):
        return checkpoint(self.convolve, images, use_reentrant=False)


def narrow(inputs=4, outputs=8, stride=2, **options):
    return nn.Conv2d(inputs, outputs, 1, stride, **options)


def weighted_sum(output):
    generator = torch.Generator().manual_seed(2)
    factors = torch.randn(output.shape, generator=generator, dtype=torch.float64)
    return (factors.to(output.dtype) * output).sum()


def weight_gradient(model, images):
    return gradient_of(weighted_sum(model(images)), model)


def sequence_gradient(model, images):
    """Gradient of a 1-d convolution whose input happens to have its channels last in memory."""
    rows = images.flatten(2).transpose(1, 2).contiguous().transpose(1, 2)
    return weight_gradient(model, rows)


def hessian_product(model, images):
    """Second derivative: the Hessian of a smooth loss times the weights."""
    parameters = list(model.parameters())
    with guarded(parameters):
        loss = weighted_sum(model(images).tanh())
        gradients = torch.autograd.grad(loss, parameters, create_graph=True)
        product = sum((g * p.detach()).sum() for g, p in zip(gradients, parameters, strict=True))
        second = torch.autograd.grad(product, parameters)
    return torch.cat([one.flatten() for one in second])


def operators():
    torch.manual_seed(0)

    def images(channels, size, count=32):
        return torch.randn(count, channels, size, size)

    def transposed():
        return nn.ConvTranspose2d(8, 4, 1, 2, output_padding=1)

    cases = {
        "small": (narrow, images(4, 8), weight_gradient),
        "large": (narrow, images(4, 128), weight_gradient),
        "15 channels": (lambda: narrow(15, 24), images(15, 128, 8), weight_gradient),
        "1 channel": (lambda: narrow(1), images(1, 64), weight_gradient),
        "4 to 4": (lambda: narrow(4, 4), images(4, 32), weight_gradient),
        "one axis": (lambda: narrow(stride=(2, 1)), images(4, 32), weight_gradient),
        "stride 3": (lambda: narrow(stride=3), images(4, 33), weight_gradient),
        "groups": (lambda: narrow(8, 16, groups=2), images(8, 32), weight_gradient),
        "padded": (lambda: narrow(padding=1), images(4, 32), weight_gradient),
        "transposed": (transposed, images(8, 64), weight_gradient),
        "sequence": (lambda: nn.Conv1d(4, 8, 1, 2), images(4, 32), sequence_gradient),
        "script": (Scripted, images(4, 32), weight_gradient),
        "function, recomputed": (Functional, images(3, 32), weight_gradient),
        "hessian product": (narrow, images(4, 64), hessian_product),
        "hessian product, transposed": (transposed, images(8, 32), hessian_product),
    }
    for name, case in cases.items():
        # Damage by the first call may show only on the next.
        yield name, max(errors(*case) for _ in range(5))


if __name__ == "__main__":
    which = {"networks": networks, "operators": operators}[sys.argv[1]]
    print(json.dumps(dict(which())))
