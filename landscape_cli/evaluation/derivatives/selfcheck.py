"""Check of weight gradients on this machine, as a separate program.

    python -m landscape_cli.evaluation.derivatives.selfcheck [bare]

prints the largest relative error; with ``bare``, without the guard. If oneDNN overruns its
workspace, the process may print a wrong number, be killed by a signal, or hang.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from landscape_cli.evaluation.derivatives.strided_convolutions import guarded

TOLERANCE = 1e-4
"""Largest relative error of a float32 weight gradient that rounding explains."""

TIMEOUT = 120.0
"""Seconds after which a process counts as hanging."""

PACKAGES = Path(__file__).parents[3]

Layer = nn.Conv2d | nn.ConvTranspose2d


def layers() -> Iterator[tuple[Layer, Tensor, int]]:
    """Yield layers at risk, smallest first (AVX2), with images and a number of trials."""
    for size, repeats in ((8, 20), (64, 3), (128, 3)):
        yield nn.Conv2d(4, 8, 1, stride=2, bias=False), torch.randn(32, 4, size, size), repeats
        transposed = nn.ConvTranspose2d(8, 4, 1, stride=2, output_padding=1, bias=False)
        yield transposed, torch.randn(32, 8, size // 2, size // 2), repeats


def relative_error(layer: Layer, images: Tensor, guard: bool) -> float:
    """Compare the weight gradient in channels-last float32 with that in contiguous float64.

    Args:
        layer: a convolution with a weight and no bias.
        images: its input, shape (n, channels, height, width).
        guard: whether to take the gradient as ``landscape`` does, or with PyTorch alone.
    """
    gradients = []
    for dtype, layout in (
        (torch.float64, torch.contiguous_format),
        (torch.float32, torch.channels_last),
    ):
        layer = layer.to(dtype=dtype, memory_format=layout)  # type: ignore[call-overload]
        output = layer(images.to(dtype=dtype, memory_format=layout))
        weights = torch.linspace(-1, 1, output.numel(), dtype=dtype).view(output.shape)
        with guarded([layer.weight] if guard else []):
            (gradient,) = torch.autograd.grad((weights * output).sum(), [layer.weight])
        gradients.append(gradient.double())
    exact, approximate = gradients
    return float((approximate - exact).norm() / exact.norm())


def largest_error(guard: bool) -> float:
    """Find the largest relative error over all layers at risk.

    Args:
        guard: whether to take derivatives as ``landscape`` does, or with PyTorch alone.
    """
    torch.manual_seed(0)
    torch.set_num_threads(1)
    return max(
        relative_error(layer, images, guard)
        for layer, images, repeats in layers()
        for _ in range(repeats)
    )


def start(guard: bool) -> subprocess.Popen[str]:
    """Start this check in a separate process, which may crash or hang."""
    paths = filter(None, [str(PACKAGES), os.environ.get("PYTHONPATH")])
    return subprocess.Popen(
        [sys.executable, "-m", __name__, *([] if guard else ["bare"])],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "CUDA_VISIBLE_DEVICES": ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def damage(process: subprocess.Popen[str], seconds: float = TIMEOUT) -> str | None:
    """Wait for a process started by ``start``, and say what is wrong with its gradients.

    Returns:
        None if the gradients are right, else a few words such as ``killed by SIGSEGV``.
    """
    try:
        printed, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return f"no end after {seconds:.0f} s"
    if process.returncode < 0:
        return f"killed by {signal.Signals(-process.returncode).name}"
    if process.returncode:
        return f"ended with code {process.returncode}"
    try:
        error = float(printed)
    except ValueError:
        return f"printed {printed.strip()!r}"
    return None if error <= TOLERANCE else f"relative error {error:.2g}"


def _keep_no_core() -> None:
    """Disable core dumps, since this process may well crash."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    _keep_no_core()
    print(largest_error(guard="bare" not in sys.argv[1:]))
