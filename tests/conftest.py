"""Fixtures of all suites: a folder with example problems, and the command line in it."""

import contextlib
import functools
import gc
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from support.warm_programs import warm_programs
from support.workplace import Workplace, modules_forgotten, threads_kept

# One thread for each test, as for each rank: the tests that run side by side share the cores.
# Libraries read this when they are imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Machines differ in speed; a slow one finds no fewer mistakes. `make test-slow` tries more
# examples.
settings.register_profile(
    "project",
    deadline=None,
    max_examples=int(os.environ.get("LANDSCAPE_TEST_EXAMPLES", "30")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("project")


def pytest_report_header() -> str:
    """Name what rounding, and so the bits of results, may depend on."""
    import torch

    from landscape_cli.evaluation.devices import instruction_set

    threads = torch.get_num_threads()
    return f"torch {torch.__version__}: {instruction_set()}, {threads} thread{'s' * (threads > 1)}"


def pytest_collection(session: pytest.Session) -> None:
    """Collect no garbage while tests are collected: almost everything that is made then stays."""
    gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave what is there out of garbage collection; cache no bytecode in folders of tests."""
    gc.freeze()
    gc.enable()
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the variants of tests that render as ones that need an extra."""
    for item in items:
        variant = getattr(item, "callspec", None)
        if variant is not None and variant.params.get("kind") == "render":
            item.add_marker(pytest.mark.extras("pyvista"))


@pytest.fixture(autouse=True)
def _has_extras(request: pytest.FixtureRequest) -> None:
    """Skip a test whose optional libraries are missing."""
    for mark in request.node.iter_markers("extras"):
        for library in mark.args:
            pytest.importorskip(library, reason=f"no {library}: make extras")


@pytest.fixture(scope="session")
def new_workplace(
    tmp_path_factory: pytest.TempPathFactory, programs: Callable[[], Path]
) -> Callable[[str], Workplace]:
    """Make folders that several tests share; the current folder stays as it is."""
    return lambda name: Workplace(tmp_path_factory.mktemp(name), programs=programs)


@pytest.fixture(scope="session")
def programs() -> Iterator[Callable[[], Path]]:
    """Return the folder of `landscape` and `python` that need no time for imports."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def started() -> Path:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            return stack.enter_context(warm_programs(folder, {"OMP_NUM_THREADS": "1"}))

        yield started


@pytest.fixture
def workplace(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    programs: Callable[[], Path],
) -> Iterator[Workplace]:
    """A temporary folder, the current one, with the example problems, which can be imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "example", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    ranks_allowed = request.node.get_closest_marker("mpi") is not None
    with modules_forgotten(tmp_path):
        yield Workplace(tmp_path, ranks_allowed, programs)


@pytest.fixture
def landscape(workplace, capsys):
    """Run `landscape` in this process; returns exit code, standard output and standard error."""
    from landscape_cli.cli import cli
    from landscape_cli.cli.error_report import run as run_command

    def landscape(*arguments):
        with threads_kept():
            code = run_command(cli, [str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return landscape


@pytest.fixture
def surface_of(landscape, workplace):
    """Return the surface that `landscape compute` writes, run in this process."""
    from landscape_cli.store import read_surface

    def surface_of(config, *arguments, output="surface.h5"):
        code, _, errors = landscape("compute", config, *arguments)
        assert code == 0, errors
        return read_surface(workplace.folder / output)

    return surface_of
