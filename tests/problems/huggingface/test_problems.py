"""Problems from local folders of transformers, against plain loops over the same models."""

import re
import shutil
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.utils.data import DataLoader

from landscape_cli.errors import ProblemError
from landscape_cli.problems import huggingface
from landscape_cli.problems.huggingface import causal_lm, classification, masked_lm, seq2seq

pytestmark = pytest.mark.extras("transformers")


def means(problem, split="train", size=5):
    """Return the means of the objective's values over a split, with the model in float64."""
    totals = {}
    problem.model.double()
    with torch.no_grad():
        for batch in DataLoader(problem.splits[split], batch_size=size):
            for name, value in problem.objective(problem.model, batch).items():
                plain = isinstance(value, torch.Tensor)
                sums, weights = (value, torch.ones_like(value)) if plain else value
                before = totals.get(name, (0, 0))
                totals[name] = before[0] + sums.sum().item(), before[1] + weights.sum().item()
    return {name: sums / weights for name, (sums, weights) in totals.items()}


def plain(kind, folder):
    import transformers

    model = getattr(transformers, kind).from_pretrained(folder, attn_implementation="eager")
    return model.double().eval()


def tokenizer_of(folder):
    import transformers

    return transformers.AutoTokenizer.from_pretrained(folder)


@torch.no_grad()
def test_the_loss_of_a_text_is_that_of_a_plain_loop(folders):
    folder, text = folders / "gpt2", folders / "text.txt"
    ids = torch.tensor(tokenizer_of(folder)(text.read_text())["input_ids"])
    model = plain("GPT2LMHeadModel", folder)
    losses, correct = [], []
    for block in ids[: len(ids) // 16 * 16].view(-1, 16):
        logits = model(block[None]).logits[0]
        for t in range(15):
            losses.append(functional.cross_entropy(logits[t], block[t + 1]).item())
            correct.append(float(logits[t].argmax() == block[t + 1]))
    found = means(causal_lm(str(folder), str(text), block=16))
    assert found["loss"] == pytest.approx(np.mean(losses), rel=1e-10)
    assert found["accuracy"] == pytest.approx(np.mean(correct), rel=1e-12)
    assert found["sequence_loss"] == pytest.approx(found["loss"], rel=1e-12)
    assert np.ptp(losses) > 0.1


def test_files_of_tokens_stay_on_the_disk(folders, tmp_path):
    folder = str(folders / "gpt2")
    ids = np.random.default_rng(0).integers(200, size=103)
    np.save(tmp_path / "a.npy", ids.astype(np.uint16))
    np.save(tmp_path / "rows.npy", ids[:96].reshape(6, 16).astype(np.int32))
    ids.astype(np.uint16).tofile(tmp_path / "a.bin")
    ids.astype(np.int32).tofile(tmp_path / "b.bin")
    files = {name: str(tmp_path / name) for name in ("a.npy", "rows.npy", "a.bin")}
    problem = causal_lm(folder, files, block=16)
    other = causal_lm(folder, str(tmp_path / "b.bin"), block=16, token_dtype="int32")
    for split in (*problem.splits.values(), other.splits["train"]):
        assert isinstance(split._tokens, np.memmap)
        assert len(split) == 6
        rows = torch.stack([one["input_ids"] for one in split])
        assert torch.equal(rows, torch.from_numpy(ids[:96].reshape(6, 16)))
    assert list(problem.splits) == list(files)


def test_masked_tokens_are_the_same_each_time(folders):
    folder, text = str(folders / "bert"), str(folders / "text.txt")
    problem = masked_lm(folder, text, block=16, mask_share=0.3)
    split, tokenizer = problem.splits["train"], tokenizer_of(folder)
    ids = tokenizer(folders.joinpath("text.txt").read_text(), add_special_tokens=False)["input_ids"]
    chosen = masked = kept = 0
    for number, row in enumerate(split):
        again = split[number]
        assert torch.equal(row["input_ids"], again["input_ids"])
        known = row["labels"] != -100
        whole = torch.tensor([2, *ids[14 * number : 14 * (number + 1)], 3])
        assert torch.equal(row["labels"][known], whole[known])
        assert torch.equal(row["input_ids"][~known], whole[~known])
        assert known.any()
        assert not known[[0, -1]].any()
        chosen += known.sum().item()
        masked += (row["input_ids"][known] == 4).sum().item()
        kept += (row["input_ids"][known] == whole[known]).sum().item()
    assert chosen == pytest.approx(0.3 * 14 * len(split), rel=0.15)
    assert masked == pytest.approx(0.8 * chosen, rel=0.1)
    assert 0.05 < kept / chosen < 0.16
    model, losses = plain("BertForMaskedLM", folder), []
    with torch.no_grad():
        for row in split:
            logits, labels = model(row["input_ids"][None]).logits[0], row["labels"]
            known = labels != -100
            losses += functional.cross_entropy(logits[known], labels[known], reduction="none")
    assert means(problem)["loss"] == pytest.approx(torch.stack(losses).mean().item(), rel=1e-10)


PAIRS = "the value of an object\ta name\nif it is\tthe statement is executed\n\nis\tof the\n"


def test_an_encoder_and_decoder(folders, tmp_path):
    folder, file = str(folders / "t5"), tmp_path / "pairs.tsv"
    file.write_text(PAIRS)
    model, tokenizer, losses = plain("T5ForConditionalGeneration", folder), tokenizer_of(folder), []
    for line in filter(None, PAIRS.split("\n")):
        source, target = (torch.tensor([tokenizer(one)["input_ids"]]) for one in line.split("\t"))
        inputs = torch.cat([torch.tensor([[0]]), target[:, :-1]], 1)
        with torch.no_grad():
            logits = model(input_ids=source, decoder_input_ids=inputs).logits[0]
        losses.append(functional.cross_entropy(logits, target[0], reduction="none"))
    found = means(seq2seq(folder, str(file)))
    assert found["loss"] == pytest.approx(torch.cat(losses).mean().item(), rel=1e-10)
    each = torch.stack([one.mean() for one in losses]).mean().item()
    assert found["sequence_loss"] == pytest.approx(each, rel=1e-10)
    assert found["loss"] != pytest.approx(found["sequence_loss"], rel=1e-3)


def test_a_classifier_of_texts(folders, tmp_path):
    folder, file = str(folders / "classifier"), tmp_path / "texts.tsv"
    lines = [("good", "the value"), ("bad", "if it is the name of an object"), ("1", "is")]
    file.write_text("\n".join("\t".join(line) for line in lines))
    model, tokenizer, losses = plain("BertForSequenceClassification", folder), None, []
    tokenizer = tokenizer_of(folder)
    for label, text in lines:
        with torch.no_grad():
            logits = model(torch.tensor([tokenizer(text)["input_ids"]])).logits
        number = torch.tensor([{"good": 1, "bad": 0, "1": 1}[label]])
        losses.append(functional.cross_entropy(logits, number).item())
    problem = classification(folder, str(file), name="texts")
    assert means(problem)["loss"] == pytest.approx(np.mean(losses), rel=1e-10)
    assert problem.name == "texts"
    batch = next(iter(DataLoader(problem.splits["train"], batch_size=3)))
    predicted = problem.objective.predictions(problem.model, batch).log_probabilities
    assert predicted.exp().sum(1).tolist() == pytest.approx([1, 1, 1])


def test_weights_in_several_files(folders, tmp_path):
    source = plain("GPT2LMHeadModel", folders / "gpt2").float()
    source.save_pretrained(tmp_path / "sharded", max_shard_size="10KB")
    assert len(list((tmp_path / "sharded").glob("model-*.safetensors"))) > 2
    np.save(tmp_path / "a.npy", np.arange(32))
    model = causal_lm(str(tmp_path / "sharded"), str(tmp_path / "a.npy"), block=8).model
    assert model.config.use_cache is False
    assert not model.training
    for name, one in source.named_parameters():
        assert torch.equal(model.get_parameter(name), one)


def test_nothing_is_asked_of_the_network(folders, monkeypatch, tmp_path):
    def refuse(*arguments, **named):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    np.save(tmp_path / "a.npy", np.arange(32))
    causal_lm(str(folders / "gpt2"), str(tmp_path / "a.npy"), block=8)
    with pytest.raises(ProblemError, match=r"'gpt2' is no folder here; give the local folder of"):
        causal_lm("gpt2", str(tmp_path / "a.npy"))


@pytest.mark.parametrize(
    ("kind", "file", "arguments", "expected"),
    [
        ("gpt2", "a.npy", {"block": 100}, r"block: got 100, expected a number .* to 64, the model"),
        ("gpt2", "a.npy", {"block": 40}, r"has 32 tokens, fewer than one block of 40; give a long"),
        ("gpt2", "a.npy", {"dtype": "half"}, r"dtype: got 'half', expected one of float32"),
        ("gpt2", "a.bin", {"token_dtype": "u8"}, r"token_dtype: got 'u8', expected one of uint16"),
        ("gpt2", "none.txt", {}, r"none.txt' for split 'train' is no file here"),
        ("gpt2", "floats.npy", {}, r"holds float64 of shape \(4,\); expected integers of shape"),
        ("gpt2", "rows.npy", {"block": 8}, r"block: got 8, but the rows of .* have 4 tokens"),
        ("gpt2", "damaged.npy", {}, r"damaged.npy' can't be read"),
        ("gpt2", "latin.txt", {}, r"latin.txt' can't be read: UnicodeDecodeError"),
        ("bare", "a.npy", {}, r"'.*bare' can't be loaded: .*; if `checkpoint` names the weights"),
        ("bare", "text.txt", {"weights": False}, r"bare' has no tokenizer; save one there"),
        ("empty", "a.npy", {}, r"empty' has no config.json; write it with model.save_pretrained"),
        ("broken", "a.npy", {}, r"config.json' can't be read: JSONDecodeError"),
        ("bert", "a.npy", {"dtype": "bfloat16"}, r"outputs depend on later tokens, .*; use masked"),
        ("bert", "a.npy", {}, r"whose outputs depend on later tokens, .*; use masked_lm"),
    ],
)
def test_refusals_are_one_line(folders, tmp_path, kind, file, arguments, expected):
    np.save(tmp_path / "a.npy", np.arange(32))
    np.save(tmp_path / "rows.npy", np.arange(32).reshape(8, 4))
    np.save(tmp_path / "floats.npy", np.zeros(4))
    np.arange(32, dtype=np.uint16).tofile(tmp_path / "a.bin")
    (tmp_path / "damaged.npy").write_bytes(b"\x93NUMPY damaged")
    (tmp_path / "latin.txt").write_bytes("Zoë".encode("latin-1"))
    (tmp_path / "text.txt").write_text("the value of the object")
    for name in ("empty", "broken", "bare"):
        (tmp_path / name).mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    shutil.copy(folders / "gpt2" / "config.json", tmp_path / "bare")
    folder = tmp_path / kind if (tmp_path / kind).exists() else folders / kind
    with pytest.raises(ProblemError, match=expected) as refused:
        causal_lm(str(folder), str(tmp_path / file), **arguments)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_a_causal_model_is_taken_in_any_precision(folders, tmp_path, dtype):
    np.save(tmp_path / "a.npy", np.arange(32))
    model = causal_lm(str(folders / "gpt2"), str(tmp_path / "a.npy"), block=8, dtype=dtype).model
    assert {str(one.dtype) for one in model.parameters()} == {f"torch.{dtype}"}


def test_tokens_that_the_model_does_not_have(folders, tmp_path):
    np.save(tmp_path / "a.npy", np.arange(190, 230))
    split = causal_lm(str(folders / "gpt2"), str(tmp_path / "a.npy"), block=8).splits["train"]
    assert len(split[0]["input_ids"]) == 8
    with pytest.raises(
        ProblemError, match=r"holds token 200, but the model has 200; is it another"
    ):
        split[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\tb\nc\n", r"line 2 of .* has 1 columns; expected two, with a tab between them"),
        ("\n", r"is empty; expected lines of two columns"),
        ("great\tthe value", r"has the label 'great'; the model's classes are bad, good"),
        ("good\t" + "the " * 30, r"block: got 16, but 'the the .* has 32 tokens; give more"),
    ],
)
def test_lines_that_are_refused(folders, tmp_path, text, expected):
    (tmp_path / "a.tsv").write_text(text)
    with pytest.raises(ProblemError, match=expected):
        classification(str(folders / "classifier"), str(tmp_path / "a.tsv"), block=16)


def test_without_the_library_one_line_says_so(monkeypatch, folders, landscape, workplace):
    monkeypatch.setitem(sys.modules, "transformers", None)
    folder, text = folders / "gpt2", folders / "text.txt"
    workplace.folder.joinpath("a.yaml").write_text(
        "problem: landscape_cli.problems.huggingface:causal_lm\n"
        f"problem_args: {{folder: '{folder}', data: '{text}'}}\n"
        "grid: {x: [-1, 1, 3]}\ndirections: {x: {kind: random, seed: 1}}\noutput: a.h5\n"
    )
    code, _, errors = landscape("compute", "a.yaml")
    assert code == 2
    assert "needs transformers" in errors
    assert "pip install 'landscape-cli[hf]'" in errors
    assert huggingface.__doc__


def test_weights_of_a_checkpoint_and_the_same_surface_as_from_the_folder(
    folders, surface_of, workplace, landscape
):
    shutil.copytree(folders / "gpt2", workplace.folder / "bare")
    (workplace.folder / "bare" / "model.safetensors").unlink()
    text = (
        "problem: landscape_cli.problems.huggingface:causal_lm\n"
        "problem_args: {{folder: '{folder}', data: '{file}', block: 16{more}}}\n{checkpoint}"
        "directions: {{x: {{kind: random, seed: 1}}}}\ngrid: {{x: [-0.5, 0.5, 3]}}\n"
        "output: surface.h5\n"
    )
    file, folder = folders / "text.txt", folders / "gpt2"
    cases = {
        "whole": {"folder": folder, "more": "", "checkpoint": ""},
        "bare": {
            "folder": "bare",
            "more": ", weights: false",
            "checkpoint": f"checkpoint: {folder}\n",
        },
    }
    found = {}
    for name, case in cases.items():
        workplace.folder.joinpath("run.yaml").write_text(text.format(file=file, **case))
        found[name] = surface_of("run.yaml", "--overwrite").values
    assert {key: values.tolist() for key, values in found["whole"].items()} == {
        key: values.tolist() for key, values in found["bare"].items()
    }
    _, out, _ = landscape("info", "surface.h5")
    assert "train perplexity: minimum" in out


@pytest.mark.parametrize("matrix", ["hessian", "ggn"])
def test_curvature_is_the_same_with_both_kinds_of_attention(folders, matrix):
    from landscape_cli.evaluation.data.split import SplitData
    from landscape_cli.evaluation.derivatives.derivatives import local
    from landscape_cli.evaluation.derivatives.local_sums import LocalSums
    from landscape_cli.evaluation.derivatives.mean_loss import MeanLoss
    from landscape_cli.evaluation.derivatives.variables import Variables
    from landscape_cli.geometry.parameters import FlatParameters

    found = []
    for kind in ("sdpa", "eager"):
        problem = causal_lm(
            str(folders / "gpt2"),
            str(folders / "text.txt"),
            block=16,
            dtype="float64",
            attn_implementation=kind,
        )
        assert problem.model.config._attn_implementation == kind
        variables = Variables(
            problem.model, FlatParameters.of_model(problem.model, torch.device("cpu"))
        )
        split = SplitData("train", problem.splits["train"], 20, torch.device("cpu"))
        for _ in split.load(1 << 30):
            pass
        sums = LocalSums(MeanLoss(problem.model, problem.objective), variables, split, matrix)
        generator = torch.Generator().manual_seed(1)
        vector = torch.randn(1, variables.size, dtype=torch.float64, generator=generator)
        mean = local(sums)
        found.append((mean.loss(), mean.gradient(), mean(vector)))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)
    assert found[0][2].abs().max() > 1e-3


def test_a_wrapper_of_ones_own_is_five_lines(folders, tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "sequence.md").read_text()
    (text,) = re.findall(r"```python\n(def build\(folder.*?)```", page, re.DOTALL)
    assert len(text.splitlines()) == 5
    ids = np.random.default_rng(0).integers(200, size=300)
    np.save(tmp_path / "train.npy", ids.astype(np.uint16))
    preamble = (
        "import numpy, torch\nfrom torch.utils.data import TensorDataset\n"
        "from transformers import AutoModelForCausalLM\n"
        "from landscape_cli.problems import Problem\n"
        "from landscape_cli.problems.objectives import causal_lm\n"
    )
    known = {}
    exec(preamble + text.replace("128", "32"), known)
    own = known["build"](str(folders / "gpt2"), str(tmp_path / "train.npy"))
    ours = causal_lm(str(folders / "gpt2"), str(tmp_path / "train.npy"), block=32)
    assert means(own) == pytest.approx(means(ours), rel=1e-12)
