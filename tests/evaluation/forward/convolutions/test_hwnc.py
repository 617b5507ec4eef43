"""Convolutions in the memory order HWNC, against those of PyTorch and exact ones."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from builders import image_evaluator
from landscape_cli.evaluation.batch_norm import Recalibration
from landscape_cli.evaluation.forward import defaults
from landscape_cli.evaluation.forward.convolutions.hwnc import Convolution, Layout
from landscape_cli.evaluation.forward.defaults import choose_default_settings
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.problems.zoo.resnet import ResNet
from landscape_cli.records.tiles import Tile

TILE = Tile((0, 1, 2), ((0.0, 0.0), (0.3, -0.2), (1.0, 1.0)))
NARROW = Settings(32, channels_last=True, fold=True, precision="bf16")
EPS = torch.finfo(torch.bfloat16).eps

sizes = st.integers(1, 5)
pairs = st.tuples(sizes, sizes)


@given(
    st.integers(1, 7),
    *(pairs, pairs, st.tuples(st.integers(1, 9), st.integers(1, 9))),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
    *(st.integers(1, 3), st.integers(1, 2), st.integers(1, 3), st.booleans()),
)
def test_convolutions_are_those_of_the_rounded_numbers(
    n, channels, kernel, size, padding, stride, dilation, groups, bias
):
    """Sums are exact but for the last rounding, if products are integers of few digits."""
    inputs, outputs = (groups * number for number in channels)
    reach = [dilation * (k - 1) + 1 for k in kernel]
    size = [max(one, r - 2 * p) for one, r, p in zip(size, reach, padding, strict=True)]
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    module = nn.Conv2d(inputs, outputs, kernel, bias=bias, **options)
    generator = torch.Generator().manual_seed(n)
    with torch.no_grad():
        for one in (*module.parameters(), images := torch.empty(n, inputs, *size)):
            one.copy_(torch.randint(-3, 4, one.shape, generator=generator))
        expected = module(images)
        with torch.autocast("cpu", torch.bfloat16):
            found = Convolution(module)(images)
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, expected.bfloat16())
    assert found.permute(2, 3, 0, 1).is_contiguous()


def test_other_precisions_and_single_images_are_left_to_pytorch():
    module, images = nn.Conv2d(3, 4, 3), torch.randn(5, 3, 8, 8)
    with torch.no_grad():
        assert torch.equal(Convolution(module)(images), module(images))
        with torch.autocast("cpu", torch.bfloat16):
            assert Convolution(module)(images[0]).shape == (4, 6, 6)
            assert Convolution(module)(images[:0]).shape == (0, 4, 6, 6)


@torch.no_grad()
def test_weights_that_change_are_seen():
    """Whether they are parameters, or tensors in their place, as folded weights are."""
    module, images = nn.Conv2d(2, 2, 1, bias=False), torch.ones(3, 2, 4, 4)
    convolution = Convolution(module)
    buffer = torch.zeros(4)
    with torch.autocast("cpu", torch.bfloat16):
        module.weight.data = buffer.view(2, 2, 1, 1)
        for value in (1.0, 3.0):
            buffer.fill_(value)
            assert (convolution(images) == 2 * value).all()
        del module.weight
        for number in (5.0, 7.0):
            module.weight = torch.full((2, 2, 1, 1), number)
            assert (convolution(images) == 2 * number).all()
            module.weight.data.add_(1)
            assert (convolution(images) == 2 * number + 2).all()


class Varied(nn.Module):
    def __init__(self):
        super().__init__()
        self.plain = nn.Conv2d(3, 4, 3, padding=1)
        self.same = nn.Conv2d(3, 4, 3, padding="same")
        self.mirrored = nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect")
        self.line = nn.Conv1d(3, 4, 3)


def test_only_plain_convolutions_of_images_are_replaced():
    model = Varied()
    layout = Layout(model)
    assert len(layout) == 1
    layout.attach()
    images = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        assert model.plain(images).shape == (2, 4, 8, 8)
    twin = copy.deepcopy(model)
    assert twin.plain.forward._module is twin.plain
    layout.detach()
    assert not any("forward" in vars(module) for module in model.modules())


def means(evaluator, settings):
    evaluator.apply(settings)
    result = evaluator.evaluate(TILE)
    return torch.from_numpy(np.stack([*result.values.values()]))


def test_a_network_keeps_its_values_up_to_rounding():
    evaluator = image_evaluator(lambda: ResNet(8), samples=(70,))
    exact = means(evaluator, replace(NARROW, precision="fp32"))
    plain, layout = means(evaluator, NARROW), means(evaluator, replace(NARROW, hwnc=True))
    assert evaluator.hwnc().attached
    error = (plain - exact).abs().max()
    assert 0 < error < 8 * EPS * exact.max()
    assert (layout - exact).abs().max() <= 2 * error
    with evaluator.plain():
        assert not evaluator.hwnc().attached
        assert not any("forward" in vars(one) for one in evaluator.model.modules())
    assert torch.equal(means(evaluator, replace(NARROW, hwnc=True)), layout)
    assert torch.equal(means(evaluator, replace(NARROW, precision="fp32")), exact)


@pytest.mark.bits
def test_threads_with_replicas_give_the_same_bits():
    settings = replace(NARROW, micro_batch=16, hwnc=True, concurrent=True)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            evaluator = image_evaluator(lambda: ResNet(8), samples=(70,))
            evaluator.folding()
            found.append(means(evaluator, settings))
            assert evaluator.batches_at_once == threads
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


def test_re_estimated_statistics_keep_pytorchs_order():
    evaluator = image_evaluator(lambda: ResNet(8))
    evaluator.recalibration = Recalibration(
        evaluator.model, evaluator.first_split, evaluator.objective
    )
    assert len(evaluator.hwnc()) == 0


def wide_rows():
    """Return a network of which one convolution has rows of 16 pixels and the most work."""
    enlarged = nn.Upsample(scale_factor=2), nn.Conv2d(3, 16, 3, padding=1), nn.MaxPool2d(4)
    return nn.Sequential(*enlarged, nn.Conv2d(16, 4, 3), nn.Flatten(), nn.LazyLinear(10))


@pytest.mark.parametrize(
    ("build", "precision", "computes", "chosen"),
    [
        (lambda: ResNet(8), "bf16", True, True),
        (lambda: ResNet(8), "bf16", False, False),
        (lambda: ResNet(8), "bf16", None, False),
        (lambda: ResNet(8), "fp32", True, False),
        (wide_rows, "bf16", True, False),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 10)), "bf16", True, False),
    ],
)
def test_it_is_chosen_for_short_rows_in_bf16(monkeypatch, build, precision, computes, chosen):
    """By shapes alone, so that the same run has the same bits."""
    monkeypatch.setattr(defaults, "computes_bf16", lambda: computes)
    evaluator = image_evaluator(build, settings=Settings(16, precision=precision))
    settings = choose_default_settings(evaluator, (1.0, 1.0))
    assert settings.hwnc == chosen
    assert ("samples side by side" in settings.summary()) == chosen
