"""Runs with the same output, as processes."""

import signal

import pytest

from landscape_cli.config.loading import load_config
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.run import compute
from landscape_cli.store import read_surface
from landscape_cli.store.locks import lock
from support.processes import wait_until

GRID = {"x": [-1, 1, 30], "y": [-1, 1, 20]}


def begun(workplace, **keys):
    """Start a run of a minute, and wait until it has written a file."""
    process = workplace.start("compute", workplace.config("example:slow", grid=GRID, **keys))
    path = workplace.folder / "surface.h5"
    wait_until(process, lambda: path.exists() and read_surface(path).done)
    return process


def test_a_second_run_is_refused_only_while_the_first_is_alive(
    workplace, landscape, monkeypatch, capsys
):
    process = begun(workplace)
    code, _, refused = landscape("compute", "run.yaml", "--overwrite")
    assert code == 2
    (line,) = refused.splitlines()
    assert line.startswith(f"landscape: output: '{workplace.folder}/surface.h5' is being written")
    assert f"by the run with pid {process.pid} on " in line
    assert line.endswith("; wait for it to end, or choose another --output")
    assert process.poll() is None
    code, _, errors = landscape("compute", "run.yaml", "--dry-run")
    assert code == 0, errors
    process.kill()
    process.communicate()
    assert (workplace.folder / "surface.h5.lock").exists()
    monkeypatch.setattr(lock, "PATIENCE", 1000.0)
    monkeypatch.setenv("EXAMPLE_SECONDS", "0")
    compute(load_config("run.yaml"), SerialExecutor(), resume=True)
    said = capsys.readouterr().err
    assert f"warning: took over {workplace.folder}/surface.h5.lock from the run with pid" in said
    assert read_surface("surface.h5").complete
    assert not (workplace.folder / "surface.h5.lock").exists()


@pytest.mark.slow
def test_a_suspended_run_does_not_overwrite_its_successor(workplace, monkeypatch):
    process = begun(workplace)
    process.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(lock, "PATIENCE", 1.0)
    monkeypatch.setenv("EXAMPLE_SECONDS", "0")
    compute(load_config("run.yaml"), SerialExecutor(), quiet=True)
    path = workplace.folder / "surface.h5"
    after = path.read_bytes()
    process.send_signal(signal.SIGCONT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1, errors
    assert "surface.h5.lock no longer belongs to this run: it was suspended for too long" in errors
    assert "Traceback" not in errors
    assert path.read_bytes() == after
    assert read_surface(path).complete


@pytest.mark.slow
def test_an_interrupted_or_refused_run_leaves_no_lock(workplace, landscape):
    process = begun(workplace)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    code, _, errors = landscape("compute", "run.yaml", "--seed", 5)
    assert code == 2
    assert "made with another configuration" in errors
    assert not list(workplace.folder.glob("*.lock*"))
