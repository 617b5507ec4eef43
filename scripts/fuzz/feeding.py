"""Feed inputs to a reader in a process of its own, which may crash or hang."""

from __future__ import annotations

import faulthandler
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from damage import Inputs, Reader

from landscape_cli.errors import LandscapeError

KEPT = Path(__file__).resolve().parents[2] / "runs" / "fuzz"
"""Folder for the inputs that went wrong."""

PATIENCE = 30.0
"""Seconds for one input, after which its reader counts as hanging."""

MOST_KEPT = 5
"""Upper bound on the inputs kept of those that raised an error that is not clean."""

Prepare = Callable[[Path], tuple[Inputs, Reader]]
"""Writes valid files in a folder, and returns their contents and how to read such a file."""

Damage = Callable[[Sequence[bytes], random.Random], Iterator[bytes]]
"""Yields valid inputs and then damaged ones."""


def fuzz(kind: str, prepare: Prepare, damage: Damage, seed: int, seconds: float) -> bool:
    """Feed one kind of input to its reader and print the counts.

    Args:
        kind: the name of the kind.
        prepare: makes the valid inputs and their reader.
        damage: damages them.
        seed: seeds the damage.
        seconds: how long to go on.

    Returns:
        Whether some inputs were read, some refused, and all errors clean.
    """
    counts = {"read": 0, "refused": 0}
    bad = 0
    begin = time.monotonic()
    end = begin + seconds
    while (left := end - time.monotonic()) > 0:
        with tempfile.TemporaryDirectory(dir=_memory()) as folder:
            receiver, sender = multiprocessing.Pipe(duplex=False)
            arguments = (prepare, damage, seed, left, folder, sender)
            process = multiprocessing.Process(target=feed, args=arguments)
            process.start()
            sender.close()
            finished = count_outcomes(receiver, counts, kind)
            process.kill()
            process.join()
            if finished:
                break
            bad += 1
            keep(kind, Path(folder) / "input", "the process crashed or hung")
            seed += 1
    bad += sum(counts.pop(key) for key in list(counts) if key not in ("read", "refused"))
    total, took = sum(counts.values()), time.monotonic() - begin
    print(
        f"{kind}: {total} inputs in {took:.0f} s ({60 * total / took:.0f} a minute), "
        f"{counts['read']} read, {counts['refused']} refused, {bad} errors that are not clean",
        flush=True,
    )
    return bad == 0 and counts["read"] > 0 and counts["refused"] > 0


def feed(
    prepare: Prepare, damage: Damage, seed: int, seconds: float, folder: str, sender: Connection
) -> None:
    """Read damaged inputs for some time, and send (outcome, content) for each, None at the end."""
    faulthandler.enable()
    warnings.simplefilter("ignore")
    contents, read = prepare(Path(folder))
    path = Path(folder) / "input"
    end = time.monotonic() + seconds
    for content in damage(contents, random.Random(seed)):
        if time.monotonic() > end:
            break
        path.write_bytes(content)
        outcome = "read"
        try:
            read(path, content)
        except LandscapeError as error:
            outcome = "refused" if "\n" not in str(error) else f"several lines: {error}"
        except BaseException:
            outcome = traceback.format_exc()
        sender.send((outcome, content))
    sender.send(None)


def count_outcomes(receiver: Connection, counts: dict[str, int], kind: str) -> bool:
    """Count the outcomes as they come; return False if the process crashed or hung."""
    try:
        while receiver.poll(PATIENCE):
            message = receiver.recv()
            if message is None:
                return True
            outcome, content = message
            clean = outcome in ("read", "refused")
            key = outcome if clean else "bad"
            counts[key] = counts.get(key, 0) + 1
            if not clean and counts[key] <= MOST_KEPT:
                path = KEPT / kind / "input"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                keep(kind, path, outcome)
    except EOFError:
        pass
    return False


def keep(kind: str, path: Path, outcome: str) -> None:
    """Keep an input that went wrong, and print what happened."""
    folder = KEPT / kind
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{len(list(folder.iterdir()))}.bad"
    shutil.copy(path, kept)
    print(f"{kept}:\n{outcome}", file=sys.stderr, flush=True)


def _memory() -> str | None:
    """Return a folder in memory, if there is one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
