"""Surfaces of networks that have learned something, against plain loops at every point.

One is trained here. The other, Sapiens (Prihoda et al. 2022), is a RoBERTa of human antibodies; its
package has the weights, under the MIT license.
"""

import argparse
import pydoc_data.topics
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch.func import functional_call
from torch.nn import functional

pytestmark = [pytest.mark.slow, pytest.mark.extras("transformers")]

TRASTUZUMAB = (
    "EVQLVESGGGLVQPGGSLRLSCAASGFNIKDTYIHWVRQAPGKGLEWVARIYPTNGYTRYADSVKGRFTISADTSKNTAYLQMNSLRAEDT"
    "AVYYCSRWGGDGFYAMDYWGQGTLVTVSS"
)
"""The variable domain of the heavy chain of an antibody."""

WHEEL = "sapiens-1.0.2-py3-none-any.whl"
"""Downloaded by `make extras`; not installed, since it asks for libraries that do not install."""

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]


def sapiens(folder):
    """Write the weights and the vocabulary as transformers does, and return their folder."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForMaskedLM

    wheel = Path(sys.prefix) / "pretrained" / WHEEL
    if not wheel.exists():
        pytest.skip(f"no {wheel}: run make extras")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder)
    stored = folder / "sapiens" / "models" / "v1"
    letters = [line.split()[0] for line in (stored / "dict.txt").read_text().splitlines()]
    words = {word: n for n, word in enumerate([*SPECIAL, *letters, "<mask>"])}
    own = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    PreTrainedTokenizerFast(
        tokenizer_object=own, cls_token="<s>", sep_token="</s>", mask_token="<mask>"
    ).save_pretrained(folder / "roberta")
    with torch.serialization.safe_globals([argparse.Namespace]):
        weights = torch.load(stored / "checkpoint_vh.pt", "cpu", weights_only=True)["model"]
    sizes = {"hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 8}
    sizes |= {"intermediate_size": 256, "max_position_embeddings": 146, "type_vocab_size": 1}
    model = RobertaForMaskedLM(RobertaConfig(vocab_size=25, layer_norm_eps=1e-5, **sizes))
    renamed = {renamed_weight(name): one for name, one in weights.items()}
    renamed["roberta.embeddings.token_type_embeddings.weight"] = torch.zeros(1, 128)
    renamed["lm_head.decoder.weight"] = renamed["roberta.embeddings.word_embeddings.weight"]
    renamed["lm_head.decoder.bias"] = renamed["lm_head.bias"]
    del renamed["lm_head.weight"]
    lacking, unknown = model.load_state_dict(renamed, strict=False)
    assert (unknown, set(lacking) - {"roberta.embeddings.position_ids"}) == ([], set())
    model.save_pretrained(folder / "roberta")
    sequence = [words[letter] for letter in TRASTUZUMAB]
    shuffled = np.random.default_rng(0).permutation(sequence)
    np.save(folder / "train.npy", np.array([sequence] * 3))
    np.save(folder / "shuffled.npy", np.array([shuffled] * 3))
    return folder / "roberta"


RENAMED = {
    "decoder.sentence_encoder.": "roberta.",
    "embed_tokens": "embeddings.word_embeddings",
    "embed_positions": "embeddings.position_embeddings",
    "emb_layer_norm": "embeddings.LayerNorm",
    "layers.": "encoder.layer.",
    "self_attn_layer_norm": "attention.output.LayerNorm",
    "self_attn.out_proj": "attention.output.dense",
    "self_attn.k_proj": "attention.self.key",
    "self_attn.v_proj": "attention.self.value",
    "self_attn.q_proj": "attention.self.query",
    "fc1": "intermediate.dense",
    "fc2": "output.dense",
    "final_layer_norm": "output.LayerNorm",
    "decoder.lm_head": "lm_head",
}
"""Parts of fairseq's names of weights, and those of transformers."""


def renamed_weight(name):
    for old, new in RENAMED.items():
        name = name.replace(old, new)
    return name


def trained(folder):
    """Train a GPT-2 on Python's reference, return its folder, and write other text."""
    from transformers import GPT2Config, GPT2LMHeadModel

    text = "\n".join(pydoc_data.topics.topics.values()).encode("ascii", "replace")
    ids = torch.tensor(list(text[:60_032])).view(-1, 64)
    torch.manual_seed(0)
    sizes = {"n_embd": 48, "n_layer": 2, "n_head": 2, "n_positions": 64}
    ends = {"bos_token_id": 0, "eos_token_id": 0, "initializer_range": 0.08}
    model = GPT2LMHeadModel(GPT2Config(vocab_size=128, **sizes, **ends)).eval()  # no dropout
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    for _ in range(150):
        rows = ids[torch.randint(len(ids), (16,))]
        optimizer.zero_grad()
        model(input_ids=rows, labels=rows).loss.backward()
        optimizer.step()
    model.save_pretrained(folder / "trained", max_shard_size="50KB")
    held_out = np.frombuffer(text[70_000:70_256], np.uint8).reshape(4, 64)
    np.save(folder / "train.npy", held_out)
    np.save(folder / "shuffled.npy", np.random.default_rng(0).permuted(held_out, axis=1))
    return folder / "trained"


@torch.no_grad()
def plain_loop(model, parameters, rows):
    """Return the mean loss and accuracy over the tokens, one by one, in float64."""
    losses, correct = [], []
    for row in torch.from_numpy(rows.astype(np.int64)):
        logits = functional_call(model, parameters, (), {"input_ids": row[None]}).logits[0]
        for scores, label in zip(logits, row[1:], strict=False):
            losses.append(functional.cross_entropy(scores, label).item())
            correct.append(float(scores.argmax() == label))
    return np.mean(losses), np.mean(correct)


def line(workplace, problem, folder, files, **arguments):
    """Return a line along a random direction, and the direction."""
    given = {"folder": str(folder), "data": {name: f"{name}.npy" for name in files}}
    config = workplace.config(
        f"landscape_cli.problems.huggingface:{problem}",
        problem_args={**given, "dtype": "float64", **arguments},
        grid={"x": [-1, 1, 5]},
        directions={"x": {"kind": "random", "seed": 1}},
    )
    surface = workplace.surface(config)
    with h5py.File("surface.directions.h5") as file:
        stored = file["xdirection"].values()
        return surface, {str(one.attrs["name"]): torch.from_numpy(one[()]) for one in stored}


def points(model, direction, surface):
    """Yield the column and the parameters of each point of a line."""
    centre = {name: one.detach().clone() for name, one in model.named_parameters()}
    for column, x in enumerate(surface.grid.axes["x"].coordinates):
        yield (
            column,
            {n: one + x * direction[n].double().view(one.shape) for n, one in centre.items()},
        )


def test_a_line_through_learned_weights_is_that_of_a_plain_loop(workplace):
    import transformers

    folder = trained(workplace.folder)
    files = {name: np.load(f"{name}.npy") for name in ("train", "shuffled")}
    block = files["train"].shape[1]
    surface, direction = line(workplace, "causal_lm", folder, files, block=block)
    model = transformers.GPT2LMHeadModel.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float64
    ).eval()
    for column, point in points(model, direction, surface):
        for split, rows in files.items():
            loss, accuracy = plain_loop(model, point, rows)
            assert surface.values[split, "loss"][column] == pytest.approx(loss, rel=1e-9)
            assert surface.values[split, "accuracy"][column] == pytest.approx(accuracy, rel=1e-12)
    # It knows the order of its text: chance would be exp(loss) = 20 or more.
    learned, shuffled = (np.exp(surface.values[split, "loss"]) for split in files)
    assert learned[2] == learned.min() < 15
    assert shuffled[2] > 1.5 * learned[2]


@torch.no_grad()
def test_a_line_through_pretrained_weights_is_that_of_a_plain_loop(workplace):
    import transformers

    from landscape_cli.problems.huggingface import masked_lm

    folder = sapiens(workplace.folder)
    files = ("train", "shuffled")
    arguments = {"block": 2 + len(TRASTUZUMAB), "mask_share": 0.3}
    surface, direction = line(workplace, "masked_lm", folder, files, **arguments)
    model = transformers.RobertaForMaskedLM.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float64
    ).eval()
    data = {name: f"{name}.npy" for name in files}
    splits = masked_lm(str(folder), data, **arguments).splits
    for column, point in points(model, direction, surface):
        for split in files:
            losses, correct = [], []
            for sample in splits[split]:
                ids, labels = sample["input_ids"][None], sample["labels"]
                logits = functional_call(model, point, (), {"input_ids": ids}).logits[0]
                for place in torch.nonzero(labels != -100)[:, 0]:
                    losses.append(functional.cross_entropy(logits[place], labels[place]).item())
                    correct.append(float(logits[place].argmax() == labels[place]))
            values = {name: surface.values[split, name][column] for name in ("loss", "accuracy")}
            assert values["loss"] == pytest.approx(np.mean(losses), rel=1e-9)
            assert values["accuracy"] == pytest.approx(np.mean(correct), rel=1e-12)
    # It knows antibodies: chance would be 1 of 20 amino acids, or the commonest, 1 of 8.
    assert surface.values["train", "accuracy"][2] > 0.7
    assert surface.values["shuffled", "accuracy"][2] < 0.3
    assert surface.values["train", "loss"].argmin() == 2
