"""`landscape align` as a black box: the function stays, and the barrier falls."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from landscape_cli.problems.zoo import build
from landscape_cli.store import read_surface

DIGITS = {"model": "mlp", "model_args": {"hidden": [48, 48]}, "samples": {"train": 600}}

BAD = """
import torch
from torch import nn
from landscape_cli.problems import Problem

class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 6), nn.Linear(6, 2)
    def forward(self, x):
        x = self.first(x)
        return self.second(x.roll(1, 1) if x.sum() > 0 else x).tanh()

def branching():
    return problem(Branching(), lambda model, x: {"loss": model(x).square().sum(1)})

def scripted():
    layers = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
    model = torch.jit.script(layers)
    return problem(model, lambda model, x: {"loss": model(x).square().sum(1)})

def linear():
    return problem(nn.Linear(4, 2), lambda model, x: {"loss": model(x).square().sum(1)})

def parts():
    return problem(Branching(), lambda model, x: {"loss": model.first(x).square().sum(1)})

def beside():
    def objective(model, x):
        hidden = model[1](model[0](x))
        weights = torch.arange(6.0)
        return {"loss": model(x).square().sum(1) + (hidden * weights).sum(1)}
    layers = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
    return problem(layers, objective)

def problem(model, objective):
    torch.manual_seed(0)
    return Problem(model, {"train": [torch.randn(8, 4)]}, objective)
"""


def load(path):
    return torch.load(path, weights_only=True)


def train(seed):
    """Train a small network on the digits, by full-batch Adam."""
    torch.manual_seed(seed)
    problem = build(**DIGITS)
    optimizer = torch.optim.Adam(problem.model.parameters(), 0.01)
    images, labels = problem.splits["train"].tensors
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(problem.model(images), labels).backward()
        optimizer.step()
    return problem.model


@pytest.fixture(scope="module")
def networks():
    return [train(seed) for seed in (1, 2, 3)]


@pytest.fixture
def digits(workplace, networks):
    """Three checkpoints a.pt, b.pt, c.pt; return the name of the configuration."""
    for name, model in zip("abc", networks, strict=True):
        torch.save({"state_dict": model.state_dict(), "epoch": 60}, f"{name}.pt")
    return workplace.config("landscape_cli.problems.zoo:build", problem_args=DIGITS)


def barrier(landscape, workplace, other):
    """Compute the loss on the line from a.pt to another checkpoint; return its largest rise."""
    config = workplace.config(
        "landscape_cli.problems.zoo:build",
        name="line.yaml",
        problem_args=DIGITS,
        checkpoint="a.pt",
        directions={"x": {"kind": "checkpoint", "path": other}},
        grid={"x": [0, 1, 11]},
        splits=["train"],
    )
    code, _, errors = landscape("compute", config, "--overwrite")
    assert code == 0, errors
    loss = read_surface("surface.h5").values["train", "loss"]
    straight = torch.linspace(0, 1, 11).numpy()
    return (loss - (1 - straight) * loss[0] - straight * loss[-1]).max()


def test_the_barrier_falls_and_the_function_stays(digits, networks, landscape, workplace):
    code, out, errors = landscape("align", digits, "--reference", "a.pt", "b.pt", "-o", "to/a")
    assert code == 0, errors
    content = load("to/a/b.pt")
    assert content["epoch"] == 60
    assert content["aligned_to"]["path"] == "a.pt"
    model = build(**DIGITS).model
    model.load_state_dict(content["state_dict"])
    images = build(**DIGITS).splits["test"].tensors[0]
    torch.testing.assert_close(model(images), networks[1](images), rtol=1e-4, atol=1e-4)
    naive, aligned = (barrier(landscape, workplace, name) for name in ("b.pt", "to/a/b.pt"))
    assert naive > 0.3
    assert aligned < 0.3 * naive
    facts = json.loads(Path("to/a/b.alignment.json").read_text())
    states = [one.state_dict() for one in networks[:2]]
    moved = content["state_dict"]
    for when, state in (("before", states[1]), ("after", moved)):
        squares = [(states[0][n].double() - state[n].double()).square().sum() for n in state]
        assert facts["squared_distance"][when] == pytest.approx(float(sum(squares)), rel=1e-9)
    before, after = facts["squared_distance"].values()
    assert out == (
        "MLP 48-48: 2 groups of 96 channels or blocks to permute\n"
        "not aligned: layers.5.bias\n"
        f"b.pt: squared distance {before:.6g}, then {after:.6g}, {1 - after / before:.1%} less; "
        f"{sum(sum(i != j for i, j in enumerate(g['order'])) for g in facts['groups'])} moved\n"
        f"wrote {workplace.folder / 'to/a/b.pt'}\n"
    )
    assert facts["not_aligned"] == ["layers.5.bias"]
    for group in facts["groups"]:
        for name, axis in group["axes"]:
            if name.endswith("bias"):
                assert torch.equal(states[1][name][group["order"]], moved[name])
            assert sorted(group["order"]) == list(range(48)), axis


def test_several_are_aligned_and_seeds_repeat(digits, landscape):
    arguments = ("align", digits, "--reference", "a.pt", "[bc].pt", "--seed", 3, "-o")
    for folder in ("one", "two"):
        code, out, errors = landscape(*arguments, folder)
        assert code == 0, errors
        assert out.count("wrote") == 2
    for name in ("b.pt", "c.pt"):
        one, two = (load(f"{folder}/{name}")["state_dict"] for folder in ("one", "two"))
        assert all(torch.equal(one[key], two[key]) for key in one)


def test_a_network_is_aligned_to_itself_after_any_permutation(digits, networks, landscape):
    order, state = torch.randperm(48), networks[0].state_dict()
    changed = dict(state)
    changed |= {name: state[name][order] for name in ("layers.1.weight", "layers.1.bias")}
    changed["layers.3.weight"] = state["layers.3.weight"][:, order]
    torch.save(changed, "moved.pt")
    code, out, errors = landscape("align", digits, "--reference", "a.pt", "moved.pt", "-o", "to")
    assert code == 0, errors
    assert "then 0, 100.0% less" in out
    assert all(
        torch.equal(one, state[name]) for name, one in load("to/moved.pt")["state_dict"].items()
    )


def test_batch_norm_s_buffers_are_permuted_along(small, config, landscape):
    code, _, errors = landscape("align", config(), "--reference", "a.pt", "b.pt", "-o", "to")
    assert code == 0, errors
    before, after = load("b.pt")["state_dict"], load("to/b.pt")["state_dict"]
    order = json.loads(Path("to/b.alignment.json").read_text())["groups"][0]["order"]
    assert order != sorted(order)
    for name in ("0.bias", "1.weight", "1.running_mean", "1.running_var"):
        assert torch.equal(after[name], before[name][order])
    assert torch.equal(after["1.num_batches_tracked"], before["1.num_batches_tracked"])
    assert load("to/b.pt")["epoch"] == 2
    # What was written is a checkpoint like any other.
    assert landscape("align", config(), "--reference", "to/b.pt", "a.pt", "-o", "back")[0] == 0


def test_groups_that_a_user_names_do_what_the_graph_does(digits, landscape, workplace):
    groups = {
        "first": [["layers.1.weight", 0], ["layers.1.bias", 0], ["layers.3.weight", -1]],
        "second": [["layers.3.weight", 0], ["layers.3.bias", 0], ["layers.5.weight", 1]],
    }
    workplace.write("groups.yaml", yaml.safe_dump(groups))
    arguments = ("align", digits, "--reference", "a.pt", "b.pt", "-o")
    assert landscape(*arguments, "found")[0] == 0
    code, _, errors = landscape(*arguments, "given", "--groups", "groups.yaml")
    assert code == 0, errors
    found, given = (load(f"{folder}/b.pt")["state_dict"] for folder in ("found", "given"))
    assert all(torch.equal(found[name], given[name]) for name in found)


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ([1, 2], "--groups: expected {group: [[name, axis], ...]}, got [1, 2]"),
        ({"a": "b"}, "--groups: a: expected {group:"),
        ({"a": [["layers.1.weight"]]}, "a: expected [name, axis], got ['layers.1.weight']"),
        ({"a": [["layers.1.weight", "0"]]}, "a: expected [name, axis], got"),
        ({"a": [["layer.1.weight", 0]]}, "no tensor 'layer.1.weight'; did you mean 'layers.1.we"),
        ({"a": [["layers.1.weight", 2]]}, "layers.1.weight of shape (48, 64) has no axis 2"),
        (
            {"a": [["layers.1.weight", 0, 5]]},
            "has 48 entries, which is no multiple of the repeat 5",
        ),
        ({"a": [["layers.1.weight", 0], ["layers.1.weight", 1]]}, "has 64 channels, but that of"),
        ({"a": [["layers.1.bias", 0]], "b": [["layers.1.bias", -1]]}, "is in a already; an axis"),
        (
            {"a": [["layers.1.weight", 0], ["layers.1.bias", 0]]},
            "alignment: outputs of the permute",
        ),
    ],
)
def test_wrong_groups_are_refused(digits, landscape, workplace, groups, words):
    workplace.write("groups.yaml", yaml.safe_dump(groups))
    refused(landscape, digits, "--groups", "groups.yaml", words=words)


def refused(landscape, config, *more, checkpoints=("b.pt",), words):
    arguments = ("--reference", "a.pt", *checkpoints, "-o", "to", *more)
    code, _, errors = landscape("align", config, *arguments)
    assert code == 2
    assert words in errors
    assert len(errors.splitlines()) == 1
    assert not Path("to").exists() or not os.listdir("to")


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (
            "branching",
            "Problem.model: its operations can't be traced: what it does depends on the values of "
            "tensors (",
        ),
        ("branching", "unaligned.py:12); describe its channel groups in a file for --groups"),
        ("scripted", "TorchScript can't be traced; build it as a plain module, or describe its"),
        ("linear", "no channels were found that can be permuted; describe its channel groups"),
        ("parts", "objective: it does not call the model itself"),
        ("beside", "alignment: the objective's values of 'b.pt' differ by"),
    ],
)
def test_networks_that_can_not_be_aligned_are_refused(landscape, workplace, problem, words):
    workplace.write("unaligned.py", BAD)
    sys.modules.pop("unaligned", None)
    import unaligned

    for seed, name in enumerate("ab"):
        model = getattr(unaligned, problem)().model
        torch.manual_seed(seed + 1)
        for parameter in model.parameters():
            nn.init.normal_(parameter)
        torch.save(model.state_dict(), f"{name}.pt")
    config = workplace.config(f"unaligned:{problem}")
    refused(landscape, config, words=words)
    if problem == "scripted":
        text = "{hidden: [[0.weight, 0], [0.bias, 0], [2.weight, 1]]}"
        workplace.write("groups.yaml", text)
        arguments = ("--reference", "a.pt", "b.pt", "-o", "to", "--groups", "groups.yaml")
        code, out, errors = landscape("align", config, *arguments)
        assert code == 0, errors
        assert "1 group of 6 channels" in out
        workplace.write("groups.yaml", "{hidden: [[0.weight, 0]]}")
        code, _, errors = landscape("align", config, *arguments[:-3], "no", *arguments[-2:])
        assert (code, "the objective's values of 'b.pt' differ by" in errors) == (2, True)


def test_checkpoints_of_other_networks_are_refused(digits, landscape):
    torch.save(nn.Linear(4, 2).state_dict(), "other.pt")
    refused(landscape, digits, checkpoints=["other.pt"], words="'other.pt' does not fit the model")
    arguments = ("align", digits, "--reference", "other.pt", "b.pt", "-o", "to")
    code, _, errors = landscape(*arguments)
    assert (code, "'other.pt' does not fit the model" in errors) == (2, True)
    code, _, errors = landscape("align", digits, "--reference", "?.pt", "b.pt", "-o", "to")
    assert (code, errors) == (2, "landscape: --reference: '?.pt' matches 3 checkpoints; name one\n")
    refused(landscape, digits, checkpoints=["gone.pt"], words="no file matches 'gone.pt'")


def test_outputs_never_replace_what_is_there(digits, landscape):
    arguments = ("align", digits, "--reference", "a.pt", "b.pt", "-o")
    assert landscape(*arguments, "to")[0] == 0
    before = Path("to/b.pt").read_bytes()
    code, _, errors = landscape(*arguments, "to")
    assert (code, "is there already; name another folder, or add --overwrite" in errors) == (
        2,
        True,
    )
    assert landscape(*arguments, "to", "--overwrite")[0] == 0
    assert len(Path("to/b.pt").read_bytes()) == len(before)
    own = Path("b.pt").read_bytes()
    code, _, errors = landscape(*arguments, ".", "--overwrite")
    assert (code, "b.pt' would replace b.pt, which the run reads" in errors) == (2, True)
    assert Path("b.pt").read_bytes() == own
    os.makedirs("theirs")
    torch.save({"state_dict": {}}, "theirs/b.pt")
    code, _, errors = landscape(*arguments, "theirs", "--overwrite")
    assert (code, "no checkpoint that this command wrote" in errors) == (2, True)
    code, _, errors = landscape(*arguments, "b.pt")
    assert (code, "is there already, and no folder" in errors) == (2, True)


def test_two_checkpoints_of_one_name_are_refused(digits, landscape):
    os.makedirs("more")
    Path("more/b.pt").write_bytes(Path("c.pt").read_bytes())
    words = "b.pt and more/b.pt would both become"
    refused(landscape, digits, checkpoints=["b.pt", "more/b.pt"], words=words)


def test_help_is_instant():
    code = """
import sys
from landscape_cli.cli import cli
from landscape_cli.cli.error_report import run
run(cli, ["align", "--help"])
assert not {"numpy", "matplotlib", "torch", "h5py", "scipy"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Examples:" in done.stdout
