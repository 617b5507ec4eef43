"""Tests of whether several threads may evaluate a model and an objective at once.

What is not known to be safe is refused: it is evaluated one batch after the other, as ever.
"""

from __future__ import annotations

import dis
import random
import types
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landscape_cli.evaluation.forward.convolutions.folding import identity
from landscape_cli.evaluation.forward.convolutions.hwnc import Convolution
from landscape_cli.evaluation.forward.in_place import Forward
from landscape_cli.problems.problem import Objective

HARMLESS = (type(None), bool, int, float, str, bytes, torch.dtype, Tensor, type, types.ModuleType)
"""Types of what a function may refer to: not changed by being read from several threads."""


def keeps_apart(model: nn.Module, objective: Objective, forward: Callable[[], Any]) -> bool:
    """Tell whether evaluations at the same time can't affect each other.

    The model must be plain Python without hooks, and the objective a function that refers to
    nothing that can change. A forward pass must leave the model and the random generators as they
    were.

    Args:
        model: the model, in eval mode.
        objective: the user's ``(model, batch) -> {name: Tensor[n]}``.
        forward: runs one small forward pass of them.
    """
    if not (all(map(_is_plain, model.modules())) and _is_pure(objective)):
        return False
    before, drawn = _contents(model), _random_states()
    try:
        with torch.no_grad():
            forward()
    except Exception:
        return False
    return _same(before, _contents(model)) and drawn == _random_states()


def _is_plain(module: nn.Module) -> bool:
    """Return True for a module of Python code that nothing else looks at or replaces."""
    hooks = (module._forward_pre_hooks, module._forward_hooks)
    compiled = isinstance(module, torch.jit.ScriptModule) or module._compiled_call_impl is not None
    forward = vars(module).get("forward", identity)
    replaced = forward is not identity and not isinstance(forward, (Convolution, Forward))
    return not (compiled or replaced or any(hooks))


def _is_pure(function: Any) -> bool:
    """Return True if a function has no state that a call could change.

    Closures and defaults are followed; other functions that it calls are not.
    """
    if isinstance(function, partial):
        given = (function.func, *function.args, *function.keywords.values())
        return all(_is_pure(one) for one in given)
    if isinstance(function, (tuple, frozenset)):
        return all(_is_pure(one) for one in function)
    if isinstance(function, (*HARMLESS, types.BuiltinFunctionType)):
        return True
    if not isinstance(function, types.FunctionType) or _assigns_outside(function.__code__):
        return False
    try:
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
    except ValueError:  # a name that has no value yet, and will change
        return False
    defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    return all(_is_pure(one) for one in (*cells, *defaults) if one is not function)


def _assigns_outside(code: types.CodeType) -> bool:
    """Return True if a function's code assigns to global or nonlocal names."""
    outside = {"STORE_GLOBAL", "DELETE_GLOBAL"}
    return any(
        step.opname in outside
        or (step.opname in ("STORE_DEREF", "DELETE_DEREF") and step.argval in code.co_freevars)
        for step in dis.get_instructions(code)
    )


def _contents(model: nn.Module) -> list[tuple[Any, int]]:
    """List what a model's modules hold, one level into containers, with versions of tensors."""
    return [
        (one, one._version if isinstance(one, Tensor) else 0)
        for module in model.modules()
        for value in list(vars(module).values())
        for one in _entries(value)
    ]


def _entries(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, (list, tuple, set)):
        yield from value


def _same(before: list[tuple[Any, int]], after: list[tuple[Any, int]]) -> bool:
    return len(before) == len(after) and all(
        one is other and version == later
        for (one, version), (other, later) in zip(before, after, strict=True)
    )


def _random_states() -> tuple[Any, ...]:
    """Return the states of the generators of PyTorch, NumPy and Python, comparable by ``==``."""
    _, keys, position, *rest = np.random.get_state()
    torch_state = torch.get_rng_state().numpy().tobytes()
    return torch_state, np.asarray(keys).tobytes(), position, rest, random.getstate()
