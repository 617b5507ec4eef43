"""Groups from a user: anything is either a group of channels or a message."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from landscape_cli.alignment.permutations import apply, random_orders
from landscape_cli.alignment.specification import specified
from landscape_cli.errors import UsageError

MODEL = nn.Sequential(nn.Conv2d(1, 4, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))
NAMES = list(MODEL.state_dict())

SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.sampled_from(NAMES)
MEMBERS = st.lists(SCALARS, max_size=4) | st.tuples(st.sampled_from(NAMES), st.integers(-2, 3)).map(
    list
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), st.lists(MEMBERS, max_size=3) | ANYTHING) | ANYTHING)
@settings(deadline=None, max_examples=200)
def test_anything_is_a_group_or_a_message(groups):
    found, message = None, "--groups: "
    try:
        found = specified(groups, MODEL)
    except UsageError as error:
        message = str(error)
    assert message.startswith("--groups: ")
    if found is None:
        return
    state = MODEL.state_dict()
    moved = apply(found, state, random_orders(found.bundles, torch.Generator().manual_seed(1)))
    assert all(moved[name].shape == state[name].shape for name in state)
    assert all(
        torch.equal(moved[n].sort().values, state[n].sort().values)
        for n in state
        if state[n].dim() == 1
    )


def test_a_group_moves_its_axes_alike():
    groups = {
        "maps": [
            *([name, 0] for name in NAMES if not name.startswith("3.") and state_dim(name)),
            ["3.weight", 1, 4],
        ]
    }
    found = specified(groups, MODEL)
    assert [bundle.size for bundle in found.bundles] == [4]
    state = {name: one.clone() for name, one in MODEL.state_dict().items()}
    for name in ("1.weight", "1.bias", "1.running_mean", "1.running_var"):
        state[name] = torch.rand(4)
    moved = apply(found, state, random_orders(found.bundles, torch.Generator().manual_seed(3)))
    assert not torch.equal(moved["0.weight"], state["0.weight"])
    images, model = torch.randn(3, 1, 2, 2), MODEL.eval()
    outputs = [torch.func.functional_call(model, one, images) for one in (state, moved)]
    torch.testing.assert_close(*outputs, rtol=1e-5, atol=1e-6)


def state_dim(name):
    return MODEL.state_dict()[name].dim()


def test_a_group_of_one_channel_permutes_nothing():
    assert not specified({"one": [["0.weight", 1]]}, MODEL).bundles
    with pytest.raises(UsageError, match=r"--groups: one: axis 0 of 0\.bias has 4 channels, but"):
        specified({"one": [["0.weight", 1], ["0.bias", 0]]}, MODEL)
