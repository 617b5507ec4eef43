"""`landscape compute`, its help and errors as a black box: exit code, output, files."""

import json
import subprocess
import sys

import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from landscape_cli.cli import COMMANDS, cli
from landscape_cli.evaluation.measures import MEASURES
from landscape_cli.geometry.roles import WORDS
from landscape_cli.store import read_surface
from landscape_cli.util.accelerators import accelerator_kind


def check_refused(result, words):
    code, out, err = result
    assert code == 2, (out, err)
    assert out == ""
    (line,) = [line for line in err.splitlines() if line.startswith("landscape: ")]
    assert words in line
    assert "Traceback" not in err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_an_example(command):
    shown = CliRunner().invoke(cli, [command, "--help"])
    assert shown.exit_code == 0
    assert f"landscape {command} " in shown.output.split("Example")[1]
    options = [p for p in cli.get_command(None, command).params if p.param_type_name == "option"]
    assert all(option.help for option in options)


@pytest.mark.parametrize(
    "arguments",
    [[], ["--version"], *([*name, "--help"] for name in ([], *([one] for one in COMMANDS)))],
)
def test_help_imports_nothing_slow(arguments):
    if arguments == ["--version"] and accelerator_kind():
        pytest.skip("the accelerator's name takes PyTorch")
    code = (
        "import sys\nfrom landscape_cli.cli import cli\n"
        "from landscape_cli.cli.error_report import run\n"
        f"run(cli, {arguments!r})\n"
        "slow = {'torch', 'matplotlib', 'h5py', 'numpy', 'mpi4py', 'pydantic'} & set(sys.modules)\n"
        "assert not slow, slow"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_surface_from_the_command_line(workplace, landscape):
    axes = ("--x=-1:1:4", "--y", "-2:1:3")
    done = workplace.run("compute", workplace.config(), *axes, "-o", "a.h5")
    assert done.returncode == 0, done.stderr
    folder = workplace.folder
    assert done.stdout == f"wrote {folder}/a.h5\nwrote {folder}/a.directions.h5\n"
    assert "12/12 points" in done.stderr
    again = landscape("compute", "run.yaml", "--x", "-1:1:4", "--y=-2:1:3", "-o", "a.h5")
    assert again[0] == 0
    assert "is complete with this configuration; nothing to do" in again[1]
    facts = json.loads(landscape("info", "a.h5", "--json")[1])
    assert {"shape", "done", "total", "complete", "quantities", "provenance"} <= set(facts)
    assert (facts["shape"], facts["done"], facts["total"]) == ([3, 4], 12, 12)
    assert facts["complete"] is True
    assert set(facts["quantities"]) == {"train", "test"}
    text = landscape("info", "a.h5")[1]
    assert "12 of 12 points, complete" in text
    assert "4 x 3 points (x, y)" in text


def test_options_override_the_file(landscape, workplace):
    import example

    example.stored_weights("net.pt")
    config = workplace.config()
    code, _, err = landscape(
        *("compute", config, "--y", "none", "--seed", 8, "--checkpoint", "net.pt", "--quiet"),
        *("--threads", 1, "--device", "cpu", "--set", "splits=[test]", "--set", "batch_size=9"),
        *("--include", "trainable", "--exclude", "bias"),
    )
    assert (code, err) == (0, "")
    surface = read_surface("surface.h5")
    assert surface.grid.names == ("x",)
    assert surface.config["directions"]["x"]["seed"] == 8
    assert surface.config["directions"]["x"]["include"] == ["trainable"]
    assert surface.config["directions"]["x"]["exclude"] == ["bias"]
    assert surface.provenance["roles"]["trainable"]
    assert surface.config["splits"] == ["test"]
    assert surface.provenance["micro_batch"] == 9
    assert surface.provenance["checkpoint"]["path"] == "net.pt"


def test_measures_are_computed_and_plotted(landscape, workplace):
    config = workplace.config(measures={"gradient": {"split": "test"}})
    code, _, err = landscape("compute", config, "--measure", "gradient", "--quiet")
    assert (code, err) == (0, "")
    surface = read_surface("surface.h5")
    assert surface.config["measures"] == {"gradient": {}}
    expected = {"loss", "gradient_norm", "gradient_x", "gradient_y"}
    assert expected <= set(surface.quantities("train"))
    assert "gradient_norm" not in surface.quantities("test")
    code, out, err = landscape("plot", "surface.h5", "--quantity", "gradient_norm", "--terminal")
    assert (code, err) == (0, "")
    assert "train gradient norm" in out
    code, out, err = landscape("plot", "surface.h5", "--quantity", "gradient_norm")
    assert (code, out, err) == (0, f"wrote {workplace.folder}/surface.png\n", "")


def test_the_help_lists_every_measure_and_role(landscape):
    _, out, _ = landscape("compute", "--help")
    assert ", ".join(WORDS) in " ".join(out.split())
    assert f"--measure [{'|'.join(MEASURES)}]" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--x", "1:0:5"], "--x: range 1.0:0.0:5: MIN must be below MAX"),
        (["--x", "0:1:1"], "--x: range 0.0:1.0:1: one point needs MIN equal to MAX"),
        (["--x", "a:b:c"], "--x: range 'a:b:c'"),
        (["--y", "0:1:0"], "--y: range 0.0:1.0:0: N must be between 1"),
        (["--set", "colour=3"], "unknown key 'colour'"),
        (["--set", "directions.x.sed=3"], "directions.x.sed"),
        (["--set", "grid.x=[1"], "--set grid.x: not valid YAML"),
        (["--set", "orthogonal=perhaps"], "orthogonal: "),
        (["--set", "=3"], "expected KEY=VALUE"),
        (["--seed", "one"], "'one' is not a valid integer"),
        (["--threads", "0"], "0 is not in the range"),
        (["--target-stderr", "0"], "0.0 is not in the range"),
        (["--target-stderr", "0.1", "--samples", "9"], "target_stderr: 0.1 chooses"),
        (["--cache", "attic"], "'attic' is not one of"),
        (["--measure", "hessian"], "'--measure': 'hessian' is not "),
        (["--wrong"], "No such option"),
        (["--device", "abacus"], "device: got 'abacus'"),
        (["--checkpoint", "nowhere.pt"], "checkpoint: can't read 'nowhere.pt'"),
        (["--output", "/proc/nowhere/s.h5"], "output: can't write"),
        (["--resume"], "there is no"),
        (["--overwrite", "--resume"], "exclude each other"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(landscape, workplace, arguments, words):
    check_refused(landscape("compute", workplace.config(), *arguments), words)
    assert not list(workplace.folder.glob("*.h5"))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"problem": "nowhere:build"}, "No module named 'nowhere'"),
        ({"problem": "example"}, "expected 'module:callable'"),
        ({"problem": "example:broken"}, "KeyError: 'missing'"),
        ({"problem": "example:empty"}, "is empty"),
        ({"problem": "example:dropout"}, "--allow-random"),
        ({"problem": "example:shuffled"}, "--allow-random"),
        ({"problem": "example:augmented"}, "--allow-random"),
        ({"problem": "example:returning"}, "a scalar"),
        ({"problem": "example:returning", "problem_args": {"what": "short"}}, "expected (50,)"),
        ({"problem": "example:returning", "problem_args": {"what": "raises"}}, "ZeroDivisionError"),
        ({"checkpoint": "example.py"}, "not a PyTorch checkpoint, or is damaged"),
        ({"checkpoint": "wrong.pt"}, "wrong shapes: weight (2, 2) instead of (1, 3)"),
        ({"grid": {"x": [0, 1]}}, "grid.x: expected [MIN, MAX, N]"),
        ({"grid": {"x": -3569}}, "(YAML reads an unquoted MIN:MAX:N as a number)"),
    ],
)
def test_bad_configurations_are_refused_in_one_line(landscape, workplace, keys, words):
    torch.save({"weight": torch.zeros(2, 2), "bias": torch.zeros(1)}, "wrong.pt")
    check_refused(landscape("compute", workplace.config(**keys)), words)
    assert not list(workplace.folder.glob("*.h5"))


def test_debug_shows_the_traceback(landscape, workplace):
    code, _, err = landscape("compute", workplace.config("example:broken"), "--debug")
    assert code == 2
    assert "Traceback" in err
    assert "example.py" in err
    assert err.splitlines()[-1].startswith("landscape: problem: example:broken() failed")


@settings(max_examples=30, deadline=None)
@given(content=st.binary(max_size=200))
def test_random_bytes_never_give_a_traceback(landscape, workplace, content):
    (workplace.folder / "noise").write_bytes(content)
    workplace.config(checkpoint="noise")
    for arguments in (
        ("compute", "noise"),
        ("compute", "run.yaml"),
        ("info", "noise"),
        ("plot", "noise"),
    ):
        code, out, err = landscape(*arguments)
        assert code == 2
        assert out == ""
        assert err.startswith("landscape: ")
        assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["nowhere.h5"], ["example.py"], ["."], []])
def test_info_refuses_files_that_are_no_surface(landscape, workplace, arguments):
    code, out, err = landscape("info", *arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


def test_info_writes_infinities_as_json_strings(landscape, workplace):
    from landscape_cli.store import write_surface

    landscape("compute", workplace.config(), "-q")
    surface = read_surface("surface.h5")
    surface.values["train", "loss"][:] = float("inf")
    surface.status[:] = 2
    write_surface("surface.h5", surface)
    code, out, _ = landscape("info", "surface.h5", "--json")
    assert code == 0
    loss = json.loads(out)["quantities"]["train"]["loss"]
    assert loss == {"minimum": None, "minimum_at": None, "maximum": None, "centre": "inf"}
    assert "no finite value" in landscape("info", "surface.h5")[1]


def test_without_a_command_the_help_is_shown(landscape):
    _, out, err = landscape()
    assert "compute" in out + err
    assert "Usage" in out + err
