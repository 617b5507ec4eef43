"""Surfaces known in closed form, and everything an objective can do wrong."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from builders import evaluator, random_directions, regression
from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.checks.centre_check import check_centre
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.problems.objectives import mean_squared_error
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.tiles import Tile

CPU = torch.device("cpu")
ORIGIN = Tile((0,), ((0.0, 0.0),))


def make(model, directions, objective, splits, micro_batch=16, budget=1 << 30):
    settings = Settings(micro_batch)
    return evaluator(model, splits, objective, directions, settings, room=budget)


def whole(grid):
    indices = tuple(range(grid.total))
    return Tile(indices, grid.coordinates(indices))


def random_regression(dtype, samples=53):
    """Return a regression's model of a dtype, two directions, its inputs and its targets."""
    model, inputs, targets = regression(samples)
    directions = random_directions(model)
    return model.to(dtype), directions, inputs, targets


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_a_linear_regression_has_a_polynomial_for_a_surface(dtype, tolerance):
    """With residuals r and the responses a, b to the directions: mean (r + x a + y b)^2."""
    model, directions, inputs, targets = random_regression(dtype)
    centre = {n: p.detach().double().clone() for n, p in model.named_parameters()}
    data = TensorDataset(inputs.to(dtype), targets.to(dtype))
    evaluator = make(model, directions, mean_squared_error, {"train": data})
    grid = Grid({"x": Axis(-2, 1, 7), "y": Axis(-1, 3, 4)})  # not square, not symmetric

    def response(p):
        return (inputs @ p["weight"].T + p["bias"]).numpy()[:, 0]

    r = response(centre) - targets.numpy()[:, 0]
    a, b = response(directions["x"]), response(directions["y"])
    x, y = grid.axes["x"].coordinates[None, :], grid.axes["y"].coordinates[:, None]
    expected = (
        (r @ r + 2 * x * (r @ a) + 2 * y * (r @ b) + x * x * (a @ a) + y * y * (b @ b))
        + 2 * x * y * (a @ b)
    ) / len(r)
    result = evaluator.evaluate(whole(grid))
    loss = result.values["train", "loss"].reshape(grid.shape)
    np.testing.assert_allclose(loss, expected, rtol=tolerance)
    residuals = r + x[..., None] * a + y[..., None] * b
    stderr = (residuals**2).std(axis=-1, ddof=1) / np.sqrt(len(r))
    np.testing.assert_allclose(
        result.stderr["train", "loss"].reshape(grid.shape), stderr, rtol=10 * tolerance
    )


class Two(nn.Module):
    """f(u) = b u^2 + a, with two scalar parameters."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
        self.b = nn.Parameter(torch.tensor(2.0, dtype=torch.float64))

    def forward(self, u):
        return self.b * u * u + self.a


def test_a_network_of_two_parameters_by_hand():
    one, zero = torch.tensor(1.0), torch.tensor(0.0)
    directions = {"x": {"a": one, "b": zero}, "y": {"a": zero, "b": one}}

    def objective(model, batch):
        return {"loss": (model(batch["u"]) - batch["t"]).abs(), "output": model(batch["u"])}

    batches = [{"u": torch.tensor([0.0, 1.0]), "t": torch.tensor([0.0, 0.0])}]
    batches += [{"u": torch.tensor([2.0]), "t": torch.tensor([10.0])}]
    evaluator = make(Two(), directions, objective, {"train": batches})
    result = evaluator.evaluate(Tile((0, 1, 2), ((0.0, 0.0), (1.0, 0.0), (0.0, -1.0))))
    # outputs (1, 3, 9), (2, 4, 10), (1, 2, 5); targets 0, 0, 10
    np.testing.assert_allclose(result.values["train", "output"], [13 / 3, 16 / 3, 8 / 3])
    np.testing.assert_allclose(result.values["train", "loss"], [5 / 3, 2, 8 / 3])
    expected = [np.std(v, ddof=1) / 3**0.5 for v in ([1, 3, 1], [2, 4, 0], [1, 2, 5])]
    np.testing.assert_allclose(result.stderr["train", "loss"], expected)
    assert evaluator.model.b.item() == 1  # the last point's, in the model's own storage


@pytest.mark.parametrize("micro_batch", [1, 7, 53, 1000])
def test_unequal_last_batches_weigh_by_their_samples(micro_batch):
    model, directions, inputs, targets = random_regression(torch.float64)
    data = TensorDataset(inputs, targets)
    evaluator = make(model, directions, mean_squared_error, {"train": data}, micro_batch)
    result = evaluator.evaluate(ORIGIN)
    with torch.no_grad():
        losses = ((model(inputs) - targets) ** 2)[:, 0].numpy()
    assert result.values["train", "loss"][0] == pytest.approx(losses.mean(), rel=1e-14)
    assert result.stderr["train", "loss"][0] == pytest.approx(
        losses.std(ddof=1) / len(losses) ** 0.5, rel=1e-12
    )


def test_standard_errors_do_not_cancel():
    values = 1e8 + torch.rand(1000, dtype=torch.float64)
    evaluator = make(
        Two(),
        {"x": {"a": torch.zeros(()), "b": torch.zeros(())}},
        lambda model, batch: {"loss": batch[0]},
        {"train": TensorDataset(values)},
    )
    result = evaluator.evaluate(Tile((0,), ((0.0,),)))
    expected = values.numpy().std(ddof=1) / 1000**0.5
    assert result.stderr["train", "loss"][0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.bits
def test_streamed_data_gives_what_held_data_gives():
    grid = Grid({"x": Axis(-1, 1, 3), "y": Axis(-1, 1, 2)})
    results = []
    for budget in (1 << 30, 1500, 0):  # everything, one of the splits, nothing
        model, directions, inputs, targets = random_regression(torch.float64)
        data = TensorDataset(inputs, targets)
        half = TensorDataset(inputs[:20], targets[:20])
        splits = {"test": half, "train": data}
        evaluator = make(model, directions, mean_squared_error, splits, budget=budget)
        results.append(evaluator.evaluate(whole(grid)))
        held = [split.cached for split in evaluator.splits.values()]
        assert held == [budget >= 640, budget >= 1 << 30]
    for quantity, values in results[0].values.items():
        for other in results[1:]:
            np.testing.assert_array_equal(other.values[quantity], values)


def test_data_is_read_once_however_many_points_there_are():
    reads = []

    class Counting(Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            reads.append(index)
            return torch.ones(3).double(), torch.ones(1).double()

    model, directions, *_ = random_regression(torch.float64)
    evaluator = make(model, directions, mean_squared_error, {"train": Counting()})
    evaluator.evaluate(whole(Grid({"x": Axis(-1, 1, 5), "y": Axis(-1, 1, 5)})))
    assert sorted(reads) == list(range(6))


def test_infinite_losses_are_results():
    evaluator = make(
        Two(),
        {"x": {"a": torch.tensor(1.0), "b": torch.tensor(0.0)}},
        lambda model, batch: {"loss": 1 / (model(batch[0]) - 2)},
        {"train": TensorDataset(torch.zeros(4))},
    )
    result = evaluator.evaluate(Tile((0, 1), ((0.0,), (1.0,))))
    assert result.values["train", "loss"].tolist() == [-1, np.inf]
    assert result.status.tolist() == [1, 2]


class Samples(IterableDataset):
    def __iter__(self):
        for i in range(5):
            yield torch.full((3,), float(i)).double(), torch.zeros(1).double()


def sources():
    inputs, targets = torch.randn(11, 3).double(), torch.randn(11, 1).double()
    data = TensorDataset(inputs, targets)
    return {
        "data set": data,
        "loader": DataLoader(data, batch_size=4),
        "shuffling loader": DataLoader(data, batch_size=4, shuffle=True),
        "list of tuples": [(inputs[:6], targets[:6]), (inputs[6:], targets[6:])],
        "numpy": [[inputs.numpy(), targets.numpy()]],
    }


@pytest.mark.parametrize("kind", sources())
def test_every_source_of_data_gives_the_same(kind):
    torch.manual_seed(0)
    values = []
    for name in ("data set", kind):
        torch.manual_seed(0)
        model, directions, *_ = random_regression(torch.float64)
        evaluator = make(model, directions, mean_squared_error, {"train": sources()[name]})
        values.append(evaluator.evaluate(ORIGIN).values["train", "loss"][0])
    assert values[0] == pytest.approx(values[1], rel=1e-13)


def test_iterable_data_sets_are_batched():
    model, directions, *_ = random_regression(torch.float64)
    evaluator = make(model, directions, mean_squared_error, {"train": Samples()}, micro_batch=2)
    assert [len(batch[0]) for batch in evaluator.splits["train"]] == [2, 2, 1]


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        (lambda m, b: {"loss": m(b[0]).mean()}, "returned 'loss' as a scalar.*reduction='none'"),
        (lambda m, b: {"loss": m(b[0])}, r"shape \(16, 1\), expected \(16,\)"),
        (lambda m, b: {"loss": m(b[0])[1:, 0]}, r"shape \(15,\), expected \(16,\)"),
        (lambda m, b: {"loss": 1.0}, "as a float, expected a tensor"),
        (lambda m, b: {"loss": m(b[0])[:, 0] * 1j}, "as complex numbers; take their real parts"),
        (lambda m, b: m(b[0]), "returned a Tensor, expected {name: Tensor"),
        (lambda m, b: {}, "returned a dict"),
        (lambda m, b: {"a/b": m(b[0])[:, 0]}, "the name 'a/b'"),
        (lambda m, b: {3: m(b[0])[:, 0]}, "the name 3"),
        (lambda m, b: {f"loss{len(b[0])}": m(b[0])[:, 0]}, "for one batch and .* for another"),
        (lambda m, b: {"loss": m(b[1])}, "failed on batch 0 of split 'train'.*RuntimeError"),
    ],
)
def test_objectives_that_return_something_else_are_refused(objective, words):
    model, directions, inputs, targets = random_regression(torch.float64)
    splits = {"train": TensorDataset(inputs, targets)}
    evaluator = make(model, directions, objective, splits)
    with pytest.raises(ProblemError, match=words):
        check_centre(evaluator, ORIGIN, 1 << 30, allow_random=False)


def test_the_centre_is_checked_and_counted():
    model, directions, inputs, targets = random_regression(torch.float64)
    splits = {
        "train": TensorDataset(inputs, targets),
        "test": TensorDataset(inputs[:5], targets[:5]),
    }
    evaluator = make(model, directions, mean_squared_error, splits)
    assert check_centre(evaluator, ORIGIN, 1 << 30, False) == {"train": 53, "test": 5}


@pytest.mark.parametrize("build", ["dropout", "shuffled", "augmented"])
def test_random_objectives_are_refused_unless_allowed(build, workplace):
    import example

    problem = getattr(example, build)()
    zeros = {n: torch.zeros_like(p) for n, p in problem.model.named_parameters()}
    torch.manual_seed(0)
    evaluator = make(problem.model, {"x": zeros, "y": zeros}, problem.objective, problem.splits)
    with pytest.raises(ProblemError, match=r"random: .*dropout.*drop_last.*--allow-random"):
        check_centre(evaluator, ORIGIN, 1 << 30, allow_random=False)
    check_centre(evaluator, ORIGIN, 1 << 30, allow_random=True)


def test_a_shuffled_loader_that_leaves_nothing_out_is_not_random(workplace):
    import example

    problem = example.shuffled(drop_last=False)
    zeros = {n: torch.zeros_like(p) for n, p in problem.model.named_parameters()}
    evaluator = make(problem.model, {"x": zeros, "y": zeros}, problem.objective, problem.splits)
    assert check_centre(evaluator, ORIGIN, 1 << 30, False) == {"train": 50}


@pytest.mark.parametrize("source", [[], TensorDataset(torch.zeros(0, 3), torch.zeros(0, 1))])
def test_empty_splits_are_refused(source):
    model, directions, *_ = random_regression(torch.float64)
    with pytest.raises(ProblemError, match="'train' is empty"):
        make(model, directions, mean_squared_error, {"train": source})


def test_data_that_fails_is_named():
    class Failing(Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            raise OSError("no such image")

    model, directions, *_ = random_regression(torch.float64)
    with pytest.raises(ProblemError, match="'train' can't be read: OSError: no such image"):
        make(model, directions, mean_squared_error, {"train": Failing()})


def test_batch_norm_statistics_stay_frozen(workplace):
    import example

    problem = example.digits_network()
    problem.model.train()
    before = {n: b.clone() for n, b in problem.model.named_buffers()}
    ones = {n: torch.ones_like(p) for n, p in problem.model.named_parameters()}
    evaluator = make(problem.model, {"x": ones, "y": ones}, problem.objective, problem.splits)
    evaluator.evaluate(whole(Grid({"x": Axis(-1, 1, 3), "y": Axis(-1, 1, 2)})))
    for name, buffer in problem.model.named_buffers():
        assert torch.equal(buffer, before[name])
