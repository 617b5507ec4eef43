"""Functions and classes that a pickle asks for, found without running it."""

from __future__ import annotations

import _compat_pickle
import builtins
import pickletools
import sys
import zipfile
from collections.abc import Iterable, Iterator
from typing import IO, Any

from landscape_cli.problems.checkpoints.zip_records import DAMAGED, is_zip

Operation = tuple[Any, Any, Any]
"""An operation of a pickle, its argument and its place, as ``pickletools`` yields them."""

MOST_PICKLES = 5
"""Number of pickles in a file of torch.save before version 1.6."""

DATA = (
    *("argparse.Namespace", "types.SimpleNamespace", "types.MappingProxyType"),
    *("collections.", "datetime.", "decimal.", "enum.", "fractions.", "ipaddress.", "numbers."),
    *("pathlib.", "typing.", "uuid.", "zoneinfo.", "array.", "random.Random"),
    *("_io.BytesIO", "io.BytesIO", "_io.StringIO", "io.StringIO", "re._compile"),
    *("itertools.count", "itertools.cycle", "inspect._empty", "dataclasses._MISSING_TYPE"),
    *("types.NoneType", "types.GenericAlias", "time.struct_time", "signal.Signals"),
    *("copyreg._reconstructor", "_codecs.encode", "functools.partial"),
)
"""Beginnings of names in Python's library that only hold data."""

CODE = (
    *("pip.", "setuptools.", "pkg_resources.", "IPython.", "cloudpickle.", "dill.", "joblib."),
    *("torch.load", "torch.hub.", "torch.jit.", "torch.package.", "torch.utils.", "torch._dynamo."),
    *("torch._inductor.", "torch.serialization.load", "torch.distributed.run", "numpy.load"),
    *("numpy.f2py.", "numpy.testing.", "numpy.distutils.", "requests.", "aiohttp.", "httpx."),
    *("yaml.", "pandas.read_", "pandas.eval"),
)
"""Beginnings of other names that can run code, open files or load more pickles."""

NO_DATA_TYPES = ("type", "super", "map", "filter", "property", "classmethod", "staticmethod")
"""Types in ``builtins`` that can be used to call a function."""


def globals_of_file(path: str) -> list[str]:
    """Return the names that a file's pickles ask for, such as ``posix.system``, each once.

    Args:
        path: a file of torch.save, or any pickle.
    """
    return list(dict.fromkeys(_names(_operations(path))))


def strings_of_file(path: str) -> list[str]:
    """Return the texts in a file's pickles."""
    return [argument for _, argument, _ in _operations(path) if isinstance(argument, str)]


def globals_of(file: IO[bytes]) -> list[str]:
    """Return the names that one pickle asks for, each once."""
    return list(dict.fromkeys(_names(_of_pickles(file, 1))))


def runs_code(name: str) -> bool:
    """Return True for a function or class that can run code, open files, or load more pickles.

    In Python's library, this is everything that is not known to hold data only.
    """
    module, _, attribute = name.rpartition(".")
    if module == "builtins":
        kind = getattr(builtins, attribute, None)
        return not isinstance(kind, type) or attribute in NO_DATA_TYPES
    if name.startswith(DATA):
        return False
    standard = module.partition(".")[0] in (*sys.stdlib_module_names, *sys.builtin_module_names)
    outdated = module in ("commands", "nt", "popen2")
    return (standard and module != "__main__") or outdated or name.startswith(CODE)


def pickle_protocol(path: str) -> int:
    """Return the protocol of a file's first pickle; 0 if it says none."""
    try:
        if is_zip(path):
            with zipfile.ZipFile(path) as archive:
                (name,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
                start = archive.open(name).read(2)
        else:
            with open(path, "rb") as file:
                start = file.read(2)
    except (OSError, *DAMAGED):
        return 0
    return start[1] if start[:1] == b"\x80" and len(start) == 2 else 0


def _operations(path: str) -> Iterator[Operation]:
    """Yield the operations of a file's pickles, as far as it can be read."""
    try:
        if not is_zip(path):
            with open(path, "rb") as file:
                yield from _of_pickles(file, MOST_PICKLES)
            return
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".pkl"):
                    with archive.open(name) as file:
                        yield from _of_pickles(file, 1)
    except (OSError, *DAMAGED):
        return


def _of_pickles(file: IO[bytes], pickles: int) -> Iterator[Operation]:
    """Yield the operations of pickles that follow each other, up to the first damaged one."""
    try:
        for _ in range(pickles):
            yield from pickletools.genops(file)
    except Exception:  # whatever a damaged pickle makes of pickletools
        return


def _names(operations: Iterable[Operation]) -> Iterator[str]:
    """Yield the names of functions and classes.

    Names on the stack are those of the last strings, or of memo entries that hold strings.
    """
    strings: list[str] = []
    memo: dict[int, str] = {}
    last: str | None = None
    for operation, argument, _ in operations:
        if operation.name in ("GLOBAL", "INST"):
            yield _current(*argument.split(" ", 1))
            last = None
        elif operation.name == "STACK_GLOBAL":
            yield _current(*strings[-2:])
            last = None
        elif operation.name == "MEMOIZE" or "PUT" in operation.name:
            number = len(memo) if argument is None else int(argument)
            memo[number] = last if last is not None else ""
        elif "GET" in operation.name:
            last = memo.get(int(argument)) or None
            strings += [last] if last else []
        elif isinstance(argument, str):
            strings.append(argument)
            last = argument
        else:
            last = None


def _current(module: str = "", name: str = "") -> str:
    """Return the name in Python 3 of what a pickle of protocol 2 names as Python 2 did."""
    module, name = _compat_pickle.NAME_MAPPING.get((module, name), (module, name))
    return f"{_compat_pickle.IMPORT_MAPPING.get(module, module)}.{name}"
