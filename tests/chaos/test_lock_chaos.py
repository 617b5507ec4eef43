"""Runs killed at random moments while they take over the lock of a dead run."""

import contextlib
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest

from landscape_cli.errors import LostLockError, StoreError
from landscape_cli.store import Lock
from landscape_cli.store.locks import lock

pytestmark = pytest.mark.chaos

SEED = int(os.environ.get("LANDSCAPE_CHAOS_SEED", "1"))
KILLS = int(os.environ.get("LANDSCAPE_CHAOS_TAKE_OVERS", "200"))
"""Number of runs to kill during their take-over."""

OPERATIONS = ("open", "pwrite", "fsync", "replace", "unlink")
SLOWEST = 0.004
"""Upper bound in seconds on what each operation of the file system takes."""

TAKING, TOOK, ENDED, CLASHED = "taking", "took", "ended", "clashed"


def slow_down(number):
    """Delay each operation on files by a random time, so that kills hit between them, too."""
    chance = random.Random(number)

    def slow(operation):
        def call(*arguments, **keys):
            time.sleep(chance.uniform(0, SLOWEST))
            result = operation(*arguments, **keys)
            time.sleep(chance.uniform(0, SLOWEST))
            return result

        return call

    for name in OPERATIONS:
        setattr(os, name, slow(getattr(os, name)))


def owner(marker):
    with contextlib.suppress(OSError, ValueError):
        return int(marker.read_text())
    return None


def contend(output, number, state):
    """Take the lock, and use it for a moment alone."""
    lock.PATIENCE, lock.LOOKING, lock.BEAT = 3.0, 0.005, 0.02
    slow_down(number)
    marker = output.with_name("in use")
    with Lock(output) as one:
        state.value = TAKING.encode()
        try:
            one.take()
        except StoreError:
            state.value = ENDED.encode()
            return
        other = owner(marker)
        if other is not None and Path(f"/proc/{other}").exists():
            state.value = CLASHED.encode()
            return
        marker.write_text(str(os.getpid()))
        state.value = TOOK.encode()
        time.sleep(0.01)
        with contextlib.suppress(LostLockError):
            one.check()
        marker.unlink()
    state.value = ENDED.encode()


class Contenders:
    """Processes that take the same lock at the same time."""

    def __init__(self, output, chance):
        context = multiprocessing.get_context("fork")
        self.states = [context.Array("c", 16) for _ in range(chance.choice([1, 1, 2, 3]))]
        self.processes = [
            context.Process(target=contend, args=(output, chance.getrandbits(32), state))
            for state in self.states
        ]
        for process in self.processes:
            process.start()

    def kill(self):
        """Kill all at once; return how many were taking the lock over."""
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        for process in self.processes:
            process.join()
        return sum(state.value.decode() == TAKING for state in self.states)


def test_killed_during_take_overs_again_and_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lock, "PATIENCE", 3.0)
    chance = random.Random(SEED)
    output, rounds, kills, depths, slowest = tmp_path / "s.h5", 0, 0, [], 0.0
    left = []
    while kills < KILLS:
        rounds += 1
        # A run that ends leaves no lock: what the next ones find was left by those killed before.
        contenders = Contenders(output, chance)
        time.sleep(chance.uniform(0, 0.06))
        kills += contenders.kill()
        assert CLASHED not in [state.value.decode() for state in contenders.states]
        left.append(sum(".lock." in path.name for path in tmp_path.iterdir()))
        if rounds % 5 == 0:
            depths.append(left[-1])
            begin = time.monotonic()
            with Lock(output) as one:
                one.take()
                one.check()
                slowest = max(slowest, time.monotonic() - begin)
            (tmp_path / "in use").unlink(missing_ok=True)
            assert not list(tmp_path.iterdir())
    with capsys.disabled():
        print(
            f"\n{rounds} rounds, {kills} runs killed during a take-over; up to {max(left)} claims "
            f"were left at once; {len(depths)} later runs took the lock, in at most {slowest:.1f} s"
        )
    assert max(left) > 1
