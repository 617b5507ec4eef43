"""The processor's instructions, as kernels of x86 and ARM describe them."""

import pytest

from landscape_cli.util.processor import (
    computes_bf16,
    description,
    instructions,
    level_2_cache,
)

SAPPHIRE_RAPIDS = "fpu sse4_2 avx2 avx512f avx512_bf16 amx_bf16 avx512_fp16 amx_tile amx_int8"
PROCESSORS = {
    "Haswell": ("flags\t\t: fpu sse4_2 avx avx2 fma", ("AVX2",), False),
    "Skylake": ("flags\t\t: fpu avx2 avx512f avx512bw", ("AVX2", "AVX512F"), False),
    "Zen 4": ("flags : avx2 avx512f avx512_bf16", ("AVX2", "AVX512F", "AVX512_BF16"), True),
    "Sapphire Rapids": (
        f"flags\t\t: {SAPPHIRE_RAPIDS}",
        ("AVX2", "AVX512F", "AVX512_BF16", "AVX512_FP16", "AMX"),
        True,
    ),
    "Graviton 2": ("Features\t: fp asimd evtstrm", ("NEON",), False),
    "Graviton 3": ("Features\t: fp asimd sve bf16 i8mm", ("NEON", "SVE", "BF16"), True),
    "unknown": ("machine : something else", (), None),
}


@pytest.mark.parametrize("name", PROCESSORS)
def test_instructions_are_read_from_the_kernel(tmp_path, name):
    line, expected, bf16 = PROCESSORS[name]
    file = tmp_path / "cpuinfo"
    file.write_text(f"processor\t: 0\n{line}\n\nprocessor\t: 1\n")
    assert instructions(file) == expected
    assert computes_bf16(instructions(file), {}) is bf16


def test_nothing_is_known_without_the_file(tmp_path):
    assert instructions(tmp_path / "cpuinfo") == ()


def test_the_cache_of_a_core_is_read_from_the_kernel(tmp_path):
    assert level_2_cache(tmp_path) == 0
    for index, (level, size) in enumerate([(1, "48K"), (1, "32K"), (2, "2048K"), (3, "491520K")]):
        cache = tmp_path / f"index{index}"
        cache.mkdir()
        (cache / "level").write_text(f"{level}\n")
        (cache / "size").write_text(f"{size}\n")
    assert level_2_cache(tmp_path) == 2 << 20
    (tmp_path / "index2" / "size").write_text("unknown\n")
    assert level_2_cache(tmp_path) == 0


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("AVX2", False), ("avx512_core", False), ("AVX512_CORE_BF16", True), ("ALL", True)],
)
@pytest.mark.parametrize("variable", ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"])
def test_a_limit_on_onednn_takes_bf16_away(variable, limit, expected):
    assert computes_bf16(("AVX2", "AVX512_BF16"), {variable: limit}) is expected


def test_what_it_means_is_said(monkeypatch):
    monkeypatch.setattr("landscape_cli.util.processor.instructions", lambda: ("AVX2",))
    assert description() == "AVX2; none compute in bf16, so --precision bf16 is slow"
    monkeypatch.setattr("landscape_cli.util.processor.instructions", lambda: ("AVX2", "AMX"))
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    assert description() == "AVX2, AMX"
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "avx2")
    assert description() == "AVX2, AMX; oneDNN is limited to AVX2, so --precision bf16 is slow"
    monkeypatch.setattr("landscape_cli.util.processor.instructions", lambda: ())
    assert description() == "instructions unknown"
