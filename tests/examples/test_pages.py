"""What pages of docs/ show of examples/ is there, and their Python runs."""

import re
from pathlib import Path

import pytest

import landscape_cli as landscape

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def blocks(page, language):
    text = (ROOT / "docs" / page).read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_tutorial_shows_the_script_and_its_configuration():
    (python,), (yaml,) = (blocks("own-network.md", name) for name in ("python", "yaml"))
    assert python in (EXAMPLES / "own_network.py").read_text()
    assert yaml in (EXAMPLES / "own_network.yaml").read_text()


def test_the_script_trains_and_is_evaluated(monkeypatch, tmp_path, capsys):
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.chdir(tmp_path)
    import own_network

    monkeypatch.setattr("sys.argv", ["own_network.py", "--epochs", "1"])
    own_network.main()
    printed = capsys.readouterr().out
    assert "wrote runs/own_network.pt" in printed
    config = landscape.load_config(EXAMPLES / "own_network.yaml", output=None)
    line = landscape.compute(config, grid={"x": (-1, 1, 3)}, progress=False)
    train = float(re.search(r"train: accuracy ([\d.]+)", printed)[1])
    assert line.values["train", "accuracy"][1] == pytest.approx(train, abs=1e-4)
    assert sorted(path.name for path in Path("runs/own_network").iterdir()) == [
        "epoch_00.pt",
        "epoch_01.pt",
    ]
