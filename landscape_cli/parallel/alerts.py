"""Alerts of guardians to rank 0's watch that another rank has vanished."""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
from collections.abc import Sequence

LONGEST = 4096
"""Upper bound on the bytes of an alert."""

LISTENING = 1.0
"""Seconds that a connection may take to say something."""


class Alerts:
    """A socket that listens for alerts, on this host only if all ranks are there.

    Args:
        hosts: the hosts of all ranks, this one's first.
    """

    def __init__(self, hosts: Sequence[str]) -> None:
        local = len(set(hosts)) == 1
        self._token = secrets.token_hex(16)
        self._socket = socket.create_server(("127.0.0.1" if local else "", 0))
        self._socket.setblocking(False)
        port = self._socket.getsockname()[1]
        self.address = "127.0.0.1" if local else hosts[0], port, self._token

    def heard(self) -> str:
        """Return an alert that has arrived, which is answered; empty if there is none."""
        with contextlib.suppress(OSError, TypeError, ValueError):
            connection, _ = self._socket.accept()
            with connection:
                connection.settimeout(LISTENING)
                token, text = json.loads(connection.recv(LONGEST))
                if isinstance(text, str) and token == self._token:
                    connection.sendall(b"!")
                    return text
        return ""

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
