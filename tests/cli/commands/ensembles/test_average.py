"""`landscape average` against the mean by hand, with batch norm's statistics by plain PyTorch."""

import copy
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

NAMES = ("a.pt", "b.pt", "c.pt")


def load(path):
    return torch.load(path, weights_only=True)


def states(names=NAMES):
    return [load(name)["state_dict"] for name in names]


def mean_of(found, name):
    """The mean in float64, rounded once."""
    stack = np.stack([state[name].double().numpy() for state in found])
    return torch.tensor(stack.sum(axis=0) / len(found)).to(found[0][name].dtype)


def recalibrated(small, state, samples):
    """Running statistics: the mean over batches of 128, weighted by their samples."""
    net = small.build()
    net.load_state_dict(state)
    inputs = small.SPLITS["train"].tensors[0][:samples]
    hidden = net[0](inputs).detach().double()
    parts = hidden.split(128)
    weights = torch.tensor([len(part) / samples for part in parts], dtype=torch.float64)
    means = torch.stack([part.mean(dim=0) for part in parts])
    variances = torch.stack([part.var(dim=0) for part in parts])
    return weights @ means, weights @ variances


def test_parameters_are_averaged_and_batch_norm_is_re_estimated(small, config, landscape):
    code, out, errors = landscape("average", config(), *NAMES, "-o", "swa.pt")
    assert code == 0, errors
    found, content = states(), load("swa.pt")
    state = content["state_dict"]
    assert list(state) == list(found[0])
    for name, _ in small.build().named_parameters():
        assert torch.equal(state[name], mean_of(found, name)), name
    mean, variance = recalibrated(small, state, 301)
    torch.testing.assert_close(state["1.running_mean"].double(), mean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(state["1.running_var"].double(), variance, rtol=1e-5, atol=1e-6)
    assert [one["path"] for one in content["average_of"]] == list(NAMES)
    assert content["batch_norm_samples"] == 301
    names = [name for name, _ in small.build().named_parameters()]
    means = {name: np.mean([s[name].double().numpy() for s in found], axis=0) for name in names}
    squares = [sum(((s[n].double().numpy() - means[n]) ** 2).sum() for n in names) for s in found]
    norm = np.sqrt(sum((each**2).sum() for each in means.values()))
    assert out == (
        "small network: 3 checkpoints of 63 parameters\n"
        f"distance:   {np.sqrt(np.mean(squares)):.4g} from the average (root mean square), whose "
        f"norm is {norm:.4g}\n"
        "batch norm: statistics of 1 layer re-estimated on 301 samples of train\n"
        f"wrote {Path('swa.pt').absolute()}\n"
    )


def test_batch_norm_is_re_estimated_as_along_a_slice(config, landscape, surface_of):
    """The centre of a surface of the average, recalibrated on the same samples, is the average."""
    run = config()
    assert landscape("average", run, *NAMES, "-o", "swa.pt", "--batch-norm-samples", 200)[0] == 0
    assert load("swa.pt")["batch_norm_samples"] == 200
    grid = ("--set", "grid={x: [-1, 1, 3]}", "--checkpoint", "swa.pt", "--no-calibrate")
    frozen = surface_of(run, *grid, "-o", "frozen.h5", output="frozen.h5")
    again = ("--set", "batch_norm=recalibrate", "--set", "batch_norm_samples=200")
    other = surface_of(run, *grid, *again, "-o", "other.h5", output="other.h5")
    for quantity, values in frozen.values.items():
        assert values[1] == other.values[quantity][1]
        assert values[0] != other.values[quantity][0]


def test_the_average_of_copies_is_the_network(config, landscape):
    shutil.copy("a.pt", "copy.pt")
    assert landscape("average", config(), "a.pt", "copy.pt", "-o", "swa.pt")[0] == 0
    before, after = states(["a.pt", "swa.pt"])
    names = [name for name in before if "running" not in name and "num_batches" not in name]
    assert all(torch.equal(before[name], after[name]) for name in names)


def test_patterns_are_sorted_and_a_checkpoint_counts_once(config, landscape):
    for number, name in ((2, "a"), (10, "b")):
        shutil.copy(f"{name}.pt", f"epoch_{number}.pt")
    run = config()
    assert landscape("average", run, "epoch_*.pt", "epoch_2.pt", "-o", "swa.pt")[0] == 0
    assert [one["path"] for one in load("swa.pt")["average_of"]] == ["epoch_2.pt", "epoch_10.pt"]


def test_an_average_is_replaced_and_read_by_other_commands(config, landscape):
    run = config()
    assert landscape("average", run, *NAMES, "-o", "swa.pt")[0] == 0
    code, _, errors = landscape("average", run, "a.pt", "swa.pt", "-o", "again.pt")
    assert code == 0, errors
    assert landscape("average", run, "a.pt", "b.pt", "-o", "again.pt")[0] == 0
    assert [one["path"] for one in load("again.pt")["average_of"]] == ["a.pt", "b.pt"]
    names = [*NAMES, "swa.pt"]
    code, _, errors = landscape("trajectory", run, "--checkpoints", *_repeated(names), "-o", "t.h5")
    assert code == 0, errors


def _repeated(names):
    first, *others = names
    return [first, *(word for name in others for word in ("--checkpoints", name))]


def test_a_network_without_batch_norm_needs_no_data(small, config, landscape):
    for seed in (1, 2):
        small.save(f"plain{seed}.pt", seed, norm=False)
    run = config(model={"norm": False}, splits=("test",))
    code, out, errors = landscape("average", run, "plain*.pt", "-o", "swa.pt")
    assert code == 0, errors
    assert "batch norm" not in out
    state, found = load("swa.pt")["state_dict"], states(["plain1.pt", "plain2.pt"])
    assert all(torch.equal(state[name], mean_of(found, name)) for name in state)


BUFFERS = """
import torch
from torch import nn
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import cross_entropy
from small import SPLITS

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(4, 3)
        self.out = nn.Linear(4, 3)
        self.out.weight = self.embed.weight
        self.register_buffer("mask", torch.ones(3, dtype=torch.bool))
        self.register_buffer("scale", torch.ones(3))
        self.register_buffer("same", torch.arange(3))
        self.phase = nn.Parameter(torch.ones(3, dtype=torch.complex64))
    def forward(self, x):
        return (self.embed(x) + self.out(x)) * self.scale * self.phase.abs()

def build():
    return Problem(Net(), SPLITS, cross_entropy)

def save(name, scale):
    net = Net()
    with torch.no_grad():
        net.embed.weight.fill_(scale)
        net.phase.fill_(complex(scale, -scale))
        net.scale.fill_(scale)
        net.mask[0] = scale > 1
    torch.save(net.state_dict(), name)
"""


def test_other_buffers_are_those_of_the_last_checkpoint(small, workplace, landscape):
    workplace.write("buffered.py", BUFFERS)
    import sys

    sys.modules.pop("buffered", None)
    import buffered

    buffered.save("one.pt", 1.0)
    buffered.save("three.pt", 3.0)
    run = workplace.config("buffered:build")
    code, out, errors = landscape("average", run, "one.pt", "three.pt", "-o", "mean.pt")
    assert code == 0, errors
    assert "kept:       mask, scale of the last checkpoint, not averaged\n" in out
    state = load("mean.pt")["state_dict"]
    assert torch.equal(state["embed.weight"], torch.full((3, 4), 2.0))
    assert torch.equal(state["out.weight"], state["embed.weight"])
    assert torch.equal(state["phase"], torch.full((3,), 2 - 2j, dtype=torch.complex64))
    assert torch.equal(state["scale"], torch.full((3,), 3.0))
    assert state["mask"].tolist() == [True, True, True]
    net = buffered.Net()
    net.load_state_dict(copy.deepcopy(state))
    assert isinstance(net.out.weight, nn.Parameter)


def test_a_network_that_merges_weights_in_eval_mode(small, config, landscape):
    """The average of the weights as trained, not as merged; batch norm as in eval mode."""
    names = ["low1.pt", "low2.pt"]
    for seed, name in enumerate(names, start=1):
        small.save(name, seed, first="merging")
    run = config(model={"first": "merging"})
    code, _, errors = landscape("average", run, *names, "-o", "swa.pt")
    assert code == 0, errors
    state, found = load("swa.pt")["state_dict"], states(names)
    for name in ("0.base.weight", "0.a", "0.b", "3.weight"):
        assert torch.equal(state[name], mean_of(found, name)), name
    weight = (state["0.base.weight"] + state["0.a"] @ state["0.b"]).double()
    inputs = small.SPLITS["train"].tensors[0].double()
    hidden = inputs @ weight.T + state["0.base.bias"].double()
    mean = hidden.mean(dim=0)
    torch.testing.assert_close(state["1.running_mean"].double(), mean, rtol=1e-4, atol=1e-5)


def test_batches_of_their_own_are_kept_but_for_single_samples(small, config, landscape):
    run = config(model={"batches": True})
    code, out, errors = landscape("average", run, *NAMES, "-o", "swa.pt")
    assert code == 0, errors
    assert "re-estimated on 300 samples of train" in out
    state = load("swa.pt")["state_dict"]
    hidden = small.SPLITS["train"].tensors[0][:300] @ state["0.weight"].T + state["0.bias"]
    torch.testing.assert_close(state["1.running_mean"], hidden.mean(dim=0), rtol=1e-4, atol=1e-5)
    variance = torch.stack([part.var(dim=0) for part in hidden.split(50)]).mean(dim=0)
    torch.testing.assert_close(state["1.running_var"], variance, rtol=1e-4, atol=1e-5)
    code, _, errors = landscape("average", run, *NAMES, "-o", "s.pt", "--batch-norm-samples", 50)
    assert code == 2
    assert "--batch-norm-samples" in errors


@pytest.mark.parametrize(
    ("arguments", "keys", "words"),
    [
        (["a.pt", "-o", "swa.pt"], {}, "CHECKPOINT: got only a.pt, but an average needs at least"),
        (["a.pt", "./a.pt", "-o", "swa.pt"], {}, "got only a.pt"),
        (["a.pt", "none*.pt", "-o", "swa.pt"], {}, "CHECKPOINT: no file matches 'none*.pt'"),
        (["a.pt", "wide.pt", "-o", "swa.pt"], {}, "wide.pt"),
        (["a.pt", "b.pt"], {}, "Missing option '--output'"),
        (["-o", "swa.pt"], {}, "Missing argument 'CHECKPOINT...'"),
        (["a.pt", "b.pt", "-o", "b.pt"], {}, "would replace b.pt, which the run reads"),
        (["a.pt", "b.pt", "-o", "c.pt"], {}, "is there already, and no average that this command"),
        (["a.pt", "b.pt", "-o", "notes.pt"], {}, "is there already, and no average"),
        (["a.pt", "b.pt", "-o", "swa.safetensors"], {}, "name a .pt file"),
        (["a.pt", "b.pt", "-o", "none.pt/swa.pt"], {"splits": ("test",)}, "the split 'train'"),
        (["a.pt", "b.pt", "-o", "a.pt/swa.pt"], {}, "is not a writable folder"),
        (["a.pt", "b.pt", "-o", "s.pt", "--batch-norm-samples", "1"], {}, "1 is not in the range"),
        (["a.pt", "b.pt", "-o", "s.pt", "--device", "abacus"], {}, "abacus"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    small, config, landscape, workplace, arguments, keys, words
):
    small.save("wide.pt", 1, width=9)
    workplace.write("notes.pt", "my notes")
    run = config(**keys)
    before = {path.name: path.read_bytes() for path in workplace.folder.glob("*.pt")}
    code, out, errors = landscape("average", run, *arguments)
    assert code == 2
    assert out == ""
    assert words in errors.splitlines()[-1]
    assert "Traceback" not in errors
    assert {path.name: path.read_bytes() for path in workplace.folder.glob("*.pt")} == before


def test_samples_for_batch_norm_without_any_are_refused(small, config, landscape):
    small.save("plain1.pt", 1, norm=False)
    small.save("plain2.pt", 2, norm=False)
    run = config(model={"norm": False})
    code, _, errors = landscape(
        "average", run, "plain*.pt", "-o", "s.pt", "--batch-norm-samples", 50
    )
    assert code == 2
    assert "--batch-norm-samples: the model has no batch norm; leave it out" in errors


def test_weights_that_are_not_finite_are_refused(small, config, landscape):
    content = load("b.pt")
    content["state_dict"]["0.weight"][0, 0] = float("nan")
    torch.save(content, "b.pt")
    code, _, errors = landscape("average", config(), "a.pt", "b.pt", "-o", "swa.pt")
    assert code == 2
    assert "b.pt" in errors.splitlines()[-1]
    assert not Path("swa.pt").exists()
