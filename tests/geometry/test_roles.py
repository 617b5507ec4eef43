"""Roles of parameters and the filters of transformers, against norms computed with plain NumPy."""

import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.errors import UsageError
from landscape_cli.geometry import blocks
from landscape_cli.geometry.directions import direction_from
from landscape_cli.geometry.normalization import filter_norms
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.affine import build_slice
from landscape_cli.geometry.slices.streamed import StreamedSlice


class Conv1D(nn.Module):
    """The linear layer of GPT-2 in transformers: its weight is (in, out)."""

    def __init__(self, nf, nx):
        super().__init__()
        self.nf = nf
        self.weight = nn.Parameter(torch.randn(nx, nf))
        self.bias = nn.Parameter(torch.zeros(nf))


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.lm_head = nn.Linear(8, 11, bias=False)
        self.wte, self.wpe = nn.Embedding(11, 8, padding_idx=0), nn.Embedding(5, 8)
        self.wte.weight = self.lm_head.weight
        self.ln_1, self.ln_2 = nn.LayerNorm(8), RMSNorm(8)
        self.c_attn = Conv1D(24, 8)
        self.attention = nn.MultiheadAttention(8, 2)
        self.attention.requires_grad_(False)
        self.experts = nn.Parameter(torch.randn(3, 8, 4))


@pytest.fixture
def flat():
    return FlatParameters.of_model(Transformer(), "cpu")


def recipe(flat, **settings):
    found = direction_from(settings, "directions.x").among(flat)
    found.prepare("directions.x", flat.views)
    return found


def axes_of(name, dimensions):
    """Return the dimensions that a filter's norm sums over."""
    return 0 if name == "c_attn.weight" else tuple(range(1, dimensions))


def test_every_filter_of_a_transformer_gets_the_norm_of_its_weights(flat):
    slice_ = build_slice(flat.clone(), {"x": recipe(flat)})
    names = dict(Transformer().named_parameters())
    assert set(slice_.directions["x"].views) == set(names)
    for name, direction in slice_.directions["x"].views.items():
        weights = flat.views[name].numpy().astype(np.float64)
        entries = direction.numpy().astype(np.float64)
        if weights.ndim == 1:  # scales, shifts and biases stay fixed
            assert not entries.any(), name
            continue
        axes = axes_of(name, weights.ndim)
        expected = np.sqrt((weights**2).sum(axis=axes))
        found = np.sqrt((entries**2).sum(axis=axes))
        np.testing.assert_allclose(found, expected, rtol=1e-5, err_msg=name)


def test_filters_of_fused_and_transposed_projections_are_outputs(flat):
    views = build_slice(flat.clone(), {"x": recipe(flat)}).directions["x"].views
    assert filter_norms(blocks.Blocks.of(views["c_attn.weight"], columns=True)).shape == (24,)
    assert filter_norms(blocks.Blocks.of(views["attention.in_proj_weight"])).shape == (24,)
    assert filter_norms(blocks.Blocks.of(views["experts"])).shape == (3,)
    # A tied head is moved once, under the name that comes first.
    assert "lm_head.weight" in views
    assert "wte.weight" not in views


@pytest.mark.bits
@pytest.mark.parametrize("rule", ["filter", "dfilter"])
@pytest.mark.parametrize("chunk", [64, 20, 1 << 20])
def test_columns_are_scaled_alike_however_a_weight_is_divided(flat, rule, chunk, monkeypatch):
    whole = build_slice(flat.clone(), {"x": recipe(flat, normalize=rule)})
    expected = whole.directions["x"].views["c_attn.weight"].clone()
    monkeypatch.setattr(blocks, "CHUNK", chunk)
    streamed = StreamedSlice(flat.clone(), {"x": recipe(flat, normalize=rule)})
    out = flat.zeros()
    streamed.write((1.0,), out)
    found = out.views["c_attn.weight"] - flat.views["c_attn.weight"]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    if chunk == 1 << 20:
        other = flat.zeros()
        whole.write((1.0,), other)
        assert all(torch.equal(out.views[name], other.views[name]) for name in out.views)
    if rule == "dfilter":
        torch.testing.assert_close(found.norm(dim=0), torch.ones(24), rtol=1e-4, atol=0)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("embeddings", {"lm_head.weight", "wpe.weight"}),
        ("norms", {"ln_1.weight", "ln_1.bias", "ln_2.weight"}),
        (
            "frozen",
            {f"attention.{n}" for n in ("in_proj_weight", "in_proj_bias")}
            | {f"attention.out_proj.{n}" for n in ("weight", "bias")},
        ),
    ],
)
def test_words_stand_for_the_parameters_of_a_role(flat, word, expected):
    excluded = recipe(flat, exclude=word)
    assert {name for name in flat.views if not excluded.selects(name)} == expected
    included = recipe(flat, include=word)
    assert {name for name in flat.views if included.selects(name)} == expected
    assert included.roles == {word: expected}


def test_a_parameter_of_that_very_name_takes_precedence():
    model = Transformer()
    model.embeddings = nn.Parameter(torch.randn(2, 2))
    flat = FlatParameters.of_model(model, "cpu")
    found = recipe(flat, exclude="embeddings")
    assert {name for name in flat.views if not found.selects(name)} == {"embeddings"}
    assert found.roles == {}


def test_a_word_without_parameters_is_refused():
    flat = FlatParameters.of_model(nn.Linear(3, 2), "cpu")
    with pytest.raises(UsageError, match=r"^directions\.x\.exclude: embeddings stands for tables"):
        recipe(flat, exclude="embeddings")


@pytest.mark.bits
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_low_rank_directions_have_their_rank_and_the_filters_norms(dtype, monkeypatch):
    model = Transformer().to(dtype)
    flat = FlatParameters.of_model(model, "cpu")
    chosen = recipe(flat, rank=2, seed=3)
    whole = build_slice(flat.clone(), {"x": chosen}).directions["x"].views
    for name, direction in whole.items():
        weights = flat.views[name]
        if weights.dim() < 2:
            assert not direction.any()
            continue
        assert torch.linalg.matrix_rank(direction.flatten(1).double(), rtol=1e-5) == 2, name
        axes = axes_of(name, weights.dim())
        torch.testing.assert_close(
            direction.norm(dim=axes), weights.norm(dim=axes), rtol=1e-5, atol=1e-9
        )
    monkeypatch.setattr(blocks, "CHUNK", 40)
    for axis_seed, equal in ((3, True), (4, False)):
        streamed = StreamedSlice(flat.clone(), {"x": recipe(flat, rank=2, seed=axis_seed)})
        entries = {
            name: torch.cat(
                [block.flatten() for one, _, block in streamed.blocks("x") if one == name]
            )
            for name in ("c_attn.weight", "experts")
        }
        for name, found in entries.items():
            assert torch.allclose(found, whole[name].flatten(), rtol=1e-5) == equal


def test_raw_entries_of_low_rank_are_the_same_bits_in_blocks_of_any_size():
    chosen = direction_from({"kind": "random", "rank": 3}, "directions.x")
    expected = torch.empty(7, 5, 3)
    chosen.draw("w", expected)
    left_right = expected.flatten(1).double()
    assert torch.linalg.matrix_rank(left_right, rtol=1e-5) == 3
    for size in (1, 4, 15, 22, 105):
        fill = chosen.entries("w", (7, 5, 3), torch.float32)
        parts = [torch.empty(min(size, 105 - start)) for start in range(0, 105, size)]
        for part in parts:
            fill(part)
        assert torch.equal(torch.cat(parts), expected.flatten())
    assert chosen.label() == "random direction of rank 3, filter-normalized (seed 1)"
    assert chosen.repeated(1).label().endswith("(seed 1, repeat 1)")
