"""A process that has imported what commands import, and forks for each of them.

Most of a short command's time goes into imports. In place of `landscape` and `python`, a shell
finds scripts that hand their arguments, folder, environment and streams to this process. A fork of
it goes on as the command, so nothing is shared between two commands, and exit code and output are
the command's own. Ranks that MPICH's launcher starts come with one stream more, `PMI_FD`; those of
Open MPI find their launcher by their environment alone.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

IMPORTED = (
    "matplotlib.backends.backend_agg",
    "mpl_toolkits.mplot3d",
    "scipy.interpolate",
    "scipy.ndimage",
    "scipy.optimize",
    "scipy.sparse.linalg",
    "sklearn.datasets",
    "torch.utils.data",
)
"""What is imported beforehand, beside all modules of the package."""

NOT_IMPORTED = ("__main__", ".convolutions.fusion")
"""Endings of the names of modules that are not: this one imports PyTorch's compiler, which reads
the environment then."""

CLIENT = """\
#!{python} -SEs
import array, json, os, signal, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
request = json.dumps(({program!r}, sys.argv[1:], os.getcwd(), dict(os.environ))).encode()
streams = array.array("i", [0, 1, 2, *map(int, filter(None, [os.environ.get("PMI_FD")]))])
rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)]
server.sendmsg([len(request).to_bytes(8, "big")], rights)
server.sendall(request)
child = int.from_bytes(server.recv(8), "big")
for number in signal.SIGINT, signal.SIGTERM, signal.SIGUSR1:
    signal.signal(number, lambda number, frame: os.kill(child, number))
code = int.from_bytes(server.recv(8), "big", signed=True)
if code < 0:
    if -code != signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""
"""A script that stands for a program, and ends as the fork does."""


@contextlib.contextmanager
def warm_programs(folder: Path, environment: dict[str, str]) -> Iterator[Path]:
    """Start the process, and yield the folder of its scripts, for the front of PATH.

    Args:
        folder: an empty folder, with a path short enough for a socket (100 characters).
        environment: changes of the environment that imports depend on.
    """
    address = str(folder / "socket")
    programs = folder / "bin"
    programs.mkdir()
    for name in ("landscape", "python"):
        script = programs / name
        script.write_text(CLIENT.format(python=sys.executable, address=address, program=name))
        script.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, __file__, address],
        stdin=subprocess.PIPE,  # the process ends when this is closed
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield programs


# What follows runs in the process and its forks.


def wait_for_command(address: str) -> tuple[str, list[str]]:
    """Fork for each request; return, in the fork, the program that it is to be, and arguments."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        print("ready", flush=True)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            ready, _, _ = select.select([server, sys.stdin], [], [])
            if sys.stdin in ready:
                os._exit(0)
            client, _ = server.accept()
            if os.fork() == 0:
                break
            client.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with client:
        return receive_command(client)


def receive_command(client: socket.socket) -> tuple[str, list[str]]:
    """Read the command and fork for it; tell the client its process and, at the end, its code.

    The fork does not outlive the client, as a launcher may kill a rank.
    """
    size, rights, _, _ = client.recvmsg(8, socket.CMSG_SPACE(4 * array.array("i").itemsize))
    with client.makefile("rb") as file:
        program, arguments, here, environment = json.loads(file.read(int.from_bytes(size, "big")))
    if child := os.fork():
        client.sendall(child.to_bytes(8, "big"))
        if hasattr(os, "pidfd_open"):  # on Linux
            ended, _, _ = select.select([client, ended_of := os.pidfd_open(child)], [], [])
            if ended_of not in ended:  # the client was killed
                os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        with contextlib.suppress(BrokenPipeError):
            client.sendall(os.waitstatus_to_exitcode(status).to_bytes(8, "big", signed=True))
        os._exit(0)
    numbers = [0, 1, 2, *map(int, filter(None, [environment.get("PMI_FD")]))]
    for number, stream in zip(numbers, array.array("i", rights[0][2]), strict=True):
        if stream != number:
            os.dup2(stream, number)
            os.close(stream)
    os.chdir(here)
    os.environ.clear()
    os.environ.update(environment)
    return program, arguments


def run(program: str, arguments: list[str]) -> None:
    """Go on as a program."""
    if program == "landscape":
        from landscape_cli.cli import main

        sys.argv = [str(Path(sys.executable).with_name(program)), *arguments]
        main()
    elif arguments[0] == "-c":
        sys.argv, sys.path[0] = ["-c", *arguments[2:]], ""
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})
    elif arguments[0] == "-m":
        sys.argv, sys.path[0] = arguments[1:], os.getcwd()
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[0] = arguments, str(Path(arguments[0]).resolve().parent)
        runpy.run_path(arguments[0], run_name="__main__")


def import_all() -> None:
    """Import what commands may need, except what starts MPI or reads the environment."""
    import landscape_cli

    found = pkgutil.walk_packages(landscape_cli.__path__, "landscape_cli.")
    ours = [module.name for module in found if not module.name.endswith(NOT_IMPORTED)]
    for name in (*IMPORTED, *ours):
        importlib.import_module(name)
    assert not {"mpi4py", "torch._inductor.config"} & set(sys.modules)
    gc.freeze()


def end(code: int) -> None:
    """End at once, since to take down all that was imported takes half a second; but leave MPI."""
    sys.stdout.flush()
    sys.stderr.flush()
    if "mpi4py.MPI" not in sys.modules:
        os._exit(code)


if __name__ == "__main__":
    code = 0
    atexit.register(lambda: end(code))  # the first that is registered is the last that runs
    import_all()
    try:
        run(*wait_for_command(sys.argv[1]))
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        raise
    except BaseException:
        code = 1
        raise
