"""The examples in docstrings give what they show."""

import doctest
import importlib
import pkgutil

import pytest

import landscape_cli

MODULES = sorted(
    one.name
    for one in pkgutil.walk_packages(landscape_cli.__path__, "landscape_cli.")
    if not one.name.endswith("__main__")
)


def examples_of(name):
    module = importlib.import_module(name)
    return [test for test in doctest.DocTestFinder().find(module) if test.examples]


def with_examples():
    """The modules whose source has a prompt; others are not imported."""
    found = ["landscape_cli"]
    for name in MODULES:
        spec = importlib.util.find_spec(name)
        with open(spec.origin, encoding="utf-8") as file:
            if ">>> " in file.read():
                found.append(name)
    return found


@pytest.mark.parametrize("name", with_examples())
def test_examples_give_what_they_show(name, workplace):
    tests = examples_of(name)
    assert tests
    for test in tests:
        written = []
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        runner.run(test, out=written.append)
        assert not runner.failures, "".join(written)


@pytest.mark.parametrize(
    "name", [n for n in landscape_cli.__all__ if n not in ("__version__", "LandscapeError")]
)
def test_every_public_name_has_an_example(name):
    docstring = getattr(landscape_cli, name).__doc__
    assert ">>> " in docstring, f"{name} has no example"
    assert docstring[0].isupper()
