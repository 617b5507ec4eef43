"""The lock beside an output: two runs that live do not write the same file.

The lock is a small JSON file that changes every two seconds for as long as its run lives, so a run
on any host can see whether another one does, without help of the file system or the batch system.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from landscape_cli.errors import LostLockError, StoreError
from landscape_cli.store.lock_file import (
    alive,
    describe_owner,
    lock_content,
    parse_lock,
    this_place,
    write_lock,
)

BEAT = 2.0
"""Seconds between two beats."""

PATIENCE = 15.0
"""Seconds without a beat after which a run counts as dead."""

LOOKING = 0.2
"""Seconds between two looks at a lock that might beat."""


class Lock:
    """The right to write an output; a context manager that gives it back at the end.

    Args:
        output: the file to be written; the lock is ``<output>.lock``.
        warn: is told of locks that are taken over or can't be written.
    """

    def __init__(self, output: Path, warn: Callable[[str], None] = lambda text: None) -> None:
        self.output = output
        self.path = output.with_name(f"{output.name}.lock")
        self._warn = warn
        self._token = secrets.token_hex(8)
        self._file: int | None = None
        self._beat = 0
        self._ended = threading.Event()
        self._using_file = threading.Lock()

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def take(self) -> None:
        """Take the lock, from a run that is dead if need be.

        A lock that can't be written, on a full disk, say, is warned of and done without.

        Raises:
            StoreError: if another run lives, or takes over in this moment.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            while not (self._create(self.path) or self._inherit()):
                pass
        except OSError as error:
            self._use(None)
            self._warn(
                f"can't write {self.path} ({error.strerror}), so nothing keeps another run from "
                f"writing {self.output.name} at the same time"
            )
            return
        threading.Thread(target=self._live, name="lock", daemon=True).start()

    def check(self) -> None:
        """See that the lock is still ours, before the output is replaced.

        Raises:
            LostLockError: if another run has taken it over, since this one stood still for long.
        """
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            found = lock_content(self.path)
            both_gone = found is None and not self.output.exists()
            if self._is_ours(found) or (both_gone and self._create(self.path)):
                return
            raise LostLockError(
                f"output: {self.path} is no longer this run's: it stood still for long, and "
                f"{describe_owner(found)} went on in its place; nothing more is written"
            )

    def release(self) -> None:
        """Remove the lock, if it is ours."""
        self._ended.set()
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            if self._is_ours(lock_content(self.path)):
                self.path.unlink()
        self._use(None)

    def _create(self, path: Path) -> bool:
        """Make the lock as a new file; False if there is one."""
        try:
            file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644)
        except FileExistsError:
            return False
        try:
            write_lock(file, self._text())
        except OSError:
            os.close(file)
            path.unlink(missing_ok=True)
            raise
        self._use(file)
        return True

    def _inherit(self) -> bool:
        """Take the lock that is there; False if it is to be tried again."""
        found = lock_content(self.path)
        if found is None:
            return False
        self._wait_for_its_end(found)
        return self._take_over(found)

    def _wait_for_its_end(self, found: bytes) -> None:
        """Return once a lock's run counts as dead.

        Raises:
            StoreError: if it shows a sign of life.
        """
        about = parse_lock(found)
        if about.get("place") == this_place() and not alive(about.get("pid")):
            return
        end, told = time.monotonic() + PATIENCE, time.monotonic() + 2 * BEAT
        while time.monotonic() < end:
            time.sleep(LOOKING)
            now = lock_content(self.path)
            if now is None:
                return
            if now != found:
                raise StoreError(
                    f"output: {str(self.output)!r} is being written by "
                    f"{describe_owner(now)}; wait for its end, or choose another --output"
                )
            if time.monotonic() > told:
                told = end
                self._warn(f"{self.path} is there; looking for {PATIENCE:g} s if its run lives")

    def _take_over(self, found: bytes) -> bool:
        """Put this run's lock in the place of a dead one; False if that is no longer there.

        Of several runs that found the same content only one can make the claim that is named
        after it; whoever makes it later finds that the lock has changed.

        Raises:
            StoreError: if another run has the claim.
        """
        claim = self.path.with_name(f"{self.path.name}.{hashlib.sha256(found).hexdigest()[:16]}")
        if not self._create(claim):
            raise StoreError(
                f"output: another run takes over {str(self.output)!r} in this moment; wait for "
                f"its end, or choose another --output; if there is no such run, delete {claim}"
            )
        if lock_content(self.path) != found:
            claim.unlink(missing_ok=True)
            return False
        os.replace(claim, self.path)
        self._warn(f"took over {self.path} of {describe_owner(found)}, which is dead")
        return True

    def _is_ours(self, found: bytes | None) -> bool:
        return found is not None and parse_lock(found).get("token") == self._token

    def _use(self, file: int | None) -> None:
        """Beat in this file from now on, an open one or none."""
        with self._using_file:
            if self._file is not None:
                os.close(self._file)
            self._file = file

    def _live(self) -> None:
        """Beat until the end; into nothing once the lock was taken over, as that replaces it."""
        while not self._ended.wait(BEAT):
            self._beat += 1
            with self._using_file, contextlib.suppress(OSError):
                if self._file is not None:
                    write_lock(self._file, self._text())

    def _text(self) -> bytes:
        """The lock's content, always of the same length."""
        about = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "place": this_place(),
            "token": self._token,
            "beat": f"{self._beat:012}",
        }
        return json.dumps(about).encode() + b"\n"
