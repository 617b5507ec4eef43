"""Small networks of transformers, saved once, with a tokenizer of English words."""

import pydoc_data.topics

import pytest
import torch

TEXT = "\n".join(list(pydoc_data.topics.topics.values())[:6])[:6000]


def _tokenizer(special):
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words.train_from_iterator(
        [TEXT], trainers.WordLevelTrainer(vocab_size=200, special_tokens=names)
    )
    named = {"pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]"}
    if special:
        named |= {"cls_token": "[CLS]", "sep_token": "[SEP]"}
        ends = [("[CLS]", 2), ("[SEP]", 3)]
        words.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=ends
        )
    return PreTrainedTokenizerFast(tokenizer_object=words, **named)


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Folders of ``save_pretrained`` by name, and ``text.txt``."""
    hf = pytest.importorskip("transformers", reason="no transformers: make extras")
    root = tmp_path_factory.mktemp("folders")
    (root / "text.txt").write_text(TEXT)
    small = {"vocab_size": 200, "attn_implementation": "sdpa"}
    bert = {
        **small,
        **{"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2},
        **{"intermediate_size": 24, "max_position_embeddings": 64},
    }
    gpt2 = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64}
    labels = {"id2label": {0: "bad", 1: "good"}, "label2id": {"bad": 0, "good": 1}}
    t5 = {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_heads": 2}
    ends = {"pad_token_id": 0, "decoder_start_token_id": 0, "eos_token_id": 3}
    torch.manual_seed(0)
    models = {
        "gpt2": hf.GPT2LMHeadModel(hf.GPT2Config(**small, **gpt2, bos_token_id=2, eos_token_id=3)),
        "bert": hf.BertForMaskedLM(hf.BertConfig(**bert)),
        "classifier": hf.BertForSequenceClassification(hf.BertConfig(**bert, **labels)),
        "t5": hf.T5ForConditionalGeneration(hf.T5Config(vocab_size=200, **t5, **ends)),
    }
    for name, model in models.items():
        for one in model.parameters():  # far from uniform predictions
            one.data *= 3 if one.dim() > 1 and name != "t5" else 1
        model.save_pretrained(root / name)
        _tokenizer(name != "gpt2").save_pretrained(root / name)
    return root
