"""Batch norm's statistics, against PyTorch's own update and numbers computed by hand."""

import copy

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import update_bn
from torch.utils.data import TensorDataset

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation import SplitData
from landscape_cli.evaluation.batch_norm import BATCH, Recalibration, batch_norms, moved_buffers
from landscape_cli.evaluation.data.cache import Room
from landscape_cli.problems.objectives import cross_entropy

CPU = torch.device("cpu")


class Network(nn.Module):
    """Batch norm, dropout, a counter, and buffers of other kinds."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.5))
        self.head = nn.Linear(6, 3)
        self.free = nn.BatchNorm1d(3, track_running_stats=False)
        self.register_buffer("shift", torch.zeros(3))
        self.register_buffer("steps", torch.tensor(0))
        self.register_buffer("scratch", torch.ones(3), persistent=False)

    def forward(self, inputs):
        return self.head(self.body(inputs)) + self.shift


def data(samples):
    generator = torch.Generator().manual_seed(1)
    inputs = 3 + 2 * torch.randn(samples, 5, generator=generator)
    return TensorDataset(inputs, torch.randint(3, (samples,), generator=generator))


def recalibrated(model, samples, size=BATCH, **options):
    split = SplitData("train", data(samples), size, CPU)
    found = Recalibration(model, split, cross_entropy, **options)
    found.load(Room.of(1 << 20))
    with torch.no_grad():
        found.update((0.0,))
    return found


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Network().eval()


def test_only_norms_with_running_statistics_are_found(model):
    assert list(batch_norms(model)) == ["body.1"]


@pytest.mark.parametrize(
    ("perturb", "batch_norm", "names"),
    [
        ("parameters", "frozen", []),
        ("parameters", "recalibrate", []),
        ("parameters", "perturb", ["body.1.running_mean", "body.1.running_var"]),
        ("states", "frozen", ["shift"]),
        ("states", "recalibrate", ["shift"]),
        ("states", "perturb", ["shift", "body.1.running_mean", "body.1.running_var"]),
    ],
)
def test_floating_point_buffers_of_the_state_dict_move(model, perturb, batch_norm, names):
    assert sorted(moved_buffers(model, perturb, batch_norm)) == sorted(names)


def test_a_lone_norm_s_buffers_have_no_prefix():
    assert moved_buffers(nn.BatchNorm1d(2), "states", "frozen") == []


def test_equal_batches_are_averaged_as_pytorch_does(model):
    other = copy.deepcopy(model)
    recalibrated(model, 3 * BATCH)
    # update_bn puts dropout into training mode as well, which comes after the only norm here.
    update_bn([(part,) for part in data(3 * BATCH).tensors[0].split(BATCH)], other)
    for name in ("running_mean", "running_var"):
        torch.testing.assert_close(getattr(model.body[1], name), getattr(other.body[1], name))


def test_batches_count_by_their_samples(model):
    recalibrated(model, 200)
    with torch.no_grad():
        seen = model.body[0](data(200).tensors[0])
    variances = [part.var(dim=0) for part in seen.split(BATCH)]
    expected = (BATCH * variances[0] + (200 - BATCH) * variances[1]) / 200
    torch.testing.assert_close(model.body[1].running_mean, seen.mean(dim=0))
    torch.testing.assert_close(model.body[1].running_var, expected)


def test_biased_variances_of_one_batch_make_evaluation_equal_training(model):
    """As they must for networks in which small differences grow from layer to layer."""
    model.body[3].p = 0.0
    recalibrated(model, 6, biased=True)
    inputs, _ = data(6)[:]
    with torch.no_grad():
        evaluated = model(inputs)
        trained = copy.deepcopy(model).train()(inputs)
    torch.testing.assert_close(evaluated, trained)
    recalibrated(model, 6)
    with torch.no_grad():
        assert (model(inputs) - trained).abs().max() > 0.01


def test_biased_variances_are_averaged_over_batches(model):
    recalibrated(model, 10, size=4, biased=True)
    with torch.no_grad():
        seen = [model.body[0](part) for part in data(10)[:][0].split(4)]
    expected = sum(len(part) * part.var(0, unbiased=False) for part in seen) / 10
    torch.testing.assert_close(model.body[1].running_var, expected)


def test_a_module_used_twice_averages_over_both(model):
    model.body = nn.Sequential(model.body[1], model.body[1])  # 5 features would not fit
    model.body[0].__init__(5)
    model.head = nn.Linear(5, 3)
    model.eval()
    recalibrated(model, BATCH)
    inputs = data(BATCH).tensors[0]
    expected = (inputs.mean(dim=0) + 0) / 2  # the second time it sees normalized values
    torch.testing.assert_close(model.body[0].running_mean, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.bits
def test_nothing_else_is_in_training_mode(model):
    momentum = model.body[1].momentum
    found = recalibrated(model, 50)
    assert not any(module.training for module in model.modules())
    assert model.body[1].momentum == momentum
    first = model.body[1].running_var.clone()
    found.forget()
    with torch.no_grad():
        found.update((0.0,))
    assert torch.equal(model.body[1].running_var, first)  # dropout would make it differ


@pytest.mark.bits
def test_statistics_of_a_point_are_kept_until_they_are_forgotten(model):
    found = recalibrated(model, 50)
    first = model.body[1].running_mean.clone()
    with torch.no_grad():
        model.body[0].bias += 1
        found.update((0.0,))
        assert torch.equal(model.body[1].running_mean, first)
        found.update((1.0,))
        torch.testing.assert_close(model.body[1].running_mean, first + 1)
        model.body[0].bias.fill_(torch.nan)
        found.update((2.0,))
        assert model.body[1].running_mean.isnan().all()
        found.update((0.0,))
        assert torch.equal(model.body[1].running_mean, first)


def test_an_objective_that_fails_while_statistics_are_estimated_is_named(model):
    def objective(model, batch):
        torch.autograd.grad(model(batch[0]).sum(), batch[0])

    found = Recalibration(model, SplitData("train", data(5), BATCH, CPU), objective)
    with torch.no_grad(), pytest.raises(ProblemError, match=r"re-estimated.*torch.enable_grad\(\)"):
        found.update((0.0,))
