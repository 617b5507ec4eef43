"""What the pages need, made once for all tests of a run."""

import contextlib
import functools
import tempfile
from pathlib import Path

import pytest

from support.pages.clone import SETTINGS
from support.pages.preparations import Preparations
from support.pages.warm import warm_programs


@pytest.fixture(scope="session")
def programs():
    """Return the folder of `landscape` and `python` that need no time for imports."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def started():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            return stack.enter_context(warm_programs(folder, SETTINGS))

        yield started


@pytest.fixture(scope="session")
def preparations(tmp_path_factory, programs):
    base = tmp_path_factory.getbasetemp()
    # Workers have folders of their own in one.
    return Preparations((base.parent if "popen-gw" in base.name else base) / "prepared", programs)


def pytest_collection_modifyitems(items):
    """Begin with what needs the demo: its training takes longest."""
    items.sort(key=lambda item: not needs_demo(item))


def needs_demo(item):
    """Tell whether a test uses the networks of `make demo`."""
    session = getattr(item, "callspec", None) and item.callspec.params.get("session")
    return item.path.name == "test_demo.py" or (session is not None and "demo" in session.needs)
