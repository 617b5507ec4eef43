"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])


def _remember(context: click.Context, parameter: click.Parameter, value: bool) -> bool:
    if value:
        context.find_root().meta["landscape.debug"] = True
    return value


def debug_option(function: Function) -> Function:
    """Add ``--debug``, which shows the traceback of an error."""
    return click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_remember,
        help="Show the traceback of an error.",
    )(function)
