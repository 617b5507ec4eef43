"""Random permutations of what was found: the function stays, and matching finds them again."""

import pytest
import torch
from torch import nn

from landscape_cli.alignment.align import relative_difference
from landscape_cli.alignment.matching import match_weights
from landscape_cli.alignment.permutations import apply, random_orders
from landscape_cli.alignment.symmetries import find_symmetries
from landscape_cli.alignment.tracing import Inputs, tensors_of
from landscape_cli.errors import ProblemError
from support.permutable_networks import IMAGES, TransposedTie, named, others, zoo

NAMES = sorted({**zoo(), **others()})

GROUPS = {
    "mlp": [(12, 1), (10, 1)],
    "resnet": [(4, 1), (4, 1), (8, 1), (8, 1), (16, 1), (16, 1)],
    "resnet_without_shortcuts": [(4, 1)] * 3 + [(8, 1)] * 2 + [(16, 1)] * 2,
    "vgg": [(6, 1)] * 2 + [(13, 1)] * 2 + [(26, 1)] * 4,
    "densenet": [(6, 1), *[(12, 1), (3, 1)] * 2, (6, 1), *[(12, 1), (3, 1)] * 2, (6, 1)]
    + [(12, 1), (3, 1)] * 2,
    "encoder": [(16, 1)] + [(4, 4), (32, 1)] * 2,
    "encoder_norm_first": [(16, 1)] + [(4, 4), (32, 1)] * 2,
    "attention": [(16, 1), (4, 4), (16, 1)],
    "language": [(8, 1), (2, 4), (12, 1)],
    "vision": [(16, 1), (4, 4)],
    "concatenated": [(5, 1), (4, 1), (4, 1), (3, 1)],
    "padded": [(2, 1), (4, 1), (2, 1)],
    "gated": [(16, 1), (7, 1), (6, 1)],
    "grouped": [(4, 3), (6, 1)],
    "depthwise": [(8, 2), (4, 1)],
    "group_norm": [(4, 2), (8, 1), (8, 1)],
    "lstm": [(5, 1)],
    "deep_lstm": [(5, 1)] * 4,
    "causal": [(5, 1)],
    "copied": [(8, 1)],
    "unknown": [(9, 1)],
    "parametrized": [(8, 1), (6, 1)],
    "tied": [(8, 1)],
    "transposed_tie": [(8, 1)],
}
"""The groups that are known to be there: number of blocks, and the widest of their families."""


def symmetries_of(model, inputs):
    return find_symmetries(model, [Inputs((inputs,), {})])


def state_of(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


@torch.no_grad()
def outputs(model, inputs):
    return [one for one in tensors_of(model(inputs)) if one is not None]


@pytest.mark.parametrize("name", NAMES)
def test_a_random_permutation_keeps_the_function_and_is_recovered_exactly(name):
    model, inputs = named(name)
    found = symmetries_of(model, inputs)
    state, before = state_of(model), outputs(model, inputs)
    assert found.bundles
    for seed in range(2):
        orders = random_orders(found.bundles, torch.Generator().manual_seed(seed))
        moved = apply(found, state, orders)
        model.load_state_dict(moved)
        for one, other in zip(before, outputs(model, inputs), strict=True):
            assert relative_difference(one, other) < 2e-5
        assert any(not torch.equal(moved[one], state[one]) for one in state)
        match = match_weights(found, state, moved, dict(model.named_parameters()), seed)
        back = apply(found, moved, match.orders)
        for one in state:
            assert torch.equal(back[one], state[one]), one
        assert match.before > 1
        assert match.after == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("name", GROUPS)
def test_the_groups_that_are_known_to_be_there_are_found(name):
    found = symmetries_of(*named(name))
    widths = [
        (bundle.size, max(family.width for family in bundle.families if family.became is None))
        for bundle in found.bundles
    ]
    assert sorted(widths) == sorted(GROUPS[name])


def test_what_can_not_be_permuted_is_named():
    found = symmetries_of(*named("unknown"))
    assert dict(found.unknown) == {"fft_rfft": 1}
    assert [found.members(one) for one in found.bundles] == [
        [("second.weight", 0), ("second.bias", 0), ("head.weight", 1)]
    ]


def test_buffers_of_batch_norm_are_permuted_along():
    found = symmetries_of(*named("resnet"))
    members = [name for bundle in found.bundles for name, _ in found.members(bundle)]
    assert {"bn1.running_mean", "bn1.running_var"} <= set(members)


def test_weights_in_one_memory_with_two_roles_are_pinned():
    torch.manual_seed(0)
    model = TransposedTie(in_memory=True)
    assert not symmetries_of(model, IMAGES).bundles


def test_a_parameter_that_no_operation_uses_stays():
    model, inputs = named("mlp")
    model.spare = nn.Parameter(torch.randn(12, 7))
    found = symmetries_of(model, inputs)
    assert all("spare" not in dict(found.members(bundle)) for bundle in found.bundles)
    assert len(found.bundles) == 2


def test_a_buffer_that_no_checkpoint_holds_pins_its_channels():
    class Scaled(nn.Module):
        def __init__(self, persistent):
            super().__init__()
            self.first, self.second = nn.Linear(64, 8), nn.Linear(8, 3)
            self.register_buffer("scale", torch.rand(8), persistent=persistent)

        def forward(self, images):
            return self.second(self.first(images.flatten(1)).relu() * self.scale)

    assert len(symmetries_of(Scaled(True), IMAGES).bundles) == 1
    assert not symmetries_of(Scaled(False), IMAGES).bundles


def test_every_way_in_which_the_network_is_called_counts():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(64, 8), nn.Linear(8, 3)

        def forward(self, images, hidden=False):
            x = self.first(images.flatten(1)).relu()
            return x if hidden else self.second(x)

    calls = [Inputs((IMAGES,), {}), Inputs((IMAGES,), {"hidden": True})]
    assert len(find_symmetries(Two(), calls[:1]).bundles) == 1
    assert not find_symmetries(Two(), calls).bundles


def test_the_network_stays_as_it_was():
    model, inputs = named("resnet")
    model.train()
    model.bn1.eval()
    state = state_of(model)
    symmetries_of(model, inputs)
    assert model.training
    assert model.layer1.training
    assert not model.bn1.training
    assert all(torch.equal(state[name], one) for name, one in model.state_dict().items())
    assert all(one.requires_grad for one in model.parameters())


def test_operations_that_depend_on_values_are_refused():
    class Branching(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(64, 8), nn.Linear(8, 3)

        def forward(self, images):
            x = self.first(images.flatten(1))
            return self.second(x.roll(1, 1) if x.sum() > 0 else x)

    with pytest.raises(ProblemError, match=r"can't be traced: .*--groups"):
        symmetries_of(Branching(), IMAGES)
