"""From an import path in a configuration to the user's problem."""

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

    Modules in the current folder import, as they would for a script that lies there.

    Args:
        path: import path, such as ``"my_package.problems:build"``.
        args: keyword arguments of the callable.

    Returns:
        The problem that the callable returned.

    Raises:
        ProblemError: if the path is malformed, does not import, its callable fails or returns
            something else; the message holds the cause and its place in the user's code.
    """
    build = load_callable(path, "problem", "my_problem:build")
    try:
        problem = build(**args)
    except LandscapeError:
        raise
    except (Exception, SystemExit) as error:
        given = ", ".join(f"{key}={value!r}" for key, value in args.items())
        raise ProblemError(f"problem: {path}({given}) failed: {cause(error)}") from error
    if not isinstance(problem, Problem):
        raise ProblemError(
            f"problem: {path} returned a {type(problem).__name__}, "
            "expected a landscape_cli.problems.Problem"
        )
    return problem


def load_callable(path: str, key: str, example: str) -> Any:
    """Import ``module:callable``, from the current folder too.

    Args:
        path: the import path.
        key: the configuration's key that has it, for messages.
        example: such a path, for messages.

    Raises:
        ProblemError: if the path is malformed, does not import or is no callable.
    """
    if not re.fullmatch(r"[^\W\d][\w.]*:[^\W\d][\w.]*", path):
        raise ProblemError(f"{key}: got {path!r}, expected 'module:callable' such as {example!r}")
    module_name, _, attribute = path.partition(":")
    found = _import(key, path, module_name)
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise ProblemError(f"{key}: {path!r}: {module_name} has no attribute {attribute!r}")
        found = getattr(found, part)
    if not callable(found):
        raise ProblemError(f"{key}: {path!r} is a {type(found).__name__}, expected a callable")
    return found


def _import(key: str, path: str, module: str) -> Any:
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise ProblemError(
            f"{key}: {path!r}: module {module} does not import: {cause(error)}"
        ) from error
