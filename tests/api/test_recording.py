"""Recording of networks from a training loop, read back as checkpoints."""

import math
import multiprocessing
import os
import random
import re
import signal
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import landscape_cli as landscape
from landscape_cli.api import recording
from landscape_cli.api.keeping import Interval, Keeper
from landscape_cli.errors import CheckpointError, LandscapeError, UsageError
from landscape_cli.problems.checkpoints import load_weights, read_weights
from landscape_cli.store.recordings import Recording, writer
from support.saved_networks import Net, Tied, scrambled


@pytest.fixture(autouse=True)
def _closed():
    """Close what a test has opened."""
    yield
    recording.close()


def same(model, other):
    one, two = ({n: t.cpu() for n, t in each.state_dict().items()} for each in (model, other))
    return list(one) == list(two) and all(torch.equal(one[name], two[name]) for name in one)


def test_a_loop_is_recorded_and_read_back(tmp_path):
    model, kept = Net(), []
    for step in range(0, 30, 3):
        scrambled(model, step)
        model.features[1].num_batches_tracked.fill_(step)
        landscape.record(
            model, tmp_path / "walk", step, lr=0.1, epoch=step / 10, loss=torch.tensor([0.5])
        )
        kept.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
    for step, expected in zip(range(0, 30, 3), kept, strict=True):
        found = Net()
        assert load_weights(found, f"{tmp_path}/walk::{step}") == step // 10
        for name, tensor in found.state_dict().items():
            assert torch.equal(tensor, expected[name]), name
    facts = Recording(tmp_path / "walk").facts()[3]
    assert (facts.step, facts.lr, facts.epoch, facts.loss) == (3, 0.1, 0.3, 0.5)


@pytest.mark.parametrize(
    ("prefix", "wrap"),
    [
        ("module.", nn.DataParallel),
        pytest.param(
            "module._orig_mod.",
            lambda model: nn.DataParallel(torch.compile(model, backend="eager")),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_wrappers_leave_no_trace_in_the_names(tmp_path, prefix, wrap):
    model = scrambled(Net())
    wrapped = wrap(model)
    assert all(name.startswith(prefix) for name in wrapped.state_dict())
    landscape.record(wrapped, tmp_path, 0)
    assert set(load_file(tmp_path / "recorded-0000000000.safetensors")) == set(model.state_dict())
    found = Net()
    load_weights(found, f"{tmp_path}::0", lambda note: pytest.fail(note))
    assert same(found, model)
    other = wrap(Net())
    load_weights(other, f"{tmp_path}::0")
    assert same(other, wrapped)


@pytest.mark.parametrize("by_storage", [False, True])
def test_shared_tensors_are_recorded_once(tmp_path, by_storage):
    model = scrambled(Tied(by_storage))
    landscape.record(model, tmp_path, 0)
    assert len(load_file(tmp_path / "recorded-0000000000.safetensors")) == 3
    found = Tied(by_storage)
    load_weights(found, f"{tmp_path}::0")
    assert same(found, model)


def test_parameters_are_rounded_and_buffers_are_not(tmp_path):
    model = scrambled(Net()).double()
    model.head.bfloat16()
    landscape.record(model, tmp_path / "16", 0, dtype="fp16")
    landscape.record(model, tmp_path / "32", 0)
    landscape.record(model, tmp_path / "64", 0, dtype="fp64")
    weight, mean, head = "features.0.weight", "features.1.running_mean", "head.weight"
    for folder, dtype in (("16", torch.float16), ("32", torch.float32), ("64", torch.float64)):
        found = load_file(tmp_path / folder / "recorded-0000000000.safetensors")
        assert torch.equal(found[weight], model.state_dict()[weight].to(dtype))
        assert found[weight].dtype == dtype
        assert found[mean].dtype == torch.float64
        assert torch.equal(found[mean], model.state_dict()[mean])
        assert found[head].dtype == torch.bfloat16
        assert found["features.1.num_batches_tracked"].dtype == torch.int64


def test_what_fp16_can_t_hold_is_refused(tmp_path):
    model = nn.Linear(2, 1)
    with torch.no_grad():
        model.weight[0, 0] = 65536
    model.register_buffer("large", torch.tensor(1e6))
    with pytest.raises(UsageError, match="weight holds 65536, beyond the largest 65504"):
        landscape.record(model, tmp_path, 0, dtype="fp16")
    assert not list(tmp_path.iterdir())
    with torch.no_grad():
        model.weight[0, 0] = 65504
    landscape.record(model, tmp_path, 0, dtype="fp16")


def test_complex_and_strange_memory(tmp_path):
    model = nn.Module()
    model.z = nn.Parameter(torch.randn(3, 2, dtype=torch.complex64).conj())
    model.t = nn.Parameter(torch.randn(3, 2).t())
    model.e = nn.Parameter(torch.empty(0, 3))
    model.register_buffer("mask", torch.tensor([True, False, True]))
    landscape.record(model, tmp_path, 0)
    like = {name: torch.empty_like(tensor) for name, tensor in model.state_dict().items()}
    found = load_file(tmp_path / "recorded-0000000000.safetensors")
    assert set(found) == set(like)
    for name, tensor in model.state_dict().items():
        assert torch.equal(found[name], tensor.resolve_conj()), name


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"step": -1}, "step: got -1, expected a whole number from 0"),
        ({"step": 1.5}, "step: got 1.5"),
        ({"step": True}, "step: got True"),
        ({"lr": "fast"}, "lr: got 'fast', expected a number"),
        ({"lr": math.nan}, "lr: got nan"),
        ({"lr": -0.1}, "lr: got -0.1"),
        ({"epoch": math.inf}, "epoch: got inf"),
        ({"loss": torch.zeros(2)}, "loss: got tensor"),
        ({"dtype": "fp8"}, "dtype: got 'fp8', expected one of fp16, fp32, fp64"),
    ],
)
def test_wrong_arguments(tmp_path, changes, words):
    with pytest.raises(UsageError) as caught:
        landscape.record(Net(), tmp_path / "walk", **{"step": 0, **changes})
    assert words in str(caught.value)
    assert not (tmp_path / "walk").exists()


def test_what_is_no_tensor_is_refused(tmp_path):
    class Extra(nn.Linear):
        def get_extra_state(self):
            return {"a": 1}

    sparse = nn.Module()
    sparse.register_buffer("s", torch.eye(2).to_sparse())
    long = nn.Module()
    long.register_buffer("z", torch.zeros(2, dtype=torch.complex128))
    for model, words in (
        (Extra(1, 1), "_extra_state is a dict"),
        (nn.LazyLinear(2), "weight is a UninitializedParameter"),
        (sparse, "s is float32 .torch.sparse_coo"),
        (long, "z is complex128, which the safetensors format can't hold"),
        (nn.ReLU(), "ReLU has no parameters and no buffers"),
        (nn.Linear(2, 1, device="meta"), "on meta"),
    ):
        with pytest.raises(LandscapeError, match=words):
            landscape.record(model, tmp_path / "walk", 0)
    assert not (tmp_path / "walk").exists()


def test_a_later_training_run_is_not_mixed_in(tmp_path):
    model = Net()
    for step in range(3):
        landscape.record(model, tmp_path, step)
    with pytest.raises(UsageError, match="step 0 comes after step 2"):
        landscape.record(model, tmp_path, 0, resume=True)
    recording.close()
    with pytest.raises(UsageError, match="resume=True"):
        landscape.record(model, tmp_path, 1)
    scrambled(model)
    landscape.record(model, tmp_path, 1, resume=True)
    landscape.record(model, tmp_path, 5, resume=True)
    assert list(Recording(tmp_path).facts()) == [0, 1, 5]
    found = Net()
    load_weights(found, f"{tmp_path}::1")
    assert same(found, model)


def test_a_folder_that_was_removed_begins_anew(tmp_path):
    import shutil

    folder = tmp_path / "walk"
    landscape.record(Net(), folder, 3)
    shutil.rmtree(folder)
    landscape.record(Net(width=3), folder, 0)
    assert list(Recording(folder).facts()) == [0]


def test_other_checkpoints_keep_their_folder(tmp_path):
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(UsageError, match="holds model.safetensors already; name a folder of its"):
        landscape.record(Net(), tmp_path, 0)
    (tmp_path / "file").touch()
    with pytest.raises(LandscapeError, match="can't create the folder"):
        landscape.record(Net(), tmp_path / "file" / "walk", 0)


def test_weights_that_diverged_are_recorded_and_refused_where_they_are_read(tmp_path):
    model = Net()
    with torch.no_grad():
        model.head.bias[0] = math.inf
    landscape.record(model, tmp_path, 0, loss=math.nan, dtype="fp16")
    with pytest.raises(CheckpointError, match="numbers that are not finite, in head.bias"):
        load_weights(Net(), f"{tmp_path}::0")


def _in_parallel(rank, folder, queue):
    from torch import distributed
    from torch.nn.parallel import DistributedDataParallel

    try:
        torch.set_num_threads(1)
        distributed.init_process_group(
            "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2
        )
        model = DistributedDataParallel(scrambled(Net(), seed=rank))
        landscape.record(model, folder / "walk", 0)
        try:
            mesh = distributed.device_mesh.init_device_mesh("cpu", (2,))
            from torch.distributed.tensor import Shard, distribute_tensor

            divided = nn.Linear(2, 2)
            divided.weight = nn.Parameter(distribute_tensor(divided.weight, mesh, [Shard(0)]))
            landscape.record(divided, folder / "divided", 0)
        except UsageError as error:
            queue.put((rank, str(error)))
        else:
            queue.put((rank, ""))
    except BaseException as error:
        queue.put((rank, repr(error)))


@pytest.mark.slow
def test_rank_0_writes(tmp_path):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    ranks = [context.Process(target=_in_parallel, args=(n, tmp_path, queue)) for n in range(2)]
    for rank in ranks:
        rank.start()
    said = dict(queue.get(timeout=60) for _ in ranks)
    for rank in ranks:
        rank.join(60)
    assert "weight is divided among ranks" in said[0]
    assert said[1] == ""
    found = Net()
    load_weights(found, f"{tmp_path}/walk::0")
    assert same(found, scrambled(Net(), seed=0))
    assert not (tmp_path / "divided").exists()


def documented(number):
    """Return a block of Python from the page on recording."""
    page = (Path(__file__).parents[2] / "docs" / "recording.md").read_text()
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)[number]


def test_the_documented_loop_records(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = nn.Linear(3, 1)
    data = torch.utils.data.TensorDataset(torch.randn(25, 3), torch.randn(25, 1))
    names = {
        "model": model,
        "epochs": 2,
        "loader": torch.utils.data.DataLoader(data),
        "criterion": nn.functional.mse_loss,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
    }
    exec(documented(0), names)
    facts = Recording("runs/walk").facts()
    assert list(facts) == [0, 10, 20, 30, 40, 50]
    assert facts[10].lr == 0.1
    assert [one.whole_epochs for one in facts.values()] == [None, 0, 0, 1, 1, 2]
    found = nn.Linear(3, 1)
    load_weights(found, "runs/walk::50")
    assert same(found, model)


@pytest.mark.slow
@pytest.mark.parametrize("accumulated", [1, 2])
def test_the_documented_callback_records(tmp_path, monkeypatch, accumulated):
    lightning = pytest.importorskip("lightning")
    monkeypatch.chdir(tmp_path)
    rates = []

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = nn.Linear(3, 1)

        def training_step(self, batch, number):
            return self.net(batch[0]).square().mean()

        def configure_optimizers(self):
            optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
            falling = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (step + 1))
            return {
                "optimizer": optimizer,
                "lr_scheduler": {"scheduler": falling, "interval": "step"},
            }

        def optimizer_step(self, epoch, number, optimizer, closure):
            rates.append(optimizer.param_groups[0]["lr"])
            super().optimizer_step(epoch, number, optimizer, closure)

    names = {}
    exec(documented(1), names)
    data = torch.utils.data.TensorDataset(torch.randn(64, 3))
    lightning.Trainer(
        max_epochs=2,
        callbacks=[names["Record"]()],
        accumulate_grad_batches=accumulated,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        plugins=[lightning.fabric.plugins.environments.LightningEnvironment()],
    ).fit(Module(), torch.utils.data.DataLoader(data))
    facts = Recording("runs/walk").facts()
    assert list(facts) == list(range(10, 128 // accumulated + 1, 10))
    assert all(one.lr == rates[step - 1] for step, one in facts.items())


@pytest.mark.parametrize(
    ("text", "steps"), [("10steps", 10), ("1step", 1), ("1epoch", 7), ("3 epochs", 21)]
)
def test_intervals(text, steps):
    assert Interval.parse(text).steps(7) == steps


@pytest.mark.parametrize("text", ["10", "0steps", "-1steps", "1.5epochs", "steps", "1 hour", ""])
def test_other_intervals_are_refused(text):
    with pytest.raises(UsageError, match="expected steps or epochs, such as 10steps, 1epoch"):
        Interval.parse(text)


def test_a_keeper_counts(tmp_path):
    model = Net()
    for _ in range(2):  # the second one replaces what the first one recorded
        keeper = Keeper(str(tmp_path / "walk"), Interval.parse("2steps"), 4, "fp16")
        keeper.begin(model)
        for step in range(1, 8):
            keeper.after_step(model, 0.1 / step, step)
        facts = Recording(tmp_path / "walk").facts()
        assert [(one.step, one.epoch, one.loss) for one in facts.values()] == [
            (0, 0, None), (2, 0.5, 2), (4, 1, 4), (6, 1.5, 6),
        ]  # fmt: skip


def endlessly(folder, said, step):
    """Record in a loop; say each step that is recorded."""
    writer.MOST_FILES = 4
    model = nn.Linear(30, 20)
    with said.open("a", buffering=1) as lines:
        while True:
            nn.init.constant_(model.weight, step)
            landscape.record(model, folder, step, resume=True, lr=step)
            lines.write(f"{step}\n")
            step += 1


def killed_again_and_again(folder: Path, kills: int) -> int:
    """Kill a loop that records, and check each time that nothing is missing; return its steps."""
    chance, said = random.Random(kills), folder / "said"
    model, step = nn.Linear(30, 20), 0
    said.touch()
    for _ in range(kills):
        before = said.stat().st_size
        process = multiprocessing.get_context("fork").Process(
            target=endlessly, args=(folder / "walk", said, step)
        )
        process.start()
        while said.stat().st_size == before:
            assert process.is_alive()
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.05))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        returned = [int(line) for line in said.read_text().splitlines()]
        found = list(Recording(folder / "walk").facts())
        assert found == list(range(len(found)))
        assert returned[-1] <= found[-1] <= returned[-1] + 1
        for one in found:
            tensors, _ = read_weights(f"{folder}/walk::{one}", model, {"weight": model.weight})
            assert bool((tensors["weight"] == one).all())
        step = max(0, returned[-1] - 2)  # as if the trainer's own checkpoint were older
    return step


def test_a_killed_loop_loses_no_step(tmp_path):
    assert killed_again_and_again(tmp_path, 5) > 10


@pytest.mark.chaos
def test_a_loop_killed_many_times_loses_no_step(tmp_path):
    kills = int(os.environ.get("LANDSCAPE_CHAOS_ROUNDS", "30"))
    assert killed_again_and_again(tmp_path, kills) > 2 * kills
