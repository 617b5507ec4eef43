"""Gradients and matrix products of objectives, against closed forms and `torch.func`."""

import gc
import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset

from evaluation.derivatives.networks import INPUTS, Attentive, network
from landscape_cli.errors import ProblemError, UsageError
from landscape_cli.evaluation.data.split import SplitData
from landscape_cli.evaluation.derivatives.derivatives import local
from landscape_cli.evaluation.derivatives.local_sums import LocalSums
from landscape_cli.evaluation.derivatives.matrices import MATRICES, matrix_class
from landscape_cli.evaluation.derivatives.mean_loss import MeanLoss
from landscape_cli.evaluation.derivatives.variables import Variables, choose_names
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.problems.objectives import cross_entropy, mean_squared_error

CPU = torch.device("cpu")
F64 = torch.float64


def derivatives(model, inputs, targets, objective=cross_entropy, matrix="hessian", **keys):
    size, names, quantity = keys.get("size", 4), keys.get("names"), keys.get("quantity")
    variables = Variables(model, FlatParameters.of_model(model, CPU), names)
    data = keys.get("data") or TensorDataset(inputs, targets)
    split = SplitData("train", data, size, CPU)
    for _ in split.load(1 << 20):
        pass
    return local(LocalSums(MeanLoss(model, objective, quantity), variables, split, matrix))


def dense(found):
    return found(torch.eye(found.size, dtype=F64))


def mean_loss_of(model, inputs, labels):
    """Return the mean loss as a function of the vector of parameters, and that vector."""
    names = [name for name, _ in model.named_parameters()]
    own = {name: one.detach().clone() for name, one in model.named_parameters()}

    def loss(vector):
        parts = vector.split([own[name].numel() for name in names])
        state = {n: part.view(own[n].shape) for n, part in zip(names, parts, strict=True)}
        with nn.attention.sdpa_kernel(nn.attention.SDPBackend.MATH):
            return F.cross_entropy(torch.func.functional_call(model, state, (inputs,)), labels)

    return loss, torch.cat([own[name].flatten() for name in names])


def exact_hessian(model, inputs, labels):
    loss, vector = mean_loss_of(model, inputs, labels)
    return torch.autograd.functional.hessian(loss, vector)


@pytest.mark.parametrize("kind", INPUTS, ids=lambda kind: kind.__name__)
def test_gradient_and_hessian_are_those_of_the_mean_loss(kind):
    model, inputs, labels = network(kind)
    frozen = [one.requires_grad for one in model.parameters()]
    loss, vector = mean_loss_of(model, inputs, labels)
    expected = exact_hessian(model, inputs, labels)

    found = derivatives(model, inputs, labels)

    assert found.loss() == pytest.approx(loss(vector).item(), rel=1e-14)
    slope = torch.autograd.functional.jacobian(loss, vector)
    torch.testing.assert_close(found.gradient(), slope, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(dense(found), expected, rtol=1e-10, atol=1e-13)
    assert [one.requires_grad for one in model.parameters()] == frozen
    assert all(one.grad is None for one in model.parameters())


def test_fused_attention_comes_back_after_a_product():
    model, inputs, labels = network(Attentive)
    before = torch.backends.cuda.flash_sdp_enabled()
    dense(derivatives(model, inputs, labels))
    assert torch.backends.cuda.flash_sdp_enabled() == before


@pytest.mark.slow
def test_the_encoder_layer_of_a_transformer():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(4, 2, 6, activation=torch.tanh, batch_first=True)
    model = nn.Sequential(layer, nn.Flatten(), nn.Linear(8, 3)).double().eval()
    inputs, labels = torch.randn(5, 2, 4, dtype=F64), torch.randint(3, (5,))
    expected = exact_hessian(model, inputs, labels)
    torch.testing.assert_close(dense(derivatives(model, inputs, labels)), expected)


@pytest.mark.parametrize("matrix", MATRICES)
def test_linear_regression(matrix):
    torch.manual_seed(0)
    model = nn.Linear(3, 1, bias=False, dtype=F64)
    inputs, targets = torch.randn(20, 3, dtype=F64), torch.randn(20, 1, dtype=F64)
    residuals = inputs @ model.weight.detach().T - targets
    slopes = 2 * residuals * inputs  # of each sample's loss
    expected = {
        "hessian": 2 / 20 * inputs.T @ inputs,
        "ggn": 2 / 20 * inputs.T @ inputs,
        "fisher": slopes.T @ slopes / 20,
    }
    found = dense(derivatives(model, inputs, targets, mean_squared_error, matrix))
    torch.testing.assert_close(found, expected[matrix], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("matrix", ["hessian", "ggn"])
def test_softmax_regression_is_a_sum_of_kronecker_products(matrix):
    torch.manual_seed(0)
    model = nn.Linear(4, 3, bias=False, dtype=F64)
    inputs, labels = torch.randn(9, 4, dtype=F64), torch.randint(3, (9,))
    p = torch.softmax(inputs @ model.weight.detach().T, 1)
    blocks = torch.diag_embed(p) - p[:, :, None] * p[:, None]
    outer = inputs[:, :, None] * inputs[:, None]
    expected = sum(torch.kron(b, x) for b, x in zip(blocks, outer, strict=True)) / 9
    found = dense(derivatives(model, inputs, labels, cross_entropy, matrix))
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=[pytest.mark.slow] * (kind.__name__ == "Recurrent"))
        for kind in INPUTS
    ],
    ids=lambda kind: kind.__name__,
)
def test_gauss_newton_and_fisher_are_products_of_jacobians(kind):
    model, inputs, labels = network(kind)
    names = [name for name, _ in model.named_parameters()]
    own = {name: one.detach() for name, one in model.named_parameters()}

    def outputs(*tensors):
        state = dict(zip(names, tensors, strict=True))
        with nn.attention.sdpa_kernel(nn.attention.SDPBackend.MATH):
            return torch.func.functional_call(model, state, (inputs,))

    parts = torch.autograd.functional.jacobian(outputs, tuple(own.values()))
    jacobian = torch.cat([part.flatten(2) for part in parts], 2)  # (n, classes, P)
    p = torch.softmax(outputs(*own.values()).detach(), 1)
    bends = torch.diag_embed(p) - p[:, :, None] * p[:, None]
    slopes = torch.einsum("nc,ncp->np", p - F.one_hot(labels, p.shape[1]), jacobian)
    n = len(inputs)
    ggn = torch.einsum("nap,nab,nbq->pq", jacobian, bends, jacobian) / n

    found = dense(derivatives(model, inputs, labels, matrix="ggn"))
    torch.testing.assert_close(found, ggn, rtol=1e-10, atol=1e-14)
    fisher = dense(derivatives(model, inputs, labels, matrix="fisher"))
    torch.testing.assert_close(fisher, slopes.T @ slopes / n, rtol=1e-10, atol=1e-14)


class Wave(nn.Module):
    """A complex matrix and a complex bias."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.matrix = nn.Parameter(torch.randn(2, 2, dtype=torch.complex128))
        self.bias = nn.Parameter(torch.randn(2, dtype=torch.complex128))

    def forward(self, x):
        return (x.to(self.matrix) @ self.matrix + self.bias).abs()


@pytest.mark.parametrize("matrix", ["hessian", "ggn"])
def test_complex_parameters_count_as_pairs_of_real_ones(matrix):
    model = Wave()
    inputs, targets = torch.randn(6, 2, dtype=F64), torch.randn(6, 2, dtype=F64)
    real = (
        torch.view_as_real(model.matrix.detach()).clone(),
        torch.view_as_real(model.bias.detach()).clone(),
    )

    def loss(vector):
        matrix = torch.view_as_complex(vector[:8].view(2, 2, 2))
        bias = torch.view_as_complex(vector[8:].view(2, 2))
        return (((inputs.to(matrix) @ matrix + bias).abs() - targets) ** 2).mean(1).mean()

    vector = torch.cat([one.flatten() for one in real])
    found = derivatives(model, inputs, targets, mean_squared_error, matrix)
    slope = torch.autograd.functional.jacobian(loss, vector)
    torch.testing.assert_close(found.gradient(), slope, rtol=1e-11, atol=1e-13)
    if matrix == "hessian":
        expected = torch.autograd.functional.hessian(loss, vector)
        torch.testing.assert_close(dense(found), expected, rtol=1e-10, atol=1e-12)
    else:

        def outputs(vector):
            matrix = torch.view_as_complex(vector[:8].view(2, 2, 2))
            bias = torch.view_as_complex(vector[8:].view(2, 2))
            return (inputs.to(matrix) @ matrix + bias).abs().flatten()

        jacobian = torch.autograd.functional.jacobian(outputs, vector)
        torch.testing.assert_close(dense(found), 2 * jacobian.T @ jacobian / 12)


def test_views_of_one_memory_under_two_names_are_the_same_entries():
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Tanh(), nn.Linear(3, 3, bias=False))
    model.double()
    model[2].weight = nn.Parameter(model[0].weight.detach())  # another Parameter, same memory
    inputs, labels = torch.randn(7, 3, dtype=F64), torch.randint(3, (7,))

    def loss(weight):
        return F.cross_entropy(torch.tanh(inputs @ weight.T) @ weight.T, labels)

    weight = model[0].weight.detach().clone()
    expected = torch.autograd.functional.hessian(loss, weight).reshape(9, 9)
    torch.testing.assert_close(dense(derivatives(model, inputs, labels)), expected)


def test_weighted_means():
    torch.manual_seed(0)
    model = nn.Linear(3, 3, dtype=F64)
    inputs, labels = torch.randn(10, 3, dtype=F64), torch.randint(3, (10,))
    weights = torch.tensor([1.0, 5.0, 0.25], dtype=F64)

    def weighted(model, batch):
        images, classes = batch
        losses = F.cross_entropy(model(images), classes, weights, reduction="none")
        return {"loss": (losses, weights[classes])}

    def loss(matrix, bias):
        return F.cross_entropy(inputs @ matrix.T + bias, labels, weights)

    parts = torch.autograd.functional.hessian(
        loss, (model.weight.detach().clone(), model.bias.detach().clone())
    )
    expected = torch.cat(
        [
            torch.cat([parts[0][0].reshape(9, 9), parts[0][1].reshape(9, 3)], 1),
            torch.cat([parts[1][0].reshape(3, 9), parts[1][1].reshape(3, 3)], 1),
        ]
    )
    for matrix in ("hessian", "ggn"):
        torch.testing.assert_close(
            dense(derivatives(model, inputs, labels, weighted, matrix)), expected
        )
    with pytest.raises(ProblemError, match="fisher needs one value for each sample"):
        dense(derivatives(model, inputs, labels, weighted, "fisher"))


def test_any_quantity_and_any_part_of_the_parameters():
    model, inputs, labels = network(Attentive)

    def two(model, batch):
        return {
            "loss": cross_entropy(model, batch)["loss"],
            "size": model(batch[0]).square().sum(1),
        }

    whole = derivatives(model, inputs, labels, two, quantity="size")
    part = derivatives(model, inputs, labels, two, quantity="size", names=["out.weight"])
    start = sum(
        shape.numel()
        for name, shape in list(whole.variables.shapes.items())[
            : list(whole.variables.names).index("out.weight")
        ]
    )
    span = slice(start, start + 12)
    torch.testing.assert_close(dense(part), dense(whole)[span, span])
    with pytest.raises(ProblemError, match="returns no 'sizes' to differentiate, but loss, size"):
        derivatives(model, inputs, labels, two, quantity="sizes").gradient()


@pytest.mark.bits
@pytest.mark.parametrize("matrix", MATRICES)
def test_repeated_products_have_the_same_bits_and_several_are_those_of_each(matrix):
    model, inputs, labels = network(Attentive)
    model, inputs = model.float(), inputs.float()
    vectors = torch.randn(3, derivatives(model, inputs, labels).size, dtype=F64)
    found = derivatives(model, inputs, labels, matrix=matrix)
    first = found(vectors)
    assert torch.equal(first, found(vectors))
    assert all(torch.equal(found(v[None])[0], one) for v, one in zip(vectors, first, strict=True))
    assert found.products == 9


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), 3, 64])
def test_the_size_of_batches_does_not_matter(size):
    model, inputs, labels = network(Attentive)
    expected = exact_hessian(model, inputs, labels)
    found = dense(derivatives(model, inputs, labels, size=size))
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-13)


def test_an_objective_that_is_linear_in_the_parameters_has_no_curvature():
    model = nn.Linear(2, 1, dtype=F64)
    inputs = torch.randn(5, 2, dtype=F64)

    def linear(model, batch):
        return {"loss": model(batch[0]).sum(1)}

    for matrix in ("hessian", "ggn"):
        found = derivatives(model, inputs, torch.zeros(5), linear, matrix)
        assert dense(found).abs().max() == 0
        torch.testing.assert_close(found.gradient()[:2], inputs.mean(0))


def test_memory_that_runs_out_halves_the_batch(monkeypatch):
    model, inputs, labels = network(Attentive)
    expected = exact_hessian(model, inputs, labels)
    seen = []

    def greedy(model, batch):
        seen.append(len(batch[0]))
        if len(batch[0]) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return cross_entropy(model, batch)

    variables = Variables(model, FlatParameters.of_model(model, CPU))
    split = SplitData("train", TensorDataset(inputs, labels), 8, CPU)
    sums = LocalSums(MeanLoss(model, greedy), variables, split)
    found = local(sums)
    found._weight = float(len(inputs))
    torch.testing.assert_close(dense(found), expected, rtol=1e-10, atol=1e-13)
    assert max(seen) == 8
    assert seen[-1] <= 2
    assert [note[:27] for note in sums.notes] == [
        "derivatives of 8 samples at",
        "derivatives of 4 samples at",
    ]


def test_no_graph_is_left_behind():
    model, inputs, labels = network(Attentive)
    found = derivatives(model, inputs, labels)
    dense(found)
    gc.collect()
    gc.disable()
    try:
        before = sum(isinstance(one, torch.Tensor) for one in gc.get_objects())
        for _ in range(3):
            found(torch.ones(1, found.size, dtype=F64))
        after = sum(isinstance(one, torch.Tensor) for one in gc.get_objects())
    finally:
        gc.enable()
    assert after <= before + 2


def test_narrow_strided_convolutions_in_channels_last():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.Tanh(),
        nn.Conv2d(4, 8, 1, stride=2, bias=False),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(8 * 16 * 16, 3),
    )
    images, labels = torch.randn(32, 3, 32, 32), torch.randint(3, (32,))
    vector = torch.randn(1, sum(one.numel() for one in model.parameters()), dtype=F64)
    exact = derivatives(model.double(), images.double(), labels, size=32)(vector)
    last = images.contiguous(memory_format=torch.channels_last)
    model = model.float().to(memory_format=torch.channels_last)
    found = derivatives(model, None, None, data=[(last, labels)])(vector)
    assert (found - exact).norm() <= 1e-4 * exact.norm()


def only_inference(model, batch):
    with torch.no_grad():
        return cross_entropy(model, batch)


def twice(model, batch):
    model(batch[0])
    return cross_entropy(model, batch)


def decayed(model, batch):
    found = cross_entropy(model, batch)
    return {"loss": found["loss"] + model.out.weight.square().sum()}


def by_weight(model, batch):
    loss = cross_entropy(model, batch)["loss"]
    return {"loss": (loss, loss.exp())}


@pytest.mark.parametrize(
    ("objective", "matrix", "words"),
    [
        (only_inference, "hessian", "can't be differentiated"),
        (twice, "ggn", "calls the model 2 times; matrix: ggn cuts"),
        (decayed, "ggn", "depend on parameters not only by the model's outputs"),
        (by_weight, "hessian", "weights depend on the parameters"),
    ],
)
def test_what_has_no_such_derivatives_is_refused(objective, matrix, words):
    model, inputs, labels = network(Attentive)
    found = derivatives(model, inputs, labels, objective, matrix)
    derive = found.gradient if objective is only_inference else partial(dense, found)
    with pytest.raises(ProblemError, match=words):
        derive()


def test_narrow_weights_and_unknown_names_are_refused():
    model = nn.Linear(2, 2).to(torch.bfloat16)
    with pytest.raises(ProblemError, match=r"bias is bfloat16; derivatives need float32"):
        Variables(model, FlatParameters.of_model(model, CPU))
    with pytest.raises(UsageError, match="got 'hesse', expected one of hessian, ggn, fisher"):
        matrix_class("hesse")


def test_the_choice_of_parameters():
    model, *_ = network(Attentive)
    flat = FlatParameters.of_model(model, CPU)
    names = partial(choose_names, flat)
    assert names("weights") == [
        *("attention.in_proj_weight", "attention.out_proj.weight", "out.weight")
    ]
    assert names(patterns=["out"]) == ["out.weight", "out.bias"]
    assert names("weights", ["att*"]) == ["attention.in_proj_weight", "attention.out_proj.weight"]
    with pytest.raises(UsageError, match="blocks: 'layer9' matches none of the 6 parameters"):
        names("all", ["layer9"], "blocks")
    with pytest.raises(UsageError, match="weights leaves none"):
        names("weights", ["*bias"])


def test_nothing_to_divide_by_is_not_a_number():
    model = nn.Linear(2, 1, dtype=F64)

    def empty(model, batch):
        loss = model(batch[0]).square().sum(1)
        return {"loss": (loss, torch.zeros_like(loss).detach())}

    found = derivatives(model, torch.randn(3, 2, dtype=F64), torch.zeros(3), empty)
    assert math.isnan(found.loss())
    assert found.gradient().isnan().all()
