"""The CPU's instruction set by name, and models that stay on their devices."""

import pytest
import torch

from landscape_cli.errors import ProblemError, UsageError
from landscape_cli.evaluation.devices import instruction_set, placed_devices
from landscape_cli.evaluation.model_preparation import prepare_model
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import mean_squared_error


@pytest.mark.parametrize(
    ("limit", "added"),
    [
        (None, ""),
        ("", ""),
        ("DEFAULT", ""),
        ("all", ""),
        ("SSE41", ", oneDNN up to SSE41"),
        ("sse41", ", oneDNN up to SSE41"),
        ("AVX512_CORE", ", oneDNN up to AVX512_CORE"),
    ],
)
@pytest.mark.parametrize("variable", ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"])
def test_a_limit_on_onednn_is_said(monkeypatch, variable, limit, added):
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    monkeypatch.delenv("DNNL_MAX_CPU_ISA", raising=False)
    if limit is not None:
        monkeypatch.setenv(variable, limit)
    assert instruction_set() == torch.backends.cpu.get_cpu_capability() + added


def test_a_limit_that_changes_nothing_is_not_said(monkeypatch):
    found = torch.backends.cpu.get_cpu_capability()
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", found.lower())
    assert instruction_set() == found


def test_a_model_with_accelerates_hooks_stays_where_it_is():
    model = torch.nn.Linear(2, 1)
    assert placed_devices(model) == placed_devices(model, "cpu") == ()
    model._hf_hook = object()
    assert placed_devices(model) == (torch.device("cpu"),)
    with pytest.raises(UsageError, match="device: got 'cuda', but the model is placed on cpu"):
        placed_devices(model, "cuda")


def test_offloaded_parameters_are_refused():
    model = torch.nn.Linear(2, 1, device="meta")
    model._hf_hook = object()
    with pytest.raises(ProblemError, match="weight, bias are offloaded to the host or to disk"):
        prepare_model(Problem(model, {"train": [torch.zeros(1, 2)]}, mean_squared_error))
