"""Names of trainers and wrappers, ties, hooks, and what is refused and how."""

import copy
import re
import warnings

import pytest
import torch
from safetensors.torch import save_file, save_model
from torch import nn
from torch.nn.utils import parametrizations

from landscape_cli.problems.checkpoints import load_weights, read_weights
from landscape_cli.records.checkpoint_path import CheckpointPath
from support.saved_networks import Net, Tied, scrambled


def prefixed(prefix, state):
    return {prefix + name: value for name, value in state.items()}


@pytest.mark.parametrize(
    "prefix",
    ["", "module.", "_orig_mod.", "module._orig_mod.", "_fsdp_wrapped_module.", "_forward_module."],
)
def test_wrappers_are_removed_without_a_word(tmp_path, trained, loads, prefix):
    torch.save(prefixed(prefix, trained.state_dict()), tmp_path / "net.pt")
    assert loads(tmp_path / "net.pt", trained.state_dict()) == []


@pytest.mark.parametrize("inner", ["module.", "_orig_mod.", "_checkpoint_wrapped_module."])
def test_wrapped_submodules_load(tmp_path, trained, loads, inner):
    state = {
        n.replace("features.", f"features.{inner}"): v for n, v in trained.state_dict().items()
    }
    torch.save(state, tmp_path / "net.pt")
    assert loads(tmp_path / "net.pt", trained.state_dict()) == []


def test_a_model_with_a_wrapped_submodule_takes_bare_names(tmp_path, trained, loads):
    model = Net()
    model.features = nn.DataParallel(model.features)
    torch.save(trained.state_dict(), tmp_path / "net.pt")
    state = {n.replace("features.", "features.module."): v for n, v in trained.state_dict().items()}
    assert loads(tmp_path / "net.pt", state, model) == []


@pytest.mark.parametrize("prefix", ["model.", "net.", "model._orig_mod.", "student.encoder."])
def test_a_prefix_of_all_names_is_removed_and_said(tmp_path, trained, loads, prefix):
    state = {"state_dict": prefixed(prefix, trained.state_dict()), "epoch": 3}
    torch.save(state, tmp_path / "last.ckpt")
    (said,) = loads(tmp_path / "last.ckpt", trained.state_dict())
    bare = prefix.replace("_orig_mod.", "")
    assert f"removed the prefix '{bare}' of all names, which then fit" in said


def test_a_prefix_of_all_of_the_models_names_is_added_and_said(tmp_path, trained, loads):
    torch.save(trained.state_dict(), tmp_path / "base.pt")
    wrapper = nn.ModuleDict({"backbone": Net()})
    (said,) = loads(tmp_path / "base.pt", prefixed("backbone.", trained.state_dict()), wrapper)
    assert "added the prefix 'backbone.' to all names" in said


def test_a_prefix_of_some_names_is_refused_with_the_remedy_that_works(
    tmp_path, trained, loads, refused
):
    path = tmp_path / "last.ckpt"
    state = {**prefixed("model.", trained.state_dict()), "criterion.weight": torch.ones(3)}
    torch.save({"state_dict": state}, path)
    line = refused(path)
    assert "unexpected model.features" in line
    assert "problem_args" not in line
    assert f"checkpoint: {{path: {path}, key: state_dict, prefix: model.}}" in line
    (said,) = loads({"path": str(path), "prefix": "model"}, trained.state_dict())
    assert "leaves out criterion.weight, not below 'model.'" in said


def test_an_unknown_prefix_lists_the_names_beginnings(tmp_path, trained, refused):
    path = str(tmp_path / "net.pt")
    torch.save(trained.state_dict(), path)
    line = refused(CheckpointPath(path, prefix="net."))
    assert "no name of" in line
    assert "they begin with features., head." in line


def test_a_model_of_other_widths_points_to_problem_args(tmp_path, refused):
    torch.save(prefixed("model.", Net(4).state_dict()), tmp_path / "net.pt")
    line = refused(tmp_path / "net.pt")
    assert "wrong shapes: features.0.weight (4, 1, 3, 3) instead of (2, 1, 3, 3)" in line
    assert line.endswith("check problem_args")


@pytest.mark.parametrize("change", ["missing", "unexpected"])
def test_other_mismatches_do_not(tmp_path, trained, refused, change):
    state = trained.state_dict()
    if change == "missing":
        del state["head.bias"]
    else:
        state["tail.bias"] = torch.zeros(2)
    torch.save(state, tmp_path / "net.pt")
    line = refused(tmp_path / "net.pt")
    assert change in line
    assert "problem_args" not in line


def test_another_networks_file_is_asked_about(tmp_path, refused):
    torch.save({"alpha": torch.zeros(2), "beta": torch.zeros(2)}, tmp_path / "net.pt")
    assert "is it a checkpoint of this network?" in refused(tmp_path / "net.pt")


@pytest.mark.parametrize("by_storage", [False, True])
@pytest.mark.parametrize("prefix", ["", "model."])
def test_tied_tensors_that_a_file_leaves_out_are_completed(tmp_path, loads, by_storage, prefix):
    model = scrambled(Tied())
    if prefix:
        state = prefixed(prefix, model.state_dict())
        del state[f"{prefix}lm_head.weight"]
        save_file(state, tmp_path / "net.safetensors")
    else:
        save_model(model, str(tmp_path / "net.safetensors"))
    fresh = Tied(by_storage)
    loads(tmp_path / "net.safetensors", model.state_dict(), fresh)
    assert fresh.lm_head.weight.data_ptr() == fresh.embed.weight.data_ptr()


def test_tied_tensors_under_their_other_name_are_completed(tmp_path, loads):
    model = scrambled(Tied())
    state = model.state_dict()
    del state["embed.weight"]
    torch.save(state, tmp_path / "net.pt")
    loads(tmp_path / "net.pt", model.state_dict(), Tied())


@pytest.mark.parametrize("by_storage", [False, True])
def test_different_tensors_for_tied_names_are_refused(tmp_path, refused, by_storage):
    state = {name: value.clone() for name, value in scrambled(Tied()).state_dict().items()}
    state["lm_head.weight"] += 1
    torch.save(state, tmp_path / "net.pt")
    line = refused(tmp_path / "net.pt", Tied(by_storage))
    assert "different tensors for embed.weight and lm_head.weight" in line


def test_tensors_that_overlap_in_the_model_are_refused_if_they_lose_their_numbers(
    tmp_path, refused
):
    class Overlapping(nn.Module):
        def __init__(self):
            super().__init__()
            self.whole = nn.Parameter(torch.zeros(4))
            self.part = nn.Parameter(torch.zeros(2))
            self.part.data = self.whole.data[:2]

    torch.save({"whole": torch.ones(4), "part": torch.zeros(2)}, tmp_path / "net.pt")
    assert "shares memory with other tensors" in refused(tmp_path / "net.pt", Overlapping())
    torch.save({"whole": torch.ones(4), "part": torch.ones(2)}, tmp_path / "net.pt")
    load_weights(Overlapping(), tmp_path / "net.pt")


def normed(new):
    norm = parametrizations.weight_norm if new else nn.utils.weight_norm
    return nn.Sequential(norm(nn.Linear(3, 2)), nn.Linear(2, 2))


@pytest.mark.parametrize("prefix", ["", "module.", "model."])
def test_old_weight_norm_names_load_as_in_torch(tmp_path, prefix):
    with pytest.warns(FutureWarning):
        old = scrambled(normed(new=False))
    torch.save(prefixed(prefix, old.state_dict()), tmp_path / "net.pt")
    model, reference = normed(new=True), normed(new=True)
    reference.load_state_dict(old.state_dict())
    weights = dict(model.named_parameters())
    read, _ = read_weights(tmp_path / "net.pt", model, weights, lambda note: None)
    load_weights(model, tmp_path / "net.pt", lambda note: None)
    for name, tensor in reference.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor)
        assert torch.equal(read[name], tensor)
    inputs = torch.rand(4, 3)
    assert torch.equal(model(inputs), reference(inputs))


def test_old_weight_norm_names_load_into_a_wrapped_model(tmp_path):
    with pytest.warns(FutureWarning):
        old = scrambled(normed(new=False))
    torch.save(old.state_dict(), tmp_path / "net.pt")
    model, reference = nn.DataParallel(normed(new=True)), normed(new=True)
    reference.load_state_dict(old.state_dict())
    load_weights(model, tmp_path / "net.pt")
    for name, tensor in reference.state_dict().items():
        assert torch.equal(model.module.state_dict()[name].cpu(), tensor)


@pytest.mark.parametrize("metadata", [False, True])
def test_files_without_counters_load(tmp_path, trained, loads, metadata):
    state = trained.state_dict() if metadata else dict(trained.state_dict())
    del state["features.1.num_batches_tracked"]
    torch.save(state, tmp_path / "net.pt")
    loads(tmp_path / "net.pt", trained.state_dict())


def test_averaged_models_load_into_networks_and_the_other_way_round(tmp_path, trained, loads):
    averaged = torch.optim.swa_utils.AveragedModel(trained)
    torch.save(averaged.state_dict(), tmp_path / "averaged.pt")
    torch.save(trained.state_dict(), tmp_path / "net.pt")
    loads(tmp_path / "averaged.pt", trained.state_dict())
    loads(tmp_path / "averaged.pt", averaged.state_dict(), copy.deepcopy(averaged))
    fresh = torch.optim.swa_utils.AveragedModel(Net())
    state = {**prefixed("module.", trained.state_dict()), "n_averaged": torch.tensor(0)}
    loads(tmp_path / "net.pt", state, fresh)


class Extra(nn.Module):
    """A network with a state besides its tensors."""

    def __init__(self, scale=1):
        super().__init__()
        self.f = nn.Linear(2, 2)
        self.scale = scale

    def get_extra_state(self):
        return {"scale": self.scale}

    def set_extra_state(self, state):
        self.scale = state["scale"]


@pytest.mark.parametrize("prefix", ["", "module.", "model."])
def test_extra_state_is_carried_to_the_model(tmp_path, prefix):
    model = scrambled(nn.Sequential(Extra(7)))
    torch.save(prefixed(prefix, model.state_dict()), tmp_path / "net.pt")
    fresh = nn.Sequential(Extra())
    read_weights(tmp_path / "net.pt", fresh, dict(fresh.named_parameters()), lambda note: None)
    assert fresh[0].scale == 1
    load_weights(fresh, tmp_path / "net.pt", lambda note: None)
    assert fresh[0].scale == 7
    assert torch.equal(fresh[0].f.weight, model[0].f.weight)


def test_quantized_modules_load(tmp_path):
    def quantized(seed):
        network = scrambled(nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4)), seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.ao.quantization.quantize_dynamic(network, {nn.Linear})

    model, other = quantized(1), quantized(2)
    torch.save(model.state_dict(), tmp_path / "net.pt")
    inputs = torch.rand(3, 4)
    before = other(inputs)
    read_weights(tmp_path / "net.pt", other, dict(other.named_parameters()))
    assert torch.equal(other(inputs), before)
    load_weights(other, tmp_path / "net.pt")
    assert torch.equal(other(inputs), model(inputs))


def test_lazy_modules_take_the_files_shapes(tmp_path):
    def network():
        return nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(2))

    model = network()
    model(torch.zeros(1, 3))
    torch.save(model.state_dict(), tmp_path / "net.pt")
    fresh = network()
    load_weights(fresh, tmp_path / "net.pt")
    inputs = torch.rand(5, 3)
    assert torch.equal(fresh(inputs), model(inputs))


def test_scripted_modules_load_and_are_not_changed_by_reading(tmp_path, trained, loads):
    torch.save(trained.state_dict(), tmp_path / "net.pt")
    loads(tmp_path / "net.pt", trained.state_dict(), torch.jit.script(Net()))


def test_names_below_a_module_that_is_none_are_refused(tmp_path, refused):
    class Block(nn.Module):
        def __init__(self, shortcut):
            super().__init__()
            self.f = nn.Linear(2, 2)
            self.shortcut = shortcut

    torch.save(Block(nn.Linear(2, 2)).state_dict(), tmp_path / "net.pt")
    line = refused(tmp_path / "net.pt", Block(None))
    assert "unexpected shortcut.weight, shortcut.bias" in line


def test_what_a_models_class_declares_useless_is_left_out(tmp_path, loads):
    class Language(Tied):
        _keys_to_ignore_on_load_unexpected = (r"attn\.bias$",)

    model = scrambled(Language())
    torch.save({**model.state_dict(), "attn.bias": torch.ones(2)}, tmp_path / "net.pt")
    loads(tmp_path / "net.pt", model.state_dict(), Language())


@pytest.mark.parametrize(
    ("stored", "own", "words"),
    [
        (
            torch.complex64,
            torch.float32,
            "head.weight is complex64 in the file and float32 in the model",
        ),
        (torch.int8, torch.float32, "head.weight is int8 in the file and float32 in the model"),
    ],
)
def test_tensors_of_another_kind_are_refused(tmp_path, trained, refused, stored, own, words):
    state = trained.state_dict()
    state["head.weight"] = (state["head.weight"] * 8).to(stored)
    torch.save(state, tmp_path / "net.pt")
    assert words in refused(tmp_path / "net.pt")


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64, torch.complex128])
def test_complex_parameters_take_complex_and_real_tensors(tmp_path, dtype):
    numbers = torch.arange(6).reshape(2, 3).to(dtype)
    state = {"weight": numbers * (1 + 1j) if dtype.is_complex else numbers}
    torch.save(state, tmp_path / "net.pt")
    model = nn.Module()
    model.weight = nn.Parameter(torch.zeros(2, 3, dtype=torch.complex64))
    parts = {"weight": torch.view_as_real(model.weight.detach())}
    read, _ = read_weights(tmp_path / "net.pt", model, parts)
    load_weights(model, tmp_path / "net.pt")
    assert torch.equal(model.weight.detach(), state["weight"].to(torch.complex64))
    assert torch.equal(read["weight"], torch.view_as_real(model.weight.detach()))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_tensors_of_another_precision_load(tmp_path, trained, loads, dtype):
    state = {
        n: t.to(dtype) if t.is_floating_point() else t for n, t in trained.state_dict().items()
    }
    torch.save(state, tmp_path / "net.pt")
    loads(tmp_path / "net.pt", state)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(tmp_path, trained, refused, number):
    trained.head.weight.data[1, 1] = number
    torch.save(trained.state_dict(), tmp_path / "net.pt")
    assert "not finite, in head.weight; leave it out" in refused(tmp_path / "net.pt")


def test_numbers_beyond_the_range_of_the_models_dtype_are_refused(tmp_path, trained, refused):
    trained.head.weight.data[1, 1] = 1e6
    torch.save(trained.state_dict(), tmp_path / "net.pt")
    assert "not finite, in head.weight" in refused(tmp_path / "net.pt", Net().half())


def test_infinities_that_are_a_constant_of_the_network_load(tmp_path, refused):
    class Masked(nn.Module):
        def __init__(self, low=float("-inf")):
            super().__init__()
            self.f = nn.Linear(2, 2)
            self.register_buffer("mask", torch.tensor([0.0, low]))

    torch.save(Masked().state_dict(), tmp_path / "net.pt")
    load_weights(Masked(), tmp_path / "net.pt")
    assert "not finite, in mask" in refused(tmp_path / "net.pt", Masked(0.0))


def test_a_models_own_hook_may_rename(tmp_path, trained, loads):
    def renamed(state, prefix, *_):
        for name in [name for name in state if name.startswith("fc.")]:
            state[name.replace("fc.", "head.")] = state.pop(name)

    model = Net()
    model.register_load_state_dict_pre_hook(lambda module, *arguments: renamed(*arguments))
    state = {re.sub("^head", "fc", n): v for n, v in trained.state_dict().items()}
    torch.save(state, tmp_path / "net.pt")
    loads(tmp_path / "net.pt", trained.state_dict(), model)
