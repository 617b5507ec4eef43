"""LoRA adapters: a direction in the weights, against weights that are merged by hand."""

import json
import math

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.utils.data import TensorDataset

import landscape_cli as landscape
from landscape_cli.errors import LandscapeError, UsageError
from landscape_cli.problems import Problem
from landscape_cli.problems.adapters import read_adapter
from landscape_cli.problems.objectives import cross_entropy

RANK, ALPHA = 2, 6


class Conv1D(nn.Module):
    def __init__(self, nf, nx):
        super().__init__()
        self.nf = nf
        self.weight = nn.Parameter(torch.randn(nx, nf))

    def forward(self, inputs):
        return inputs @ self.weight


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.c_attn = nn.Embedding(7, 5), Conv1D(6, 5)
        self.conv, self.head = nn.Conv1d(6, 4, 3, padding=1), nn.Linear(4, 7)

    def forward(self, tokens):
        hidden = torch.tanh(self.c_attn(self.wte(tokens))).transpose(1, 2)
        return self.head(torch.tanh(self.conv(hidden)).transpose(1, 2)).transpose(1, 2)


def factor(*shape):
    return torch.randn(shape, dtype=torch.float64)


def factors(prefix="base_model.model.", inside=""):
    """Return an adapter of each kind of module, by the names that peft gives it."""
    torch.manual_seed(1)
    both = {"A": f"lora_A{inside}.weight", "B": f"lora_B{inside}.weight"}
    own = {
        **{f"wte.lora_embedding_A{inside}": factor(RANK, 7)},
        **{f"wte.lora_embedding_B{inside}": factor(5, RANK)},
        **{f"c_attn.{both['A']}": factor(RANK, 5), f"c_attn.{both['B']}": factor(6, RANK)},
        **{f"conv.{both['A']}": factor(RANK, 6, 3), f"conv.{both['B']}": factor(4, RANK, 1)},
        **{f"head.{both['A']}": factor(RANK, 4), f"head.{both['B']}": factor(7, RANK)},
    }
    return {prefix + name: tensor for name, tensor in own.items()}


def write(folder, tensors=None, **settings):
    folder.mkdir(exist_ok=True)
    save_file(factors() if tensors is None else tensors, folder / "adapter_model.safetensors")
    known = {"peft_type": "LORA", "r": RANK, "lora_alpha": ALPHA, "fan_in_fan_out": True}
    (folder / "adapter_config.json").write_text(json.dumps(known | settings))
    return str(folder)


def network():
    torch.manual_seed(0)
    return Network().double()


def merged(scale=ALPHA / RANK):
    """Return the network with an adapter merged, one kind of module after the other."""
    model, found = network(), list(factors().values())
    with torch.no_grad():
        model.wte.weight += scale * torch.einsum("rt,wr->tw", found[0], found[1])
        model.c_attn.weight += scale * torch.einsum("ri,or->io", found[2], found[3])
        model.conv.weight += scale * torch.einsum("rik,or->oik", found[4], found[5][..., 0])
        model.head.weight += scale * torch.einsum("ri,or->oi", found[6], found[7])
    return model


def problem(model):
    tokens = torch.randint(7, (24, 9), generator=torch.Generator().manual_seed(0))
    return Problem(model, {"train": TensorDataset(tokens[:, :-1], tokens[:, 1:])}, cross_entropy)


def updates(expected):
    own = dict(network().named_parameters())
    return {name: one - own[name] for name, one in expected.named_parameters()}


@pytest.mark.parametrize("stabilized", [False, True])
@pytest.mark.parametrize(
    ("prefix", "inside"), [("base_model.model.", ""), ("", ".default"), ("net.", "")]
)
def test_updates_are_those_of_merged_weights(tmp_path, stabilized, prefix, inside):
    path = write(tmp_path / "a", factors(prefix, inside), use_rslora=stabilized)
    found = read_adapter(path, network(), "directions.x")
    expected = updates(merged(ALPHA / (math.sqrt(RANK) if stabilized else RANK)))
    assert set(found) == {f"{name}.weight" for name in ("wte", "c_attn", "conv", "head")}
    for name, update in found.items():
        torch.testing.assert_close(update, expected[name], rtol=1e-12, atol=1e-12)


def test_patterns_set_alpha_apart(tmp_path):
    path = write(tmp_path / "a", alpha_pattern={"c_attn": 3 * ALPHA})
    found, plain = read_adapter(path, network(), "x"), updates(merged())
    torch.testing.assert_close(found["c_attn.weight"], 3 * plain["c_attn.weight"])
    torch.testing.assert_close(found["head.weight"], plain["head.weight"])


@pytest.mark.parametrize("storage", ["resident", "streamed"])
def test_the_network_is_at_0_and_with_the_adapter_at_1(tmp_path, storage):
    surface = landscape.compute(
        problem(network()),
        {"x": "auto"},
        directions={"x": {"kind": "lora", "path": write(tmp_path / "a")}},
        keep_directions=storage,
        progress=False,
    )
    axis = surface.grid.axes["x"]
    at = dict(zip(np.round(axis.coordinates, 9), surface.values["train", "loss"], strict=True))
    assert (axis.low, axis.high) == (-0.5, 1.5)
    for place, model in ((0, network()), (1, merged())):
        batch = next(iter(problem(model).splits.values())).tensors
        expected = cross_entropy(model, batch)["loss"].mean().item()
        assert at[place] == pytest.approx(expected, rel=1e-12)
    facts = surface.provenance["directions"]["x"]
    assert facts["label"] == "LoRA adapter a"
    assert len(facts["sha256"]) == 64


def test_a_file_alone_needs_alpha(tmp_path):
    save_file(factors(), tmp_path / "alone.safetensors")
    path = str(tmp_path / "alone.safetensors")
    found = read_adapter(path, network(), "directions.x", ALPHA)
    torch.testing.assert_close(found["head.weight"], updates(merged())["head.weight"])
    with pytest.raises(UsageError, match=r"^directions\.x\.alpha: it has none"):
        read_adapter(path, network(), "directions.x")
    with pytest.raises(UsageError, match="leave alpha out"):
        read_adapter(write(tmp_path / "a"), network(), "directions.x", ALPHA)


REFUSED = {
    "dora": ({"use_dora": True}, {}, "it uses DoRA; merge it into the weights"),
    "bias": ({"bias": "all"}, {}, "it adapts biases"),
    "modules": ({"modules_to_save": ["head"]}, {}, "it replaces whole modules"),
    "kind": ({"peft_type": "IA3"}, {}, "of kind IA3, not LoRA"),
    "start": ({"init_lora_weights": "pissa"}, {}, "it began as 'pissa'"),
    "saved": ({}, {"base_model.model.head.bias": factor(7)}, "other than lora_A and lora_B"),
    "lone": ({}, {"base_model.model.other.lora_A.weight": factor(2, 3)}, "only one factor of"),
    "missing": (
        {},
        {f"base_model.model.other.lora_{s}.weight": factor(2, 2) for s in "AB"},
        "adapts other, which the model does not have",
    ),
    "shape": (
        {},
        {"base_model.model.head.lora_A.weight": factor(2, 5)},
        "(2, 5) and lora_B (7, 2)",
    ),
    "nan": ({}, {"base_model.model.head.lora_A.weight": factor(2, 4) * math.nan}, "not finite"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_plain_adapter_of_this_network_is_refused_in_a_line(tmp_path, case):
    settings, tensors, message = REFUSED[case]
    path = write(tmp_path / "a", factors() | tensors, **settings)
    with pytest.raises(LandscapeError) as error:
        landscape.compute(
            problem(network()),
            {"x": (0, 1, 2)},
            directions={"x": {"kind": "lora", "path": path}},
            progress=False,
        )
    assert message in str(error.value)
    assert str(error.value).startswith("directions.x")
    assert "\n" not in str(error.value)


def test_an_adapter_of_one_of_two_tied_weights_is_refused(tmp_path):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.wte, self.head = nn.Embedding(7, 4), nn.Linear(4, 7, bias=False)
            self.head.weight = self.wte.weight

        def forward(self, tokens):
            return self.head(self.wte(tokens)).transpose(1, 2)

    own = {name: one for name, one in factors().items() if ".head." in name}
    path = write(tmp_path / "a", own)
    with pytest.raises(UsageError, match=r"adapts head\.weight, which is tied to wte\.weight"):
        landscape.compute(
            problem(Tied()),
            {"x": (0, 1, 2)},
            directions={"x": {"kind": "lora", "path": path}},
            progress=False,
        )
