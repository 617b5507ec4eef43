"""Tests of weight gradients in channels-last format, on this processor and as on older ones."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from landscape_cli.evaluation.derivatives import backward, differentiate, guarded

HERE = Path(__file__).parent
ROOT = HERE.parents[2]

CASES = {"operators": 15, "networks": 18}
"""Number of cases of each kind in gradients.py."""

PROCESSORS = [("DEFAULT", 1), ("AVX2", 1), ("DEFAULT", 2), ("AVX2", 2), ("SSE41", 1)]
"""Limit on oneDNN's instruction set, and number of threads."""

RUNS = [(cases, *processor) for cases in CASES for processor in PROCESSORS]


@pytest.fixture(scope="module")
def errors_of():
    """Run gradients.py once for each set of cases, instruction set and number of threads."""
    known = {}

    def errors_of(cases, instructions, threads):
        key = cases, instructions, threads
        if key not in known:
            done = subprocess.run(
                [sys.executable, str(HERE / "gradients.py"), cases],
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "OMP_NUM_THREADS": str(threads),
                    "ONEDNN_MAX_CPU_ISA": instructions,
                },
                capture_output=True,
                text=True,
                timeout=300,
            )
            assert done.returncode == 0, (done.returncode, done.stderr)
            known[key] = json.loads(done.stdout)
        return known[key]

    return errors_of


@pytest.mark.slow
@pytest.mark.parametrize(("cases", "instructions", "threads"), RUNS)
def test_channels_last_gradients_are_as_exact_as_contiguous_ones(
    errors_of, cases, instructions, threads
):
    errors = errors_of(cases, instructions, threads)
    assert len(errors) == CASES[cases]
    for name, (last, first) in errors.items():
        assert last <= 10 * first + 1e-6, name


def test_operands_keep_their_format_if_nothing_is_at_risk():
    """Only layers at risk are slowed down."""

    def layout_of_gradient(channels, stride):
        layer = torch.nn.Conv2d(channels, 8, 1, stride).to(memory_format=torch.channels_last)
        images = torch.randn(2, channels, 8, 8).contiguous(memory_format=torch.channels_last)
        images.requires_grad_()
        with guarded(layer.parameters()):
            (gradient,) = torch.autograd.grad(layer(images).square().sum(), [images])
        backward(layer(images).square().sum(), layer.parameters())
        assert torch.allclose(images.grad, gradient)
        return images.grad.is_contiguous(memory_format=torch.channels_last)

    assert layout_of_gradient(16, 2)
    assert layout_of_gradient(4, 1)


def test_a_gradient_can_be_differentiated_again():
    x, y, unused = (torch.tensor([v], requires_grad=True) for v in (2.0, 5.0, 1.0))
    first = differentiate((x**3 * y).sum(), [x, y, unused])
    assert [each.item() for each in first] == [60.0, 8.0, 0.0]
    mixed = differentiate(first[0].sum(), [x, y, unused])
    assert [each.item() for each in mixed] == [60.0, 12.0, 0.0]
    assert differentiate(torch.ones(()), [x])[0].item() == 0


def test_derivatives_are_taken_only_here():
    """A backward pass elsewhere would bypass the guard, but for a user's own in an example."""
    example = re.compile(r"^ *(>>>|\.\.\.).*$", re.MULTILINE)
    taken = re.compile(
        r"\.backward\(|autograd\.(grad|functional)"
        r"|torch\.func(\.| import ).*(grad|jac|hess|jvp|vjp)"
    )
    found = {
        str(path.relative_to(ROOT))
        for folder in ("landscape_cli", "scripts", "configs")
        for path in (ROOT / folder).rglob("*.py")
        if taken.search(example.sub("", path.read_text()))
    }
    assert found == {
        "landscape_cli/evaluation/derivatives/differentiation.py",
        "landscape_cli/evaluation/derivatives/selfcheck.py",
        "landscape_cli/evaluation/derivatives/strided_convolutions.py",
    }
