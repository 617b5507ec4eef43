"""`landscape curvature` in this process, on networks whose Hessian is known."""

import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.records.tiles import Status
from landscape_cli.store import read_curvature, read_surface
from landscape_cli.store.directions_file import read_direction

PROBLEMS = """
import os, time
import torch
from torch import nn
from torch.utils.data import TensorDataset
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import cross_entropy, mean_squared_error

def data(samples=60, features=3, outputs=1):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(samples, features, generator=generator, dtype=torch.float64)
    targets = torch.randn(samples, outputs, generator=generator, dtype=torch.float64)
    return inputs, targets

def linear(features=3, samples=60):
    torch.manual_seed(1)
    model = nn.Linear(features, 1, dtype=torch.float64)
    return Problem(model, {"train": TensorDataset(*data(samples, features))}, mean_squared_error)

def wide():
    return linear(150, 400)

def softmax():
    torch.manual_seed(1)
    inputs, targets = data(outputs=4)
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4)).double()
    labels = targets.argmax(1)
    return Problem(model, {"train": TensorDataset(inputs, labels)}, cross_entropy)

def sum_of_outputs():
    def objective(model, batch):
        return {"loss": model(batch[0])[:, 0]}
    problem = linear()
    return Problem(problem.model, problem.splits, objective)

def stopping():
    calls = []
    problem = softmax()
    limit = int(os.environ.get("STOP_AFTER", "0"))
    def objective(model, batch):
        calls.extend([1] * torch.is_grad_enabled())  # set-up makes few graphs
        if len(calls) == limit:
            os.kill(os.getpid(), __import__("signal").SIGTERM)
        return cross_entropy(model, batch)
    return Problem(problem.model, problem.splits, objective)

def detached():
    problem = softmax()
    def objective(model, batch):
        return cross_entropy(lambda inputs: model[2](model[1](model[0](inputs)).detach()), batch)
    return Problem(problem.model, problem.splits, objective)

def pairs():
    problem = softmax()
    def objective(model, batch):
        losses = cross_entropy(model, batch)["loss"]
        return {"loss": (losses, torch.ones_like(losses))}
    return Problem(problem.model, problem.splits, objective)

def regularized():
    problem = softmax()
    def objective(model, batch):
        return {"loss": cross_entropy(model, batch)["loss"] + model[0].weight.square().sum()}
    return Problem(problem.model, problem.splits, objective)

def distances():
    problem = softmax()
    def objective(model, batch):
        outputs = model(batch[0])
        return {"loss": torch.cdist(outputs, outputs.new_ones(2, 4), p=3).sum(1)}
    return Problem(problem.model, problem.splits, objective)

def logarithm():
    def objective(model, batch):
        return {"loss": torch.log(model.weight[0, 0]) + 0 * batch[0][:, 0]}
    problem = linear()
    return Problem(problem.model, problem.splits, objective)
"""


@pytest.fixture
def curvature(workplace, landscape, monkeypatch):
    """Return a function that runs the command on a problem, and returns code, output, errors."""
    workplace.write("known.py", PROBLEMS)
    monkeypatch.delitem(__import__("sys").modules, "known", raising=False)

    def run(problem, *arguments, **keys):
        config = workplace.config(f"known:{problem}", **keys)
        return landscape("curvature", config, *arguments)

    run.folder, run.landscape = workplace.folder, landscape
    return run


def record(curvature, name="surface.curvature.h5"):
    return read_curvature(curvature.folder / name)


def exact(problem):
    """Return the exact Hessian of a known problem by torch.func, in the order of the parameters."""
    import known

    built = getattr(known, problem)()
    model, (inputs, targets) = built.model, built.splits["train"].tensors
    names, tensors = zip(*model.named_parameters(), strict=True)
    sizes = [one.numel() for one in tensors]

    def loss(vector):
        parts = [p.view_as(t) for p, t in zip(vector.split(sizes), tensors, strict=True)]
        output = torch.func.functional_call(model, dict(zip(names, parts, strict=True)), inputs)
        if targets.dim() == 1:
            return nn.functional.cross_entropy(output, targets)
        return ((output - targets) ** 2).mean()

    vector = torch.cat([one.detach().flatten() for one in tensors])
    return torch.func.hessian(loss)(vector), torch.func.grad(loss)(vector), float(loss(vector))


def test_all_eigenvalues_of_a_linear_regression(curvature):
    code, out, errors = curvature("linear", "--top", 3, "--trace", 5, "--density", "2x4")
    assert code == 0, errors
    found = record(curvature)
    hessian, gradient, loss = exact("linear")
    values = torch.linalg.eigvalsh(hessian).flip(0).numpy()
    assert found.eigenvalues[0] == pytest.approx(values, abs=1e-12)
    assert found.residuals.max() < 1e-12
    assert found.trace.mean[0] == pytest.approx(float(hessian.trace()), rel=1e-13)
    assert found.trace.stderr[0] < 1e-13
    assert found.loss[0] == pytest.approx(loss, rel=1e-14)
    assert found.gradient_norm[0] == pytest.approx(float(gradient.norm()), rel=1e-13)
    along = float(gradient @ hessian @ gradient / (gradient @ gradient))
    assert found.critical_sharpness[0] == pytest.approx(along, rel=2e-3)
    assert found.second_differences[0] == pytest.approx(values[[0, -1]], rel=1e-6)
    for draw in (0, 1):
        moment = (found.density.weights[0, draw] * found.density.nodes[0, draw]).sum()
        assert values.min() <= moment <= values.max()
    assert "trace" in out
    assert (found.status == Status.OK).all()
    assert not list(curvature.folder.glob("*.products"))


@pytest.mark.parametrize("matrix", ["hessian", "ggn", "fisher"])
def test_ends_of_the_spectrum_of_a_network(curvature, matrix):
    code, _, errors = curvature("softmax", "--matrix", matrix, "--top", 4, "--bottom", 2)
    assert code == 0, errors
    found = record(curvature)
    assert found.matrix == matrix
    assert found.parameters == 44
    if matrix == "hessian":
        hessian, gradient, _ = exact("softmax")
        values, vectors = torch.linalg.eigh(hessian)
        expected = np.r_[values.flip(0)[:4], values[[1, 0]]]
        assert found.eigenvalues[0] == pytest.approx(expected, abs=1e-11)
        share = (vectors[:, -4:].T @ gradient).square().sum() / gradient.square().sum()
        assert found.gradient_share[0] == pytest.approx(float(share), rel=1e-9)
        entries = read_direction(curvature.folder / "surface.curvature.h5", "eigenvector-1")
        vector = np.concatenate([array.ravel() for _, array in entries])
        assert np.linalg.norm(vector) == pytest.approx(1)
        assert abs(vector @ vectors[:, 0].numpy()) == pytest.approx(1, abs=1e-9)
        assert vector[np.abs(vector).argmax()] > 0
    else:
        assert found.eigenvalues.min() > -1e-12


def test_blocks_are_the_diagonal_blocks(curvature):
    code, out, errors = curvature("softmax", "--top", 3, "--blocks", "0.*,2.bias")
    assert code == 0, errors
    hessian, _, _ = exact("softmax")
    first, bias = record(curvature).blocks
    for block, part in ((first, slice(0, 20)), (bias, slice(40, 44))):
        expected = torch.linalg.eigvalsh(hessian[part, part]).flip(0)[:3]
        assert block.eigenvalues[0] == pytest.approx(expected.numpy(), abs=1e-11)
    assert (first.parameters, bias.parameters) == (20, 4)
    assert first.trace is None
    assert "0.*: " in out


def test_traces_of_blocks(curvature):
    """Exact where Lanczos's vectors span the block, and within its error elsewhere."""
    arguments = ("--top", 1, "--trace", 12, "--blocks", "weight,bias")
    # 60 + 2 and 12 for the whole; 60 + 1 and 12, and 1 + 1 for the blocks
    assert "products:   149" in curvature("wide", *arguments, "--dry-run")[1]
    code, out, errors = curvature("wide", *arguments)
    assert code == 0, errors
    hessian, _, _ = exact("wide")
    weight, bias = record(curvature).blocks
    assert bias.trace.mean[0] == pytest.approx(2, rel=1e-12)
    assert bias.trace.stderr[0] == 0
    assert weight.trace.values.shape == (1, 12)
    assert 0 < weight.trace.stderr[0] < 0.1 * weight.trace.mean[0]
    error = abs(weight.trace.mean[0] - float(hessian[:150, :150].trace()))
    assert error < 4 * weight.trace.stderr[0]
    assert f"; trace {weight.trace.mean[0]:.6g} ± " in out
    assert "; trace 2 ± 0 (1 parameter)" in out
    code, out, _ = curvature.landscape("info", "surface.curvature.h5", "--json")
    assert json.loads(out)["blocks"]["weight"]["trace"]["probes"] == 12


def test_checkpoints_with_epochs_and_learning_rates(curvature):
    for epoch in (2, 10):
        state = built("softmax")
        torch.manual_seed(epoch)
        state = {name: torch.randn_like(one) for name, one in state.items()}
        torch.save({"state_dict": state, "epoch": epoch}, curvature.folder / f"e{epoch}.pt")
    (curvature.folder / "log.csv").write_text("epoch,lr\n2,0.5\n10,0.25\n")
    code, out, errors = curvature(
        "softmax", "--checkpoints", "e*.pt", "--log", "log.csv", "--top", 2, "--trace", 8
    )
    assert code == 0, errors
    found = record(curvature)
    assert found.labels == ("e2", "e10")
    assert found.epochs == (2, 10)
    assert found.learning_rates == (0.5, 0.25)
    assert found.eigenvalues[0, 0] != found.eigenvalues[1, 0]
    rows = [line.split() for line in out.splitlines() if line.startswith("e")]
    assert [row[0] for row in rows] == ["e2", "e10"]
    assert [row[-1] for row in rows] == ["4", "8"]
    code, _, _ = curvature(
        "softmax", "--set", "checkpoint=e10.pt", "--top", 2, "--trace", 8, "-o", "one.h5"
    )
    assert code == 0
    one = record(curvature, "one.h5")
    np.testing.assert_array_equal(one.eigenvalues[0], found.eigenvalues[1])
    np.testing.assert_array_equal(one.trace.values[0], found.trace.values[1])


def built(problem):
    import importlib

    return getattr(importlib.import_module("known"), problem)().model.state_dict()


def test_a_linear_objective_has_eigenvalues_of_zero(curvature):
    code, out, errors = curvature("sum_of_outputs", "--top", 2, "--trace", 4)
    assert code == 0, errors
    found = record(curvature)
    assert not found.eigenvalues.any()
    assert not found.trace.mean.any()
    assert math.isnan(found.critical_sharpness[0])
    assert "the matrix is zero" in out


def numbers(found):
    """Return the bits of all numbers in a record, in one dict."""
    arrays = {
        "values": found.eigenvalues,
        "residuals": found.residuals,
        "differences": found.second_differences,
        "critical": found.critical_sharpness,
        "share": found.gradient_share,
        "probes": found.trace.values,
        "nodes": found.density.nodes,
        "weights": found.density.weights,
        "blocks": found.blocks[0].eigenvalues,
        "traces": found.blocks[0].trace.values,
    }
    return {name: array.tobytes() for name, array in arrays.items()}


ALL = ("--top", 3, "--bottom", 1, "--steps", 20, "--trace", 12, "--density", "3x10")
ALL = (*ALL, "--blocks", "2", "--quiet")


def test_an_interrupted_run_continues_with_the_same_bits(curvature, monkeypatch, landscape):
    """Stop again and again, in each stage, by a signal while a product is computed."""
    assert curvature("softmax", *ALL)[0] == 0
    whole = numbers(record(curvature))
    codes, left = [], 0
    monkeypatch.setenv("STOP_AFTER", "15")
    while not codes or codes[-1] == 75:
        assert len(codes) < 60
        code, out, errors = curvature("stopping", *ALL, "-o", "parts.h5")
        codes.append(code)
        assert code in (0, 75), errors
        if code == 75:
            assert "stopped by SIGTERM; the same command continues: landscape" in out
            left += (curvature.folder / "parts.h5.products").exists()
    assert len(codes) > 5
    assert left > 3
    assert numbers(record(curvature, "parts.h5")) == whole
    assert not (curvature.folder / "parts.h5.products").exists()
    code, out, _ = curvature("stopping", *ALL, "-o", "parts.h5")
    assert code == 0
    assert "is complete with these settings; nothing to do" in out


def test_where_memory_is_short_the_basis_is_restarted(curvature, monkeypatch):
    monkeypatch.setattr("landscape_cli.run.curvature.opening.vectors_that_fit", lambda space: 16)
    code, _, errors = curvature("softmax", "--top", 2, "--steps", 60, "--trace", 20)
    assert code == 0
    assert "memory holds 16 vectors: the Lanczos basis is restarted" in errors
    hessian, _, _ = exact("softmax")
    found, values = record(curvature), torch.linalg.eigvalsh(hessian).flip(0)
    assert found.eigenvalues[0, :2] == pytest.approx(values[:2].numpy(), abs=1e-8)
    assert abs(found.trace.mean[0] - float(values.sum())) < 4 * found.trace.stderr[0]
    assert found.provenance["memory"] == {"vectors": 16}


def test_other_settings_are_refused(curvature):
    assert curvature("softmax", "--top", 2)[0] == 0
    for arguments, words in (
        (("--top", 3), "top: 2 in the file, 3 now"),
        (("--top", 2, "--seed", 5), "seed: 1 in the file, 5 now"),
        (("--top", 2, "--matrix", "ggn"), "matrix: 'hessian' in the file, 'ggn' now"),
    ):
        code, _, errors = curvature("softmax", *arguments)
        assert code == 2
        assert words in errors
    assert curvature("softmax", "--top", 3, "--overwrite")[0] == 0
    assert record(curvature).top == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--top", 44), "--top 44 --bottom 1: 45 eigenvalues, but the matrix has 44 rows"),
        (("--matrix", "foo"), "'foo' is not one of 'hessian', 'ggn', 'fisher'"),
        (("--checkpoints", "x*.pt"), "--checkpoints: no file matches 'x*.pt'"),
        (("--blocks", "nope"), "--blocks: 'nope' matches none of the 4 parameters"),
        (("--blocks", "0,,2"), "--blocks: got '0,,2', expected patterns"),
        (("--density", "4"), "expected DRAWSxSTEPS such as 4x80"),
        (("--split", "nope"), "no split 'nope'"),
        (("--quantity", "nope"), "returns no 'nope' to differentiate, but loss"),
        (("--top", 0, "--bottom", 0), "ask for at least one"),
        (("--log", "a.csv"), "needs --checkpoints"),
        (("--set", "precision=bf16"), "second derivatives need fp32"),
        (("--set", "batch_norm=recalibrate"), "--set batch_norm=frozen"),
        (("--resume",), "to continue; leave --resume out"),
        (("--resume", "--overwrite"), "exclude each other"),
        (("-o", "run.yaml"), "would replace run.yaml"),
        (("-o", "known.py"), "another file and not one with curvature"),
    ],
)
def test_bad_input_is_refused_in_one_line(curvature, arguments, words):
    before = sorted(path.name for path in curvature.folder.iterdir())
    code, out, errors = curvature("softmax", *arguments, "--quiet")
    assert code == 2
    assert words in errors
    assert len(errors.strip().splitlines()) == 1
    assert out == ""
    after = {path.name for path in curvature.folder.iterdir()}
    assert after - set(before) <= {"run.yaml", "__pycache__"}


@pytest.mark.parametrize(
    ("problem", "matrix", "words"),
    [
        ("detached", "hessian", "autograd finds no way from these"),
        ("pairs", "fisher", "fisher needs one value for each sample"),
        ("regularized", "ggn", "it fails when its model is replaced"),
        ("distances", "hessian", "PyTorch lacks a derivative that is needed"),
    ],
)
def test_objectives_without_this_matrix_are_refused(curvature, problem, matrix, words):
    code, _, errors = curvature(problem, "--matrix", matrix, "--quiet")
    assert code == 2, errors
    assert words in errors
    assert len(errors.strip().splitlines()) == 1
    assert not list(curvature.folder.glob("*.h5*"))


def test_a_loss_that_is_not_finite(curvature):
    state = built("logarithm")
    for name, entry in (("good", 2.0), ("wrong", -2.0)):
        state["weight"][0, 0] = entry
        torch.save(state, curvature.folder / f"{name}.pt")
    code, _, errors = curvature("logarithm", "--checkpoints", "wrong.pt", "--top", 1, "--quiet")
    assert code == 2
    assert "the mean loss at wrong is nan" in errors
    assert len(errors.strip().splitlines()) == 1
    code, out, errors = curvature(
        "logarithm", "--checkpoints", "*.pt", "--top", 1, "--blocks", "weight", "-o", "two.h5"
    )
    assert code == 0, errors
    found = record(curvature, "two.h5")
    assert found.status.tolist() == [Status.OK, Status.NOT_FINITE]
    assert found.eigenvalues[0].tolist() == pytest.approx([0, -0.25])
    assert "not finite" in out


def test_a_dry_run_counts_products_and_writes_nothing(curvature):
    code, out, errors = curvature("softmax", *ALL, "--dry-run")
    assert code == 0, errors
    assert "products:   93" in out  # 20 + 4, 12, 3 x 10, and 24 + 3 of the block's 24 rows
    assert "nothing was written" in out
    assert not list(curvature.folder.glob("*.h5*"))


def test_the_number_of_products_is_what_the_dry_run_says(curvature):
    code, _, errors = curvature("softmax", *ALL[:-1])
    assert code == 0
    assert "93/93 products" in errors


def test_an_eigenvector_is_a_direction_with_its_curvature(curvature, landscape):
    """Along it, the loss of a quadratic is L + g.v x + lambda x^2 / 2."""
    assert curvature("linear", "--top", 2, "--bottom", 2)[0] == 0
    directions = {
        "x": {"kind": "eigenvector", "path": "surface.curvature.h5"},
        "y": {"kind": "eigenvector", "path": "surface.curvature.h5", "index": -1},
    }
    code, _, errors = landscape(
        "compute", "run.yaml", "--set", f"directions={json.dumps(directions)}",
        "--set", "grid={x: auto:5, y: auto:5}", "-o", "plane.h5",
    )  # fmt: skip
    assert code == 0, errors
    assert "from the eigenvalue in surface.curvature.h5" in errors
    surface = read_surface(curvature.folder / "plane.h5")
    values, found = surface.values["train", "loss"], record(curvature)
    for axis, row, value in (
        ("x", values[2], found.eigenvalues[0, 0]),
        ("y", values[:, 2], found.eigenvalues[0, -1]),
    ):
        ends = surface.grid.axes[axis]
        second = np.polynomial.polynomial.polyfit(ends.coordinates, row, 2)[2] * 2
        assert second == pytest.approx(value, rel=1e-9)
        assert ends.high == pytest.approx(math.sqrt(2 * found.loss[0] / value), rel=0.06)
    label = surface.provenance["directions"]["y"]["label"]
    assert label == "eigenvector -1 of surface.curvature.h5"


@pytest.mark.parametrize(
    ("problem", "index", "words"),
    [
        ("linear", 7, "eigenvectors -1, 1, 2: choose one with the key index"),
        ("linear", 0, "expected 1 for the largest eigenvalue, or -1 for the smallest"),
        ("softmax", 1, "made for another network"),
    ],
)
def test_an_eigenvector_that_does_not_fit_is_refused(
    curvature, workplace, landscape, problem, index, words
):
    assert curvature("linear", "--top", 2)[0] == 0
    section = {"kind": "eigenvector", "path": "surface.curvature.h5", "index": index}
    config = workplace.config(f"known:{problem}", directions={"x": section})
    code, _, errors = landscape("compute", config, "--y", "none", "-o", "line.h5")
    assert code == 2
    assert words in errors


def test_info_shows_the_file(curvature, landscape):
    assert curvature("softmax", "--top", 3, "--trace", 4)[0] == 0
    code, out, _ = landscape("info", "surface.curvature.h5")
    assert code == 0
    assert "Hessian of Sequential: 44 parameters, 60 samples of train" in out
    code, out, _ = landscape("info", "surface.curvature.h5", "--json")
    facts = json.loads(out)
    assert facts["eigenvalues"] == record(curvature).eigenvalues.tolist()
    assert facts["complete"] is True
    code, out, _ = landscape("info", "surface.curvature.h5", "--verify")
    assert code == 0
    assert "match their checksums" in out
    assert landscape("info", "surface.curvature.h5", "--watch", "1")[0] == 2


DETACHED = """
import example
from landscape_cli.problems import Problem

def build():
    problem = example.regression()
    def objective(model, batch):
        inputs, targets = batch
        outputs = inputs @ model.weight.T + model.bias.detach()
        return {"loss": ((outputs - targets) ** 2).mean(1)}
    return Problem(problem.model, problem.splits, objective)
"""


def test_derivatives_that_are_not_those_of_the_values_are_refused(landscape, workplace):
    workplace.write("detached.py", DETACHED)
    code, _, err = landscape("curvature", workplace.config("detached:build"), "--top", "1")
    assert code == 2
    assert "objective: bias affect its values, but autograd finds no way" in err
