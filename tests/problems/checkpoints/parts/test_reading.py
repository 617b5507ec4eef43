"""Parts of stored tensors against the whole ones."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn
from torch.distributed import checkpoint

from landscape_cli.errors import CheckpointError
from landscape_cli.problems.checkpoints.parts import stored_tensors


def network():
    torch.manual_seed(1)
    layers = nn.Sequential(nn.Linear(5, 7), nn.BatchNorm1d(7), nn.Linear(7, 3).bfloat16())
    layers.register_buffer("scale", torch.tensor(0.5))
    return layers


@pytest.fixture(scope="module", params=["file", "index", "distributed"])
def stored(request, tmp_path_factory):
    """A state dict, and what was found of it in a checkpoint."""
    folder = tmp_path_factory.mktemp("stored")
    state = network().state_dict()
    wrapped = {f"module.{name}": tensor for name, tensor in state.items()}
    if request.param == "file":
        path = folder / "model.safetensors"
        save_file(wrapped, path)
    elif request.param == "index":
        path = folder
        names = list(wrapped)
        places = {name: f"model-{number % 2}.safetensors" for number, name in enumerate(names)}
        for file in set(places.values()):
            save_file({n: wrapped[n] for n in names if places[n] == file}, folder / file)
        index = folder / "model.safetensors.index.json"
        index.write_text(json.dumps({"weight_map": places}))
    else:
        path = folder / "distributed"
        checkpoint.save({"model": wrapped, "step": 2}, checkpoint_id=path, no_dist=True)
    with torch.device("meta"):
        empty = network()
    return state, stored_tensors(path, empty)


def test_every_tensor_is_found_under_the_models_name(stored):
    state, found = stored
    assert set(found) == set(state)
    for name, tensor in state.items():
        assert found[name].shape == tuple(tensor.shape)
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name].whole(), tensor)


@given(data=st.data())
def test_any_rectangle_is_read(stored, data):
    state, found = stored
    name = data.draw(st.sampled_from(sorted(state)))
    place = []
    for size in state[name].shape:
        start = data.draw(st.integers(0, size))
        place.append(slice(start, data.draw(st.integers(start, size))))
    part = found[name].read(tuple(place))
    assert torch.equal(part, state[name][tuple(place)])


def test_other_formats_and_other_networks_are_refused(tmp_path):
    whole = tmp_path / "whole.pt"
    torch.save(network().state_dict(), whole)
    with pytest.raises(CheckpointError, match="can only be read as a whole"):
        stored_tensors(whole, network())
    path = tmp_path / "other.safetensors"
    save_file({"0.weight": torch.zeros(7, 6)}, path)
    with pytest.raises(CheckpointError, match="does not fit"):
        stored_tensors(path, network())


def test_damage_is_refused(tmp_path):
    path = tmp_path / "cut.safetensors"
    save_file(network().state_dict(), path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match="damaged or cut off"):
        stored_tensors(path, network())
    folder = tmp_path / "distributed"
    checkpoint.save(network().state_dict(), checkpoint_id=folder, no_dist=True)
    (chunks,) = folder.glob("*.distcp")
    chunks.write_bytes(chunks.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="cut off"):
        stored_tensors(folder, network())
