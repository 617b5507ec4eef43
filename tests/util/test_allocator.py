"""The allocator keeps freed memory, as page faults of a fresh process show."""

import ctypes
import os
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, resource, sys
from landscape_cli.util.allocator import keep_freed_memory

print(keep_freed_memory() if "keep" in sys.argv else None)
c = ctypes.CDLL(None)
c.malloc.restype = c.memset.restype = ctypes.c_void_p
size = ctypes.c_size_t(3 << 20)

def layers():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        places = [ctypes.c_void_p(c.malloc(size)) for _ in range(40)]
        for place in places:
            c.memset(place, 1, size)
        for place in places:
            c.free(place)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

layers()
print(layers())
"""
PAGES = 5 * 40 * (3 << 20) // 4096

glibc = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="not glibc"
)


def run(*arguments, **environment):
    command = [sys.executable, "-c", PROGRAM, *arguments]
    printed = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=True
    ).stdout.split()
    return printed[0], int(printed[1])


@glibc
def test_freed_memory_is_used_again_without_page_faults():
    assert run()[1] > PAGES / 2
    kept, faults = run("keep")
    assert kept == "True"
    assert faults < PAGES / 20


@glibc
@pytest.mark.parametrize(
    "variable",
    [{"MALLOC_TRIM_THRESHOLD_": "100000"}, {"GLIBC_TUNABLES": "glibc.malloc.trim_threshold=1000"}],
)
def test_what_the_user_has_set_stays(variable):
    kept, faults = run("keep", **variable)
    assert kept == "False"
    assert faults > PAGES / 2
