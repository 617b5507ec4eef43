"""Points on threads of their own: the bits of one point at a time, or refused."""

import threading
from dataclasses import replace

import pytest
import torch
from torch import nn

from builders import evaluator as evaluator_of
from builders import image_evaluator, random_directions, regression
from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.forward.choice import share_points
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.evaluation.points import threads as module
from landscape_cli.geometry.quantization import Quantizer
from landscape_cli.problems.objectives import cross_entropy, mean_squared_error
from landscape_cli.problems.zoo.resnet import ResNet
from landscape_cli.records.stop_rule import StopRule, Target
from landscape_cli.records.tiles import Tile

POINTS = tuple((0.1 * i, -0.2 * i) for i in range(9))
RULE = StopRule({("train", "loss"): Target(0.15, relative=False)}, 16)
pytestmark = pytest.mark.usefixtures("two_threads")

TILE = Tile(tuple(range(9)), POINTS, RULE)
SHARED = Settings(64, channels_last=True, fold=True, point_per_thread=True)


def made(build=lambda: ResNet(8), settings=SHARED, objective=None):
    evaluator = image_evaluator(build, samples=(300, 40), objective=objective)
    evaluator.apply(settings)
    return evaluator


def bits(result):
    groups = (result.values, result.stderr, result.samples)
    return [array.tobytes() for group in groups for array in group.values()]


@pytest.mark.bits
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("hwnc", [False, True])
def test_the_bits_are_those_of_a_single_thread(precision, hwnc):
    settings = replace(SHARED, precision=precision, hwnc=hwnc)
    torch.set_num_threads(1)
    evaluator = made(settings=settings)
    assert evaluator.points_at_once == 1
    alone = evaluator.evaluate(TILE)
    assert len(set(alone.samples["train"].tolist())) > 1
    for number in (3, 2):
        torch.set_num_threads(number)
        evaluator.apply(settings)
        assert evaluator.points_at_once == number
        assert bits(evaluator.evaluate(TILE)) == bits(alone)
    for index in (0, 8):  # whatever the tile
        one = evaluator.evaluate(Tile((index,), POINTS[index : index + 1], RULE))
        assert one.values["train", "loss"][0] == alone.values["train", "loss"][index]


def test_points_are_evaluated_at_the_same_time_with_other_weights():
    meeting = threading.Barrier(2, timeout=60)
    seen = set()

    def objective(model, batch):
        return cross_entropy(model, batch)

    evaluator = made(objective=objective)
    each = evaluator.replicas

    def evaluate(one, number):
        meeting.wait()  # passes only if two points are evaluated at once
        one.write(POINTS[number])
        seen.add((id(one), torch.get_num_threads()))
        assert one.point == POINTS[number]
        expected = evaluator.slice.centre.clone()
        evaluator.slice.write(POINTS[number], expected)
        meeting.wait()
        for name, view in expected.views.items():
            assert torch.equal(one.parameters.views[name], view)
            own = evaluator.parameters.views[name]
            assert one.parameters.views[name].data_ptr() != own.data_ptr()

    with torch.no_grad():
        evaluator.each_point(Tile(tuple(range(8)), POINTS[:8], RULE), evaluate)
    assert seen == {(id(one), 1) for one in each}


def test_many_threads_are_divided_among_a_few_points(monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    torch.set_num_threads(5)
    found = set()
    evaluator = made()
    assert evaluator.points_at_once == 2
    evaluator.each_point(TILE, lambda one, number: found.add(torch.get_num_threads()))
    torch.set_num_threads(2)
    assert found == {2}


def test_the_failing_point_is_the_evaluators():
    def first_weight(model):
        return float(next(model.parameters()).detach().flatten()[0])

    probe = made(settings=replace(SHARED, fold=False))
    with torch.no_grad():
        probe.write(POINTS[5])
    failing = first_weight(probe.model)

    def objective(model, batch):
        values = cross_entropy(model, batch)
        if first_weight(model) == failing:
            return {"loss": values["loss"][:1]}
        return values

    evaluator = made(settings=replace(SHARED, fold=False), objective=objective)
    assert evaluator.points_at_once == 2
    with pytest.raises(ProblemError, match="loss"):
        evaluator.evaluate(TILE)
    assert evaluator.point == POINTS[5]


class TiedByMemory(nn.Module):
    """Two layers whose parameters share memory, which copies would not."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.other.weight.data = self.one.weight.data
        self.head = nn.Linear(3, 10)

    def forward(self, images):
        return self.head(self.other(self.one(images)).mean(dim=(2, 3)))


class Remembered(nn.Module):
    """A layer with a view of its weight, which copies would keep at the centre."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 10, 1)
        self.kept = [self.layer.weight.detach()]

    def forward(self, images):
        return nn.functional.conv2d(images, self.kept[0]).mean(dim=(2, 3))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(3, 3, 1)
        self.other = nn.Conv2d(3, 3, 1)
        self.other.weight = self.one.weight
        self.head = nn.Linear(3, 10)

    forward = TiedByMemory.forward


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 10, 1)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, images):
        self.calls += 1
        return self.layer(images).mean(dim=(2, 3))


@pytest.mark.parametrize(
    ("build", "shared"),
    [
        (lambda: ResNet(8), True),
        (Tied, True),
        (TiedByMemory, False),
        (Remembered, False),
        (Counting, False),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 10)), False),  # gains little
    ],
)
def test_networks_whose_replicas_agree_get_a_point_on_each_thread(build, shared):
    evaluator = image_evaluator(build, samples=(300, 40))
    before = evaluator.settings
    chosen = share_points(evaluator, (1.0, 1.0))
    assert chosen == (replace(before, point_per_thread=True) if shared else before)
    assert evaluator.settings == before
    evaluator.apply(chosen)
    plain = image_evaluator(build, samples=(300, 40)).evaluate(TILE)
    found = evaluator.evaluate(TILE)
    assert (found.samples["train"] == plain.samples["train"]).all()
    for key, values in plain.values.items():
        assert found.values[key] == pytest.approx(values, rel=1e-6)


def test_other_work_at_a_point_is_done_one_by_one(monkeypatch):
    assert made().points_at_once == 2
    streamed = image_evaluator(lambda: ResNet(8), samples=(70,))
    streamed.load(0)
    streamed.apply(SHARED)
    assert streamed.points_at_once == 1
    rounded = image_evaluator(lambda: ResNet(8))
    rounded.quantizer = Quantizer.__new__(Quantizer)
    rounded.set_forward(SHARED)
    assert rounded.points_at_once == 1
    large = image_evaluator(lambda: ResNet(8))
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    large.apply(SHARED)
    assert large.points_at_once == 1


def test_without_a_rule_all_samples_are_evaluated_as_ever():
    evaluator, plain = made(), made(settings=replace(SHARED, point_per_thread=False))
    found, expected = (one.evaluate(replace(TILE, rule=None)) for one in (evaluator, plain))
    assert bits(found) == bits(expected)
    assert SHARED.summary().endswith("a point on each thread")


def test_a_linear_model_without_convolutions_can_do_it_too():
    model, inputs, targets = regression(600)
    data = {"train": torch.utils.data.TensorDataset(inputs, targets)}
    settings = Settings(64, point_per_thread=True)
    evaluator = evaluator_of(model, data, mean_squared_error, random_directions(model), settings)
    evaluator.apply(settings)
    assert evaluator.points_at_once == 2
    found = evaluator.evaluate(TILE)
    evaluator.apply(Settings(64))
    assert bits(evaluator.evaluate(TILE)) == bits(found)
