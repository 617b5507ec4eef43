"""Values that depend on which samples share a batch are found, and no others."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from builders import evaluator
from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.checks.batch_dependence import find_dependence, refuse_dependence
from landscape_cli.evaluation.checks.centre_check import check_centre
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.evaluation.out_of_memory import halve
from landscape_cli.problems.objectives import cross_entropy
from landscape_cli.records.tiles import Tile

ORIGIN = Tile((0,), ((0.0, 0.0),))
SAMPLES = 37


def data(dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(SAMPLES, 3, 8, 8, generator=generator).to(dtype)
    return TensorDataset(inputs, torch.randint(4, (SAMPLES,), generator=generator))


def network(norm=None, dtype=torch.float32):
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3), norm or nn.ReLU(), nn.ReLU(), nn.Flatten(), nn.Linear(288, 4)]
    return nn.Sequential(*layers).to(dtype)


def dependence(objective, model=None, source=None, size=16):
    splits = {"train": source or data()}
    found = evaluator(model or network(), splits, objective, None, Settings(size))
    return find_dependence(found, found.splits["train"])


def losses(model, batch):
    return functional.cross_entropy(model(batch[0]), batch[1], reduction="none")


def contrastive(model, batch):
    one, other = (functional.normalize(model(x), dim=1) for x in (batch[0], batch[0] + 0.1))
    return {
        "loss": functional.cross_entropy(one @ other.T, torch.arange(len(one)), reduction="none")
    }


def ranking(model, batch):
    return {"loss": losses(model, batch), "rank": losses(model, batch).argsort().argsort().double()}


DEPENDENT = {
    "contrastive": contrastive,
    "mean of the batch": lambda m, b: {"loss": losses(m, b).mean().expand(len(b[1]))},
    "weakly coupled": lambda m, b: {"loss": losses(m, b) + 1e-3 * m(b[0]).mean()},
    "normalized by the largest": lambda m, b: {"loss": losses(m, b) / losses(m, b).max()},
    "normalized by the size": lambda m, b: {"loss": losses(m, b) / len(b[1])},
    "ranking": ranking,
    "place": lambda m, b: {"loss": losses(m, b) * torch.arange(len(b[1]))},
    "weights": lambda m, b: {"loss": (losses(m, b), losses(m, b) / losses(m, b).sum())},
    "predecessor": lambda m, b: {"loss": losses(m, b) + losses(m, b).roll(1)},
    "not a number": lambda m, b: {"loss": losses(m, b) / (m(b[0])[:, 0] - m(b[0])[0, 0])},
}


@pytest.mark.parametrize("size", [16, 64])
@pytest.mark.parametrize("kind", DEPENDENT)
def test_values_that_depend_on_the_batch_are_found(kind, size):
    assert dependence(DEPENDENT[kind], size=size)


def test_batch_norm_without_running_statistics_is_found():
    model = network(nn.BatchNorm2d(8, track_running_stats=False))
    words = dependence(cross_entropy, model)
    assert words.startswith("'loss' of sample ")
    assert words.endswith("beside other samples")


class Experts(nn.Module):
    """A mixture of experts: each sample is computed with those that take the same expert."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(192, 4)
        self.experts = nn.ModuleList(nn.Linear(192, 4) for _ in range(4))

    def forward(self, x):
        x = x.flatten(1)
        chosen = self.gate(x).argmax(dim=1)
        found = torch.zeros(len(x), 4)
        for number, expert in enumerate(self.experts):
            samples = (chosen == number).nonzero()[:, 0]
            found.index_add_(0, samples, expert(x[samples]))
        return found


INDEPENDENT = {
    "experts": (Experts, cross_entropy),
    "convolutions": (network, cross_entropy),
    "batch norm": (lambda: network(nn.BatchNorm2d(8)), cross_entropy),
    "group norm": (lambda: network(nn.GroupNorm(2, 8)), cross_entropy),
    "bf16 weights": (lambda: network(dtype=torch.bfloat16), cross_entropy),
    "float64": (lambda: network(dtype=torch.float64), cross_entropy),
    "attention": (
        lambda: nn.Sequential(
            nn.Flatten(2),
            nn.TransformerEncoderLayer(64, 4, 32, batch_first=True),
            nn.Flatten(),
            nn.Linear(192, 4),
        ),
        cross_entropy,
    ),
    "tied predictions": (
        lambda: nn.Sequential(network(), nn.Linear(4, 4).requires_grad_(False)),
        cross_entropy,
    ),
    "infinite": (network, lambda m, b: {"loss": losses(m, b) / 0}),
    "zero": (network, lambda m, b: {"loss": losses(m, b) * 0}),
    "pairs": (network, lambda m, b: {"loss": (losses(m, b), b[1] + 1)}),
    "huge": (network, lambda m, b: {"loss": losses(m, b) * 1e300}),
}


@pytest.mark.parametrize("size", [16, 64])
@pytest.mark.parametrize("kind", INDEPENDENT)
def test_values_of_single_samples_are_not(kind, size):
    build, objective = INDEPENDENT[kind]
    model = build()
    dtype = next(iter(model.parameters())).dtype
    assert dependence(objective, model, data(dtype), size) is None


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_the_rounding_of_dynamic_quantization_is_no_dependence():
    """Its scale is that of all activations in a batch."""
    body = torch.ao.quantization.quantize_dynamic(
        nn.Sequential(nn.Linear(192, 16), nn.ReLU(), nn.Linear(16, 4)), {nn.Linear}
    )
    model = nn.Sequential(nn.Flatten(), nn.LayerNorm(192), body)
    assert dependence(cross_entropy, model) is None
    assert dependence(contrastive, model)


def test_batches_that_can_not_be_compared_are_left_alone():
    one = TensorDataset(*(tensor[:1] for tensor in data().tensors))
    assert dependence(contrastive, source=one) is None

    def even(model, batch):
        assert len(batch[1]) == 16, "takes no other batch"
        return {"loss": losses(model, batch)}

    whole = TensorDataset(*(tensor[:16] for tensor in data().tensors))
    assert dependence(even, source=whole) is None


def test_random_numbers_are_no_dependence_and_stay_the_users():
    def noisy(model, batch):
        return {"loss": losses(model, batch) + torch.rand(len(batch[1]))}

    found = evaluator(network(), {"train": data()}, noisy, None, Settings(16))
    state = torch.get_rng_state()
    assert find_dependence(found, found.splits["train"]) is None
    assert torch.equal(torch.get_rng_state(), state)


def checked(source, size=16):
    found = evaluator(network(), {"train": source}, contrastive, None, Settings(size))
    check_centre(found, ORIGIN, 1 << 30, False)
    return found


def test_only_a_micro_batch_that_the_user_chose_may_decide():
    found = checked(data())
    with pytest.raises(
        ProblemError, match=r"'train'.*share a batch.*DataLoader.*or set batch_size"
    ):
        refuse_dependence(found, None)
    refuse_dependence(found, 16)
    with pytest.raises(ProblemError, match="batch_size: 32 samples do not fit into memory"):
        refuse_dependence(found, 32)
    with pytest.raises(ProblemError, match="batch_size: 16 samples do not fit.*batch_size to less"):
        halve(found)


def test_batches_of_a_loader_are_kept():
    """Whatever micro-batch is asked for, the mean is that over the loader's own batches."""
    found = checked(DataLoader(data(), batch_size=10))
    refuse_dependence(found, None)
    with torch.no_grad():
        batches = DataLoader(data(), batch_size=10)
        expected = torch.cat([contrastive(found.model, batch)["loss"] for batch in batches]).mean()
    for settings in (Settings(4), Settings(64, channels_last=True)):
        found.apply(settings)
        value = found.evaluate(ORIGIN).values["train", "loss"][0]
        assert value == pytest.approx(expected.item(), rel=1e-6)
        assert [len(batch[1]) for batch in found.splits["train"]] == [10, 10, 10, 7]
    assert not halve(found)
