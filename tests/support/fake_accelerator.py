"""An accelerator made of Python: a device of kind ``fake``, whose tensors are kept by the CPU.

PyTorch takes it for its accelerator, so that code which asks for one runs here as it would on
hardware: ``torch.accelerator`` names it, tensors say that they are on ``fake:0``, and mixing them
with tensors of the CPU is an error. Like Apple's devices it has no float64, unless it is given one,
as NVIDIA's have. Import this in a process of its own: a process has one accelerator, for good.
"""

import os
from typing import Any

import torch
from torch.utils import backend_registration
from torch.utils._pytree import tree_leaves, tree_map

KIND = "fake"
STREAMS = "FAKE_STREAMS" in os.environ
"""True if the device has streams."""
FLOAT64 = "FAKE_FLOAT64" in os.environ
"""True if the device has float64."""

calls: list[str] = []
"""Calls of the device's module, in order."""


class FakeTensor(torch.Tensor):
    """A tensor on the device; ``inner`` is the CPU's tensor that has its entries."""

    @staticmethod
    def __new__(cls, inner):
        return torch.Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=torch.device(KIND, 0),
        )

    def __init__(self, inner):
        self.inner = inner

    def __repr__(self, **options):
        return f"FakeTensor({self.inner})"

    @property
    def data(self):
        return torch.Tensor.data.__get__(self)

    @data.setter
    def data(self, other):
        torch.Tensor.data.__set__(self, other)
        self.inner = other.inner

    def data_ptr(self):
        return self.inner.data_ptr()

    def untyped_storage(self):
        return self.inner.untyped_storage()

    def __getitem__(self, index):  # PyTorch makes no tensor of a list for a device of Python
        return super().__getitem__(torch.tensor(index) if isinstance(index, list) else index)

    def record_stream(self, stream):
        calls.append("record_stream")

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), options=None):
        return evaluate(function, *args, **(options or {}))


def evaluate(function: Any, *args: Any, **options: Any) -> Any:
    """Run an operator on the tensors behind those of the device."""
    tensors = [one for one in tree_leaves((args, options)) if isinstance(one, torch.Tensor)]
    fakes = {id(one.inner): one for one in tensors if isinstance(one, FakeTensor)}
    target, name = options.get("device"), function._schema.name
    mixed = name in ("aten::copy_", "aten::_copy_from", "aten::_to_copy", "aten::index")
    if (
        fakes
        and not mixed
        and any(one.dim() and not isinstance(one, FakeTensor) for one in tensors)
    ):
        raise RuntimeError(f"{name}: expected all tensors to be on the same device, fake:0 and cpu")
    inner, settings = tree_map(_inner, args), tree_map(_inner, options)
    if target is not None:
        settings["device"] = torch.device("cpu")
    if name == "aten::_copy_from":
        inner[1].copy_(inner[0])
        return args[1]
    on_device = torch.device(target).type == KIND if target is not None else bool(fakes)

    def outer(one: Any) -> Any:
        if not isinstance(one, torch.Tensor) or not on_device:
            return one
        if one.dtype == torch.float64 and not FLOAT64:
            raise TypeError(f"{name}: Cannot convert a tensor to float64, which {KIND} has not")
        return fakes[id(one)] if id(one) in fakes else FakeTensor(one)

    return tree_map(outer, function(*inner, **settings))


def _inner(one: Any) -> Any:
    return one.inner if isinstance(one, FakeTensor) else one


class Module:
    """The device's ``torch.fake``, as ``torch.cuda`` is that of NVIDIA's."""

    def is_available(self):
        return True

    def device_count(self):
        return 1

    def current_device(self):
        return 0

    def manual_seed_all(self, seed):
        pass

    def get_rng_state(self, device):
        return torch.empty(0, dtype=torch.uint8)

    def set_rng_state(self, state, device):
        pass

    def _is_in_bad_fork(self):
        return False

    def get_amp_supported_dtype(self):
        return [torch.bfloat16]

    def mem_get_info(self, device):
        calls.append("mem_get_info")
        return 1 << 30, 2 << 30

    def max_memory_allocated(self, device):
        return 12345678

    def empty_cache(self):
        calls.append("empty_cache")

    def synchronize(self, device):
        calls.append("synchronize")


class Stream:
    """A stream; the CPU does everything in order."""

    def __init__(self, device):
        calls.append(f"Stream({device})")

    def wait_stream(self, other):
        calls.append("wait_stream")

    def wait_event(self, event):
        calls.append("wait_event")

    def record_event(self):
        calls.append("record_event")
        return self

    def synchronize(self):
        calls.append("event.synchronize")

    def __enter__(self):
        calls.append("enter")

    def __exit__(self, *error):
        calls.append("leave")


class StreamsModule(Module):
    """The same for a device that has streams."""

    Stream = Stream

    def current_stream(self, device):
        return Stream(device)

    def stream(self, stream):
        return stream


module = StreamsModule() if STREAMS else Module()
backend_registration._setup_privateuseone_for_python_backend(KIND, backend_module=module)
_kernels = torch.library.Library("_", "IMPL")
_kernels.fallback(
    lambda operator, *args, **options: evaluate(operator, *args, **options), "PrivateUse1"
)
_kernels.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")
