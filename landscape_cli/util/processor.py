"""This machine's processor: vector instructions, whether they compute in bfloat16, and cache."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
"""Where Linux describes the first core's caches."""

FLAGS = {
    "AVX2": ("avx2",),
    "AVX512F": ("avx512f",),
    "AVX512_BF16": ("avx512_bf16",),
    "AVX512_FP16": ("avx512_fp16",),
    "AMX": ("amx_tile", "amx_bf16"),
    "NEON": ("asimd",),
    "SVE": ("sve",),
    "BF16": ("bf16",),
}
"""The kernel's flags for each set of instructions, of x86 and of ARM."""

BF16 = ("AVX512_BF16", "AMX", "BF16")
"""Instructions that compute in bfloat16."""

WITHOUT_BF16 = ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI")
"""Limits on oneDNN (ONEDNN_MAX_CPU_ISA) under which it uses none of ``BF16``."""


def instructions(cpuinfo: Path = Path("/proc/cpuinfo")) -> tuple[str, ...]:
    """Return the sets of instructions that the processor has; none if unknown.

    Args:
        cpuinfo: the kernel's description of the processor.
    """
    try:
        text = cpuinfo.read_text()
    except OSError:  # not Linux
        return ()
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    flags = set(found[1].split()) if found else set()
    return tuple(name for name, needed in FLAGS.items() if flags.issuperset(needed))


def computes_bf16(
    has: tuple[str, ...] | None = None, environment: Mapping[str, str] = os.environ
) -> bool | None:
    """Tell whether PyTorch has instructions for bfloat16 here, or must emulate it.

    Args:
        has: the processor's instructions; found if left out.
        environment: the environment, which may limit oneDNN.

    Returns:
        None if the processor's instructions are unknown.
    """
    has = instructions() if has is None else has
    if not has:
        return None
    return _limit(environment) not in WITHOUT_BF16 and any(name in has for name in BF16)


def description() -> str:
    """Say in a line which instructions there are, and what that means for bfloat16."""
    has = instructions()
    if not has:
        return "instructions unknown"
    if computes_bf16(has):
        return ", ".join(has)
    limited = computes_bf16(has, {})
    reason = f"oneDNN is limited to {_limit(os.environ)}" if limited else "none compute in bf16"
    return f"{', '.join(has)}; {reason}, so --precision bf16 is slow"


def level_2_cache(caches: Path = CACHES) -> int:
    """Return the size of a core's level-2 cache in bytes; 0 if unknown.

    Args:
        caches: the kernel's descriptions of the first core's caches.
    """
    for cache in sorted(caches.glob("index*")):
        with contextlib.suppress(OSError, ValueError):
            level, size = ((cache / name).read_text().strip() for name in ("level", "size"))
            if level == "2" and size.endswith("K"):
                return int(size[:-1]) << 10
    return 0


def _limit(environment: Mapping[str, str]) -> str:
    """Return the environment's limit on oneDNN's instructions; empty without one."""
    limits = map(environment.get, ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"))
    return next(filter(None, limits), "").upper()
