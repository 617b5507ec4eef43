"""Import of the user's problem from an import path in a configuration."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Mapping
from typing import Any

from landscape_cli.errors import LandscapeError, ProblemError, cause
from landscape_cli.problems.problem import Problem


def load_problem(path: str, args: Mapping[str, Any]) -> Problem:
    """Import ``module:callable`` and call it with keyword arguments.

    Modules in the current folder can be imported, as they can by a script in that folder.

    Args:
        path: import path, such as ``"my_package.problems:build"``.
        args: keyword arguments of the callable.

    Returns:
        The problem that the callable returned.

    Raises:
        ProblemError: if the path is malformed, the import or the call fails, or the callable
            returns something else; the message holds the cause and its place in the user's code.
    """
    build = load_callable(path, "problem", "my_problem:build")
    try:
        problem = build(**args)
    except LandscapeError:
        raise
    except (Exception, SystemExit) as error:
        call = f"{path}({', '.join(f'{key}={value!r}' for key, value in args.items())})"
        raise ProblemError(f"problem: {call} failed: {cause(error)}") from error
    if not isinstance(problem, Problem):
        raise ProblemError(
            f"problem: {path} returned a {type(problem).__name__}, "
            "expected a landscape_cli.problems.Problem"
        )
    return problem


def load_callable(path: str, key: str, example: str) -> Any:
    """Import ``module:callable``; modules in the current folder are found too.

    Args:
        path: the import path.
        key: the configuration key that it comes from, for messages.
        example: an example of such a path, for messages.

    Raises:
        ProblemError: if the path is malformed, the import fails, or the object is not callable.
    """
    if not re.fullmatch(r"[^\W\d][\w.]*:[^\W\d][\w.]*", path):
        raise ProblemError(f"{key}: got {path!r}, expected 'module:callable' such as {example!r}")
    module_name, _, attribute = path.partition(":")
    target = _import(key, path, module_name)
    for part in attribute.split("."):
        if not hasattr(target, part):
            raise ProblemError(f"{key}: {path!r}: {module_name} has no attribute {attribute!r}")
        target = getattr(target, part)
    if not callable(target):
        raise ProblemError(f"{key}: {path!r} is a {type(target).__name__}, expected a callable")
    return target


def _import(key: str, path: str, module: str) -> Any:
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise ProblemError(
            f"{key}: {path!r}: module {module} can't be imported: {cause(error)}"
        ) from error
