"""Tests of the study of language models: its networks, its text, its rows, and a short run."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from builders import surface
from landscape_cli.cli.error_report import run_script
from landscape_cli.errors import UsageError
from support.scripts import load

ROOT = Path(__file__).parents[2]


sequence, tables, runs = load("sequence"), load("language.tables"), load("language.runs")
rendering = load("rendering")
problem = load("scripts.reproduce.language.problem", ROOT)
models = load("scripts.reproduce.language.models", ROOT)


@pytest.mark.parametrize(
    "model",
    [models.GPT(3), models.GPT(3, shortcuts=False), models.LSTM(2, 16)],
    ids=["shortcuts", "no shortcuts", "lstm"],
)
def test_no_position_sees_what_follows(model):
    ids = torch.randint(256, (2, 20), generator=torch.Generator().manual_seed(0))
    other = ids.clone()
    other[:, 12:] = other[:, 12:].flip(1)
    with torch.no_grad():
        one, two = model(ids), model(other)
    assert one.shape == (2, 20, 256)
    torch.testing.assert_close(one[:, :12], two[:, :12])
    assert (one[:, 12:] - two[:, 12:]).abs().max() > 0.01


@pytest.mark.parametrize("shortcuts", [True, False])
def test_a_gpt_written_out(shortcuts):
    torch.manual_seed(1)
    model = models.GPT(2, width=8, heads=2, shortcuts=shortcuts, length=5)
    ids = torch.tensor([[5, 1, 250, 5, 9]])
    x = model.tokens.weight[ids] + model.positions.weight
    masked = torch.ones(5, 5).triu(1).bool()
    for block in model.blocks:
        norm, attention = block.attention
        parts = (norm(x) @ attention.query_key_value.weight.T).split(8, dim=-1)
        heads = []
        for q, k, v in zip(*(part.split(4, dim=-1) for part in parts), strict=True):
            scores = (q @ k.transpose(1, 2) / 4**0.5).masked_fill(masked, -torch.inf)
            heads.append(scores.softmax(-1) @ v)
        y = torch.cat(heads, -1) @ attention.output.weight.T
        x = x + y if shortcuts else y
        norm, first, _, second = block.perceptron
        y = second(functional.gelu(first(norm(x))))
        x = x + y if shortcuts else y
    torch.testing.assert_close(model(ids), model.norm(x) @ model.head.weight.T)


def test_shortcuts_have_no_parameters_and_the_same_first_weights():
    torch.manual_seed(2)
    one = models.GPT(2).state_dict()
    torch.manual_seed(2)
    two = models.GPT(2, shortcuts=False).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one.keys() | two.keys())
    query, key, _ = one["blocks.0.attention.1.query_key_value.weight"].chunk(3)
    assert torch.equal(query, key)


def test_the_end_of_the_text_is_held_out(tmp_path):
    text = ("äb" + "".join(chr(97 + n % 26) for n in range(200))).encode()
    (tmp_path / "a.txt").write_bytes(text)
    train, held_out = problem.divide(problem.read(str(tmp_path / "a.txt")), 8)
    assert (train.shape, held_out.shape) == ((23, 8), (2, 8))
    assert bytes(torch.cat([train, held_out]).flatten().tolist()) == text[:200]
    with pytest.raises(UsageError, match="text of 203 bytes: expected at least 640"):
        problem.divide(text, 64)


def test_the_documentation_of_python_is_the_text():
    built = problem.build("gpt", {"depth": 1}, sequences=7)
    assert built.splits["train"].tensors[0].shape == (7, 64)
    (held_out,) = built.splits["test"].tensors
    (train,) = problem.build("lstm", {"depth": 1}).splits["train"].tensors
    text = bytes(torch.cat([train, held_out]).flatten().tolist())
    assert text.count(b'"while" statement') >= 1
    assert len(train) == pytest.approx(9 * len(held_out), abs=9)


def test_rises_of_known_lines():
    lines = surface(lambda x: 3 + x**3 + 8 * x**2, "-1:1:41", stderr=0.1)
    assert tables.rises(lines, 0.5) == pytest.approx(np.array([2.0]))
    assert tables.centre(lines, "train", "loss") == (3.0, 0.1)
    assert tables.mean_and_error(np.array([1.0, 2.0, 3.0, 2.0])) == "2 ± 0.4"


@pytest.mark.slow
def test_a_short_run(quick_commands, tmp_path, monkeypatch, capfd):
    chosen = ("gpt2", "gpt2_noshort", "lstm")
    kinds = {name: replace(runs.KINDS[name], seeds=(0,)) for name in chosen}
    monkeypatch.setattr(runs, "KINDS", kinds)
    monkeypatch.setattr(sequence.figures, "SHOWN", chosen)
    monkeypatch.setattr(runs, "SPECTRUM", "--top 1 --bottom 1 --steps 4 --trace 2 --samples 8")
    monkeypatch.setattr(runs, "SCHEDULE", runs.SCHEDULE.replace("40steps", "2steps"))
    for name, value in {"POINTS": 3, "LINE_POINTS": 3, "REPEATS": 2, "LINE_SAMPLES": 16}.items():
        monkeypatch.setattr(runs, name, value)
    text = tmp_path / "text.txt"
    text.write_text("the quick brown fox jumps over the lazy dog; " * 400)
    small = ["--set", "samples=8", "--set", "grid={x: [-1, 1, 5], y: [-1, 1, 5]}"]
    words = ["--epochs", "1", "--jobs", "1", "--folder", str(tmp_path / "runs"), *small]
    monkeypatch.setattr(sys, "argv", ["sequence.py", "--text", str(text), *words])
    assert run_script(sequence.command, "sequence") == 0, capfd.readouterr()
    found = json.loads((tmp_path / "runs/results.json").read_text())
    labels = [f"{sequence.runs.KINDS[name].label}, seed 0" for name in chosen]
    for name in ("learned", "seen", "planes"):
        assert [row[0] for row in found["tables"][name]["rows"]] == labels
    nets = (models.GPT(2), models.GPT(2, shortcuts=False), models.LSTM(1))
    for row, model in zip(found["tables"]["learned"]["rows"], nets, strict=True):
        _, count, loss, perplexity, *_ = row
        assert count == str(sum(p.numel() for p in model.parameters()))
        assert float(perplexity) == pytest.approx(np.exp(float(loss.split()[0])), rel=2e-3)
        assert float(perplexity) < 256  # better than no training
    numbers = found["numbers"]
    largest = [float(row[5]) for row in found["tables"]["seen"]["rows"]]
    assert numbers["sharper"] == [pytest.approx(largest[1] / largest[0], rel=0.01)]
    rises = [float(row[2].split()[0]) for row in found["tables"]["seen"]["rows"]]
    assert numbers["equal_training"] == [pytest.approx(rises[:2], rel=0.01)]
    assert numbers["flattest"][0] == kinds[chosen[int(np.argmin(rises))]].label
    pictures = {path.name for path in (tmp_path / "runs").glob("*.png")}
    assert pictures == {"planes.png", "paths.png"}
    assert rendering.study_page("sequence", found).startswith("# Language models\n")
    # The second time, nothing is made again.
    assert run_script(sequence.command, "sequence") == 0
    assert capfd.readouterr().out.count("have ") >= 4
