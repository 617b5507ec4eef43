"""The model's forward pass compiled by torch.compile.

The objective calls the model as always: what changes is ``nn.Module``'s own switch for a compiled
call. Compiled is what the first batch of each split needs; batches of other shapes, such as a
split's last one, run as they are, and nothing is compiled while points are evaluated. So every
rank runs the same code for the same batch.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, cast

import torch
from torch import nn

from landscape_cli.evaluation.devices import instruction_set


class Compilation:
    """A model's compiled forward pass, to be switched on and off.

    Args:
        model: it computes as it is written until ``attach``; compiling happens when it is called.
        device: where it is.

    Raises:
        RuntimeError: if this PyTorch can't compile, or not the same on each rank.
    """

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        if not hasattr(torch.compiler, "set_stance"):
            raise RuntimeError(f"it takes PyTorch 2.6 or newer, this is {torch.__version__}")
        _key_cache_by_processor()
        self._model: Any = model
        call: Any = model._call_impl

        def forward(*args: Any, **kwargs: Any) -> Any:
            # Compiling begins here: PyTorch's own code, such as nn.Sequential's, is only compiled
            # where something else calls it.
            return call(*args, **kwargs)

        begin_step: Any = torch.compiler.cudagraph_mark_step_begin
        compiled = torch.compile(forward, dynamic=False, options=_options(device))

        def replay(*args: Any, **kwargs: Any) -> Any:
            # Outputs of the call before may be overwritten: their values are summed by now.
            begin_step()
            return compiled(*args, **kwargs)

        self._call = replay if device.type == "cuda" else compiled

    def attach(self) -> None:
        """Let the model compute with compiled code, as far as there is some."""
        self._model._compiled_call_impl = self._call

    def detach(self) -> None:
        """Let the model compute as it is written."""
        self._model._compiled_call_impl = None


def _key_cache_by_processor() -> None:
    """Keep the compiler from taking code out of its cache that was generated on another CPU.

    PyTorch's own key leaves out the length of vectors. Code for shorter ones, built for longer
    ones, writes past the end of its buffers.
    """
    import torch.compiler.config as config

    tag, own = getattr(config, "cache_key_tag", None), instruction_set()
    if tag is not None and own not in tag:  # new in PyTorch 2.7
        config.cache_key_tag = f"{tag} {own}".strip()


def stance(name: str) -> AbstractContextManager[None]:
    """What happens in a block where no compiled code suits a call.

    Args:
        name: "default" compiles, "eager_on_recompile" runs what is written, "fail_on_recompile"
            raises.
    """
    return cast("AbstractContextManager[None]", torch.compiler.set_stance(name))


def _options(device: torch.device) -> dict[str, Any]:
    """The compiler's options; on a GPU such that no kernel is chosen by timing it.

    Each rank would choose for itself, and with another kernel sums round differently. Compiler
    processes are not kept: many ranks on a node would each have as many as there are cores. On a
    GPU compiled code is recorded as a CUDA graph, so that a batch takes one launch rather than one
    for each kernel.
    """
    from torch._inductor import config

    options: dict[str, Any] = {"compile_threads": 1}
    if device.type == "cuda":
        if not hasattr(config, "deterministic"):
            raise RuntimeError("this PyTorch's compiler chooses GPU kernels by timing them")
        options |= {"deterministic": True, "triton.cudagraphs": True}
    return options
