"""Tests that settings of the forward pass change values only by rounding."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from builders import image_evaluator
from landscape_cli.evaluation import SplitData
from landscape_cli.evaluation.batch_norm import Recalibration
from landscape_cli.evaluation.forward import defaults
from landscape_cli.evaluation.forward.calibration import calibrate_settings
from landscape_cli.evaluation.forward.convolutions.folding import Folding
from landscape_cli.evaluation.forward.defaults import (
    choose_default_settings,
    measure_largest_output,
)
from landscape_cli.evaluation.forward.equivalence import compare_precisions, keeps_values
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.problems.objectives import cross_entropy
from landscape_cli.problems.zoo.resnet import ResNet
from landscape_cli.records.tiles import Tile

CPU = torch.device("cpu")
TILE = Tile((0, 1, 2), ((0.0, 0.0), (0.3, -0.2), (1.0, 1.0)))


def resnet():
    return ResNet(8, channels=3)


class Awkward(nn.Module):
    """Convolutions and norms in every combination that folding has to distinguish."""

    def __init__(self):
        super().__init__()
        self.plain = nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect")
        self.plain_norm = nn.BatchNorm2d(4, affine=False)
        self.twice = nn.Conv2d(4, 4, 3, padding=1)  # used twice
        self.twice_norm = nn.BatchNorm2d(4)
        self.other_norm = nn.BatchNorm2d(4)
        self.grouped = nn.Conv2d(4, 8, 3, groups=2, bias=False)
        self.grouped_norm = nn.BatchNorm2d(8)
        self.alone = nn.BatchNorm2d(8)  # after a nonlinearity
        self.head = nn.Linear(8, 10)

    def forward(self, images):
        hidden = self.plain_norm(self.plain(images)).relu()
        hidden = self.twice_norm(self.twice(hidden)) + self.other_norm(self.twice(hidden))
        hidden = self.alone(self.grouped_norm(self.grouped(hidden)).relu())
        return self.head(hidden.mean(dim=(2, 3)))


class Mingling(nn.Module):
    """A norm with batch statistics, so that samples depend on each other."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(192, track_running_stats=False)
        self.head = nn.Linear(192, 10)

    def forward(self, images):
        return self.head(self.norm(images.flatten(1)))


class Branching(nn.Module):
    """A convolution whose output is also used elsewhere, which folding would get wrong."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 10)

    def forward(self, images):
        hidden = self.convolution(images)
        return self.head((self.norm(hidden) + hidden).mean(dim=(2, 3)))


def folding_agrees(evaluator):
    settings = replace(evaluator.settings, fold=True)
    return keeps_values(evaluator, settings, (1.0, 1.0), list(evaluator.first_split))


@pytest.mark.bits
@pytest.mark.parametrize("build", [resnet, Awkward, Branching])
@pytest.mark.parametrize(
    "change",
    [{"micro_batch": 7}, {"micro_batch": 500}, {"channels_last": True}, {"precision": "tf32"}],
)
def test_settings_change_values_only_by_rounding(build, change):
    evaluator = image_evaluator(build)
    plain = evaluator.evaluate(TILE)
    evaluator.apply(replace(Settings(16), **change))
    other = evaluator.evaluate(TILE)
    for name, values in plain.values.items():
        np.testing.assert_allclose(other.values[name], values, rtol=1e-5)
        np.testing.assert_allclose(other.stderr[name], plain.stderr[name], rtol=1e-4)
    evaluator.apply(Settings(16))
    for name, values in plain.values.items():
        assert evaluator.evaluate(TILE).values[name].tobytes() == values.tobytes()


@pytest.mark.bits
@pytest.mark.parametrize(("build", "pairs"), [(resnet, 9), (Awkward, 2)])
def test_folding_changes_values_only_by_rounding(build, pairs):
    evaluator = image_evaluator(build)
    plain = evaluator.evaluate(TILE)
    names = [name for name, _ in evaluator.model.named_parameters()]
    assert folding_agrees(evaluator)
    evaluator.apply(Settings(16, channels_last=True, fold=True))
    assert len(evaluator.folding()) == pairs
    folded = evaluator.evaluate(TILE)
    for name, values in plain.values.items():
        np.testing.assert_allclose(folded.values[name], values, rtol=1e-5)
    evaluator.apply(Settings(16))
    assert [name for name, _ in evaluator.model.named_parameters()] == names
    for name, values in plain.values.items():
        assert evaluator.evaluate(TILE).values[name].tobytes() == values.tobytes()


def test_folding_is_exact_in_float64():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 5, 3), nn.BatchNorm2d(5)).double()
    images = torch.randn(6, 2, 7, 7, dtype=torch.float64)
    model(images)
    with torch.no_grad():
        model[1].weight.uniform_(0.5, 2)
        model[1].bias.uniform_(-1, 1)
    model.eval()
    folding = Folding(model, lambda: model(images))
    with torch.no_grad():
        for scale in (1.0, 3.0):
            model[0].weight.mul_(scale) if not folding.attached else None
            expected = model(images)
            folding.attach()
            folding.update()
            torch.testing.assert_close(model(images), expected, rtol=1e-13, atol=1e-13)
            assert model[1](images.sum()) is not None
            folding.detach()


def test_folding_that_would_be_wrong_is_refused():
    evaluator = image_evaluator(Branching)
    assert len(evaluator.folding()) == 1
    assert not folding_agrees(evaluator)
    assert not calibrate_settings(evaluator, 10**7, 1, (1.0, 1.0)).settings.fold


def test_an_objective_that_reads_the_weights_is_not_folded():
    def objective(model, batch):
        values = cross_entropy(model, batch)
        return {"loss": values["loss"] + model.conv1.weight.square().sum()}

    evaluator = image_evaluator(resnet, objective=objective)
    assert not folding_agrees(evaluator)


def test_batches_are_not_resized_if_samples_depend_on_each_other():
    evaluator = image_evaluator(Mingling)
    batches = list(evaluator.first_split)
    for size in (8, 32):
        assert not keeps_values(evaluator, Settings(size), (1.0, 1.0), batches[:2])
    assert calibrate_settings(evaluator, 10**7, 1, (1.0, 1.0)).settings.micro_batch == 16


def test_default_settings_follow_from_the_models_shapes():
    assert measure_largest_output(image_evaluator(resnet)) == 16 * 8 * 8 * 4
    reduced = image_evaluator(resnet, settings=Settings(16, precision="bf16"))
    assert measure_largest_output(reduced) == 16 * 8 * 8 * 2
    chosen = choose_default_settings(image_evaluator(resnet), (1.0, 1.0))
    assert chosen == Settings(128, channels_last=True, fold=True, in_place=True)
    chosen = choose_default_settings(image_evaluator(resnet), (1.0, 1.0), resize=False)
    assert chosen.micro_batch == 16
    assert choose_default_settings(image_evaluator(Mingling), (1.0, 1.0)) == Settings(
        16, channels_last=True
    )
    assert not choose_default_settings(image_evaluator(Branching), (1.0, 1.0)).fold


@pytest.mark.parametrize(
    ("samples", "size"),
    [([50000], 6250), ([50000, 10000], 5000), ([60000, 10000], 5000), ([1000], 8192)]
    + [([50021], 8192), ([10000, 6000], 8192), ([8192 * 3], 8192)],
)
def test_batches_on_an_accelerator_divide_the_splits(samples, size):
    assert defaults._divide(samples, 8192) == size


def test_an_objective_that_needs_whole_batches_keeps_them():
    def objective(model, batch):
        if len(batch[0]) not in (16, 6):
            raise ValueError("a batch of another size")
        return cross_entropy(model, batch)

    evaluator = image_evaluator(resnet, objective=objective)
    assert len(evaluator.folding()) == 0
    assert choose_default_settings(evaluator, (1.0, 1.0), resize=False).channels_last


def test_short_runs_are_not_calibrated():
    evaluator = image_evaluator(resnet)
    assert calibrate_settings(evaluator, 3, 1, (1.0, 1.0)).settings == Settings(16)


@pytest.mark.bits
@pytest.mark.parametrize("resize", [True, False])
def test_calibration_restores_the_evaluator(resize):
    evaluator = image_evaluator(resnet)
    before = evaluator.evaluate(TILE)
    found = calibrate_settings(evaluator, 10**7, 1, (1.0, 1.0), resize).settings
    assert found.precision == "fp32"
    assert resize or found.micro_batch == 16
    assert evaluator.settings == Settings(16)
    for name, values in before.values.items():
        assert evaluator.evaluate(TILE).values[name].tobytes() == values.tobytes()


def test_a_reduced_precision_is_compared_with_fp32():
    evaluator = image_evaluator(resnet, settings=Settings(16, precision="bf16"))
    points = [(0.0, 0.0), (1.0, 1.0)]
    errors = compare_precisions(evaluator, points).relative_errors()
    assert [error["coordinates"] for error in errors] == [[0, 0], [1, 1]]
    assert 0 < errors[0]["relative"]["loss"] < 0.05
    assert evaluator.settings.precision == "bf16"
    reduced = evaluator.evaluate(TILE).values["train", "loss"]
    evaluator.apply(Settings(16))
    assert (reduced != evaluator.evaluate(TILE).values["train", "loss"]).all()


def test_re_estimated_statistics_use_the_compared_precision():
    evaluator = image_evaluator(resnet, settings=Settings(16, precision="bf16"))
    evaluator.recalibration = Recalibration(
        evaluator.model, evaluator.first_split, evaluator.objective
    )
    errors = compare_precisions(evaluator, TILE.coordinates).relative_errors()
    reduced = evaluator.evaluate(TILE).values["train", "loss"]
    evaluator.set_forward(Settings(16))
    exact = evaluator.evaluate(TILE).values["train", "loss"]
    expected = np.abs(reduced - exact) / exact
    assert [error["relative"]["loss"] for error in errors] == pytest.approx(expected, rel=1e-9)


@pytest.mark.bits
@pytest.mark.parametrize("fold", [False, True])
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_points_of_a_tile_do_not_share_cast_weights(precision, fold):
    evaluator = image_evaluator(resnet)
    evaluator.apply(Settings(16, fold=fold, precision=precision))
    together = evaluator.evaluate(TILE)
    for point, coordinates in enumerate(TILE.coordinates):
        alone = evaluator.evaluate(Tile((point,), (coordinates,)))
        for name, values in alone.values.items():
            assert values[0] == together.values[name][point]


def test_batches_of_iterables_keep_their_samples():
    batches = [(torch.ones(3, 2),), (torch.ones(5, 2),)]
    split = SplitData("train", batches, 16, CPU)
    list(split.load(1 << 20))
    split.arrange(4, channels_last=True)
    assert [len(batch[0]) for batch in split] == [3, 5]


def test_nested_batches_are_divided_in_order():
    class Dictionaries(torch.utils.data.Dataset):
        def __len__(self):
            return 7

        def __getitem__(self, index):
            return {"a": torch.tensor([index]), "b": (torch.tensor(index), "word")}

    split = SplitData("train", Dictionaries(), 3, CPU)
    list(split.load(1 << 20))
    split.arrange(5, channels_last=False)
    first, second = split
    assert first["a"].flatten().tolist() == first["b"][0].tolist() == [0, 1, 2, 3, 4]
    assert second["a"].flatten().tolist() == [5, 6]


@pytest.mark.bits
@pytest.mark.parametrize("room", [1 << 30, 0])
@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_points_of_a_tile_do_not_depend_on_each_other(precision, room):
    """Autocast caches converted weights, which must not be reused at another point."""
    evaluator = image_evaluator(lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 10)))
    evaluator.load(room)
    evaluator.apply(Settings(16, precision=precision))
    together = evaluator.evaluate(TILE)
    for point, coordinates in enumerate(TILE.coordinates):
        alone = evaluator.evaluate(Tile((point,), (coordinates,)))
        for name, values in alone.values.items():
            assert together.values[name][point] == values[0]
