"""Entries of a checkpoint that may be the network's state dict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from landscape_cli.errors import CheckpointError, some

KEYS = ("state_dict", "model", "model_state_dict")
"""Keys under which most training scripts store the state dict, in the order of preference."""

AVERAGES = ("ema", "swa", "avg", "average", "shadow", "teacher", "best")
"""Words in the keys of weights other than those that were trained."""

NO_WEIGHTS = ("optim", "sched", "scaler", "rng", "loops", "callbacks_state", "amp")
"""Beginnings of keys whose tensors are not weights."""

EXTRA_STATE = "_extra_state"
"""Key in a state dict of what ``get_extra_state`` returns."""

DEEPEST = 3
"""Number of keys that lead to the deepest entry that is found by itself; others must be named."""

Entry = tuple[str, Mapping[str, Any]]
"""The dotted key of an entry, empty for the whole content, and the state dict."""


def as_state(value: Any) -> Mapping[str, Any] | None:
    """Return a value as a state dict; None if it is none.

    A state dict has names as keys and at least one tensor. Of a module, it is the module's own.
    """
    if isinstance(value, nn.Module):
        return value.state_dict()
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        return None
    return value if any(isinstance(one, Tensor) for one in value.values()) else None


def entries(content: Any) -> list[Entry]:
    """Return every entry that may be the state dict, the usual keys first and averages last.

    Args:
        content: what a file holds.
    """
    found = list(_search(content, ()))
    usual = [(".".join(keys), state) for keys, state in found if keys[-1:] and keys[0] in KEYS]
    usual.sort(key=lambda entry: (entry[0].count("."), KEYS.index(entry[0].partition(".")[0])))
    rest = [(".".join(keys), state) for keys, state in found if not keys or keys[0] not in KEYS]
    rest.sort(key=lambda entry: (is_average(entry[0]), entry[0].count(".")))
    return [*usual, *rest]


def named_entry(content: Any, key: str, path: str) -> Entry:
    """Return the entry with a dotted key.

    Raises:
        CheckpointError: if there is none, or it holds no tensors.
    """
    value = content
    parts = key.split(".")
    while parts:
        length = next((n for n in range(len(parts), 0, -1) if _has(value, parts[:n])), 0)
        if not length:
            raise CheckpointError(f"checkpoint: {path!r} has no entry {key!r}; {_listed(content)}")
        value, parts = _get(value, ".".join(parts[:length])), parts[length:]
    if (state := as_state(value)) is None:
        raise CheckpointError(
            f"checkpoint: the entry {key!r} of {path!r} is a {type(value).__name__} without "
            f"tensors by name; {_listed(content)}"
        )
    return key, state


def no_entry(content: Any, path: str) -> CheckpointError:
    """Return the error for a file without weights."""
    if remedy := getattr(content, "remedy", ""):
        return CheckpointError(f"checkpoint: {path!r}: {remedy}")
    keys = f" with the keys {some(list(content))}" if isinstance(content, Mapping) else ""
    return CheckpointError(
        f"checkpoint: {path!r} holds no state dict but a {type(content).__name__}{keys}; "
        f"expected a state dict, alone or under a key such as {', '.join(KEYS)}"
    )


def is_usual(key: str) -> bool:
    """Return True for a key under which most scripts store the state dict."""
    return key in KEYS


def is_average(key: str) -> bool:
    """Return True for a key of weights other than those that were trained, such as an EMA's."""
    words = key.lower().replace("-", "_").replace(".", "_").split("_")
    return any(word.startswith(AVERAGES) for word in words)


def _search(value: Any, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if (state := as_state(value)) is not None:
        yield keys, state
    if isinstance(value, Mapping) and len(keys) < DEEPEST:
        for key, inner in value.items():
            if _may_hold_weights(key, inner):
                yield from _search(inner, (*keys, key))


def _may_hold_weights(key: Any, inner: Any) -> bool:
    if not isinstance(key, str) or not isinstance(inner, Mapping | nn.Module):
        return False
    of_a_module = "." in key or key == EXTRA_STATE  # not an entry but a module's extra state
    return not of_a_module and not key.lower().startswith(NO_WEIGHTS)


def _has(value: Any, parts: list[str]) -> bool:
    key = ".".join(parts)
    if isinstance(value, list | tuple):
        return key.isdecimal() and int(key) < len(value)
    return isinstance(value, Mapping) and key in value


def _get(value: Any, key: str) -> Any:
    return value[int(key)] if isinstance(value, list | tuple) else value[key]


def _listed(content: Any) -> str:
    if remedy := getattr(content, "remedy", ""):
        return str(remedy)
    known = [key or "the whole file" for key, _ in entries(content)]
    return f"entries with weights: {some(known)}" if known else "it has none with weights"
