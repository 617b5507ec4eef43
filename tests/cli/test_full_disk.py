"""A disk that is full at any file gives one line and exit code 2, and leaves nothing half-written.

A limit on the size of files stands for the disk: what goes beyond it is not written.
"""

import os
import resource
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from builders import surface
from landscape_cli.store import read_surface, write_surface

SIZES = (0, 1, 700, 3000)


@contextmanager
def room(size):
    """Let no file grow beyond this number of bytes, in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.fixture
def place(workplace):
    write_surface("in.h5", surface(lambda x, y: x + y, "-1:1:41", "-1:1:41"))
    workplace.config(output="s.h5")
    for number in range(4):
        state = {"weight": torch.rand(1, 3).double(), "bias": torch.rand(1).double()}
        torch.save(state, f"net{number}.pt")
    return workplace


@pytest.mark.parametrize(
    "arguments",
    [
        ("compute", "run.yaml"),
        ("compute", "run.yaml", "--log-dir", "logs", "-v"),
        ("merge", "out.h5", "in.h5"),
        ("trajectory", "run.yaml", "--checkpoints", "net*.pt", "-o", "out.h5"),
        ("average", "run.yaml", "net0.pt", "net1.pt", "-o", "out.pt"),
        ("plot", "in.h5", "-o", "out.png", "--dpi", "50"),
        ("plot", "in.h5", "-o", "out.pdf"),
        ("plot", "in.h5", "-o", "out.svg"),
        ("animate", "in.h5", "in.h5", "-o", "out.gif", "--dpi", "30"),
        *(("export", "in.h5", "-o", f"out.{kind}") for kind in ("csv", "npz", "vtp", "vts", "stl")),
    ],
    ids=" ".join,
)
def test_every_file(landscape, place, arguments):
    before = {path: path.read_bytes() for path in place.folder.iterdir() if path.is_file()}
    for size in SIZES if arguments == ("compute", "run.yaml") else SIZES[2:3]:
        with room(size):
            code, _, err = landscape(*arguments)
        assert code == 2, err
        lines = [line for line in err.splitlines() if line.startswith("landscape: ")]
        assert len(lines) == 1, err
        assert "File too large" in lines[0]
        assert "Traceback" not in err
        assert "Logging error" not in err
        left = [path for path in place.folder.iterdir() if path.is_file()]
        assert {path: path.read_bytes() for path in left} == before, size
    assert landscape(*arguments)[0] == 0


@pytest.mark.extras("h5netcdf")
def test_netcdf(landscape, place):
    for size in SIZES[2:]:
        with room(size):
            code, _, err = landscape("export", "in.h5", "-o", "out.nc")
        assert (code, err.count("\n")) == (2, 1), err
        assert not Path("out.nc").exists()
    assert landscape("export", "in.h5", "-o", "out.nc")[0] == 0


def test_a_log_that_is_full_ends_and_the_run_goes_on(landscape, place):
    Path("logs").mkdir()
    Path("logs/rank-0000.log").write_text("2026-01-01 00:00:00,000 INFO x\n" * 10_000)
    with room(200_000):
        code, _, err = landscape("compute", "run.yaml", "--log-dir", "logs", "-v")
    assert code == 0, err
    (line,) = [line for line in err.splitlines() if "rank-0000.log" in line]
    assert line.startswith("warning: can't write ")
    assert "Logging error" not in err
    assert read_surface("s.h5").complete


def test_a_process_ends_without_a_crash(place):
    """Files that are too large when HDF5 closes them would end the process by SIGSEGV."""
    command = place.command("compute", "run.yaml", "-q")
    done = subprocess.run(
        ["prlimit", "--fsize=9000", *command],
        cwd=place.folder,
        env=place.environment(),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("landscape: output: can't write '")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize("arguments", [("info", "in.h5"), ("describe", "in.h5")], ids=" ".join)
def test_standard_output(place, arguments):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            place.command(*arguments),
            cwd=place.folder,
            env=place.environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("landscape: can't write the output or a file: ")
