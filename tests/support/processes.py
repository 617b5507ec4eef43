"""Processes that tests start: their ranks, their terminal, and waiting for them."""

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from landscape_cli.parallel.launcher import RANK_VARIABLES

TIMEOUT = 180
"""Seconds that any command may take."""

PATIENCE = 60
"""Seconds to wait for something a running process is about to do."""


def restore_ctrl_c() -> None:
    """Let a new process react to Ctrl-C; call it there before its program begins.

    Shells let background jobs, and so all their children, ignore Ctrl-C.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_in_terminal(
    command: list[str],
    folder: Path,
    environment: Mapping[str, str],
    seen: Callable[[subprocess.Popen, str], None] = lambda process, text: None,
    size: tuple[int, int] | None = None,
) -> tuple[int, str]:
    """Run a command in a terminal of its own.

    Args:
        command: the program and its arguments.
        folder: its current folder.
        environment: its variables; the type of terminal is added.
        seen: called after each piece of output with the process and everything written so far.
        size: the terminal's rows and columns; it knows neither if None.

    Returns:
        The exit code and everything the command wrote.
    """
    control, terminal = pty.openpty()
    if size is not None:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**environment, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        preexec_fn=restore_ctrl_c,
    )
    os.close(terminal)
    timeout = threading.Timer(TIMEOUT, process.kill)
    timeout.start()
    text = ""
    with contextlib.suppress(OSError):  # raised once the process has closed its end
        while part := os.read(control, 1 << 16):
            text += part.decode(errors="replace")
            seen(process, text)
    os.close(control)
    code = process.wait()
    timeout.cancel()
    return code, text


def family(pid: int) -> list[psutil.Process]:
    """A process and all its living descendants; empty if it has ended."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def living_ranks(launcher: int) -> list[psutil.Process]:
    """The living ranks of `landscape` that the launcher with this pid started, in order.

    The processes that guard them, their parents, are left out.
    """
    ranks: dict[int, list[psutil.Process]] = {}
    for process in family(launcher)[1:]:
        try:
            environment, command = process.environ(), process.cmdline()
        except psutil.Error:
            continue
        number = next((environment[key] for key in RANK_VARIABLES if key in environment), None)
        if number is not None and "landscape_cli" in command:
            found = ranks.setdefault(int(number), [])
            if not found or (len(found) == 1 and process.ppid() == found[0].pid):
                found.append(process)
    return [ranks[number][-1] for number in sorted(ranks)]


def wait_until(process: subprocess.Popen, condition: Callable[[], object]) -> None:
    """Wait until a condition holds, which must be before the process ends."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, process.communicate()
        if time.monotonic() > deadline:
            pytest.fail(f"did not happen within {PATIENCE} s")
        time.sleep(0.05)


@contextlib.contextmanager
def in_background(function: Callable[[], object]) -> Iterator[Future]:
    """Call a function in another thread during a block, and wait for it at its end."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(function)


def kill_group(process: subprocess.Popen) -> None:
    """Kill a process that leads a group, with all of the group and all that it has started.

    Ranks have groups of their own under some launchers.
    """
    started = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGKILL)
    for one in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(started, timeout=PATIENCE)
    process.communicate()
