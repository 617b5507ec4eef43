"""Tests that the self-check, in a separate process, finds damage and survives it."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from landscape_cli.evaluation.derivatives import selfcheck

CPU = Path("/proc/cpuinfo")
AVX2 = CPU.exists() and "avx2" in CPU.read_text().split()


@pytest.mark.skipif(not AVX2, reason="the defect is in oneDNN's code for AVX2 and AVX-512")
@pytest.mark.skipif(torch.__version__.split("+")[0] != "2.13.0", reason="known of PyTorch 2.13.0")
def test_pytorch_alone_damages_gradients(monkeypatch):
    """If this fails after a PyTorch upgrade, the guard may no longer be needed."""
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "DEFAULT")
    assert selfcheck.damage(selfcheck.start(guard=False))


def test_the_selfcheck_finds_nothing_with_the_guard():
    assert selfcheck.damage(selfcheck.start(guard=True)) is None


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("print(3e-7)", None),
        ("print(0.5)", "relative error 0.5"),
        ("print('nan')", "relative error nan"),
        ("import os; os.abort()", "killed by SIGABRT"),
        ("raise SystemExit(3)", "ended with code 3"),
        ("print('3e-7x')", "printed '3e-7x'"),
        pytest.param("import time; time.sleep(100)", "no end after 5 s", marks=pytest.mark.slow),
    ],
)
def test_every_failure_of_the_selfcheck_is_reported(program, words):
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert selfcheck.damage(process, seconds=5) == words
