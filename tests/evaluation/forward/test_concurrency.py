"""Tests that concurrent forward passes give the bits of a single thread, or are refused."""

import functools
import threading
import time
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from builders import image_evaluator
from landscape_cli.evaluation.batch_norm import Recalibration
from landscape_cli.evaluation.forward import defaults
from landscape_cli.evaluation.forward.concurrency import Workers
from landscape_cli.evaluation.forward.defaults import choose_default_settings
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.problems.objectives import cross_entropy
from landscape_cli.problems.zoo.mlp import MLP
from landscape_cli.problems.zoo.resnet import ResNet
from landscape_cli.records.stop_rule import StopRule, Target
from landscape_cli.records.tiles import Tile

pytestmark = pytest.mark.usefixtures("two_threads")

TILE = Tile((0, 1, 2), ((0.0, 0.0), (0.3, -0.2), (1.0, 1.0)))
TOGETHER = Settings(16, concurrent=True)
QUICK = Settings(16, channels_last=True, fold=True, in_place=True)


def resnet():
    return ResNet(8)


def wide():
    """Return a network whose outputs take 64 KiB for each sample."""
    first = nn.Sequential(nn.Conv2d(3, 256, 3, padding=1), nn.BatchNorm2d(256), nn.ReLU())
    return nn.Sequential(first, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10))


class Small(nn.Module):
    """A convolution and a linear layer; subclasses add what may be unsafe."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        self.head = nn.Linear(4, 10)
        self.register_buffer("calls", torch.zeros(()))
        self.scale = None
        self.notes = []

    def forward(self, images):
        return self.head(self.convolution(images).mean(dim=(2, 3)))


class Passing(Small):
    """Hands a number from one line to the next in an attribute, which is then None again."""

    def forward(self, images):
        self.scale = float(images.mean())
        time.sleep(0.002)
        scores = super().forward(images) * (1 + self.scale)
        self.scale = None
        return scores


class Remembering(Small):
    def forward(self, images):
        self.scale = images.mean()
        return super().forward(images)


class Noting(Small):
    def forward(self, images):
        self.notes.append(len(images))
        return super().forward(images)


class Counting(Small):
    def forward(self, images):
        self.calls += 1
        return super().forward(images)


class Drawing(Small):
    def forward(self, images):
        return super().forward(functional.dropout(images, training=True))


class Seeding(Small):
    def forward(self, images):
        torch.manual_seed(0)
        return super().forward(images + torch.randn(8))


class Locked(Small):
    """A module that can't be copied."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


def hooked():
    model = Small()
    model.head.register_forward_hook(lambda module, inputs, output: None)
    return model


def patched():
    model = Small()
    model.head.forward = functools.partial(nn.Linear.forward, model.head)
    return model


def bits(evaluator, settings=None):
    """Return values and standard errors at a tile's points, as bytes."""
    if settings is not None:
        evaluator.apply(settings)
    result = evaluator.evaluate(TILE)
    return [array.tobytes() for table in (result.values, result.stderr) for array in table.values()]


def possible(build, objective=None):
    evaluator = image_evaluator(build, objective=objective)
    return evaluator.concurrency().possible


@pytest.mark.bits
@pytest.mark.parametrize(
    ("change", "room"),
    [({"channels_last": True, "fold": True}, 1 << 30), ({"precision": "bf16", "fold": True}, 0)],
)
def test_the_bits_are_those_of_a_single_thread(change, room):
    evaluator = image_evaluator(resnet, samples=(70, 20))
    evaluator.load(room)
    settings = replace(TOGETHER, **change)
    torch.set_num_threads(1)
    alone = bits(evaluator, replace(settings, concurrent=False))
    assert bits(evaluator, settings) == alone  # on one thread it changes nothing
    for threads in (3, 2):
        torch.set_num_threads(threads)
        evaluator.apply(settings)
        assert bits(evaluator) == alone


@pytest.mark.bits
@pytest.mark.parametrize("room", [1 << 30, 0])
def test_sampled_points_have_the_bits_of_a_single_thread(room):
    tile = replace(TILE, rule=StopRule({("train", "loss"): Target(0.15, relative=False)}, 16))
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        evaluator = image_evaluator(resnet, samples=(300, 40))
        evaluator.load(room)
        evaluator.apply(TOGETHER)
        result = evaluator.evaluate(tile)
        found.append([*result.values.values(), *result.stderr.values(), *result.samples.values()])
    assert all((one == other).all() for one, other in zip(*found, strict=True))
    assert 16 <= min(result.samples["train"]) < max(result.samples["train"]) <= 300
    assert (result.samples["test"] == 40).all()


@pytest.mark.bits
def test_replicas_keep_apart_what_a_forward_pass_puts_into_the_model():
    evaluator = image_evaluator(Passing)
    assert evaluator.concurrency().possible
    torch.set_num_threads(1)
    alone = bits(evaluator, Settings(16))
    torch.set_num_threads(2)
    assert bits(evaluator, TOGETHER) == alone


@pytest.mark.parametrize(
    "build",
    [Remembering, Noting, Counting, Drawing, Seeding, Locked, hooked, patched],
)
def test_models_that_threads_could_disturb_are_evaluated_batch_by_batch(build):
    assert not possible(build)
    assert possible(Small)


def test_torchscript_is_evaluated_batch_by_batch():
    assert not possible(lambda: torch.jit.trace(Small().eval(), torch.ones(2, 3, 8, 8)))


def test_objectives_with_state_are_evaluated_batch_by_batch():
    weights, found, total = torch.ones(10), [], 0

    def weighted(model, batch, power=2.0):
        values = cross_entropy(model, batch)
        return {"loss": weights[batch[1]] * values["loss"] ** power}

    def noting(model, batch):
        values = cross_entropy(model, batch)
        found.append(values)
        return values

    def adding(model, batch):
        nonlocal total
        total = len(batch[0])
        return cross_entropy(model, batch)

    class Objective:
        def __call__(self, model, batch):
            return cross_entropy(model, batch)

    network = Small()

    def owning(model, batch):
        return cross_entropy(network, batch)

    def early(model, batch):
        return {"loss": later * cross_entropy(model, batch)["loss"]}

    assert not possible(Small, early)  # whatever it will be
    later = 2.0
    assert possible(Small, early)
    safe = (cross_entropy, weighted, functools.partial(weighted, power=1.0))
    assert all(possible(Small, objective) for objective in safe)
    unsafe = (noting, adding, Objective(), owning, functools.partial(noting))
    assert not any(possible(Small, objective) for objective in unsafe)


def test_an_unsafe_model_gets_the_same_values_with_these_settings():
    evaluator = image_evaluator(Remembering)
    assert bits(evaluator, Settings(16)) == bits(evaluator, TOGETHER)


def test_re_estimated_statistics_are_used_batch_by_batch():
    evaluator = image_evaluator(resnet)
    evaluator.recalibration = Recalibration(
        evaluator.model, evaluator.first_split, evaluator.objective
    )
    assert not evaluator.concurrency().possible


@pytest.mark.parametrize(
    ("build", "samples", "threads", "resize", "expected"),
    [
        (wide, 300, 2, True, replace(QUICK, micro_batch=32, concurrent=True)),
        (wide, 130, 2, False, replace(QUICK, concurrent=True)),
        (wide, 120, 2, True, replace(QUICK, micro_batch=64)),  # too few for two threads
        (resnet, 300, 2, True, replace(QUICK, micro_batch=512)),  # too little work in each layer
        (resnet, 300, 1, True, replace(QUICK, micro_batch=512)),
        (lambda: nn.Sequential(nn.Flatten(), MLP(192, (8,), 10)), 300, 2, True, None),
    ],
)
def test_convolutional_networks_get_a_batch_per_thread(build, samples, threads, resize, expected):
    torch.set_num_threads(threads)
    evaluator = image_evaluator(build, samples=(samples,))
    chosen = choose_default_settings(evaluator, (1.0, 1.0), resize)
    torch.set_num_threads(2)
    assert chosen == expected if expected else not chosen.concurrent


@pytest.mark.parametrize(("cache", "size"), [(0, 32), (1 << 20, 32), (2 << 20, 64), (1 << 30, 64)])
def test_larger_caches_get_larger_micro_batches(monkeypatch, cache, size):
    """A sample's largest output takes 64 KiB; 4 MiB of it are enough for any cache."""
    monkeypatch.setattr(defaults, "level_2_cache", lambda: cache)
    evaluator = image_evaluator(wide, samples=(1100,))
    chosen = choose_default_settings(evaluator, (1.0, 1.0))
    assert chosen == replace(QUICK, micro_batch=size, concurrent=True)


def test_batches_keep_their_order_and_run_at_the_same_time():
    meeting = threading.Barrier(2, timeout=60)

    def objective(model, batch):
        meeting.wait()  # passes only if two batches are evaluated at once
        time.sleep(0.01 * (batch % 2 == 0))
        return torch.get_num_threads(), batch

    workers = Workers(Small(), objective, 2)
    found = list(workers.each(range(12)))
    assert found == [(number, (1, number)) for number in range(12)]


def test_the_first_failure_is_raised_after_all_threads_have_stopped():
    running = set()

    def objective(model, batch):
        running.add(batch)
        time.sleep(0.01 * (batch == 2))
        running.discard(batch)
        if batch in (2, 3):
            raise ValueError(f"batch {batch}")

    each = Workers(Small(), objective, 2).each(range(100))
    assert [next(each)[0] for _ in range(2)] == [0, 1]
    with pytest.raises(ValueError, match="batch 2"):
        next(each)
    assert not running


def test_modes_of_the_caller_hold_in_all_threads():
    def objective(model, batch):
        return torch.is_grad_enabled(), torch.is_autocast_enabled("cpu")

    workers = Workers(Small(), objective, 2)
    with torch.no_grad(), torch.autocast("cpu"):
        assert {values for _, values in workers.each(range(4))} == {(False, True)}
    assert {values for _, values in workers.each(range(4))} == {(True, False)}


def test_settings_of_earlier_files_are_read():
    earlier = {"micro_batch": 16, "channels_last": True, "fold": True, "precision": "fp32"}
    assert Settings.from_dict(earlier) == Settings(16, channels_last=True, fold=True)
    assert Settings.from_dict(TOGETHER.as_dict()) == TOGETHER
    assert TOGETHER.summary() == "micro-batch 16, a batch on each thread"
