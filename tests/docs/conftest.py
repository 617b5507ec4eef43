"""What the pages need, made once for all tests of a run."""

import pytest

from support.pages.preparations import Preparations


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
