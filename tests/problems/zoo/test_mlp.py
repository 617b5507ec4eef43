import pytest
import torch
from torch.nn import functional

from landscape_cli.errors import UsageError
from landscape_cli.problems.zoo.mlp import MLP


@pytest.mark.parametrize(
    ("activation", "function"),
    [("relu", torch.relu), ("tanh", torch.tanh), ("gelu", functional.gelu)],
)
def test_forward_matches_the_formula(activation, function):
    torch.manual_seed(0)
    model = MLP(12, (5, 4), 3, activation)
    inputs = torch.randn(6, 1, 3, 4)
    (w1, b1), (w2, b2), (w3, b3) = zip(*[iter(model.parameters())] * 2, strict=True)
    hidden = function(inputs.reshape(6, 12) @ w1.T + b1)
    expected = function(hidden @ w2.T + b2) @ w3.T + b3
    torch.testing.assert_close(model(inputs), expected)
    assert expected.shape == (6, 3)


def test_without_hidden_layers_it_is_linear():
    model = MLP(4, [], 2)
    assert [tuple(p.shape) for p in model.parameters()] == [(2, 4), (2,)]
    assert model(torch.zeros(3, 4)).shape == (3, 2)
    assert model.title == "Linear model"


def test_title():
    assert MLP(4).title == "MLP 64-64"
    assert MLP(4, [32]).title == "MLP 32"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"activation": "swish"}, "activation: got 'swish', expected one of relu, tanh, gelu"),
        ({"hidden": [0]}, "got the width 0"),
        ({"hidden": [8, 2.5]}, "got the width 2.5"),
        ({"hidden": ["a"]}, "got the width 'a'"),
        ({"hidden": 64}, "hidden: got 64, expected a list"),
        ({"hidden": "64"}, "hidden: got '64', expected a list"),
        ({"outputs": -1}, "got the width -1"),
    ],
)
def test_errors(args, message):
    with pytest.raises(UsageError) as error:
        MLP(4, **args)
    assert message in str(error.value)
