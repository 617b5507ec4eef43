"""What the pages need, made once for all tests of a run."""

import pytest

from support.pages.preparations import Preparations


@pytest.fixture(scope="session")
def preparations(tmp_path_factory):
    base = tmp_path_factory.getbasetemp()
    # Workers have folders of their own in one.
    return Preparations((base.parent if "popen-gw" in base.name else base) / "prepared")
