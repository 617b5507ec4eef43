"""Networks of random operations: no permutation that is found may change the function."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from landscape_cli.alignment.align import relative_difference
from landscape_cli.alignment.permutations import apply, random_orders
from landscape_cli.alignment.symmetries import find_symmetries
from landscape_cli.alignment.tracing import Inputs

WIDTHS = (2, 4, 6, 8, 12)
STEPS = (
    *("conv", "group", "depthwise", "batch_norm", "group_norm", "layer_norm", "prelu", "relu"),
    *("add", "concatenate", "shortcut", "halves", "swap", "shuffle", "slice", "pad", "scale"),
    *("attend", "attend_rows", "squeeze", "softmax", "tie", "flip", "write", "repeat", "cumulate"),
    *("rotate", "pool", "einsum", "stack", "expand", "gate", "roll_heads", "matrix", "interleave"),
)


class Random(nn.Module):
    """Operations one after the other on (n, channels, 4, 4), then a linear layer.

    Args:
        steps: pairs of an operation and a number that chooses its details.
    """

    def __init__(self, steps):
        super().__init__()
        self.stem, self.layers = nn.Conv2d(2, 4, 1), nn.ModuleList()
        self.steps, channels = [], 4
        for kind, number in steps:
            layer, after = self.layer(kind, number, channels)
            if layer is None:
                continue
            self.layers.append(layer)
            self.steps.append((kind, number))
            channels = after
        self.head = nn.Linear(channels * 16, 3)
        self.double()
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.7)
        for norm in self.modules():
            if isinstance(norm, nn.BatchNorm2d):
                nn.init.normal_(norm.running_mean)
                nn.init.uniform_(norm.running_var, 0.5, 2)

    def layer(self, kind, number, c):
        """Return the parameters of an operation, and the channels that it returns."""
        wide = WIDTHS[number % len(WIDTHS)]
        groups = next(one for one in (2, 3, 4, 6, 1) if c % one == 0)
        same = nn.Identity(), c
        if c > 24 and kind in ("concatenate", "repeat", "pad", "interleave", "stack"):
            return None, c
        return {
            "conv": lambda: (nn.Conv2d(c, wide, 1), wide),
            "group": lambda: (nn.Conv2d(c, groups * wide, 1, groups=groups), groups * wide),
            "depthwise": lambda: (nn.Conv2d(c, c, 3, padding=1, groups=c), c),
            "batch_norm": lambda: (nn.BatchNorm2d(c), c),
            "group_norm": lambda: (nn.GroupNorm(groups, c), c),
            "layer_norm": lambda: (nn.LayerNorm(c), c),
            "prelu": lambda: (nn.PReLU(c), c),
            "add": lambda: (nn.Conv2d(c, c, 1), c),
            "concatenate": lambda: (nn.Conv2d(c, wide, 1), c + wide),
            "halves": lambda: (nn.Conv2d(c, 2 * wide, 1), wide),
            "gate": lambda: (nn.Conv2d(c, 2 * wide, 1), wide),
            "swap": lambda: same if c % 2 == 0 else (None, c),
            "rotate": lambda: same if c % 4 == 0 else (None, c),
            "slice": lambda: (nn.Identity(), c - 1) if c > 2 else (None, c),
            "pad": lambda: (nn.Identity(), c + 3),
            "scale": lambda: (nn.PReLU(c), c),
            "attend": lambda: (nn.Linear(c, 24), 8),
            "attend_rows": lambda: (nn.MultiheadAttention(c, groups, batch_first=True), c),
            "squeeze": lambda: (nn.Linear(c, c), c),
            "tie": lambda: (nn.Conv2d(c, c, 1), c),
            "repeat": lambda: (nn.Identity(), 2 * c),
            "interleave": lambda: (nn.Identity(), 2 * c),
            "stack": lambda: (nn.Identity(), 2 * c),
            "einsum": lambda: (nn.Linear(c, wide), wide),
            "expand": lambda: (nn.Linear(c, wide), wide),
            "matrix": lambda: (nn.Linear(c, wide), wide),
            "roll_heads": lambda: same if c % groups == 0 and groups > 1 else (None, c),
            "shuffle": lambda: same if groups > 1 else (None, c),
        }.get(kind, lambda: same)()

    def forward(self, x):
        x = self.stem(x)
        for (kind, number), layer in zip(self.steps, self.layers, strict=True):
            x = self.step(kind, number, layer, x)
        return self.head(x.flatten(1))

    def step(self, kind, number, layer, x):
        n, c, h, w = x.shape
        groups = next(one for one in (2, 3, 4, 6, 1) if c % one == 0)
        rows = x.flatten(2).transpose(1, 2)

        def back(found):
            return found.transpose(1, 2).unflatten(2, (h, w))

        if kind in ("conv", "group", "depthwise", "batch_norm", "group_norm", "prelu"):
            return layer(x)
        if kind == "layer_norm":
            return layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        if kind == "relu":
            return functional.relu_(x) if number % 2 else x.relu()
        if kind == "add":
            return x + layer(x).tanh()
        if kind == "shortcut":
            return x + x.mean((2, 3), keepdim=True)
        if kind == "concatenate":
            return torch.cat([x, layer(x)] if number % 2 else [layer(x), x], 1)
        if kind == "halves":
            one, other = layer(x).chunk(2, 1)
            return one * other.sigmoid()
        if kind == "gate":
            return functional.glu(layer(x), 1)
        if kind == "swap":
            return torch.cat([x[:, c // 2 :], x[:, : c // 2]], 1)
        if kind == "rotate":
            one, other = x.unflatten(1, (c // 4, 4)).split([2, 2], 2)
            return torch.cat([-other, one], 2).flatten(1, 2)
        if kind == "slice":
            return x[:, 1:] if number % 2 else x[:, :-1]
        if kind == "pad":
            return functional.pad(x, (0, 0, 0, 0, 1, 2))
        if kind == "scale":
            return x * layer.weight[:, None, None]
        if kind == "squeeze":
            return x * layer(x.amax((2, 3))).softmax(-1)[..., None, None]
        if kind == "softmax":
            return x.softmax(1) if number % 2 else x.softmax(2)
        if kind == "tie":
            return layer(layer(x).tanh())
        if kind == "flip":
            return x.flip(2 if number % 2 else 1)
        if kind == "write":
            x = x.clone()
            x[:, number % c] = x[:, (number // 7) % c] + 1
            return x
        if kind == "repeat":
            return x.repeat(1, 2, 1, 1)
        if kind == "interleave":
            return x.repeat_interleave(2, 1)
        if kind == "stack":
            return torch.stack([x, x.sin()], 1 + number % 2).flatten(1, 2)
        if kind == "cumulate":
            return x.cumsum(2 if number % 2 else 1)
        if kind == "pool":
            return functional.max_pool2d(x, 3, 1, 1)
        if kind == "shuffle":
            return x.view(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)
        if kind == "roll_heads":
            heads = x.view(n, groups, c // groups, h * w)
            return (heads - heads.mean(1, keepdim=True) * heads.std(2, keepdim=True)).reshape(
                x.shape
            )
        if kind == "expand":
            return back(layer(rows).expand(2, -1, -1, -1).sum(0))
        if kind == "einsum":
            return torch.einsum("nchw,oc->nohw", x, layer.weight)
        if kind == "matrix":
            return back(
                torch.baddbmm(
                    layer.bias.expand(n, h * w, -1), rows, layer.weight.t().expand(n, -1, -1)
                )
            )
        if kind == "attend":
            query, key, value = layer(rows).reshape(n, h * w, 3, 2, 4).permute(2, 0, 3, 1, 4)
            if number % 3 == 0:
                found = functional.scaled_dot_product_attention(query, key, value)
            elif number % 3 == 1:
                found = (query @ key.mT / 2).softmax(-1) @ value
            else:
                found = query @ (key.mT @ value)
            return back(found.transpose(1, 2).reshape(n, h * w, 8))
        assert kind == "attend_rows"
        return back(layer(rows, rows, rows, need_weights=bool(number % 2))[0])


def check(steps, seed):
    torch.manual_seed(seed)
    model, inputs = Random(steps).eval(), torch.randn(2, 2, 4, 4).double()
    found = find_symmetries(model, [Inputs((inputs,), {})])
    assert not set(found.unknown), found.unknown
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    orders = random_orders(found.bundles, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        before = model(inputs)
        model.load_state_dict(apply(found, state, orders))
        assert relative_difference(before, model(inputs)) < 1e-9, model.steps
    return found


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 1000)), min_size=1, max_size=7),
    st.integers(0, 100),
)
@settings(deadline=None, max_examples=20)
def test_the_function_stays(steps, seed):
    check(steps, seed)


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("number", [0, 1])
def test_each_operation_alone(kind, number):
    check([("conv", 4), (kind, number), ("conv", 3), ("relu", 0)], number)
