"""What the tests of scripts share."""

import sys

import pytest


@pytest.fixture
def quick_commands(programs, monkeypatch):
    """Let scripts run their many commands in forks of a process that has imported everything."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(sys, "executable", str(programs() / "python"))
