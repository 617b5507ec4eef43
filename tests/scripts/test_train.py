import csv
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from landscape_cli.evaluation.devices import instruction_set

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "train.py"
SETTINGS = {
    "problem": "landscape_cli.problems.zoo:build",
    "problem_args": {
        "model": "mlp",
        "model_args": {"hidden": [16]},
        "samples": {"train": 256, "test": 100},
    },
    "checkpoint": "runs/net.pt",
    "grid": {"x": [-1, 1, 3]},
}

spec = importlib.util.spec_from_file_location("train_script", SCRIPT)
train = importlib.util.module_from_spec(spec)
spec.loader.exec_module(train)


def write_config(folder, **changes):
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({**SETTINGS, **changes}))
    return path


def run(folder, *arguments):
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run the script's main function in this process, in a temporary folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    state, threads = torch.get_rng_state(), torch.get_num_threads()

    def call(*arguments):
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["train.py", *map(str, arguments)])
        return train.main(), capsys.readouterr()

    yield call
    torch.set_rng_state(state)
    torch.set_num_threads(threads)


def rows(folder):
    with (folder / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def load(path):
    return torch.load(path, weights_only=True)


def same(one, other):
    assert one.keys() == other.keys()
    return all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.bits
def test_two_epochs_of_a_small_network(tmp_path):
    config = write_config(tmp_path)
    result = run(tmp_path, config, "--epochs", 2, "--batch-size", 16, "--lr", 0.05)
    assert result.returncode == 0, result.stderr
    checkpoint, folder = tmp_path / "runs/net.pt", tmp_path / "runs/net_epochs"
    names = ["epoch_000.pt", "epoch_001.pt", "epoch_002.pt", "log.csv"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert sorted(path.name for path in checkpoint.parent.iterdir()) == ["net.pt", "net_epochs"]

    *lines, first, second = result.stdout.splitlines()
    assert [first, second] == [f"wrote {checkpoint}", f"wrote {folder}"]
    assert [line.split(":")[0] for line in lines] == ["train", "test"]
    assert all("loss " in line and "accuracy " in line for line in lines)
    assert "net.pt: 2/2 epochs" in result.stderr

    log = rows(folder)
    means = [f"{split}_{name}" for split in ("train", "test") for name in ("loss", "accuracy")]
    assert list(log[0]) == ["epoch", "lr", *means]
    assert [row["epoch"] for row in log] == ["1", "2"]
    assert float(log[1]["train_loss"]) < float(log[0]["train_loss"]) < 2.3
    assert float(log[0]["train_accuracy"]) < float(log[1]["train_accuracy"])
    assert float(log[1]["test_accuracy"]) > 0.5
    assert f"loss {float(log[1]['test_loss']):.4g}" in lines[1]

    final = load(checkpoint)
    assert final["epoch"] == 2
    assert final["config"]["problem_args"] == SETTINGS["problem_args"]
    assert final["config"]["training"]["batch_size"] == 16
    assert final["config"]["training"]["torch"] == torch.__version__
    assert final["config"]["training"]["instruction_set"] == instruction_set()
    assert same(final["state_dict"], load(folder / names[2])["state_dict"])
    assert load(folder / names[0])["epoch"] == 0
    assert not same(load(folder / names[0])["state_dict"], load(folder / names[1])["state_dict"])


@pytest.mark.bits
def test_means_are_those_of_the_saved_weights_in_eval_mode(call, tmp_path):
    args = {"model_args": {"depth": 8, "width": 0.25}, "samples": {"train": 300, "test": 100}}
    config = write_config(tmp_path, problem_args=args)
    code, output = call(config, "--epochs", 1)
    assert code == 0
    problem = train.load_problem(SETTINGS["problem"], args)
    problem.model.eval()
    problem.model.load_state_dict(load("runs/net.pt")["state_dict"])
    for split, line in zip(("train", "test"), output.out.splitlines(), strict=False):
        with torch.no_grad():
            values = problem.objective(problem.model, problem.splits[split][:])
        loss, accuracy = (values[name].double().mean().item() for name in ("loss", "accuracy"))
        assert line == f"{split}: loss {loss:.4g}, accuracy {accuracy:.4g}"


@pytest.mark.bits
def test_statistics_are_those_of_all_samples_after_recalibration(call, tmp_path):
    """Those of the first batch norm are the mean and variance of what the convolution returns."""
    args = {"model_args": {"depth": 8, "width": 0.25}, "samples": {"train": 300, "test": 10}}
    config = write_config(tmp_path, problem_args={"model": "resnet", **args})
    assert call(config, "--epochs", 1, "--recalibrate", 1000, "--quiet")[0] == 0
    problem = train.load_problem(SETTINGS["problem"], {"model": "resnet", **args})
    state = load("runs/net.pt")["state_dict"]
    problem.model.load_state_dict(state)
    names = dict(problem.model.named_modules())
    (norm, *_) = (name for name, m in names.items() if isinstance(m, torch.nn.BatchNorm2d))
    (conv, *_) = (name for name, m in names.items() if isinstance(m, torch.nn.Conv2d))
    with torch.no_grad():
        seen = names[conv](problem.splits["train"][:][0]).double()
    variance, mean = torch.var_mean(seen, (0, 2, 3), correction=0)
    torch.testing.assert_close(state[f"{norm}.running_mean"].double(), mean, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(state[f"{norm}.running_var"].double(), variance, rtol=1e-4, atol=0)
    running = load("runs/net_epochs/epoch_001.pt")["state_dict"]
    for name, value in running.items():
        assert torch.equal(value, state[name]) != ("running" in name or "tracked" in name), name


def test_a_network_without_batch_norm_is_not_recalibrated(call, tmp_path):
    config = write_config(tmp_path, problem_args={"model": "mlp"})
    code, output = call(config, "--epochs", 1, "--recalibrate", 100)
    assert code == 2
    assert "--recalibrate: the model has no batch norm with running statistics" in output.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.bits
def test_the_seed_decides_everything(call, tmp_path):
    states = []
    model = {"model": "resnet", "model_args": {"depth": 8, "width": 0.25}, "samples": {"train": 65}}
    config = write_config(tmp_path, problem_args=model)
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        options = ["--seed", seed, "--augment", "crop-flip", "--set", f"checkpoint={name}.pt"]
        size = ["--epochs", 2, "--batch-size", 32, "--threads", 1]
        assert call(config, *size, *options)[0] == 0
        epochs = [load(f"{name}_epochs/epoch_00{i}.pt")["state_dict"] for i in range(3)]
        assert all(value.is_contiguous() for value in epochs[2].values())
        states.append([*epochs, load(f"{name}.pt")["state_dict"]])
    assert all(same(one, other) for one, other in zip(states[0], states[1], strict=True))
    assert not any(same(one, other) for one, other in zip(states[0], states[2], strict=True))


def test_the_learning_rate_falls_at_the_milestones(call, tmp_path):
    config = write_config(tmp_path)
    assert call(config, "--epochs", 4, "--lr", 0.2, "--milestones", "1,0.75")[0] == 0
    lr = [float(row["lr"]) for row in rows(tmp_path / "runs/net_epochs")]
    assert lr == pytest.approx([0.2, 0.02, 0.02, 0.002])


def test_milestones_of_li_et_al():
    default = next(p for p in train.command.params if p.name == "milestones").default
    assert train.parse_milestones(default, 300) == [150, 225, 275]
    assert train.parse_milestones("", 300) == []
    # The first epoch always has the full learning rate.
    assert train.parse_milestones(default, 1) == [1, 1, 1]


def test_every_second_epoch_and_the_last_are_saved(call, tmp_path):
    config = write_config(tmp_path)
    folder = tmp_path / "runs/net_epochs"
    folder.mkdir(parents=True)
    (folder / "epoch_777.pt").write_text("from an earlier training")
    assert call(config, "--epochs", 3, "--every", 2)[0] == 0
    names = sorted(path.name for path in folder.glob("*.pt"))
    assert names == ["epoch_000.pt", "epoch_002.pt", "epoch_003.pt"]


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "sgd clipped"])
def test_the_first_step_is_the_optimizers(call, tmp_path, optimizer):
    """With one batch there is one step, which is compared with the written-out formula."""
    args = {**SETTINGS["problem_args"], "samples": {"train": 20, "test": 1}}
    config = write_config(tmp_path, problem_args=args)
    options = [
        "--epochs",
        1,
        "--lr",
        0.01,
        "--weight-decay",
        0.1,
        "--optimizer",
        optimizer.split()[0],
    ]
    if "clipped" in optimizer:
        options += ["--clip", 0.05]
    assert call(config, *options)[0] == 0
    before = load("runs/net_epochs/epoch_000.pt")["state_dict"]
    after = load("runs/net.pt")["state_dict"]
    problem = train.load_problem(SETTINGS["problem"], args)
    problem.model.load_state_dict(before)
    problem.objective(problem.model, problem.splits["train"][:])["loss"].mean().backward()
    norm = sum(p.grad.square().sum() for p in problem.model.parameters()).sqrt()
    assert norm > 0.1
    for name, parameter in problem.model.named_parameters():
        gradient, decay = parameter.grad, 0.1 * before[name]
        if "clipped" in optimizer:
            gradient = gradient * 0.05 / norm
        if optimizer != "adamw":
            gradient, decay = gradient + decay, 0
        if optimizer.startswith("adam"):
            gradient = gradient / (gradient.abs() + 1e-8)
        gradient = gradient + decay
        torch.testing.assert_close(after[name], before[name] - 0.01 * gradient)


def test_set_changes_and_removes_keys(call, tmp_path):
    config = write_config(tmp_path)
    hidden = "problem_args.model_args.hidden=[5, 6]"
    options = ["--set", hidden, "--set", "problem_args.samples=null", "--set", "checkpoint=x/y.pt"]
    assert call(config, "--epochs", 1, "--batch-size", 1437, *options)[0] == 0
    shapes = [tuple(value.shape) for value in load("x/y.pt")["state_dict"].values()]
    assert shapes[0] == (5, 64)
    assert shapes[2] == (6, 5)
    assert "samples" not in load("x/y.pt")["config"]["problem_args"]


PROBLEMS = """
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from landscape_cli.problems import Problem

torch_inputs = torch.linspace(-1, 1, 33).reshape(33, 1)
seen, order = [], []

class Samples(Dataset):
    def __len__(self):
        return 33
    def __getitem__(self, index):
        return {"x": torch_inputs[index], "y": 3 * torch_inputs[index]}

def loss(model, batch):
    if isinstance(batch, dict):
        batch = batch["x"], batch["y"]
    seen.append(len(batch[0]))
    order.extend(batch[0][:, 0].tolist())
    return {"loss": (model(batch[0]) - batch[1]).square().mean(dim=1)}

def build(kind):
    pairs = TensorDataset(torch_inputs, 3 * torch_inputs)
    split = {
        "tensors": pairs,
        "samples": Samples(),
        "loader": DataLoader(pairs, batch_size=7, shuffle=True),
        "list": [(torch_inputs[:20], 3 * torch_inputs[:20]), (torch_inputs[20:],) * 2],
    }[kind]
    return Problem(nn.Linear(1, 1), {"train": split}, loss)

class Flattening(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.linear = nn.Conv2d(1, 3, 3), nn.Linear(108, 1)
    def forward(self, images):
        return self.linear(self.conv(images).view(len(images), -1))

def images():
    batch = [(torch.randn(4, 1, 8, 8), torch.randn(4, 1))]
    return Problem(Flattening(), {"train": batch}, loss)

def frozen():
    model = nn.Linear(1, 1).requires_grad_(False)
    return Problem(model, {"train": [(torch_inputs, torch_inputs)]}, loss)

def unnamed():
    wrong = lambda model, batch: {"error": loss(model, batch)["loss"]}
    return Problem(nn.Linear(1, 1), {"train": [(torch_inputs, torch_inputs)]}, wrong)

def mean():
    wrong = lambda model, batch: {"loss": loss(model, batch)["loss"].mean()}
    return Problem(nn.Linear(1, 1), {"train": [(torch_inputs, torch_inputs)]}, wrong)

def mismatch():
    return Problem(nn.Linear(2, 1), {"train": [(torch_inputs, torch_inputs)]}, loss)

def no_train():
    return Problem(nn.Linear(1, 1), {"all": [(torch_inputs, torch_inputs)]}, loss)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_problems.py").write_text(PROBLEMS)
    monkeypatch.delitem(sys.modules, "own_problems", raising=False)
    yield lambda name, **args: write_config(
        tmp_path, problem=f"own_problems:{name}", problem_args=args
    )
    sys.modules.pop("own_problems", None)


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        ("tensors", [16, 16]),  # the single remaining sample is not trained on
        ("samples", [16, 16, 1]),
        ("loader", [7, 7, 7, 7, 5]),
        ("list", [20, 13]),
    ],
)
def test_every_kind_of_split(call, own, kind, sizes):
    code, output = call(own("build", kind=kind), "--epochs", 2, "--batch-size", 16, "--lr", 0.1)
    assert code == 0, output.err
    assert sys.modules["own_problems"].seen[1 : 1 + len(sizes)] == sizes
    log = rows(Path("runs/net_epochs"))
    assert list(log[0]) == ["epoch", "lr", "train_loss"]
    assert float(log[1]["train_loss"]) < float(log[0]["train_loss"])


@pytest.mark.parametrize("kind", ["tensors", "samples"])
def test_each_epoch_and_seed_has_its_own_order(call, own, kind):
    orders = []
    for seed in (1, 2):
        sys.modules.pop("own_problems", None)
        options = ["--epochs", 2, "--batch-size", 11, "--seed", seed]
        assert call(own("build", kind=kind), *options)[0] == 0
        # One trial precedes the two epochs; the final means follow them.
        trial, order = 11, sys.modules["own_problems"].order
        orders += [order[trial : trial + 33], order[trial + 33 : trial + 66]]
        assert order[trial + 66 :] == sorted(order[trial : trial + 33])
    assert len({tuple(sorted(order)) for order in orders}) == 1
    assert len(set(orders[0])) == 33
    assert len({tuple(order) for order in orders}) == 4


def test_a_model_that_refuses_channels_last(call, own):
    code, output = call(own("images"), "--epochs", 2, "--lr", 0.01)
    assert code == 0, output.err
    assert all(value.is_contiguous() for value in load("runs/net.pt")["state_dict"].values())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("frozen", "no parameters that require a gradient"),
        ("unnamed", "it returned error, but no 'loss'"),
        ("mean", "do not average"),
        ("mismatch", "objective: it failed: RuntimeError"),
        ("no_train", "has no split 'train', only all"),
        ("missing", "has no attribute 'missing'"),
    ],
)
def test_problems_that_cannot_be_trained_are_refused(call, own, name, message):
    refused(call(own(name), "--epochs", 1), message)


def refused(outcome, message):
    code, output = outcome
    assert code == 2
    assert output.err.startswith("train: ")
    assert output.err.count("\n") == 1
    assert message in output.err
    assert output.out == ""
    assert not Path("runs/net.pt").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lr", "0"], "--lr"),
        (["--epochs", "0"], "--epochs"),
        (["--optimizer", "lbfgs"], "lbfgs"),
        (["--milestones", "half"], "--milestones half: expected epochs or fractions"),
        (["--milestones", "0,5"], "--milestones 0,5: expected"),
        (["--set", "checkpoint"], "--set checkpoint: expected KEY=VALUE"),
        (["--set", "problem_args.model=[1"], "--set problem_args.model: not valid YAML"),
        (["--set", "problem_args.model=lenet"], "model: got 'lenet', expected one of resnet"),
        (["--set", "problem=nonsense"], "expected 'module:callable'"),
        (["--set", "checkpoint=null"], "checkpoint: got None"),
        (["--set", "checkpoint=a.safetensors"], "name a .pt file"),
        (["--device", "abacus"], "abacus"),
        (["--lr", "1e30", "--batch-size", "8"], "in epoch 1; lower --lr"),
    ],
)
def test_bad_input_is_one_line(call, tmp_path, arguments, message):
    refused(call(write_config(tmp_path), "--epochs", 1, *arguments), message)


def test_bad_files_are_one_line(call, tmp_path):
    refused(call("missing.yaml"), "missing.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n- 2\n")
    refused(call("list.yaml"), "list.yaml")
    (tmp_path / "runs").write_text("a file where the folder should be")
    refused(call(write_config(tmp_path), "--epochs", 1), "runs")


def test_crop_flip_of_other_data_is_refused(call, own):
    outcome = call(own("build", kind="list"), "--augment", "crop-flip")
    refused(outcome, "--augment crop-flip: needs batches (images of (n, c, h, w), ...)")


def test_bad_input_exits_with_2(tmp_path):
    result = run(tmp_path, "missing.yaml")
    assert result.returncode == 2
    assert result.stderr.startswith("train: ")
    assert result.stderr.count("\n") == 1


def test_crop_flip_gives_shifted_or_mirrored_images():
    images = torch.arange(1, 1 + 200 * 2 * 5 * 6).reshape(200, 2, 5, 6).float()
    result = train.crop_flip(images, torch.Generator().manual_seed(0))
    assert result.shape == images.shape
    found = set()
    for image, crop in zip(images, result, strict=True):
        padded = torch.zeros(2, 13, 14)
        padded[:, 4:9, 4:10] = image
        matches = [
            (top, left, mirrored)
            for top in range(9)
            for left in range(9)
            for mirrored in (False, True)
            if torch.equal(
                crop.flip(2) if mirrored else crop,
                padded[:, top : top + 5, left : left + 6],
            )
        ]
        assert len(matches) == 1
        found.update(matches)
    assert {top for top, _, _ in found} == set(range(9))
    assert {left for _, left, _ in found} == set(range(9))
    assert any(top != left for top, left, _ in found)
    assert 60 < sum(mirrored for _, _, mirrored in found) * 200 / len(found) < 140


@pytest.mark.slow
def test_the_users_own_example_trains(tmp_path):
    checkpoint = tmp_path / "own.pt"
    options = ["--optimizer", "adam", "--lr", 0.003, "--batch-size", 32, "--epochs", 40]
    target = ["--set", f"checkpoint={checkpoint}"]
    result = run(ROOT / "configs", "own_problem.yaml", *options, *target)
    assert result.returncode == 0, result.stderr
    log = rows(tmp_path / "own_epochs")
    names = ["train_loss", "train_absolute_error", "test_loss", "test_absolute_error"]
    assert list(log[0])[2:] == names
    # The targets have variance 1; the network explains two fifths of it on unseen patients.
    assert float(log[-1]["train_loss"]) < 0.6 < float(log[0]["train_loss"])
    assert float(log[-1]["test_loss"]) < 0.6
    assert load(checkpoint)["epoch"] == 40


def test_a_network_that_learned_too_little_is_not_written(call, tmp_path):
    config = write_config(tmp_path)
    code, output = call(config, "--epochs", 1, "--at-least", "accuracy=1.01", "--quiet")
    assert code == 2
    (line,) = output.err.splitlines()
    assert re.search(
        r"did not learn its data: train accuracy is \d\S*, less than --at-least accuracy=1\.01, so "
        r"runs/net\.pt was not written; try more --epochs or --restarts",
        line,
    )
    assert not (tmp_path / "runs/net.pt").exists()
    code, _ = call(config, "--epochs", 1, "--at-least", "accuracy=0", "--at-least", "loss=0")
    assert code == 0
    assert (tmp_path / "runs/net.pt").exists()


def test_training_goes_on_until_enough_is_learned(call, tmp_path):
    """Two schedules of two epochs reach what one does not; the files count all epochs."""
    config = write_config(tmp_path)
    options = ("--epochs", 2, "--batch-size", 16, "--lr", 0.02, "--quiet")
    assert call(config, *options)[0] == 0
    first = [float(row["train_accuracy"]) for row in rows(tmp_path / "runs/net_epochs")]
    least = f"accuracy={first[-1] + 0.02}"
    assert call(config, *options, "--at-least", least)[0] == 2
    code, output = call(config, *options, "--at-least", least, "--restarts", 9)
    assert code == 0, output.err
    assert "training goes on with the first --lr" in output.err
    log = rows(tmp_path / "runs/net_epochs")
    assert len(log) > 2
    assert [row["epoch"] for row in log] == [str(1 + number) for number in range(len(log))]
    assert {row["lr"] for row in log[2:4]} == {row["lr"] for row in log[:2]}
    assert [float(row["train_accuracy"]) for row in log[:2]] == first
    assert load("runs/net.pt")["epoch"] == len(log)


@pytest.mark.parametrize(
    ("least", "words"),
    [
        ("accuracy", "--at-least accuracy: expected NAME=VALUE"),
        ("accuracy=much", "--at-least accuracy=much: expected NAME=VALUE"),
        ("precision=0.9", "--at-least precision: the objective returns loss, accuracy"),
        ("accuracy=nan", "less than --at-least accuracy=nan"),
    ],
)
def test_a_requirement_that_can_t_be_checked_is_refused(call, tmp_path, least, words):
    code, output = call(write_config(tmp_path), "--epochs", 1, "--quiet", "--at-least", least)
    assert code == 2
    assert words in output.err
    assert not (tmp_path / "runs/net.pt").exists()


def cyclical(epochs, cycle, high, low, steps):
    """Garipov et al. 2018, section 4, with iterations i = 1, 2, ...; c of them are a cycle."""
    c, rates = cycle * steps, []
    for i in range(1, epochs * steps + 1):
        t = ((i - 1) % c + 1) / c
        if t <= 0.5:
            rates.append((1 - 2 * t) * high + 2 * t * low)
        else:
            rates.append((2 - 2 * t) * low + (2 * t - 1) * high)
    return rates


@pytest.fixture
def rates(monkeypatch):
    """The learning rate of each step that the optimizer makes."""
    found, step = [], torch.optim.SGD.step

    def recording(self, *arguments, **keys):
        found.extend(group["lr"] for group in self.param_groups)
        return step(self, *arguments, **keys)

    monkeypatch.setattr(torch.optim.SGD, "step", recording)
    return found


@pytest.mark.parametrize("kind", ["tensors", "samples", "loader", "list"])
def test_a_cyclical_tail_has_the_rates_of_the_paper(call, own, rates, kind):
    options = ["--epochs", 10, "--lr", 0.1, "--milestones", "1", "--batch-size", 16]
    tail = ["--schedule", "cyclical", "--cycle", 4, "--tail-from", 2, "--tail-lr", "0.05,0.002"]
    code, output = call(own("build", kind=kind), *options, *tail, "--every", 100)
    assert code == 0, output.err
    steps = len(rates) // 10
    assert steps == {"tensors": 2, "samples": 3, "loader": 5, "list": 2}[kind]
    assert rates[: 2 * steps] == [0.1] * steps + [0.1 / 10] * steps
    assert rates[2 * steps :] == pytest.approx(cyclical(8, 4, 0.05, 0.002, steps))
    lowest = [n for n, rate in enumerate(rates) if rate == 0.002]
    assert lowest == [4 * steps - 1, 8 * steps - 1]
    names = sorted(path.name for path in Path("runs/net_snapshots").iterdir())
    assert names == ["epoch_004.pt", "epoch_008.pt"]
    assert load("runs/net_snapshots/epoch_004.pt")["epoch"] == 4
    log = rows(Path("runs/net_epochs"))
    assert [float(row["lr"]) for row in log] == pytest.approx(rates[steps - 1 :: steps])
    assert f"wrote {Path('runs/net_snapshots').resolve()}" in output.out
    names = sorted(path.name for path in Path("runs/net_epochs").glob("*.pt"))
    assert names == ["epoch_000.pt", "epoch_010.pt"]


def test_a_constant_tail_has_a_snapshot_each_cycle(call, own, rates):
    options = ["--epochs", 8, "--lr", 0.1, "--milestones", "", "--batch-size", 20]
    tail = ["--schedule", "constant", "--tail-from", 0.25, "--tail-lr", 0.03, "--cycle", 3]
    code, output = call(own("build", kind="list"), *options, *tail)
    assert code == 0, output.err
    assert rates == [0.1] * 4 + [0.03] * 12
    snapshots = sorted(Path("runs/net_snapshots").iterdir())
    assert [path.name for path in snapshots] == ["epoch_005.pt", "epoch_008.pt"]
    for path in snapshots:
        assert same(load(path)["state_dict"], load(f"runs/net_epochs/{path.name}")["state_dict"])


def test_tails_have_defaults(call, own, rates):
    assert call(own("build", kind="list"), "--epochs", 8, "--schedule", "cyclical")[0] == 0
    assert rates[:12] == [0.1] * 8 + [0.1 / 10] * 4  # 0.75 of 8 epochs, with the milestone at 0.5
    assert rates[12:] == pytest.approx(cyclical(2, 2, 0.05, 0.01, 2))
    assert [path.name for path in Path("runs/net_snapshots").iterdir()] == ["epoch_007.pt"]
    rates.clear()
    assert call(own("build", kind="list"), "--epochs", 8, "--schedule", "constant")[0] == 0
    assert rates[12:] == [0.05] * 4
    names = sorted(path.name for path in Path("runs/net_snapshots").iterdir())
    assert names == ["epoch_007.pt", "epoch_008.pt"]
    # Without a tail, those of the earlier training run are removed.
    assert call(own("build", kind="list"), "--epochs", 1)[0] == 0
    assert not list(Path("runs/net_snapshots").iterdir())


def test_a_cosine_rises_and_falls(call, own, rates):
    """Four steps of eight up to the rate, and then half a cosine down to a hundredth of it."""
    options = ["--epochs", 4, "--lr", 0.1, "--batch-size", 20, "--every", 100]
    schedule = ["--schedule", "cosine", "--warmup", 0.5]
    code, output = call(own("build", kind="list"), *options, *schedule)
    assert code == 0, output.err
    half = 2**-0.5
    falls = [1 - (1 - c) / 2 * 0.99 for c in (half, 0, -half, -1)]
    assert rates == pytest.approx([0.025, 0.05, 0.075, 0.1] + [0.1 * fall for fall in falls])
    refused_words = "--warmup 0.5: only --schedule cosine has a warm-up"
    assert refused_words in call(own("build", kind="list"), "--warmup", 0.5)[1].err
    outcome = call(own("build", kind="list"), *schedule, "--cycle", 2)
    assert "--cycle 2: --schedule cosine has no tail" in outcome[1].err


def test_training_starts_from_a_checkpoint(call, own):
    config = own("build", kind="list")
    assert call(config, "--epochs", 2, "--set", "checkpoint=first.pt")[0] == 0
    tail = ["--schedule", "cyclical", "--tail-from", 0, "--epochs", 2]
    code, output = call(config, *tail, "--initial", "first.pt")
    assert code == 0, output.err
    first = load("first.pt")["state_dict"]
    assert same(load("runs/net_epochs/epoch_000.pt")["state_dict"], first)
    assert not same(load("runs/net.pt")["state_dict"], first)


def test_the_log_of_a_tail_is_read_by_trajectory(call, tmp_path):
    from landscape_cli.tracing.learning_rates import rates_of, read_rates

    tail = ["--schedule", "cyclical", "--tail-from", 0, "--tail-lr", "0.1,0.01", "--cycle", 4]
    assert call(write_config(tmp_path), "--epochs", 6, *tail)[0] == 0
    read = read_rates("runs/net_epochs/log.csv")
    assert rates_of([2, 4, 6], read) == pytest.approx((0.01, 0.1, 0.01))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--schedule", "linear"], "linear"),
        (["--cycle", "2"], "--cycle 2: --schedule step has no tail"),
        (["--tail-lr", "0.1"], "--tail-lr 0.1: --schedule step has no tail"),
        (["--schedule", "cyclical", "--cycle", "3"], "--cycle 3: expected an even number"),
        (["--schedule", "cyclical", "--cycle", "0"], "0 is not in the range"),
        (["--schedule", "cyclical", "--cycle", "8"], "4 epochs end before the first snapshot"),
        (["--schedule", "constant", "--cycle", "2"], "4 epochs end before the first snapshot"),
        (["--schedule", "constant", "--tail-from", "4"], "--tail-from 4: expected fewer epochs"),
        (["--schedule", "constant", "--tail-from", "-1"], "--tail-from -1: expected"),
        (["--schedule", "constant", "--tail-from", "late"], "--tail-from late: expected"),
        (["--schedule", "constant", "--tail-from", "nan.0"], "--tail-from nan.0: expected"),
        (["--schedule", "constant", "--tail-lr", "0.1,0.01"], "expected a positive rate, such as"),
        (["--schedule", "cyclical", "--tail-lr", "0.1"], "expected two positive rates"),
        (["--schedule", "cyclical", "--tail-lr", "0.01,0.1"], "the higher one first"),
        (["--schedule", "cyclical", "--tail-lr", "nan,nan"], "expected two positive rates"),
        (["--initial", "none.pt"], "none.pt"),
    ],
)
def test_a_tail_that_makes_no_sense_is_one_line(call, tmp_path, arguments, message):
    refused(call(write_config(tmp_path), "--epochs", 4, *arguments), message)


def test_steps_are_recorded(call, tmp_path):
    from landscape_cli.problems.checkpoints import read_state_dict
    from landscape_cli.store.recordings import Recording

    config = write_config(tmp_path)
    keep = ["--keep-every", "3steps", "--keep-dtype", "fp16"]
    for _ in range(2):  # the second time, the first recording is replaced
        code, output = call(config, "--epochs", 2, "--batch-size", 64, "--lr", 0.2, *keep)
        assert code == 0, output.err
    assert f"wrote {tmp_path / 'runs' / 'net_steps'}" in output.out
    facts = Recording("runs/net_steps").facts()
    assert [(one.step, one.epoch) for one in facts.values()] == [(0, 0), (3, 0.75), (6, 1.5)]
    assert [one.lr for one in facts.values()] == [None, 0.2, pytest.approx(0.02)]
    first = load("runs/net_epochs/epoch_000.pt")["state_dict"]
    found = read_state_dict("runs/net_steps::0")
    assert same(found, {name: tensor.half() for name, tensor in first.items()})
    assert call(config, "--epochs", 1, "--keep-every", "1epoch", "--keep", "runs/walk")[0] == 0
    assert list(Recording("runs/walk").facts()) == [0, 2]
    last = load("runs/net.pt")["state_dict"]
    assert same(read_state_dict("runs/walk::2"), last)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--keep-every", "10"], "--keep-every 10: expected steps or epochs, such as 10steps"),
        (["--keep", "runs/walk"], "--keep runs/walk: needs --keep-every"),
        (["--keep-every", "1epoch", "--keep-dtype", "int8"], "int8"),
    ],
)
def test_recording_that_makes_no_sense_is_one_line(call, tmp_path, arguments, message):
    refused(call(write_config(tmp_path), "--epochs", 1, *arguments), message)
