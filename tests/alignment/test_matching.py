"""Weight matching against all permutations."""

import itertools

import pytest
import torch
from torch import nn

from landscape_cli.alignment.matching import match_weights
from landscape_cli.alignment.permutations import apply
from landscape_cli.alignment.symmetries import find_symmetries
from landscape_cli.alignment.tracing import Inputs


def networks(build, inputs):
    """Return two sets of weights of a network, and its symmetries."""
    states = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        model = build()
        states.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
    return states, find_symmetries(model, [Inputs((inputs,), {})])


def distance(one, other):
    return sum(float((one[name].double() - other[name].double()).square().sum()) for name in one)


def perceptron():
    return nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))


def test_one_layer_gets_the_best_of_all_orders():
    (one, other), found = networks(perceptron, torch.randn(4, 3))
    match = match_weights(found, one, other, list(one))
    best = min(
        distance(
            one,
            {
                "0.weight": other["0.weight"][list(order)],
                "0.bias": other["0.bias"][list(order)],
                "2.weight": other["2.weight"][:, list(order)],
                "2.bias": other["2.bias"],
            },
        )
        for order in itertools.permutations(range(5))
    )
    assert match.after == pytest.approx(best, rel=1e-12)
    assert match.before == pytest.approx(distance(one, other), rel=1e-12)
    assert match.after < match.before
    assert distance(one, apply(found, other, match.orders)) == pytest.approx(best, rel=1e-12)


def test_blocks_and_what_is_in_them_get_the_best_of_all_orders():
    def build():
        return nn.Sequential(nn.Conv1d(1, 3, 1), nn.Conv1d(3, 6, 1, groups=3), nn.Conv1d(6, 2, 1))

    (one, other), found = networks(build, torch.randn(4, 1, 7))
    match = match_weights(found, one, other, list(one))
    best = float("inf")
    for blocks in itertools.permutations(range(3)):
        for swaps in itertools.product((0, 1), repeat=3):
            order = [
                2 * b + (i ^ swap) for b, swap in zip(blocks, swaps, strict=True) for i in (0, 1)
            ]
            moved = {name: other[name][list(blocks)] for name in ("0.weight", "0.bias")}
            moved |= {name: other[name][order] for name in ("1.weight", "1.bias")}
            moved |= {"2.weight": other["2.weight"][:, order], "2.bias": other["2.bias"]}
            best = min(best, distance(one, moved))
    assert match.after == pytest.approx(best, rel=1e-12)
    assert match.after < match.before


def test_it_never_gets_worse_and_a_seed_repeats():
    def build():
        return nn.Sequential(*[nn.Linear(6, 6) for _ in range(6)])

    (one, other), found = networks(build, torch.randn(4, 6))
    matches = [match_weights(found, one, other, list(one), seed) for seed in (0, 0, 1, 2, 3)]
    assert matches[0].after == matches[1].after
    assert all(match.after < match.before for match in matches)
    assert all(match.sweeps < 20 for match in matches)


def test_weights_on_both_sides_of_which_one_order_acts():
    class Looped(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.loop, self.last = nn.Linear(3, 6), nn.Linear(6, 6), nn.Linear(6, 2)

        def forward(self, inputs):
            x = self.first(inputs)
            return self.last(x + self.loop(x).relu())

    (one, other), found = networks(Looped, torch.randn(4, 3))
    assert len(found.bundles) == 1
    match = match_weights(found, one, other, list(one))
    moved = apply(found, other, match.orders)
    assert match.after == pytest.approx(distance(one, moved), rel=1e-12)
    assert match.after < match.before


def test_complex_and_half_precision_weights():
    class Waves(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(3, 5, dtype=torch.cfloat)
            self.last = nn.Linear(5, 2, dtype=torch.cfloat)

        def forward(self, inputs):
            return self.last(self.first(inputs)).abs()

    inputs = torch.randn(4, 3, dtype=torch.cfloat)
    (one, _), found = networks(Waves, inputs)
    order = torch.tensor([3, 1, 4, 0, 2])
    other = {name: one[name][order] for name in ("first.weight", "first.bias")}
    other |= {"last.weight": one["last.weight"][:, order], "last.bias": one["last.bias"]}
    back = apply(found, other, match_weights(found, one, other, list(one)).orders)
    assert all(torch.equal(back[name], one[name]) for name in one)

    (one, _), found = networks(lambda: perceptron().bfloat16(), torch.randn(4, 3).bfloat16())
    other = {name: one[name][order] for name in ("0.weight", "0.bias")}
    other |= {"2.weight": one["2.weight"][:, order], "2.bias": one["2.bias"]}
    back = apply(found, other, match_weights(found, one, other, list(one)).orders)
    assert all(torch.equal(back[name], one[name]) for name in one)
    assert back["0.weight"].dtype == torch.bfloat16
