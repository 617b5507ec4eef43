"""The CPU's instruction set is named as PyTorch and the environment have it."""

import pytest
import torch

from landscape_cli.evaluation.devices import instruction_set


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
