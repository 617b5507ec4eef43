"""A lock beside each output, so that two live runs never write the same file.

The lock is a small JSON file that its run rewrites every two seconds. A run on any host can
therefore tell whether the lock's owner is alive, without help from the file or batch system.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from landscape_cli.errors import LostLockError, StoreError
from landscape_cli.store.locks.lock_file import (
    alive,
    describe_owner,
    lock_content,
    lock_path,
    parse_lock,
    this_place,
    write_lock,
)

BEAT = 2.0
"""Seconds between heartbeats."""

PATIENCE = 15.0
"""Seconds without a heartbeat after which a run counts as dead."""

LOOKING = 0.2
"""Seconds between looks at a lock that may show a heartbeat."""


class Lock:
    """The exclusive right to write an output; a context manager that releases it on exit.

    Args:
        output: the file to write; the lock is ``<output>.lock``, where a link leads.
        warn: receives a message if a lock is taken over or can't be written.
    """

    def __init__(self, output: Path, warn: Callable[[str], None] = lambda text: None) -> None:
        self.output = output
        self.path = lock_path(output)
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
        """Take the lock, if necessary from a dead run.

        If the lock can't be written, for example on a full disk, warn and go on without it.

        Raises:
            StoreError: if another run holds the lock and is alive, or is taking it over.
        """
        threading.Thread(target=self._keep_beating, name="lock", daemon=True).start()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            while not (self._create(self.path) or self._take_from_dead_run()):
                pass
            self._remove_claims()
        except OSError as error:
            self._use(None)
            self._warn(
                f"can't write {self.path} ({error.strerror}), so nothing keeps another run from "
                f"writing {self.output.name} at the same time"
            )

    def check(self) -> None:
        """Check that this run still owns the lock, before the output is replaced.

        Raises:
            LostLockError: if another run has taken the lock over while this one was suspended.
        """
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            content = lock_content(self.path)
            both_gone = content is None and not self.output.exists()
            if self._is_ours(content) or (both_gone and self._create(self.path)):
                return
            raise LostLockError(
                f"output: {self.path} no longer belongs to this run: it was suspended for too "
                f"long, and {describe_owner(content)} took over; nothing more is written"
            )

    def release(self) -> None:
        """Remove the lock if this run owns it."""
        self._ended.set()
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            if self._is_ours(lock_content(self.path)):
                self.path.unlink()
        self._use(None)

    def _create(self, path: Path) -> bool:
        """Create the lock as a new file; return False if the file exists."""
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

    def _take_from_dead_run(self) -> bool:
        """Take over an existing lock; return False if the caller has to try again."""
        content = lock_content(self.path)
        if content is None:
            return False
        self._wait_for_death(content)
        if not self._replace(self.path, content):
            return False
        self._warn(f"took over {self.path} from {describe_owner(content)}, which is dead")
        return True

    def _wait_for_death(self, content: bytes, path: Path | None = None) -> None:
        """Return once the run that owns a lock or claim counts as dead, or has let go of it.

        Args:
            content: the file's content, which changes while its run is alive.
            path: the file; the lock if None.

        Raises:
            StoreError: if the run shows a sign of life.
        """
        path = path or self.path
        owner = parse_lock(content)
        if owner.get("place") == this_place() and not alive(owner.get("pid")):
            return
        end, told = time.monotonic() + PATIENCE, time.monotonic() + 2 * BEAT
        while time.monotonic() < end:
            time.sleep(LOOKING)
            now = lock_content(path)
            if now is None:
                return
            if now != content and parse_lock(now).get("token") != owner.get("token"):
                return
            if now != content:
                raise StoreError(
                    f"output: {str(self.output)!r} is being written by "
                    f"{describe_owner(now)}; wait for it to end, or choose another --output"
                )
            if time.monotonic() > told:
                told = end
                self._warn(f"{path} exists; checking for {PATIENCE:g} s if its run is alive")

    def _replace(self, path: Path, content: bytes) -> bool:
        """Replace a dead run's lock or claim with this run's; return False if it has changed.

        Whoever replaces a file first needs a claim, which is named after the file and its content:
        of several runs that read the same content only one can create it, and a run that creates it
        later finds that the content has changed. A run that dies in between leaves its claim, which
        is replaced in the same way. A run that is only slow may thus lose its claim. It cannot do
        harm: a claim that is renamed, by whomever, gives the file to the claim's owner, and every
        run looks afterwards who that is.

        Raises:
            StoreError: if another run has the claim, and is alive.
        """
        claim = self.path.with_name(f"{self.path.name}.{_claim_name(self.path, path, content)}")
        if not (self._create(claim) or self._take_claim(claim)):
            return False
        if lock_content(path) == content:
            with contextlib.suppress(FileNotFoundError):
                os.replace(claim, path)
        if self._is_ours(lock_content(path)):
            return True
        self._use(None)
        if self._is_ours(lock_content(claim)):
            claim.unlink(missing_ok=True)
        return False

    def _take_claim(self, claim: Path) -> bool:
        """Take over the claim of a run that died during its take-over; return False otherwise."""
        content = lock_content(claim)
        if content is None:
            return False
        self._wait_for_death(content, claim)
        return self._replace(claim, content)

    def _remove_claims(self) -> None:
        """Remove the claims on earlier contents of the lock, which dead runs have left behind."""
        claims = re.compile(re.escape(self.path.name) + r"\.[0-9a-f]{16}")
        for path in self.path.parent.iterdir():
            if claims.fullmatch(path.name):
                path.unlink(missing_ok=True)

    def _is_ours(self, content: bytes | None) -> bool:
        return content is not None and parse_lock(content).get("token") == self._token

    def _use(self, file: int | None) -> None:
        """Write heartbeats to this open file from now on; None stops them."""
        with self._using_file:
            if self._file is not None:
                os.close(self._file)
            self._file = file

    def _keep_beating(self) -> None:
        """Write heartbeats until the end.

        Once another run has replaced the lock, they go to a file that no longer has a name.
        """
        while not self._ended.wait(BEAT):
            self._beat += 1
            with self._using_file, contextlib.suppress(OSError):
                if self._file is not None:
                    write_lock(self._file, self._text())

    def _text(self) -> bytes:
        """Return the lock's content, which always has the same length."""
        owner = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "place": this_place(),
            "token": self._token,
            "beat": f"{self._beat:012}",
        }
        return json.dumps(owner).encode() + b"\n"


def _claim_name(lock: Path, path: Path, content: bytes) -> str:
    """Name the claim on a lock or claim with this content.

    The content of a lock is unique, but claims may be empty if their runs die at once.
    """
    named = b"" if path == lock else path.name.encode()
    return hashlib.sha256(named + content).hexdigest()[:16]
