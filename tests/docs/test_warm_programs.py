"""Programs that are forked from a warm process do what those do that users start."""

import re
import subprocess

import psutil
import pytest

from support.pages.clone import Clone

COMMANDS = [
    "landscape info nothing.h5",
    "landscape no-such-command",
    "landscape info --help | head -n 1; echo ${PIPESTATUS[*]}",
    "echo 'import sys; print(sys.argv, sys.path[0], __name__); raise SystemExit(3)' > a.py && "
    "python a.py --b 2> /dev/null",
    "mkdir in && cd in && WORD=w python -c 'import os; print(os.getcwd(), os.environ[\"WORD\"])'",
    "python -c 'print(1); 1 / 0' 2>&1 | tail -n 1",
    "python -m landscape_cli info nothing.h5",
    "python -c 'import os; os.kill(os.getpid(), 9)' || exit",
    "echo 5 | python -c 'print(input())'",
    pytest.param(
        "mpiexec -n 2 python -c 'from mpi4py.MPI import COMM_WORLD as w; "
        "n = w.allreduce(1); w.rank or print(n)'",
        marks=pytest.mark.mpi,
    ),
]


@pytest.mark.docs
@pytest.mark.parametrize("command", COMMANDS)
def test_a_warm_program_does_what_a_cold_one_does(command, programs, tmp_path):
    done = [
        run(tmp_path / str(number), at, command) for number, at in enumerate((programs(), None))
    ]
    assert done[0] == done[1]


@pytest.mark.docs
def test_a_killed_program_takes_its_fork_along(programs):
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    command = [programs() / "python", "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        fork = psutil.Process(int(process.stdout.readline()))
        assert fork.pid != process.pid
        process.kill()
        fork.wait(10)


def run(folder, programs, command):
    clone = Clone(folder, programs)
    (clone.here / "run.yaml").write_text("problem: a:b\ngrid: {x: [-1, 1, 5]}\n")
    done = clone.run(command)
    printed = re.sub(r"line 1: +\d+ Killed", "Killed", done.stdout)
    return done.returncode, printed.replace(str(clone.folder), "")
