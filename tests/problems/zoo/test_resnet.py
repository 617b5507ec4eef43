import pytest
import torch

from landscape_cli.errors import UsageError
from landscape_cli.problems.zoo.resnet import ResNet


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


def expected_count(depth, stages=(16, 32, 64), stem=16, channels=3, classes=10, shortcuts=True):
    """Every convolution has in * out * k * k weights, every batch norm 2 * out parameters."""
    blocks = (depth - 2) // 6
    total = channels * stem * 9 + 2 * stem
    before = stem
    for width in stages:
        first = before * width * 9 + width * width * 9 + 4 * width
        later = 2 * width * width * 9 + 4 * width
        total += first + (blocks - 1) * later
        if shortcuts and (width != stages[0] or before != width):
            total += before * width + 2 * width
        before = width
    return total + before * classes + classes


@pytest.mark.parametrize("depth", [8, 20, 56])
@pytest.mark.parametrize("shortcuts", [True, False])
@pytest.mark.parametrize(("channels", "size"), [(1, 8), (3, 32), (1, 28)])
def test_shapes(depth, shortcuts, channels, size):
    model = ResNet(depth, 0.25, shortcuts, channels=channels, classes=7).eval()
    with torch.no_grad():
        assert model(torch.zeros(2, channels, size, size)).shape == (2, 7)


def test_the_cifar_resnet56_has_the_known_number_of_parameters():
    # 853018 with the original paper's identity shortcuts (its table 6 says 0.85M); Li et al. add
    # two 1x1 convolutions with batch norms.
    projections = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    assert expected_count(56, shortcuts=False) == 853_018
    assert count(ResNet(56)) == expected_count(56) == 853_018 + projections


@pytest.mark.parametrize("depth", [8, 20, 32])
@pytest.mark.parametrize(
    ("width", "stages", "stem"),
    [(1, (16, 32, 64), 16), (0.5, (8, 16, 32), 8), (2, (32, 64, 128), 16)],
)
@pytest.mark.parametrize("shortcuts", [True, False])
def test_number_of_parameters(depth, width, stages, stem, shortcuts):
    model = ResNet(depth, width, shortcuts, channels=1, classes=4)
    assert count(model) == expected_count(depth, stages, stem, 1, 4, shortcuts)


def test_depth_counts_the_layers_with_weights():
    model = ResNet(56, shortcuts=False)
    layers = [p for p in model.parameters() if p.dim() > 1]
    assert len(layers) == 56


def test_the_network_without_shortcuts_differs_in_nothing_else():
    full = {name: tuple(p.shape) for name, p in ResNet(20).named_parameters()}
    twin = {name: tuple(p.shape) for name, p in ResNet(20, shortcuts=False).named_parameters()}
    assert not any("shortcut" in name for name in twin)
    assert twin == {name: shape for name, shape in full.items() if "shortcut" not in name}


def test_shortcuts_carry_the_input():
    """If every block's last batch norm is zero, the image passes only through shortcuts."""
    for shortcuts in (True, False):
        torch.manual_seed(0)
        model = ResNet(8, shortcuts=shortcuts).eval()
        for name, parameter in model.named_parameters():
            if name.startswith("layer") and ".bn2." in name:
                parameter.data.zero_()
        with torch.no_grad():
            scores = model(torch.randn(2, 3, 8, 8))
        assert torch.equal(scores[0], scores[1]) is not shortcuts


def test_names_of_the_published_networks():
    names = dict(ResNet(56).named_parameters())
    for name in ("conv1.weight", "bn1.bias", "layer1.8.conv2.weight", "linear.weight"):
        assert name in names
    assert "layer2.0.shortcut.0.weight" in names
    assert "layer2.0.shortcut.1.weight" in names


@pytest.mark.parametrize("depth", [0, 2, 7, 18, 57, -4])
def test_depths_that_are_not_6n_plus_2(depth):
    with pytest.raises(UsageError, match=f"depth: got {depth}, expected 6n"):
        ResNet(depth)


@pytest.mark.parametrize("width", [0, -1, float("nan")])
def test_widths_that_are_not_positive(width):
    with pytest.raises(UsageError, match="width: got"):
        ResNet(8, width)


@pytest.mark.parametrize(
    ("args", "title"),
    [
        ({"depth": 56}, "ResNet-56"),
        ({"depth": 56, "width": 0.5, "shortcuts": False}, "ResNet-56, width 0.5, no shortcuts"),
        ({"depth": 20, "shortcuts": False}, "ResNet-20, no shortcuts"),
        ({"depth": 8, "width": 2.0}, "ResNet-8, width 2"),
    ],
)
def test_title(args, title):
    assert ResNet(**args).title == title
