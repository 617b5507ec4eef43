import pytest
import torch

from landscape_cli.errors import UsageError
from landscape_cli.problems.zoo.vgg import VGG


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("depth", [9, 16, 19])
@pytest.mark.parametrize(("channels", "size"), [(1, 8), (3, 32), (1, 28)])
def test_shapes(depth, channels, size):
    inputs = channels * size**2
    model = VGG(depth, 0.125, channels=channels, classes=7, inputs=inputs).eval()
    with torch.no_grad():
        assert model(torch.zeros(2, channels, size, size)).shape == (2, 7)


def test_vgg9_has_the_number_of_parameters_counted_by_hand():
    # A convolution has in * out * 9 weights and out biases, a batch norm 2 * out parameters.
    pairs = [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 256)]
    convolutions = sum(before * after * 9 + 3 * after for before, after in pairs)
    # Three halvings leave 4 x 4 pixels of 32 x 32.
    hidden = 256 * 4 * 4 * 256 + 3 * 256
    assert count(VGG(9)) == convolutions + hidden + 256 * 10 + 10 == 2_789_706


def test_a_narrow_network_for_odd_images():
    # 28, 14, 7 and (rounded up) 4 pixels.
    model = VGG(9, 0.125, channels=1, classes=10, inputs=784)
    pairs = [(1, 8), (8, 8), (8, 16), (16, 16), (16, 32), (32, 32), (32, 32)]
    convolutions = sum(before * after * 9 + 3 * after for before, after in pairs)
    assert model.fc[0].weight.shape == (32, 32 * 4 * 4)
    assert count(model) == convolutions + 512 * 32 + 3 * 32 + 32 * 10 + 10


def test_vgg9_has_nine_layers_with_weights():
    assert len([p for p in VGG(9).parameters() if p.dim() > 1]) == 9


def test_the_convolutions_of_the_original_networks():
    for depth in (16, 19):
        kernels = [p for p in VGG(depth, 0.125).parameters() if p.dim() == 4]
        assert len(kernels) == depth - 3


def test_names_of_the_published_networks():
    model = VGG(9)
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    assert shapes["features.0.weight"] == (64, 3, 3, 3)
    assert shapes["features.1.running_mean"] == (64,)
    assert shapes["features.20.weight"] == (256, 256, 3, 3)
    assert shapes["fc.0.weight"] == (256, 4096)
    assert shapes["fc.1.bias"] == (256,)
    assert shapes["classifier.bias"] == (10,)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"depth": 11}, "depth: got 11, expected one of 9, 16, 19"),
        ({"width": 0}, "width: got 0"),
        ({"width": float("nan")}, "width: got nan"),
        ({"inputs": 3000}, "inputs: got 3000, expected 3 \\* size"),
    ],
)
def test_errors(args, message):
    with pytest.raises(UsageError, match=message):
        VGG(**args)


def test_title():
    assert VGG().title == "VGG-9"
    assert VGG(16, 0.25).title == "VGG-16, width 0.25"
