"""The public names: complete, lazy, typed."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import landscape_cli

LAZY = """
import sys
import landscape_cli as landscape
slow = {"torch", "matplotlib", "mpi4py", "h5py", "numpy", "click"} & set(sys.modules)
assert not slow, slow
assert set(landscape.__all__) <= set(dir(landscape))
landscape.LandscapeError
assert "torch" not in sys.modules
landscape.read_surface, landscape.load_config
assert not {"torch", "matplotlib", "mpi4py"} & set(sys.modules), sorted(sys.modules)
landscape.plot, landscape.describe, landscape.export
assert not {"torch", "matplotlib", "mpi4py"} & set(sys.modules)
landscape.compute
assert not {"torch", "matplotlib", "mpi4py"} & set(sys.modules)
"""


def test_nothing_slow_is_imported_before_it_is_needed():
    done = subprocess.run([sys.executable, "-c", LAZY], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_public_name_can_be_imported():
    for name in landscape_cli.__all__:
        assert getattr(landscape_cli, name) is not None


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'solve'"):
        landscape_cli.solve  # noqa: B018


@pytest.mark.slow
def test_a_user_s_script_is_type_checked(tmp_path):
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("no mypy: make install")
    script = tmp_path / "script.py"
    script.write_text(
        "import landscape_cli as landscape\n"
        "surface = landscape.read_surface('a.h5')\n"
        "reveal_type(surface.values['train', 'loss'])\n"
        "reveal_type(landscape.plot([surface, surface], kind='contourf', vmax=10))\n"
        "landscape.compute(3.5)\n"
    )
    root = Path(landscape_cli.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", str(script)],
        capture_output=True,
        text=True,
        cwd=root,
    )
    assert "numpy.ndarray[" in done.stdout, done.stdout + done.stderr
    assert "matplotlib.figure.Figure" in done.stdout
    assert 'Argument 1 to "compute" has incompatible type "float"' in done.stdout
