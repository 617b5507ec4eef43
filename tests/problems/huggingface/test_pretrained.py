"""Surfaces of networks that have learned something, against plain loops at every point.

One is trained here. The other, IgLM-S (Shuai et al. 2023), is a language model of antibodies that
its authors trained on 558 million sequences; its package ships the weights, for non-commercial use:
``pip install --no-deps iglm==0.1.0``.
"""

import importlib.util
import pydoc_data.topics
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


def antibody(folder):
    """Return the folder of IgLM-S, and a file with the tokens of an antibody and of a shuffle."""
    found = importlib.util.find_spec("iglm")
    if found is None:
        pytest.skip("no iglm: pip install --no-deps iglm==0.1.0")
    models = Path(found.submodule_search_locations[0]) / "trained_models"
    number = {word: n for n, word in enumerate((models / "vocab.txt").read_text().split())}
    sequence = [number[letter] for letter in TRASTUZUMAB]
    shuffled = np.random.default_rng(0).permutation(sequence)
    start = [number["[HEAVY]"], number["[HUMAN]"]]
    np.save(folder / "train.npy", np.array([[*start, *sequence]]))
    np.save(folder / "shuffled.npy", np.array([[*start, *shuffled]]))
    return models / "IgLM-S"


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
    for _ in range(300):
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


@pytest.mark.parametrize("prepare", [trained, antibody])
def test_a_line_through_learned_weights_is_that_of_a_plain_loop(prepare, workplace):
    import transformers

    folder = prepare(workplace.folder)
    files = {name: np.load(f"{name}.npy") for name in ("train", "shuffled")}
    arguments = {
        "folder": str(folder),
        "data": {name: f"{name}.npy" for name in files},
        "block": files["train"].shape[1],
        "dtype": "float64",
    }
    surface = workplace.surface(
        workplace.config(
            "landscape_cli.problems.huggingface:causal_lm",
            problem_args=arguments,
            grid={"x": [-1, 1, 5]},
            directions={"x": {"kind": "random", "seed": 1}},
        )
    )
    model = transformers.GPT2LMHeadModel.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float64
    ).eval()
    with h5py.File("surface.directions.h5") as file:
        direction = {
            str(one.attrs["name"]): torch.from_numpy(one[()]).double()
            for one in file["xdirection"].values()
        }
    centre = {name: one.detach().clone() for name, one in model.named_parameters()}
    for column, x in enumerate(surface.grid.axes["x"].coordinates):
        point = {name: one + x * direction[name].view(one.shape) for name, one in centre.items()}
        for split, rows in files.items():
            loss, accuracy = plain_loop(model, point, rows)
            assert surface.values[split, "loss"][column] == pytest.approx(loss, rel=1e-9)
            assert surface.values[split, "accuracy"][column] == pytest.approx(accuracy, rel=1e-12)
    # It knows the order of its text: chance would be exp(loss) = 20 or more.
    learned, shuffled = (np.exp(surface.values[split, "loss"]) for split in files)
    assert learned[2] == learned.min() < 15
    assert shuffled[2] > 1.5 * learned[2]
