"""Alignment as a library: what is returned, what is refused, and what stays as it was."""

import math

import pytest
import torch
from torch import nn

from landscape_cli.alignment.align import Aligner, align_networks, relative_difference
from landscape_cli.alignment.tracing import Inputs, capture
from landscape_cli.errors import ProblemError, UsageError
from support.permutable_networks import named
from support.unusual_networks import KeptTable, RunningPeak, Spectral

INPUTS = torch.linspace(-1, 1, 24).reshape(3, 8)


def call(*args, **kwargs):
    return [Inputs(args, kwargs)]


def state_of(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_a_network_is_aligned_and_says_how():
    model, images = named("resnet")
    first, _ = state_of(model), torch.manual_seed(5)
    second = {n: torch.randn_like(t) if t.dim() > 1 else t for n, t in first.items()}
    found = align_networks(model, call(images), first, second)
    assert found.deviation < 1e-12
    assert 0 < found.match.after < found.match.before
    assert [group.blocks for group in found.groups] == [4, 4, 8, 8, 16, 16]
    assert all(0 <= group.moved <= group.blocks for group in found.groups)
    assert ("bn1.running_mean", 0) in found.groups[0].axes
    assert all(torch.equal(first[name], one) for name, one in model.state_dict().items())


def test_every_signature_is_captured_once():
    model = nn.Linear(8, 2)

    def run():
        for size in (1, 3, 3, 2):
            model(INPUTS[:size])
        model(input=INPUTS)

    found = capture(model, run)
    assert [len(one.args) for one in found] == [1, 1, 1, 0]
    assert not model._forward_pre_hooks
    with pytest.raises(ProblemError, match="does not call the model itself"):
        capture(model, lambda: None)


def test_groups_that_change_the_function_are_refused():
    model, images = named("mlp")
    torch.manual_seed(1)
    state = state_of(model)
    other = {name: torch.randn_like(tensor) for name, tensor in state.items()}
    aligner = Aligner(model, call(images), {"one": [["layers.1.weight", 0]]})
    with pytest.raises(ProblemError, match="outputs of the permuted network differ by"):
        aligner.align(state, other)


def test_groups_may_repeat_channels_and_name_tied_tensors_once():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 1), nn.Flatten(), nn.Linear(12, 2))
    images, first = torch.randn(5, 1, 2, 2), state_of(model)
    second = {name: torch.randn_like(tensor) for name, tensor in first.items()}
    groups = {"maps": [["0.weight", 0], ["0.bias", 0], ["2.weight", 1, 4]]}
    one = Aligner(model, call(images), groups).align(first, second)
    other = align_networks(model, call(images), first, second)
    assert all(torch.equal(one.tensors[name], other.tensors[name]) for name in first)
    model, tokens = named("language")
    both = {"one": [["tokens.weight", 1], ["head.weight", -1]]}
    with pytest.raises(UsageError, match=r"axis 1 of head\.weight is in one already"):
        Aligner(model, call(tokens), both)


def test_a_forward_pass_that_changes_buffers_changes_no_result():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 6), RunningPeak(), nn.Linear(6, 2))
    first = state_of(model)
    second = {**{n: torch.randn_like(t) for n, t in first.items()}, "1.peak": torch.tensor(0.25)}
    found = align_networks(model, call(INPUTS), first, second)
    assert found.tensors["1.peak"] == 0.25
    assert second["1.peak"] == 0.25
    assert model[1].peak == 0


def test_what_a_network_keeps_from_a_forward_pass_is_not_that_of_tracing():
    torch.manual_seed(0)
    model = nn.Sequential(KeptTable(), nn.ReLU(), nn.Linear(3, 5), nn.Linear(5, 2)).eval()
    state = state_of(model)
    align_networks(model, call(INPUTS), state, state)
    assert model[0].table is None
    assert torch.isfinite(model(INPUTS)).all()


def test_complex_layers_of_unknown_operations_are_pinned():
    torch.manual_seed(0)
    model = Spectral()
    state = state_of(model)
    with pytest.raises(ProblemError, match=r"no channels were found .*fft_irfft"):
        align_networks(model, call(INPUTS), state, state)


def test_differences_are_relative_to_the_largest_entry():
    one = torch.tensor([1.0, -4.0, math.nan, math.inf])
    assert relative_difference(one, one) == 0
    assert relative_difference(one, one + torch.tensor([0.5, 0, 0, 0])) == 0.125
    assert math.isnan(relative_difference(one, torch.tensor([1.0, math.nan, math.nan, math.inf])))
    assert relative_difference(one, torch.tensor([1.0, -4.0, math.nan, 1.0])) == math.inf
    assert relative_difference(torch.tensor([1, 2]), torch.tensor([2, 1])) == 0
    assert relative_difference(torch.zeros(0), torch.zeros(0)) == 0
