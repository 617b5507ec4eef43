"""Words for files that torch.load refuses: the fault, and the remedy."""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Sequence
from typing import Any

import torch

from landscape_cli.errors import CheckpointError, some
from landscape_cli.problems.checkpoints.pickled_globals import (
    globals_of_file,
    pickle_protocol,
    runs_code,
    strings_of_file,
)
from landscape_cli.problems.checkpoints.zip_records import DAMAGED

LOADABLE_PROTOCOL = 2
"""Pickle protocol of torch.save, the only one that ``weights_only`` reads."""

BUILT_IN = (
    *("collections.OrderedDict", "collections.Counter", "_codecs.encode", "builtins.set"),
    *("builtins.bytearray", "builtins.complex"),
    *("torch._utils.", "torch.serialization._get_layout", "torch._tensor._rebuild_from_type_v2"),
    "torch.nn.parameter.Parameter",
)
"""Beginnings of the names that ``weights_only`` allows; so are torch's own types and dtypes."""

ALIASES = (("pathlib._local.", "pathlib."), ("numpy.core.", "numpy._core."))
"""Beginnings of names that moved between versions, with those they have now."""

NUMPY_TYPES = {
    **{"f2": "Float16", "f4": "Float32", "f8": "Float64", "b1": "Bool", "i1": "Int8"},
    **{"i2": "Int16", "i4": "Int32", "i8": "Int64", "u1": "UInt8", "u4": "UInt32", "u8": "UInt64"},
}
"""Classes of NumPy's dtypes by the code that a pickle has for them."""

SHARDS = ("torch.distributed.tensor.", "torch.distributed._tensor.", "torch.distributed._shard.")
"""Beginnings of the names of classes for tensors of which each rank has a part."""

DOCS = "docs/checkpoints.md"


def refusal(path: str, error: Exception) -> CheckpointError:
    """Return the error that says in one line why a file can't be loaded.

    Args:
        path: the file.
        error: the exception of torch.load.
    """
    if _is_script(path):
        return CheckpointError(
            f"checkpoint: {path!r} is a TorchScript archive, which holds code and is not run; save "
            "the state dict alone: torch.save(torch.jit.load(PATH).state_dict(), ...)"
        )
    names = globals_of_file(path)
    if code := [name for name in names if runs_code(name)]:
        return code_refusal(path, code)
    if isinstance(error, OSError):
        return CheckpointError(f"checkpoint: can't read {path!r}: {error.strerror}")
    if any(name.startswith(SHARDS) for name in names):
        return CheckpointError(
            f"checkpoint: {path!r} holds one rank's shards of tensors (DTensor); save the full "
            "state dict, or name a folder of torch.distributed.checkpoint"
        )
    refused = "lobal" in str(error) or "allowlisted" in str(error)
    if refused and (objects := [name for name in names if not _allowed(name)]):
        return objects_refusal(path, objects)
    if built := re.search(r"but got <class '([\w.]+)'>", str(error)):
        return objects_refusal(path, [built[1]])
    if (protocol := pickle_protocol(path)) > LOADABLE_PROTOCOL:
        return CheckpointError(
            f"checkpoint: {path!r} was pickled with protocol {protocol}, of which torch loads no "
            "weights safely; save it again with torch.save(...) and its default protocol"
        )
    return CheckpointError(
        f"checkpoint: {path!r} is not a PyTorch checkpoint, or is damaged ({_brief(error)})"
    )


def code_refusal(path: str, names: Sequence[str]) -> CheckpointError:
    """Return the error for a pickle that asks for functions which run code."""
    return CheckpointError(
        f"checkpoint: {path!r} is a pickle that wants to run code: it asks for {some(names)}; "
        "nothing of it was run; do not load it unless you know who made it"
    )


def objects_refusal(path: str, names: Sequence[str]) -> CheckpointError:
    """Return the error for objects besides tensors, with the safe way to allow them."""
    whole = any(name.startswith("torch.nn.") for name in names)
    own = [name for name in names if not name.startswith("torch.")] or list(names)
    if whole:
        return CheckpointError(
            f"checkpoint: {path!r} holds a whole pickled model ({some(own)}), which is not loaded, "
            "since that can run code; save its state dict alone, torch.save(model.state_dict(), "
            f"...), or allow its classes with torch.serialization.add_safe_globals ({DOCS})"
        )
    listed = ", ".join(_expression(name) for name in _complete(names, path))
    return CheckpointError(
        f"checkpoint: {path!r} holds objects besides tensors ({some(names)}), which are not loaded "
        "unless you allow them; if you trust the file, put torch.serialization."
        f"add_safe_globals([{listed}]) into the problem's module, or save the state dict alone "
        f"({DOCS})"
    )


def allowed_by_user() -> dict[str, Any]:
    """Return the functions and classes of ``add_safe_globals`` by their names in files."""
    allowed: Sequence[Any] = getattr(torch.serialization, "get_safe_globals", list)()
    pairs = (
        one[::-1] if isinstance(one, tuple) else (f"{one.__module__}.{one.__qualname__}", one)
        for one in allowed
    )
    return dict(pairs)


def _allowed(name: str) -> bool:
    """Return True for names that torch or the user allows."""
    if name.startswith(BUILT_IN) or re.fullmatch(r"torch\.(\w+\.)?\w*(Storage|Tensor)", name):
        return True
    if re.fullmatch(r"torch\.\w+", name) and not hasattr(getattr(torch, name[6:], 0), "__code__"):
        return True
    return name in allowed_by_user()


def _complete(names: Sequence[str], path: str) -> list[str]:
    """Add the classes of dtypes to the names of NumPy's scalars, which need them."""
    if "numpy.dtype" not in names:
        return list(names)
    codes = [code for code in NUMPY_TYPES if code in strings_of_file(path)] or ["f8"]
    return [*names, *(f"numpy.dtypes.{NUMPY_TYPES[code]}DType" for code in codes)]


def _expression(name: str) -> str:
    """Return how an object is written in ``add_safe_globals``: under the name in the file."""
    now = name
    for old, new in ALIASES:
        if name.startswith(old) and not _found(name):
            now = name.replace(old, new, 1)
    module, _, attribute = now.rpartition(".")
    if module == "__main__":
        return f'({attribute}, "{name}")'
    written = attribute if module == "builtins" else now
    return written if now == name else f'({written}, "{name}")'


def _found(name: str) -> bool:
    """Return True if an object has this very name in this process."""
    module, _, attribute = name.rpartition(".")
    if module not in sys.modules:
        return True
    return getattr(getattr(sys.modules[module], attribute, None), "__module__", "") == module


def _is_script(path: str) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (OSError, *DAMAGED):
        return False


def _brief(error: Exception) -> str:
    """Return the part of an error of torch.load that says what is wrong, as a short phrase."""
    text = str(error).partition("WeightsUnpickler error:")[2] or str(error)
    if "weights_only" in text.splitlines()[0] if text.strip() else False:
        text = ""
    line = next(iter(text.strip().splitlines()), "") or type(error).__name__
    sentence = re.split(r"\. |; ", line)[0]
    return sentence if len(sentence) <= 160 else type(error).__name__
