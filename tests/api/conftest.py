"""Fixtures of the suites that take the name ``landscape`` for the package."""

import pytest


@pytest.fixture
def command_line(landscape):
    """Run `landscape` in this process; gives exit code, standard output and standard error."""
    return landscape
