"""Completion by real shells, at their prompts."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from landscape_cli.cli import COMMANDS, cli
from landscape_cli.plotting import KINDS
from landscape_cli.plotting.topology import TOPOLOGY_KINDS

PATIENCE = 60
"""Seconds until a shell counts as one that completes nothing."""


def offered(words, environment=None):
    """Return the type and value of what is offered for the last of several words."""
    asked = {
        **os.environ,
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
        "_LANDSCAPE_COMPLETE": "bash_complete",
    }
    command = [sys.executable, "-m", "landscape_cli"]
    done = subprocess.run(command, capture_output=True, text=True, env=asked)
    assert done.stderr == ""
    return [tuple(line.split(",", 1)) for line in done.stdout.splitlines() if line]


def test_commands_options_kinds_and_files_are_offered():
    assert offered(["landscape", ""]) == [("plain", name) for name in COMMANDS]
    assert ("plain", "--kind") in offered(["landscape", "plot", "--"])
    kinds = {name for kind, name in offered(["landscape", "plot", "--kind", ""])}
    assert {*KINDS, *TOPOLOGY_KINDS} <= kinds
    assert offered(["landscape", "compute", "runs/a"]) == [("file", "runs/a")]
    assert offered(["landscape", "compute", "a.yaml", "--log-dir", "lo"]) == [("dir", "lo")]
    assert offered(["landscape", "compute", "a.yaml", "--seed", "1"]) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_reads(shell):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell}")
    command = [sys.executable, "-m", "landscape_cli", "completion", shell]
    script = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    subprocess.run([shell, "-n"], input=script, text=True, check=True)
    assert "_LANDSCAPE_COMPLETE" in script


@pytest.fixture
def bash(tmp_path):
    """Type at the prompt of a bash that has read the script, and wait until something is shown."""
    program = tmp_path / "bin" / "landscape"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m landscape_cli "$@"\n')
    program.chmod(0o755)
    for name in ("surface.h5", "network.yaml"):
        (tmp_path / name).touch()
    root = str(Path(__file__).parents[3])
    environment = {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": root,
        "INPUTRC": "/dev/null",
        "TERM": "dumb",
        "PS1": "READY>",
    }
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(tmp_path)
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environment)

    def shown(text, until):
        os.write(terminal, text.encode())
        seen, end = "", time.monotonic() + PATIENCE
        while until not in seen:
            assert time.monotonic() < end, seen
            if select.select([terminal], [], [], 0.2)[0]:
                seen += os.read(terminal, 4096).decode(errors="replace")
        return seen

    shown('eval "$(landscape completion bash)"; echo LOA""DED\n', "LOADED\r\n")
    yield shown
    os.close(terminal)
    os.waitpid(process, 0)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("landscape desc\t", "landscape describe "),
        ("landscape plot --contours\t", "landscape plot --contours-of "),
        ("landscape plot surface.h5 --kind pers\t", "--kind persistence "),
        ("landscape plot surf\t", "landscape plot surface.h5"),
        ("landscape compute netw\t", "landscape compute network.yaml"),
    ],
)
@pytest.mark.slow
def test_a_real_bash_completes_at_its_prompt(bash, typed, completed):
    bash(typed, completed)


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish")
@pytest.mark.slow
def test_a_real_fish_completes():
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["fish", "-c", 'landscape completion fish | source; complete -C "landscape desc"'],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[0] == "describe"


def test_help_of_the_command_line_says_how(capsys):
    assert "completion" in cli.get_help(cli.make_context("landscape", [], resilient_parsing=True))
