import pytest
import torch
from torch.nn import functional

from landscape_cli.errors import UsageError
from landscape_cli.problems.zoo.densenet import Bottleneck, DenseNet, Transition


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


def expected_count(blocks, growth, channels=3, classes=10):
    """Every convolution has in * out * k * k weights, every batch norm 2 * in parameters."""
    planes = 2 * growth
    total = channels * planes * 9
    for number, layers in enumerate(blocks):
        for _ in range(layers):
            total += 2 * planes + planes * 4 * growth + 2 * 4 * growth + 4 * growth * growth * 9
            planes += growth
        if number < len(blocks) - 1:
            total += 2 * planes + planes * (planes // 2)
            planes //= 2
    return total + 2 * planes + planes * classes + classes


@pytest.mark.parametrize(("depth", "growth"), [(10, 3), (22, 6), (121, 2)])
@pytest.mark.parametrize(("channels", "size"), [(1, 8), (3, 32), (1, 28)])
def test_shapes(depth, growth, channels, size):
    with torch.no_grad(), torch.device("meta"):
        model = DenseNet(depth, growth, channels=channels, classes=7).eval()
        assert model(torch.zeros(2, channels, size, size)).shape == (2, 7)


@pytest.mark.parametrize(
    ("depth", "growth", "blocks", "known"),
    [
        # Huang et al.'s table 2 says 0.8M for this one.
        (100, 12, (16, 16, 16), 769_162),
        (40, 12, (6, 6, 6), 176_122),
        (121, 32, (6, 12, 24, 16), 6_956_298),
    ],
)
def test_number_of_parameters(depth, growth, blocks, known):
    assert count(DenseNet(depth, growth)) == expected_count(blocks, growth) == known


@pytest.mark.parametrize("depth", [10, 40, 121, 169, 201])
def test_depth_counts_the_layers_with_weights(depth):
    assert len([p for p in DenseNet(depth, 1).parameters() if p.dim() > 1]) == depth


def test_a_bottleneck_matches_the_formula_and_keeps_its_input():
    torch.manual_seed(0)
    layer = Bottleneck(5, 3)
    images = torch.randn(2, 5, 4, 4)
    hidden = functional.conv2d(
        functional.relu(functional.batch_norm(images, None, None, training=True)),
        layer.conv1.weight,
    )
    hidden = functional.relu(functional.batch_norm(hidden, None, None, training=True))
    new = functional.conv2d(hidden, layer.conv2.weight, padding=1)
    result = layer(images)
    torch.testing.assert_close(result[:, :3], new)
    assert torch.equal(result[:, 3:], images)


def test_a_transition_halves_channels_and_sides():
    assert Transition(7)(torch.zeros(2, 7, 6, 6)).shape == (2, 3, 3, 3)


def test_names_of_the_published_networks():
    shapes = {name: tuple(p.shape) for name, p in DenseNet(121, 32).named_parameters()}
    assert shapes["conv1.weight"] == (64, 3, 3, 3)
    assert shapes["dense1.5.conv2.weight"] == (32, 128, 3, 3)
    assert shapes["trans3.conv.weight"] == (512, 1024, 1, 1)
    assert shapes["dense4.15.bn1.weight"] == (992,)
    assert shapes["bn.bias"] == (1024,)
    assert shapes["linear.weight"] == (10, 1024)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"depth": 4}, "depth: got 4, expected 6n\\+4, such as 40, or one of 121, 169, 201"),
        ({"depth": 41}, "depth: got 41"),
        ({"depth": -8}, "depth: got -8"),
        ({"growth": 0}, "growth: got 0"),
        ({"growth": 1.5}, "growth: got 1.5"),
    ],
)
def test_errors(args, message):
    with pytest.raises(UsageError, match=message):
        DenseNet(**args)


def test_title():
    assert DenseNet(40, 12).title == "DenseNet-40, growth 12"
