"""Networks that keep something between forward passes: the same on any number of ranks."""

from pathlib import Path

import pytest

from landscape_cli.store import read_surface
from support import unusual_networks
from support.surfaces import assert_same_bits


@pytest.mark.slow
@pytest.mark.mpi
@pytest.mark.bits
@pytest.mark.parametrize(
    "kind",
    [pytest.param("buffer", marks=pytest.mark.openmpi), "table", "adapter", "complex"],
)
def test_surfaces_are_the_same_on_any_number_of_ranks(kind, workplace):
    workplace.write("unusual.py", Path(unusual_networks.__file__).read_text())
    grid = {"x": [-4, 4, 7], "y": [-3, 3, 3]}
    config = workplace.config("unusual:build", problem_args={"kind": kind}, grid=grid)
    serial = workplace.surface(config)
    assert workplace.run("compute", config, "-o", "two.h5", ranks=2).returncode == 0
    assert_same_bits(read_surface(workplace.folder / "two.h5"), serial)
