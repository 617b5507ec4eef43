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
    if not re.fullmatch(r"[^\W\d][\w.]*:[^\W\d][\w.]*", path):
        raise ProblemError(
            f"problem: got {path!r}, expected 'module:callable' such as 'my_problem:build'"
        )
    module_name, _, attribute = path.partition(":")
    build: Any = _import(path, module_name)
    for part in attribute.split("."):
        if not hasattr(build, part):
            raise ProblemError(f"problem: {path!r}: {module_name} has no attribute {attribute!r}")
        build = getattr(build, part)
    if not callable(build):
        raise ProblemError(f"problem: {path!r} is a {type(build).__name__}, expected a callable")
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


def _import(path: str, module: str) -> Any:
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise ProblemError(
            f"problem: {path!r}: module {module} does not import: {cause(error)}"
        ) from error
