"""Operations in place: the bits of operations in new memory, and nothing overwritten."""

import copy
import math
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from builders import image_evaluator
from landscape_cli.evaluation.forward.defaults import choose_default_settings
from landscape_cli.evaluation.forward.in_place import Forward, InPlace, add, relu
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.problems.zoo.mlp import MLP
from landscape_cli.problems.zoo.resnet import ResNet
from landscape_cli.records.stop_rule import StopRule, Target
from landscape_cli.records.tiles import Tile

POINTS = ((0.0, 0.0), (0.3, -0.2), (1.0, 1.0))
TILE = Tile((0, 1, 2), POINTS)
PLAIN = Settings(32, channels_last=True)


class Network(nn.Module):
    """A convolution, a norm and a linear layer, used by a function of these and the images."""

    def __init__(self, use):
        super().__init__()
        self.convolution = nn.Conv2d(3, 3, 3, padding=1)
        self.norm, self.dropout = nn.BatchNorm2d(3), nn.Dropout()
        self.rectifier, self.head = nn.ReLU(), nn.Linear(3 * 64, 10)
        self.use = use

    def forward(self, images):
        return self.use(self, images)


def written_over(net, x):
    out = net.convolution(x)
    out += x
    return functional.relu(out, inplace=True)


def known_by_two_names(net, x):
    out = kept = net.convolution(x)
    out += x
    return functional.relu(out) + kept


def written_over_after(net, x):
    out = net.convolution(x)
    kept = out.flatten(1)
    return functional.relu(out) + kept.view_as(out)


def rectified_twice(net, x):
    out = net.convolution(x)
    out.relu_()
    return out.relu() + out


def of_other_shapes(net, x):
    means = net.convolution(x).mean((2, 3), keepdim=True)
    return (net.norm(means.expand(-1, -1, 1, 1)) + x).relu()


@torch.no_grad()
def compare(model, *images, operations=None):
    """Compare the bits that a model computes in place with its own."""
    model.eval()
    before = [one.clone() for one in images]
    expected = model(*images)
    in_place = InPlace(model)
    in_place.attach()
    found = model(*images)
    again = model(*images)
    in_place.detach()
    assert "forward" not in vars(model)
    for one in (found, again, model(*images)):
        torch.testing.assert_close(one, expected, rtol=0, atol=0, equal_nan=True)
    for one, other in zip(images, before, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)
    assert operations in (None, len(in_place))


@pytest.mark.parametrize(
    ("operations", "use"),
    [
        (1, lambda net, x: net.convolution(x).relu()),
        (1, lambda net, x: net.rectifier(net.norm(x))),
        (1, lambda net, x: functional.relu(net.head(x.flatten(1)))),
        (2, lambda net, x: torch.relu(net.convolution(x) + x)),
        (2, lambda net, x: functional.relu(torch.add(x, net.convolution(x)))),
        (1, lambda net, x: net.convolution(x).add(net.norm(x)).relu_() + x),
        (2, lambda net, x: (net.convolution(x) + x + x) * 2),
        (2, of_other_shapes),
        (1, written_over),
        # What something else reads, or what is no tensor of its own:
        (0, known_by_two_names),
        (0, lambda net, x: functional.relu(x) + x),
        (0, lambda net, x: net.dropout(x).relu() - x),
        (0, lambda net, x: net.convolution(x).relu_() - x),
        (0, written_over_after),
        (0, rectified_twice),
        (0, lambda net, x: net.convolution(x) + 1),
        (0, lambda net, x: torch.add(net.convolution(x), x, alpha=2)),
        (0, lambda net, x: (x.shape[1] + x.shape[2]) * net.convolution(x)),
    ],
)
def test_only_what_nothing_else_reads_is_overwritten(operations, use):
    torch.manual_seed(0)
    compare(Network(use), torch.randn(2, 3, 8, 8), operations=operations)


class NamedAdd(Network):
    """Has an argument that is named like an operation."""

    def forward(self, add):
        return (add.relu() + add) + self.convolution(add)


class NamedRelu(Network):
    def forward(self, relu):
        return (relu.relu() + relu) + self.convolution(relu)


@pytest.mark.parametrize("network", [NamedAdd, NamedRelu])
def test_arguments_are_not_mistaken_for_operations(network):
    compare(network(None), torch.randn(2, 3, 8, 8), operations=1)


kinds = st.sampled_from(["convolution", "norm", "relu", "relu_", "sum", "+=", "dropout", "view"])
steps = st.lists(st.tuples(kinds, st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12)


@given(steps, st.booleans())
def test_any_network_of_these_operations_keeps_its_bits(steps, infinite):
    """Each step takes earlier tensors, which later ones may read or overwrite as well."""

    def use(net, x):
        known = [net.convolution(x)]
        for kind, one, other in steps:
            a, b = (known[number % len(known)] for number in (one, other))
            if kind == "+=":
                a += b
            elif kind == "relu_":
                a.relu_()
            else:
                known.append(
                    {
                        "convolution": net.convolution,
                        "norm": net.norm,
                        "relu": functional.relu,
                        "sum": lambda a, b=b: a + b,
                        "dropout": net.dropout,
                        "view": lambda a: a.flatten(1).view_as(x),
                    }[kind](a)
                )
        return torch.stack(known[-2:])

    torch.manual_seed(0)
    images = torch.randn(1, 3, 8, 8)
    if infinite:
        images[0, :, 2, 2:4] = torch.tensor([math.inf, -math.inf])
    compare(Network(use), images)


def test_a_relu_of_bfloat16_is_right_for_every_number():
    numbers = torch.arange(-(1 << 15), 1 << 15, dtype=torch.int32).to(torch.int16)
    numbers = numbers.view(torch.bfloat16)
    expected = torch.relu(numbers)
    assert numbers.isnan().sum() == 254
    found = relu(numbers)
    assert found is numbers
    torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)


def test_sums_of_other_shapes_and_dtypes_are_new():
    own = torch.ones(2, 3)
    assert torch.equal(add(own, torch.ones(2, 2, 3)), torch.full((2, 2, 3), 2.0))
    assert add(own, torch.ones(2, 3, dtype=torch.float64)).dtype == torch.float64
    assert add(own, 2).tolist() == [[3.0] * 3] * 2
    assert own.tolist() == [[1.0] * 3] * 2
    assert add(own, own) is own
    assert own.tolist() == [[2.0] * 3] * 2


class Choosing(nn.Module):
    """Chooses by numbers, which a trace does not know."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 3, 1)

    def forward(self, images):
        hidden = self.convolution(images).relu()
        return hidden if hidden.sum() > 0 else images


class Optional(Choosing):
    """Has an argument that may be left out."""

    def forward(self, images, mask=None):
        hidden = self.convolution(images).relu()
        return hidden if mask is None else hidden * mask


def test_a_model_that_cannot_be_traced_stays_as_it_is():
    compare(Choosing(), torch.randn(2, 3, 8, 8), operations=0)


def test_the_model_computes_what_a_trace_cannot():
    images = torch.randn(2, 3, 8, 8)
    compare(Optional(), images, operations=1)
    compare(Optional(), images, torch.rand(2, 1, 8, 8))


class Meanwhile(Choosing):
    """Waits during the forward pass until a module has run in another thread."""

    def __init__(self, elsewhere):
        super().__init__()
        self.elsewhere = elsewhere

    def forward(self, images):
        thread = threading.Thread(target=self.elsewhere)
        thread.start()
        thread.join()
        return self.convolution(images).relu()


def test_other_threads_are_not_traced():
    transform, found = nn.Sequential(nn.Linear(2, 2), nn.ReLU()), []
    expected = transform(torch.ones(2))
    model = Meanwhile(lambda: found.append(transform(torch.ones(2))))
    compare(model, torch.randn(2, 3, 8, 8), operations=1)
    assert len(found) == 3
    assert all(torch.equal(one, expected) for one in found)


def test_layers_with_two_names_are_found():
    model = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), nn.Conv2d(3, 3, 1), nn.ReLU())
    model[2] = model[0]
    model.add_module("again", model[1])
    compare(model, torch.randn(2, 3, 8, 8), operations=2)


def test_derivatives_are_the_models_own():
    model = Network(lambda net, x: (net.convolution(x) + x).relu()).eval()
    images = torch.randn(2, 3, 8, 8)
    expected = torch.autograd.grad(
        model(images).square().sum(), list(model.convolution.parameters())
    )
    in_place = InPlace(model)
    in_place.attach()
    assert len(in_place) == 2
    found = torch.autograd.grad(model(images).square().sum(), list(model.convolution.parameters()))
    assert all(map(torch.equal, expected, found))


def test_a_copy_computes_with_its_own_layers():
    model = Network(lambda net, x: net.convolution(x).relu()).eval()
    InPlace(model).attach()
    twin = copy.deepcopy(model)
    images = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        expected = model(images)
        assert torch.equal(twin(images), expected)
        twin.convolution.weight.zero_()
        assert torch.equal(model(images), expected)
        assert not torch.equal(twin(images), expected)


def bits(evaluator, settings, tile=TILE):
    evaluator.apply(settings)
    result = evaluator.evaluate(tile)
    return np.stack([*result.values.values(), *result.stderr.values()]).tobytes()


@pytest.mark.bits
@pytest.mark.parametrize("fold", [False, True])
@pytest.mark.parametrize("settings", [PLAIN, replace(PLAIN, precision="bf16")])
@pytest.mark.parametrize("hwnc", [False, True])
def test_a_residual_network_keeps_its_bits(settings, fold, hwnc):
    """Seven ReLUs and three sums; a block's first sum has a shortcut that is read once, too."""
    evaluator = image_evaluator(lambda: ResNet(8), samples=(70,))
    settings = replace(settings, fold=fold, hwnc=hwnc)
    plain = bits(evaluator, settings)
    assert bits(evaluator, replace(settings, in_place=True)) == plain
    assert len(evaluator.in_place()) == 10
    assert isinstance(evaluator.model.forward, Forward)
    with evaluator.plain():
        assert "forward" not in vars(evaluator.model)
    assert isinstance(evaluator.model.forward, Forward)
    assert bits(evaluator, settings) == plain


@pytest.mark.bits
@pytest.mark.usefixtures("two_threads")
def test_threads_compute_in_place():
    evaluator = image_evaluator(lambda: ResNet(8), samples=(300,))
    alone = replace(PLAIN, micro_batch=16, fold=True, in_place=True)
    expected = bits(evaluator, alone)
    assert bits(evaluator, replace(alone, concurrent=True)) == expected
    assert evaluator.batches_at_once == 2
    rule = StopRule({("train", "loss"): Target(0.15, relative=False)}, 16)
    sampled = Tile(TILE.indices, POINTS, rule)
    expected = bits(evaluator, alone, sampled)
    assert bits(evaluator, replace(alone, point_per_thread=True), sampled) == expected
    assert evaluator.points_at_once == 2
    for one in evaluator.replicas:
        assert isinstance(one.model.forward, Forward)
        assert one.model is not evaluator.model


@pytest.mark.usefixtures("two_threads")
def test_workers_compute_as_the_model_does():
    evaluator = image_evaluator(lambda: ResNet(8), samples=(300,))
    shared = replace(PLAIN, micro_batch=16, concurrent=True)
    seen = {}
    for in_place in (False, True, False):
        evaluator.apply(replace(shared, in_place=in_place))
        workers = evaluator._workers
        assert ("forward" in vars(workers._replicas.get())) == in_place
        assert seen.setdefault(in_place, workers) is workers


class Remembering(ResNet):
    """Keeps what it computed last."""

    def forward(self, images):
        self.last = super().forward(images)
        return self.last


@pytest.mark.parametrize(
    ("build", "chosen"),
    [
        (lambda: ResNet(8), True),
        (lambda: Remembering(8), False),
        (lambda: nn.Sequential(nn.Flatten(), MLP(192, (16,), 10)), False),
        (
            lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10)),
            True,
        ),
        (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 10)), False),
    ],
)
def test_it_is_chosen_for_convolutional_networks_that_keep_nothing(build, chosen):
    evaluator = image_evaluator(build)
    assert choose_default_settings(evaluator, (1.0, 1.0)).in_place == chosen
