"""Losses of several architectures of transformers, with their heads in chunks or at once."""

import pytest
import torch

from landscape_cli.problems.objectives import causal_lm, seq2seq, token_scores

pytestmark = pytest.mark.extras("transformers")

SIZES = {
    "vocab_size": 97,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
PAIR = {
    "vocab_size": 97,
    "d_model": 16,
    **{"encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32},
    **{"encoder_attention_heads": 2, "decoder_attention_heads": 2},
    **{"pad_token_id": 0, "decoder_start_token_id": 0, "eos_token_id": 1},
}
DECODERS = {
    "Llama": ({**SIZES, "num_key_value_heads": 1}, False),
    "GPTNeoX": (SIZES, False),
    "Gemma2": ({**SIZES, "num_key_value_heads": 1, "final_logit_softcapping": 0.5}, True),
    "Granite": ({**SIZES, "logits_scaling": 8.0}, True),
}
"""Settings by architecture, and whether it does more than return its head's output."""


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(2, 97, (3, 11), generator=generator)
    mask = (torch.arange(11) < torch.tensor([[11], [7], [4]])).long()
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "labels": ids.masked_fill(mask == 0, -100),
    }


def both(monkeypatch, objective, model, batch):
    """Return the mean loss, with a head that is applied at once and in chunks."""
    found = []
    for chunk in (1 << 24, 300):
        monkeypatch.setattr(token_scores, "CHUNK", chunk)
        with torch.no_grad():
            sums, weights = objective(model, batch)["loss"]
        found.append((sums.sum() / weights.sum()).item())
    return found


@torch.no_grad()
@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder(monkeypatch, batch, name):
    import transformers

    torch.manual_seed(0)
    settings, whole = DECODERS[name]
    config = getattr(transformers, f"{name}Config")(**settings)
    model = getattr(transformers, f"{name}ForCausalLM")(config).double().eval()
    expected = model(**batch).loss.item()
    assert both(monkeypatch, causal_lm, model, batch) == pytest.approx([expected] * 2, rel=1e-6)
    assert (model in token_scores.WHOLE) == whole


@torch.no_grad()
@pytest.mark.parametrize("name", ["Bart", "Marian"])
def test_an_encoder_with_a_decoder(monkeypatch, batch, name):
    import transformers

    torch.manual_seed(0)
    kind = {"Bart": "BartForConditionalGeneration", "Marian": "MarianMTModel"}[name]
    config = getattr(transformers, f"{name}Config")(**PAIR)
    model = getattr(transformers, kind)(config).double().eval()
    if name == "Marian":  # its bias is no part of the head
        model.final_logits_bias += torch.randn(1, 97)
    expected = model(**batch).loss.item()
    assert both(monkeypatch, seq2seq, model, batch) == pytest.approx([expected] * 2, rel=1e-6)
    assert (model in token_scores.WHOLE) == (name == "Marian")
