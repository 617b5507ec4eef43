"""Names from foreign files are printed escaped, whatever command prints them."""

import json
import os
from pathlib import Path

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from builders import surface
from landscape_cli.api.surface import as_surface
from landscape_cli.cli import cli
from landscape_cli.cli.error_report import run as run_command
from landscape_cli.errors import visible
from landscape_cli.store import write_surface

EVIL = "a\x1b]0;owned\x07\x1b[2Jb\r\nlandscape: fake\x08\x7f\x85\x9b\u202ec\u2028d\u200be"
UNSEEN = [chr(code) for code in (*range(1, 32), *range(127, 160), 0x200B, 0x200E, 0x202E, 0x2028)]
NAMES = st.text(
    st.sampled_from([*UNSEEN, "a", "é", "π", "$", "\\", "\ufeff", "\u2066"]), min_size=1
)


def foreign(name, values=None):
    """Return a surface in whose file everything has this name."""
    facts = {
        "network": {"name": name, "parameters": 3},
        "checkpoint": {"path": name, "sha256": name},
        "batch_norm": name,
        "directions": {axis: {"kind": name, "label": name, "seed": name} for axis in "xy"},
        "splits": {name: {"samples": 3}},
        "failures": [{"message": name, "points": [0]}],
        "checkpoints": [{"label": name, "coordinates": [0.5, 0.5], "residual": 0.0}],
        "trajectory": {"coordinates": [[0, 0], [9, 9]], "labels": [name, name]},
        "runs": [{"started": name, "mpi": {"size": 1}, "command": [name], "notes": [name]}],
        "imported": {"path": name, "sha256": name},
    }
    config = {"problem": name, "directions": {axis: {"kind": name} for axis in "xy"}}
    shown = {(name, name): values or (lambda x, y: 1 + x * x + y * y)}
    return surface(shown, stderr=0.1, provenance=facts, config=config)


def check(text, name):
    """Check that a text has only what is seen, and lines only of its own."""
    assert all(char.isprintable() or char == "\n" for char in text), ascii(text)
    assert not any(line.startswith("landscape: fake") for line in text.splitlines())
    if not name.isprintable():
        assert name not in text


@example(EVIL)
@given(NAMES)
@settings(max_examples=3, deadline=None)
def test_every_command_that_reads_a_surface(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("foreign")
    made = foreign(name)
    write_surface(folder / "in.h5", made)
    check(repr(as_surface(made)), name)
    for arguments in (
        ("info", "in.h5"),
        ("info", "in.h5", "--json"),
        ("info", "in.h5", "--watch"),
        ("info", "in.h5", "--verify"),
        ("describe", "in.h5", "--quantity", name),
        ("describe", "in.h5", "--quantity", name, "--json"),
        ("describe", "in.h5", "--split", f"{name}?"),
        ("plot", "in.h5", "--terminal", "--quantity", name),
        ("plot", "in.h5", "--terminal", "--quantity", f"{name}?"),
        ("plot", "in.h5", "--terminal", "--split", f"{name}?"),
        ("merge", f"out{os.sep}m.h5", "in.h5"),
        ("export", "in.h5", "--to", "csv", "--split", name, "--quantity", name),
        ("export", "in.h5", "--to", "csv", "--split", f"{name}?"),
        ("import", "in.h5"),
    ):
        found = run_here(folder, *arguments)
        check(found.out + found.err, name)
        if "--json" in arguments:
            assert found.out.isascii()
            json.loads(found.out)


class Found:
    """Return everything that a command printed."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err


def run_here(folder, *arguments):
    """Run a command in a folder; return what it printed."""
    import contextlib
    import io

    out, err = io.StringIO(), io.StringIO()
    before = Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run_command(cli, [str(one) for one in arguments])
    finally:
        os.chdir(before)
    return Found(code, out.getvalue(), err.getvalue())


def test_pictures_and_pages(tmp_path):
    write_surface(tmp_path / "in.h5", foreign(EVIL))
    for arguments in (
        ("plot", "in.h5", "--quantity", EVIL, "--caption", "-o", "a.svg"),
        ("plot", "in.h5", "--quantity", EVIL, "--vmax", 1.5, "--dpi", 30, "-o", "a\x1b[2J\n.png"),
        ("animate", "in.h5", "in.h5", "--quantity", EVIL, "-q", "--dpi", 30, "-o", "a.gif"),
        ("export", "in.h5", "-o", "a\x9b.csv"),
        ("export", "in.h5", "-o", "a.vtp"),
    ):
        found = run_here(tmp_path, *arguments)
        assert found.code == 0, found.err
        check(found.out + found.err, EVIL)
    assert "owned" in (tmp_path / "a.svg").read_text()
    check((tmp_path / "a.svg").read_text(), EVIL)


def test_names_of_the_user(workplace, landscape):
    name = "a\x1b[2Jb\nlandscape: fake"
    workplace.write(
        "evil.py",
        "import torch\n"
        "from landscape_cli.problems import Problem\n"
        f"NAME = {name!r}\n"
        "def build(fail=False):\n"
        "    data = torch.utils.data.TensorDataset(torch.ones(4, 2))\n"
        "    def objective(model, batch):\n"
        "        if fail: raise RuntimeError(NAME)\n"
        "        return {NAME: model(batch[0])[:, 0] ** 2}\n"
        "    return Problem(torch.nn.Linear(2, 1), {NAME: data}, objective, name=NAME)\n",
    )
    config = workplace.config("evil:build", output="s\x1b[2J.h5")
    logs = ("--log-dir", "logs", "-v")
    code, out, err = landscape("compute", config, *logs)
    assert code == 0, err
    log = Path("logs/rank-0000.log").read_text()
    for text in (out, err.replace("\r", "\n"), log):
        check(text, name)
    assert visible(name) in err
    code, out, err = landscape("compute", config, "--set", "problem_args.fail=true", "-o", "t.h5")
    assert code in (1, 2)
    check(out + err.replace("\r", "\n"), name)
    code, out, err = landscape("compute", config, "--checkpoint", name)
    assert (code, err.count("\n")) == (2, 1)
    check(out + err, name)


def test_paths_of_checkpoints(workplace, landscape):
    folder = Path("runs\x1b[2J\u202e")
    folder.mkdir()
    for number in range(3):
        state = {"weight": torch.rand(1, 3).double(), "bias": torch.rand(1).double()}
        torch.save(state, folder / f"e\x9b{number}.pt")
    config = workplace.config()
    code, out, err = landscape("trajectory", config, "--checkpoints", f"{folder}/*.pt")
    assert code == 0, err
    check(out + err.replace("\r", "\n"), str(folder))
    assert "\\x9b" in out


@pytest.mark.parametrize("options", [(), ("--debug",)])
def test_unexpected_errors(workplace, landscape, monkeypatch, options):
    def broken(path):
        raise KeyError(EVIL)

    monkeypatch.setattr("landscape_cli.store.read_surface", broken)
    code, out, err = landscape("info", "in.h5", *options)
    assert code == 1
    check(out + err, EVIL)
