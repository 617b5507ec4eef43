"""The kernels that cuDNN may choose for backward passes."""

import pytest
import torch

from landscape_cli.evaluation.derivatives import guarded
from landscape_cli.evaluation.derivatives.repeatable import repeatable

CUDNN = torch.backends.cudnn


@pytest.mark.parametrize("before", [False, True])
def test_the_setting_is_as_before_afterwards(before, monkeypatch):
    monkeypatch.setattr(CUDNN, "deterministic", before)
    with repeatable():
        assert CUDNN.deterministic
    assert CUDNN.deterministic is before


@pytest.mark.parametrize(("device", "chosen"), [("meta", True), ("cpu", False)])
def test_only_devices_other_than_the_cpu_are_concerned(device, chosen):
    with guarded([torch.ones(2, device=device)]):
        assert CUDNN.deterministic is chosen
    assert not CUDNN.deterministic


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_weight_gradients_are_the_same_bits_each_time():
    images = torch.randn(256, 16, 32, 32, device="cuda")
    layer = torch.nn.Conv2d(16, 16, 3, padding=1).cuda()

    def gradient():
        with guarded(layer.parameters()):
            return torch.autograd.grad(layer(images).square().mean(), layer.weight)[0]

    first = gradient()
    assert all(torch.equal(gradient(), first) for _ in range(10))
