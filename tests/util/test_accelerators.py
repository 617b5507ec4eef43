"""Questions to accelerators of different makes, by modules that answer as theirs do."""

from types import SimpleNamespace

import pytest
import torch

from landscape_cli.errors import ProblemError, UsageError
from landscape_cli.evaluation.data.prefetch import to_device
from landscape_cli.evaluation.devices import default_micro_batch, refuse_float64
from landscape_cli.evaluation.out_of_memory import out_of_memory
from landscape_cli.util import accelerators
from landscape_cli.util.accelerators import has_float64, has_graphs, has_streams, wide, wide_device

CPU = torch.device("cpu")
XPU = torch.device("xpu", 1)
MPS = torch.device("mps", 0)


@pytest.fixture
def module(monkeypatch):
    """Return a function that gives a kind of device a module with these functions."""

    def module(kind, **functions):
        monkeypatch.setattr(torch, kind, SimpleNamespace(**functions))

    return module


def test_memory_is_asked_of_each_kind_in_its_own_way(module):
    module("xpu", mem_get_info=lambda device: (3, 7))
    assert accelerators.memory(XPU) == (3, 7)
    module(
        "xpu",
        get_device_properties=lambda device: SimpleNamespace(total_memory=10 + device.index),
        memory_reserved=lambda device: 4,
    )
    assert accelerators.memory(XPU) == (7, 11)
    module("mps", recommended_max_memory=lambda: 9, driver_allocated_memory=lambda: 5)
    assert accelerators.memory(MPS) == (4, 9)
    assert accelerators.peak_memory(MPS) == 5
    module("mps")
    assert accelerators.memory(MPS) == (0, 0)
    assert accelerators.peak_memory(MPS) == 0


def test_what_a_module_lacks_the_device_can_t_do(module):
    module("mps", synchronize=lambda: None, Event=object)
    assert not has_streams(MPS)
    assert not has_graphs(MPS)
    module("xpu", Stream=object, current_stream=object, stream=object)
    assert has_streams(XPU)
    assert not has_streams(CPU)
    assert has_graphs(torch.device("cuda")) == hasattr(torch.cuda, "CUDAGraph")
    accelerators.empty_cache(XPU)  # there is none


def test_each_device_is_waited_for(module):
    waited = []
    module("xpu", synchronize=waited.append)
    module("mps", synchronize=lambda: waited.append("mps"))
    for device in (CPU, XPU, MPS):
        accelerators.synchronize(device)
    assert waited == [XPU, "mps"]


def test_a_device_without_a_uuid_is_known_by_host_and_number(module, monkeypatch):
    monkeypatch.setattr(accelerators.socket, "gethostname", lambda: "node7")
    module("xpu", get_device_properties=lambda device: SimpleNamespace(name="Max 1550"))
    assert accelerators.identity(XPU) == "node7 xpu 1"
    assert accelerators.name(XPU) == "Max 1550"
    module("mps")
    assert accelerators.identity(MPS) == "node7 mps 0"
    assert accelerators.name(MPS) == "mps"


def test_an_older_pytorch_does_not_name_its_accelerator(module, monkeypatch):
    monkeypatch.delattr(torch, "accelerator", raising=False)
    for kind in accelerators.KINDS:
        module(kind, is_available=lambda: False)
    assert accelerators.accelerator_kind() is None
    module("mps", is_available=lambda: True)
    assert accelerators.accelerator_kind() == "mps"
    module("xpu", is_available=lambda: True, device_count=lambda: 2)
    assert accelerators.accelerator_kind() == "xpu"
    assert accelerators.count("xpu") == 2


def test_float64_is_tried_and_summed_on_the_host_without_it():
    has_float64.cache_clear()
    try:
        assert has_float64(CPU)
        assert has_float64(torch.device("meta"))
        assert not has_float64(MPS)  # nor is there any such device here
        assert wide_device(MPS) == CPU
        assert wide_device(CPU) == CPU
    finally:
        has_float64.cache_clear()
    assert wide(torch.ones(2)).dtype == torch.float64


def test_what_a_device_can_t_hold_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(accelerators, "has_float64", lambda device: False)
    model = torch.nn.Linear(2, 2)
    refuse_float64(model, MPS)
    model.register_buffer("scale", torch.ones(1, dtype=torch.float64))
    with pytest.raises(UsageError, match=r"^device: mps has no torch.float64, .* 'scale' "):
        refuse_float64(model, MPS)
    with pytest.raises(ProblemError, match=r"torch.float64, which mps can't hold; use float32"):
        to_device(torch.ones(2, dtype=torch.float64), MPS)


def test_a_reduced_precision_is_tried():
    assert accelerators.has_autocast(CPU, torch.bfloat16)
    assert not accelerators.has_autocast(CPU, torch.float64)
    assert not accelerators.has_autocast(torch.device("meta"), torch.bfloat16)


@pytest.mark.parametrize(
    "error",
    [
        accelerators.OutOfMemoryError("XPU out of memory. Tried to allocate 2 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 18 GB)"),
        RuntimeError(
            "level_zero backend failed with error: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)"
        ),
    ],
)
def test_every_maker_s_way_to_say_that_memory_is_short_is_understood(error):
    assert out_of_memory(error)


def test_an_accelerator_gets_large_micro_batches():
    assert default_micro_batch(XPU) == default_micro_batch(MPS) > default_micro_batch(CPU)
