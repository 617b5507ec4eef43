"""Files and folders in the layouts that trainers write."""

import hashlib
import json
import pickle
import shutil
import subprocess

import pytest
import torch
import torch.distributed.checkpoint as dcp
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from landscape_cli.errors import CheckpointError
from landscape_cli.problems.checkpoints import file_hash, load_weights
from landscape_cli.problems.checkpoints.candidates import entries
from landscape_cli.problems.checkpoints.formats import format_of
from support.saved_networks import Net, scrambled

INDEX = "model.safetensors.index.json"


def sharded(folder, state, ending="safetensors", stem="model"):
    """Write a state dict as Hugging Face's libraries do, in two shards and an index."""
    folder.mkdir(exist_ok=True)
    names = list(state)
    weight_map = {}
    for number, part in enumerate((names[:3], names[3:]), start=1):
        shard = f"{stem}-0000{number}-of-00002.{ending}"
        tensors = {name: state[name] for name in part}
        (save_file if ending == "safetensors" else torch.save)(tensors, folder / shard)
        weight_map |= dict.fromkeys(part, shard)
    index = folder / f"{stem}.{ending}.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
    return index


@pytest.mark.parametrize(("ending", "stem"), [("safetensors", "model"), ("bin", "pytorch_model")])
def test_sharded_checkpoints_load_by_index_and_by_folder(tmp_path, trained, loads, ending, stem):
    index = sharded(tmp_path / "out", trained.state_dict(), ending, stem)
    (tmp_path / "out" / "config.json").write_text("{}")
    assert loads(index, trained.state_dict()) == []
    assert loads(tmp_path / "out", trained.state_dict()) == []
    assert file_hash(index) == file_hash(tmp_path / "out")


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_folders_of_transformers_and_accelerate_load(tmp_path, trained, loads, name):
    write = save_file if name.endswith("safetensors") else torch.save
    write(trained.state_dict(), tmp_path / name)
    torch.save({"state": {}}, tmp_path / "optimizer.bin")
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "random_states_0.pkl").write_bytes(b"")
    assert loads(tmp_path, trained.state_dict()) == []
    assert file_hash(tmp_path) == file_hash(tmp_path / name)


def test_of_several_files_in_a_folder_the_taken_one_and_the_others_are_named(
    tmp_path, trained, loads
):
    save_file(trained.state_dict(), tmp_path / "model.safetensors")
    save_file(trained.state_dict(), tmp_path / "model_1.safetensors")
    torch.save(scrambled(Net(), 8).state_dict(), tmp_path / "pytorch_model.bin")
    (said,) = loads(tmp_path, trained.state_dict())
    assert "model.safetensors; the folder also has pytorch_model.bin, model_1.safetensors" in said


def test_folders_without_weights_are_refused_with_what_they_have(tmp_path, trained, refused):
    (tmp_path / "empty").mkdir()
    assert "name the file with the weights" in refused(tmp_path / "empty")
    torch.save(trained.state_dict(), tmp_path / "epoch_3.pt")
    assert "it has epoch_3.pt; name one of them" in refused(tmp_path)


def test_the_hash_of_several_files_is_that_of_sha256sums_lines(tmp_path, trained):
    folder = tmp_path / "out"
    sharded(folder, trained.state_dict())
    names = sorted(path.name for path in folder.iterdir())
    lines = subprocess.run(
        ["sha256sum", *names], cwd=folder, check=True, capture_output=True
    ).stdout
    assert file_hash(folder) == hashlib.sha256(lines).hexdigest()


def test_a_shard_that_lacks_a_tensor_or_is_gone_is_named(tmp_path, trained, refused):
    index = sharded(tmp_path, trained.state_dict())
    shard = tmp_path / "model-00002-of-00002.safetensors"
    save_file({"head.bias": torch.zeros(3)}, shard)
    assert f"{str(shard)!r} lacks" in refused(index)
    shard.unlink()
    with pytest.raises(CheckpointError, match=f"can't read '{shard}': No such file"):
        load_weights(Net(), index)


def test_tensors_of_a_shard_that_the_index_does_not_name_are_not_skipped(
    tmp_path, trained, refused
):
    state = {**trained.state_dict(), "tail": torch.ones(1)}
    index = sharded(tmp_path, state)
    content = json.loads(index.read_text())
    del content["weight_map"]["tail"]
    index.write_text(json.dumps(content))
    assert "unexpected tail" in refused(index)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"weight_map": {}}', '{"weight_map": {"a": 3}}', "[" * 100_000, "\udcff"],
)
def test_indices_of_another_form_are_refused(tmp_path, refused, text):
    path = tmp_path / INDEX
    path.write_text(text, errors="surrogateescape")
    refused(path)


@pytest.mark.parametrize("place", ["/etc/passwd", "../other.safetensors", "a/../../b"])
def test_shards_outside_of_the_folder_are_refused(tmp_path, refused, place):
    path = tmp_path / INDEX
    path.write_text(json.dumps({"weight_map": {"head.bias": place}}))
    assert "not a file beside it" in refused(path)


def test_safetensors_under_another_ending_load(tmp_path, trained, loads):
    save_file(trained.state_dict(), tmp_path / "weights.sft")
    loads(tmp_path / "weights.sft", trained.state_dict())


@pytest.mark.parametrize("name", ["net.pt", "model.safetensors"])
def test_pointers_of_git_lfs_are_named_as_that(tmp_path, refused, name):
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n"
    (tmp_path / name).write_text(text)
    assert "is a pointer of Git LFS" in refused(tmp_path / name)


def test_files_of_older_pytorch_load(tmp_path, trained, loads):
    path = tmp_path / "net.pth"
    torch.save({"net": trained.state_dict()}, path, _use_new_zipfile_serialization=False)
    loads(path, trained.state_dict())


# --- torch.distributed.checkpoint


def distributed(path, content):
    dcp.save(content, checkpoint_id=path, no_dist=True)
    return path


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("keys", [(), ("model",), ("app", "model")])
def test_distributed_checkpoints_load_without_a_process_group(tmp_path, trained, loads, keys):
    optimizer = torch.optim.Adam(trained.parameters())
    trained(torch.rand(2, 1, 4, 4)).sum().backward()
    optimizer.step()
    trained.requires_grad_(False)
    content = trained.state_dict()
    for key in reversed(keys):
        content = {key: content}
    if keys:
        content = {**content, "optim": optimizer.state_dict(), "epoch": 3}
    path = distributed(tmp_path / "step_3", content)
    loads(path, trained.state_dict())
    loads(f"{path}::{'.'.join(keys)}" if keys else path, trained.state_dict())


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_file_of_a_distributed_checkpoint_points_to_its_folder(tmp_path, trained, refused):
    path = distributed(tmp_path / "step_3", trained.state_dict())
    for name in (".metadata", "__0_0.distcp"):
        assert f"name its folder, {str(path)!r}" in refused(path / name)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_flipped_byte_in_a_chunk_is_refused(tmp_path, trained, refused):
    path = distributed(tmp_path / "step_3", {"model": trained.state_dict()})
    file = path / "__0_0.distcp"
    content = bytearray(file.read_bytes())
    place = content.find(trained.head.weight.detach().numpy().tobytes())
    content[place + 2] ^= 1
    file.write_bytes(content)
    assert "does not have its checksum" in refused(path)
    file.write_bytes(content[:100])
    assert "is cut off in" in refused(path)
    file.unlink()
    assert "__0_0.distcp" in refused(path)


def edit_metadata(path, change):
    with open(path / ".metadata", "rb") as file:
        metadata = pickle.load(file)
    change(metadata)
    with open(path / ".metadata", "wb") as file:
        pickle.dump(metadata, file)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_chunks_that_do_not_cover_a_tensor_are_refused(tmp_path, trained, refused):
    path = distributed(tmp_path / "step_3", trained.state_dict())
    edit_metadata(path, lambda m: m.state_dict_metadata["head.weight"].chunks.clear())
    assert "has 0 of the 6 numbers of head.weight" in refused(path)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_chunks_outside_of_the_folder_are_refused(tmp_path, trained, refused):
    path = distributed(tmp_path / "step_3", trained.state_dict())

    def change(metadata):
        for info in metadata.storage_data.values():
            info.relative_path = "../step_4/__0_0.distcp"

    edit_metadata(path, change)
    assert "outside of the folder" in refused(path)


class Evil:
    def __reduce__(self):
        import os

        return os.mkdir, ("evil",)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("protocol", range(6))
def test_metadata_that_wants_to_run_code_is_named_as_that(
    tmp_path, monkeypatch, trained, refused, protocol
):
    monkeypatch.chdir(tmp_path)
    path = distributed(tmp_path / "step_3", trained.state_dict())
    with open(path / ".metadata", "wb") as file:
        pickle.dump({"a": Evil()}, file, protocol)
    assert "wants to run code: it asks for posix.mkdir" in refused(path)
    assert not (tmp_path / "evil").exists()


class Mine:
    """An object that does not belong into metadata."""


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_other_objects_in_metadata_are_refused(tmp_path, trained, refused):
    path = distributed(tmp_path / "step_3", trained.state_dict())
    edit_metadata(path, lambda metadata: setattr(metadata, "planner_data", Mine()))
    assert "holds objects besides tensors" in refused(path)


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=60)
@given(st.data())
def test_damaged_metadata_is_refused_or_gives_the_weights(tmp_path, data):
    model = scrambled(Net())
    path = tmp_path / "step_3"
    shutil.rmtree(path, ignore_errors=True)
    distributed(path, model.state_dict())
    content = bytearray((path / ".metadata").read_bytes())
    if data.draw(st.booleans()):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    else:
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    (path / ".metadata").write_bytes(content)
    fresh = Net()
    try:
        load_weights(fresh, path, lambda note: None)
    except CheckpointError:
        return
    for name, tensor in model.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], tensor)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_objects_of_distributed_checkpoints_are_not_unpickled(tmp_path, monkeypatch, trained):
    monkeypatch.chdir(tmp_path)
    path = distributed(tmp_path / "step_3", {"model": trained.state_dict(), "sampler": Evil()})
    assert not (tmp_path / "evil").exists()
    content = format_of(str(path)).read(str(path))
    assert "sampler" not in content
    assert not (tmp_path / "evil").exists()
    ((key, _),) = entries(content)
    assert key == "model"


# --- transformers


class Configuration:
    """A configuration of transformers."""

    def __init__(self, **values):
        self.values = values

    def to_dict(self):
        return self.values


class Pretrained(Net):
    """A network of transformers."""

    def __init__(self, **values):
        super().__init__()
        self.config = Configuration(**values)

    def from_pretrained(self):
        """Is never called."""


def test_a_network_that_differs_from_its_configuration_is_said(tmp_path, trained, loads):
    save_file(trained.state_dict(), tmp_path / "model.safetensors")
    stored = {"n_head": 2, "attn_pdrop": 0.1, "use_cache": True, "layers": [1], "only_there": 3}
    (tmp_path / "config.json").write_text(json.dumps(stored))
    same = {"n_head": 2, "attn_pdrop": 0.0, "use_cache": False, "layers": [2], "only_here": 3}
    assert loads(tmp_path, trained.state_dict(), Pretrained(**same)) == []
    (said,) = loads(tmp_path, trained.state_dict(), Pretrained(**{**same, "n_head": 4}))
    assert "not built as its config.json says: n_head: 2 there, 4 here" in said
    assert loads(tmp_path, trained.state_dict()) == []


def test_files_that_transformers_renames_point_to_from_pretrained(tmp_path, trained, refused):
    state = {n.replace("features.", "encoder."): t for n, t in trained.state_dict().items()}
    save_file(state, tmp_path / "model.safetensors")
    assert "load it in the problem, with from_pretrained" in refused(tmp_path, Pretrained())
    assert "from_pretrained" not in refused(tmp_path)


# --- peft


class Adapted(nn.Module):
    """A linear layer with an adapter, as peft builds it."""

    def __init__(self, base):
        super().__init__()
        self.base_layer = base
        self.lora_A = nn.ModuleDict({"default": nn.Linear(3, 2, bias=False)})
        self.lora_B = nn.ModuleDict({"default": nn.Linear(2, 3, bias=False)})


class Wrapper(nn.Module):
    """peft's ``ModulesToSaveWrapper``: the module as it was, and the one that is trained."""

    def __init__(self):
        super().__init__()
        self.original_module = nn.Linear(3, 2)
        self.modules_to_save = nn.ModuleDict({"default": nn.Linear(3, 2)})


class Settings:
    """The settings that decide an adapter's scale."""

    lora_alpha = 8
    r = 2


def adapted():
    model = nn.ModuleDict(
        {"base_model": nn.ModuleDict({"model": nn.ModuleDict({"q": Adapted(nn.Linear(3, 3))})})}
    )
    model["base_model"]["model"]["head"] = Wrapper()
    model.peft_config = {"default": Settings()}
    return model


def adapter_state(model):
    """Return what peft writes: the adapter's tensors without its name."""
    state = {}
    for name, tensor in model.state_dict().items():
        if ".default" in name:
            short = name.replace(".modules_to_save.default", "").replace(".default", "")
            state[short] = tensor.clone()
    return state


@pytest.fixture
def adapter(tmp_path):
    model = scrambled(adapted())
    save_file(adapter_state(model), tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text(json.dumps({"lora_alpha": 8, "r": 2}))
    return model, tmp_path


def test_an_adapter_loads_and_other_weights_stay(adapter, loads):
    model, folder = adapter
    fresh = scrambled(adapted(), 9)
    expected = {name: tensor.clone() for name, tensor in fresh.state_dict().items()}
    expected |= {n: t for n, t in model.state_dict().items() if ".default" in n}
    assert set(adapter_state(model)) == {
        "base_model.model.q.lora_A.weight",
        "base_model.model.q.lora_B.weight",
        "base_model.model.head.weight",
        "base_model.model.head.bias",
    }
    (said,) = loads(folder, expected, fresh)
    assert "holds an adapter alone; 4 other tensors stay as built" in said


def test_an_adapter_of_another_scale_is_refused(adapter, refused):
    _, folder = adapter
    (folder / "adapter_config.json").write_text(json.dumps({"lora_alpha": 16, "r": 2}))
    assert "was trained with lora_alpha: 16, the model is built with 8" in refused(
        folder, adapted()
    )


def test_half_an_adapter_is_refused(adapter, refused):
    model, folder = adapter
    state = adapter_state(model)
    del state["base_model.model.q.lora_B.weight"]
    save_file(state, folder / "adapter_model.safetensors")
    assert "missing base_model.model.q.lora_B.default.weight" in refused(folder, adapted())


def test_an_adapter_for_a_model_without_one_is_refused(adapter, refused):
    _, folder = adapter
    assert "build the model with peft" in refused(folder, Net())
