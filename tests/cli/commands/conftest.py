"""The commands as functions, for the tests of several of them."""

import pytest

from landscape_cli.cli import cli
from landscape_cli.cli.error_report import run


@pytest.fixture
def plot(capsys):
    """Return a function that runs ``landscape plot`` and returns exit code, stdout and stderr."""

    def call(*arguments):
        code = run(cli, ["plot", *map(str, arguments)])
        return code, *capsys.readouterr()

    return call
