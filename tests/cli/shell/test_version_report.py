"""``landscape --version``: versions and the device, whatever is missing."""

import platform
from importlib.metadata import version

import pytest
import torch

from landscape_cli.cli.shell import version_report
from landscape_cli.evaluation import devices
from landscape_cli.parallel import mpi_vendor
from landscape_cli.util import accelerators
from landscape_cli.version import __version__


def rows(text):
    """Return the words of each line by its name."""
    return dict(line.split(maxsplit=1) for line in text.splitlines())


def test_versions_and_the_device_in_aligned_lines(landscape):
    code, out, err = landscape("--version")
    assert (code, err) == (0, "")
    found = rows(out)
    assert list(found) == ["landscape", "Python", "PyTorch", "MPI", "device"]
    lines = zip(out.splitlines(), found.values(), strict=True)
    assert len({line.index(words) for line, words in lines}) == 1
    assert found["landscape"] == __version__
    assert found["Python"] == platform.python_version()
    assert found["PyTorch"] == version("torch")
    assert found["MPI"] == "none" or version("mpi4py") in found["MPI"]


def test_an_mpi_library_that_can_not_be_loaded_is_no_failure(monkeypatch):
    monkeypatch.setattr(mpi_vendor, "version", lambda name: "4.1.2")
    monkeypatch.setattr(mpi_vendor, "ASK", "raise RuntimeError('cannot load MPI library')")
    words = mpi_vendor.mpi_words()
    assert words == "none that mpi4py 4.1.2 can load (RuntimeError: cannot load MPI library)"
    monkeypatch.setattr(mpi_vendor, "ASK", "import os; os.abort()")
    assert mpi_vendor.mpi_words() == "none that mpi4py 4.1.2 can load (exit code -6)"


def test_without_mpi4py(monkeypatch):
    def version(name):
        raise mpi_vendor.PackageNotFoundError(name)

    monkeypatch.setattr(mpi_vendor, "version", version)
    assert mpi_vendor.mpi_words() == "none"


def test_the_processor_is_the_device_of_a_pytorch_without_accelerators(monkeypatch):
    monkeypatch.setattr(version_report, "version", lambda name: "2.13.0+cpu")
    monkeypatch.setattr(version_report, "instructions", lambda: ("AVX2", "AMX"))
    assert version_report.device_words() == "cpu (AVX2, AMX)"


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["NVIDIA H100"] * 2 + ["NVIDIA A100"], "cuda (2 x NVIDIA H100, 1 x NVIDIA A100)"),
        ([], "cpu (AVX2); PyTorch sees no accelerator"),
    ],
)
def test_accelerators_are_named_and_counted(monkeypatch, names, words):
    found = [torch.device("cuda", index) for index in range(len(names))] or [torch.device("cpu")]
    monkeypatch.setattr(version_report, "_may_have_accelerator", lambda: True)
    monkeypatch.setattr(version_report, "instructions", lambda: ("AVX2",))
    monkeypatch.setattr(devices, "visible_devices", lambda wanted: tuple(found))
    monkeypatch.setattr(accelerators, "name", lambda device: names[device.index])
    assert version_report.device_words() == words


def test_a_driver_that_does_not_fit_is_no_failure(monkeypatch):
    def fail(wanted):
        raise RuntimeError("The NVIDIA driver\nis too old")

    monkeypatch.setattr(version_report, "_may_have_accelerator", lambda: True)
    monkeypatch.setattr(version_report, "instructions", lambda: ("AVX2",))
    monkeypatch.setattr(devices, "visible_devices", fail)
    assert version_report.device_words() == (
        "cpu (AVX2); PyTorch can't use the accelerator (The NVIDIA driver is too old)"
    )
