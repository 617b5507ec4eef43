import pytest
import torch
from torch import nn

from landscape_cli.errors import UsageError
from landscape_cli.geometry.matching import match


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))


def tensors(network):
    return dict(network.named_parameters()), network.state_dict()


def like(tensor, number):
    return torch.full_like(tensor, number)


def test_weights_are_matched_by_position(network):
    parameters, states = tensors(network)
    entries = [(None, like(p, n)) for n, p in enumerate(network.parameters())]
    found = match(entries, parameters, states)
    assert list(found) == list(parameters)
    assert [float(tensor.detach().mean()) for tensor in found.values()] == [0, 1, 2, 3, 4, 5]


def test_states_are_matched_by_position_and_counters_dropped(network):
    parameters, states = tensors(network)
    entries = [(None, like(tensor, n)) for n, tensor in enumerate(states.values())]
    found = match(entries, parameters, states)
    assert {name: float(tensor.mean()) for name, tensor in found.items()} == {
        **{"0.weight": 0, "0.bias": 1, "1.weight": 2, "1.bias": 3},
        **{"1.running_mean": 4, "1.running_var": 5, "2.weight": 7, "2.bias": 8},
    }


def test_states_from_before_batch_norm_counted_batches(network):
    parameters, states = tensors(network)
    entries = [(None, t) for name, t in states.items() if "num_batches" not in name]
    assert torch.equal(match(entries, parameters, states)["2.bias"], states["2.bias"])


def test_names_take_precedence_over_positions(network):
    parameters, states = tensors(network)
    entries = [(name, like(p, n)) for n, (name, p) in enumerate(parameters.items())]
    found = match(entries[::-1], parameters, states)
    assert set(found) == set(parameters)
    assert float(found["0.bias"].detach().mean()) == 1
    with_buffers = match(
        [*entries, ("1.running_mean", torch.ones(4)), ("1.num_batches_tracked", torch.tensor(3))],
        parameters,
        states,
    )
    assert set(with_buffers) == {*parameters, "1.running_mean"}


@pytest.mark.parametrize(
    ("dtype", "expected"), [(torch.float16, torch.float32), (torch.float64, torch.float64)]
)
def test_entries_are_converted_to_the_dtype_of_the_network(network, dtype, expected):
    """Those of narrow parameters remain in float32, since sums are rounded only once."""
    parameters, states = tensors(network.to(dtype))
    entries = [(None, torch.zeros(p.shape, dtype=torch.float64)) for p in network.parameters()]
    assert {t.dtype for t in match(entries, parameters, states).values()} == {expected}


def test_shared_parameters_are_matched_once():
    """A state dict lists them under each of their names, unlike ``parameters()``."""
    network = nn.ModuleDict({"a": nn.Linear(2, 2, bias=False), "b": nn.Linear(2, 2, bias=False)})
    network["b"].weight = network["a"].weight
    parameters, states = tensors(network)
    assert (len(parameters), len(states)) == (1, 2)
    found = match([(None, torch.ones(2, 2)), (None, torch.ones(2, 2))], parameters, states)
    assert list(found) == ["a.weight"]


def test_directions_for_another_network_are_refused(network):
    parameters, states = tensors(network)
    entries = [(None, torch.ones_like(p)) for p in network.parameters()]
    with pytest.raises(UsageError) as caught:
        match(entries[:5], parameters, states)
    assert str(caught.value) == (
        "made for another network: it has 5 tensors, but this network has 6 parameters and 9 "
        "entries in its state dict"
    )
    with pytest.raises(UsageError, match="made for another network: it has 0 tensors"):
        match([], parameters, states)
    wrong = [*entries]
    wrong[4] = (None, torch.ones(2, 5))
    with pytest.raises(UsageError) as caught:
        match(wrong, parameters, states)
    assert str(caught.value) == (
        "made for another network: tensor 5 of 6 (2.weight) has shape (2, 5), the network's (2, 4)"
    )


def test_tensor_names_of_another_network_are_refused(network):
    parameters, states = tensors(network)
    entries = [(name, torch.ones_like(p)) for name, p in parameters.items()]
    with pytest.raises(UsageError) as caught:
        match([*entries[:4], ("3.weight", torch.ones(1))], parameters, states)
    assert str(caught.value) == (
        "made for another network (unknown tensors: 1, such as 3.weight; missing parameters: 2, "
        "such as 2.weight)"
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_non_finite_entries_are_refused(network, value):
    parameters, states = tensors(network)
    entries = [(None, torch.ones_like(p)) for p in network.parameters()]
    entries[1][1].data[2] = value
    with pytest.raises(UsageError, match=r"tensor 2 of 6 \(0.bias\) contains NaN or infinity"):
        match(entries, parameters, states)
