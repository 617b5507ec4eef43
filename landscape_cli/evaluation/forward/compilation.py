"""Compilation of the model's forward pass by torch.compile.

The objective calls the model as usual; ``nn.Module``'s own hook for compiled calls makes it run
compiled code. Only the shapes of each split's first batch are compiled, before any point is
evaluated; batches of other shapes, such as a split's last one, run uncompiled. Every rank therefore
runs the same code for the same batch.
"""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager
from typing import Any, cast

import torch
from torch import nn

from landscape_cli.evaluation.devices import instruction_set
from landscape_cli.util import accelerators

REDUCED = frozenset((torch.bfloat16, torch.float16))
"""Dtypes whose convolutions are fused; in wider ones they are bound by arithmetic."""


class Compilation:
    """A model's compiled forward pass, which can be switched on and off.

    Args:
        model: the model; it runs uncompiled until ``attach``, and is compiled when first called.
        devices: the model's devices.
        fuse: whether convolutions are fused with what follows them (``fusion.py``).

    Raises:
        RuntimeError: if this PyTorch can't compile, or can't compile identically on every rank, or
            the model is spread over several devices.
    """

    def __init__(self, model: nn.Module, *devices: torch.device, fuse: bool = False) -> None:
        if len(devices) > 1:
            raise RuntimeError("the model is spread over several devices")
        (device,) = devices
        if not hasattr(torch.compiler, "set_stance"):
            raise RuntimeError(f"it takes PyTorch 2.6 or newer, this is {torch.__version__}")
        _key_cache_by_processor()
        # It advises to use tf32, which is what --precision is for.
        warnings.filterwarnings("ignore", "TensorFloat32 tensor cores")
        self._model: Any = model
        self.fuse = fuse
        call: Any = model._call_impl

        def forward(*args: Any, **kwargs: Any) -> Any:
            # Compilation starts at this function: PyTorch compiles its own code, such as
            # nn.Sequential's, only if other code calls it.
            return call(*args, **kwargs)

        begin_step: Any = torch.compiler.cudagraph_mark_step_begin
        compiled = torch.compile(forward, dynamic=False, options=_options(device, fuse))

        def replay(*args: Any, **kwargs: Any) -> Any:
            # The previous call's outputs may be overwritten: their values are summed by now.
            begin_step()
            return compiled(*args, **kwargs)

        self._call = replay if accelerators.has_graphs(device) else compiled

    def attach(self) -> None:
        """Make the model use compiled code where there is some."""
        self._model._compiled_call_impl = self._call

    def detach(self) -> None:
        """Make the model run uncompiled."""
        self._model._compiled_call_impl = None


def _key_cache_by_processor() -> None:
    """Keep the compiler from using cached code that was generated on another CPU.

    PyTorch's cache key does not include the vector length. Code generated for shorter vectors but
    built for longer ones writes past the end of its buffers.
    """
    import torch.compiler.config as config

    tag, instructions = getattr(config, "cache_key_tag", None), instruction_set()
    if tag is not None and instructions not in tag:  # new in PyTorch 2.7
        config.cache_key_tag = f"{tag} {instructions}".strip()


def stance(name: str) -> AbstractContextManager[None]:
    """Set what happens in a block when no compiled code fits a call.

    Args:
        name: "default" compiles, "eager_on_recompile" runs uncompiled, "fail_on_recompile" raises.
    """
    return cast("AbstractContextManager[None]", torch.compiler.set_stance(name))


def can_fuse(model: nn.Module, device: torch.device, dtype: torch.dtype | None) -> bool:
    """Tell whether a model's compiled convolutions may be fused.

    Args:
        model: the model.
        device: its device.
        dtype: the dtype of autocast; None without it.
    """
    dtypes = {dtype, *(parameter.dtype for parameter in model.parameters())}
    return device.type == "cuda" and torch.version.cuda is not None and bool(dtypes & REDUCED)


def _options(device: torch.device, fuse: bool) -> dict[str, Any]:
    """Choose the compiler's options.

    On a GPU, no kernel is chosen by timing: ranks might choose different kernels, whose sums round
    differently. There is no pool of compiler processes: each of many ranks on a node would start
    one per core. Where there are CUDA graphs, compiled code is recorded as one, so that a batch
    takes one launch instead of one per kernel.
    """
    from torch._inductor import config

    options: dict[str, Any] = {"compile_threads": 1}
    if device.type != "cpu":
        if not hasattr(config, "deterministic"):
            raise RuntimeError("this PyTorch's compiler chooses GPU kernels by timing them")
        options["deterministic"] = True
    if accelerators.has_graphs(device):
        options["triton.cudagraphs"] = True
    if fuse:
        from landscape_cli.evaluation.forward.convolutions.fusion import (
            Fusion,  # imports the compiler
        )

        options["post_grad_custom_pre_pass"] = Fusion()
    return options
